#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
DESCRIPTION="leaves a namespace behind"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

ip netns add stray
