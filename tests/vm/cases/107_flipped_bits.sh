#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each region of a store gets a flipped bit: superblocks, log, metadata, homes.
# It is found and named, or survived by the other copy; wrong data is read
# from nowhere but a home block, which has no checksum. The work is in flips.py.
# DEBUG=long
# TIMEOUT=200
# LONG=1500
DESCRIPTION="a flipped bit in each region of a store is found"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
one_node
/usr/bin/python3 "${QBD_VM:?}/flips.py" "$(amount 1 1 20 5)" \
	"${QBD_SEED:-$RANDOM}"
