#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In the place of node 2 somebody else speaks to the leader: no messages, then
# damaged ones, then valid ones of what there is no more. Connections end or
# messages are dropped, each is counted, the log has a line for a connection;
# the volume, which has its quorum without node 2, serves all the time.
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="hostile frames, foreign nodes, stale sessions"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

hostile() { at n1 timeout 250 python3 "$QBD_VM/hostile.py" "$1"; }

# lines PATTERN: how many the kernel said about the links to node 2.
lines() { kernel_log | grep --count "node=1 peer=2 link=[01] $1" || true; }

three_nodes 256
three_create 7 64 64
# so that there are terms before
echo 4 >/run/three.term
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
# who would replace the links
three_unlink n1
# slow enough for logs that hold what the real node 2 misses meanwhile
ledger_write "$DEV" --pause "$(amount 20 200)"
ledger_grows 60 50

check "what is no message, who is no peer" hostile wire
check "writes go on" ledger_grows 60 50
told=$(lines down:)
log "$told lines about connections that ended"
check "the log names some" test "$told" -ge 5
check "and none of 24 connections twice" test "$told" -le 25
# the real node 2 may have said something as its connection was taken: term 5
check "no stale message so far" test "$(lines 'stale: .* term=1 ')" = 0
before=$(lines stale:)

check "what is of something that is gone" hostile stale
check "writes go on" ledger_grows 60 50
told=$(($(lines stale:) - before))
check "a line for each of two connections at most" \
	test "$told" -ge 1 -a "$told" -le 2

ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
check "every acknowledged block is there" ledger_check "$DEV"
three_links n1
check "the real node 2 is in sync again" wait_until 300 three_in_sync n1 3
check "detach" three_detach n1 7
