#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A store's disk is recorded under writers, discards and checkpoints; then the
# power is cut at many operations of that past, each time with other unflushed
# sectors kept and the operation that arrives torn. The work is in cuts.py. $QBD_POINTS: how many
# ("make sweep").
# DEBUG=long
# TIMEOUT=300
# LONG=3000
DESCRIPTION="power cuts: nothing acknowledged is lost, nothing is torn"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
one_node
/usr/bin/python3 "${QBD_VM:?}/cuts.py" \
	"${QBD_POINTS:-$(amount 16 8 1000 200)}" "${QBD_SEED:-$RANDOM}"
