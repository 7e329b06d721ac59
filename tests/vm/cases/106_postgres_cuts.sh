#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A database commits rows on a volume whose disk is recorded; then the power is
# cut at many operations of that past. Each time the database must come back
# with every row that it had acknowledged. The work is in pgcuts.py.
# DEBUG=long
# TIMEOUT=400
# LONG=7200
DESCRIPTION="PostgreSQL loses no acknowledged row in power cuts"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires mkfs.ext4 psql setpriv
compgen -G '/usr/lib/postgresql/*/bin/postgres' >/dev/null ||
	skip "no PostgreSQL"

load ext4
# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
one_node
/usr/bin/python3 "${QBD_VM:?}/pgcuts.py" "$(amount 4 2 200 20)" \
	"$(amount 60 20 200 40)" "${QBD_SEED:-$RANDOM}"
