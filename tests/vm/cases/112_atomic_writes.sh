#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the queue says of atomic writes is true: writes of up to 1 MiB with
# RWF_ATOMIC are taken, others refused, and a power cut leaves each of them
# whole or not at all. The work is in atomic.py.
# DEBUG=long
# TIMEOUT=200
# LONG=2000
DESCRIPTION="atomic writes of 1 MiB are whole after power cuts"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
one_node
/usr/bin/python3 "${QBD_VM:?}/atomic.py" "$(amount 8 4 300 60)" \
	"${QBD_SEED:-$RANDOM}"
