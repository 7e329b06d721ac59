#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
DESCRIPTION="a command fails"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

broken()
{
	false
	true
}
check "errexit holds inside a check" broken
check "and inside of what is quiet" quiet broken
false
echo "not reached"
