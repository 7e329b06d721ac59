#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
DESCRIPTION="takes the machine along"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

echo c >/proc/sysrq-trigger
wait_until 60 false
