#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Not a test: bad/ is what 004_verdicts shows to the runner.
DESCRIPTION="refusals that do not come, or are none"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

refuse "true is refused" true
refuse "not understood" bash -c 'echo usage; exit 2'
refuse "not found" no-such-program
refuse "not in time" timeout 0.1 cat <>/dev/ptmx
refuse "killed" bash -c 'kill -KILL $$'
refuse "for another reason" says=this bash -c 'echo that; exit 1'
refuse "with another exit code" code=2 false
check "a refusal" true
refuse "as wanted" false
refuse "in these words" says="^th[ai]t" bash -c 'echo that; exit 1'
refuse "not understood, as wanted" code=2 says=usage \
	bash -c 'echo usage; exit 2'
