#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A copy that lost a part of its log to rot gets what it lacks from the others,
# but has no vote: a promise may have been lost with it. It is given its vote
# back by who knows the highest term that was ever given out.
#
#	1. n3 rots		2. n1 and n3 are no quorum
#	3. n3 votes, they are	4. it still votes when it comes back
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a copy without a vote gets it back"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=32M
THREE_LEASE_MS=3000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# says PATTERN: what n3 says of its copy.
says()
{
	local shown
	shown=$(at n3 qbdctl kernel replica list)
	echo "$shown"
	grep --quiet -- "$1" <<<"$shown"
}

floor()
{
	at n3 qbdctl kernel replica floor "$@"
}

# shellcheck disable=SC2119
load_testdisk
three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
# as fast as it can it is ahead by a log before n3 is back, for good
ledger_write "$DEV" --blocks 256 --pause 60
ledger_grows 200 300

three_crash n3
PYTHONPATH=$QBD_TOP/tests/testdisk:$QBD_VM python3 "$QBD_VM/logflip.py" n3
three_start n3
wait_until 60 three_linked n3
check "it gets what it lacks" wait_until 60 three_in_sync n1 3
check "and has no vote" says recovering

three_crash n2
check "with it there is no quorum" wait_until 60 three_state n1 suspended
refuse "it has promised: there was a term" says="its volume is not new" \
	floor --id 7003 --term 0
refuse "nor above all terms" code=2 says="a term up to" \
	floor --id 7003 --term 9223372036854775808
refuse "nor of a copy that is elsewhere" says="no such replica" \
	floor --id 7001 --term 1
check "the highest term is known" \
	floor --id 7003 --term "$(cat /run/three.term)"
check "now there is one" wait_until 60 three_state n1 serving
check "it votes" wait_until 20 says in-sync
ledger_grows 100 100

three_start n2
check "all copies are in sync" wait_until 60 three_in_sync n1 3
three_crash n3
three_start n3
wait_until 60 three_linked n3
check "it still votes" says in-sync
check "all copies are in sync" wait_until 60 three_in_sync n1 3
three_crash n2
ledger_grows 100 100
ledger_stop
check "nobody saw an error" test "$LEDGER_CODE" = 143
check "every acknowledged block is there" ledger_check "$DEV"
