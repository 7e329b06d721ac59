#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
DESCRIPTION="finds a clean machine after that"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

check "no namespace of the case before" test ! -e /run/netns/stray
