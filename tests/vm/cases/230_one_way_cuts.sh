#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Cuts in one direction, and a leader that is alone. That one node does not
# hear another is no reason to stop, or to let two of them write.
#
#	1. n1 -x-> n3		the follower does not hear the leader
#	2. n3 -x-> n1		the leader does not hear the follower
#	3. n2, n3 -x-> n1	the leader is deaf, n2 takes over
#	4. n2 <-x-> n1, n3	the leader is alone, n3 takes over (only --long)
#
# The ledger's writers pause: what they write during a cut has to fit into the
# logs on a quick machine too. The other shard has one record of each term.
# DEBUG=long
# TIMEOUT=600
DESCRIPTION="one-way cuts do not stop writes; a cut off leader is replaced"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# A connection counts as dead after three leases of silence.
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# load_begin: the ledger's writers, on what is $DEV now.
load_begin()
{
	ledger_write "$DEV" --blocks 256 --pause 60
	writer=$LEDGER_WRITER
	ledger_grows 200 50
}

# one_way WHAT FROM TO: writes go on through a cut; then it is as before.
one_way()
{
	sever "$2" "$3"
	check "$1: it drops out" wait_until 60 three_in_sync n1 4
	check "$1: writes go on" ledger_grows 200 50
	heal n1 n3
	check "$1: healed, it is in sync" wait_until 60 three_in_sync n1 6
}

# cut_off OLD COMMAND: the leader, by sever or sever_both from the others;
# leaves $count, and a reader that waits.
cut_off()
{
	local node
	for node in n1 n2 n3; do
		[[ $node == "$1" ]] || "$2" $node "$1"
	done
	wait_until 60 three_state "$1" suspended
	count=$(ledger_count)
	old=$DEV
	ledger_read "$old" 0 >/run/stale 2>&1 &
	reader=$!
}

# taken_over NEW: it leads, the old one has answered nothing since.
taken_over()
{
	local lone=$writer
	check "$1 takes over" three_attach "$1" 7 128 64
	DEV=$(three_dev)
	check "every acknowledged block is there" ledger_check "$DEV"
	check "nothing was acknowledged meanwhile" test "$(ledger_count)" = "$count"
	load_begin
	check "the old writer waits" kill -0 "$lone"
	check "and the old reader" kill -0 "$reader"
	old_writer=$lone
}

# fenced OLD NEW: it hears of the new one.
fenced()
{
	local node code
	for node in n1 n2 n3; do
		[[ $node == "$1" ]] || heal $node "$1"
	done
	wait "$old_writer" && code=0 || code=$?
	check "the old writer gets an error" test "$code" = 1
	wait "$reader" && code=0 || code=$?
	log "$(cat /run/stale)"
	check "the old reader gets an error, not an old version" \
		test "$code" = 1
	refuse "$1 answers no read" says="^ledger: " ledger_read "$old" 0
	check "$1 is fenced" wait_until 60 three_state "$1" fenced
	check "its device can be detached" three_detach "$1" 7
	check "all copies are in sync" wait_until 60 three_in_sync "$2" 6
	check "writes go on" ledger_grows 200 50
}

on_exit rm -f /run/stale
three_nodes 256
three_create 7 128 64
three_attach n1 7 128 64
wait_until 60 three_in_sync n1 6
load_begin
one_way "n3 is deaf" n1 n3
one_way "n3 is mute" n3 n1
last=n2
cut_off n1 sever
taken_over n2
fenced n1 n2
if [[ $(amount 0 0 1 1) == 1 ]]; then
	last=n3
	cut_off n2 sever_both
	taken_over n3
	fenced n2 n3
fi
ledger_stop
check "the last writer did well" test "$LEDGER_CODE" = 143
check "every acknowledged block is there" ledger_check "$DEV"
check "detach" three_detach $last 7
