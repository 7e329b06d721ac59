#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
#
# TIMEOUT=8
DESCRIPTION="does not end"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

wait_until 600 false
