#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The test disk loses power, lies and goes away exactly as it is told to:
# what crash and fault tests stand on. The checks are in tests/testdisk.
# TIMEOUT=300
DESCRIPTION="the test disk: durability, power cuts, snapshots, faults"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
/usr/bin/python3 "${QBD_TOP:?}/tests/testdisk/selftest.py"
