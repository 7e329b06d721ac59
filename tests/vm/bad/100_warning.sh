#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
DESCRIPTION="the kernel warns"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

echo "WARNING: CPU: 0 PID: 1 at nowhere" >/dev/kmsg
check "the case itself is content" true
