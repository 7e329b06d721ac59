#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Reads that the leader's own copy can not serve are served by another one; of
# which nobody who reads sees anything. With reads=quorum a leader that a
# majority can not reach answers none.
#
#	1. its log gives wrong bytes	2. its disk reads nothing
#	3. it is not in sync		4. reads=quorum, and cut off
# DEBUG=long
# TIMEOUT=600
DESCRIPTION="reads: bad copies are replaced by good ones, reads=quorum"
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

# attach NODE [OPTION...]
attach()
{
	check "attach on $1" three_attach "$1" 7 128 64 "${@:2}"
	DEV=$(three_dev)
}

# some_writes: newer versions of all blocks.
some_writes()
{
	ledger_write "$DEV" --blocks 256
	ledger_grows 200 600
	ledger_stop
	[[ $LEDGER_CODE == 143 ]]
}

# first_shard FIELD: what n1 says of its copy of it.
first_shard()
{
	at n1 qbdctl kernel replica list --json |
		sed -n "s/.*\"shard\": 0\\b.*\"$1\": \\([0-9]*\\)\\b.*/\\1/p"
}

# home INDEX: the records up to there are no longer read from the log.
home()
{
	[[ $(first_shard applied_index) -ge $1 ]]
}

hit()
{
	local hits
	hits=$(td_hits n1 "$1")
	echo "$hits hits"
	[[ $hits -gt 0 ]]
}

# others_serve WHAT FAULT...: all reads are good although n1's are not.
others_serve()
{
	local fault
	fault=$(td_fault n1 "${@:2}" op=read)
	check "$1: what is read is right" ledger_check "$DEV"
	check "$1: n1's own copy was not" hit "$fault"
	td_clear n1 id="$fault"
	check "$1: all copies are in sync" wait_until 60 three_in_sync n1 6
}

# bad_log: a node that was restarted has no records in memory.
bad_log()
{
	three_crash n1
	three_start n1
	wait_until 60 three_linked n1
	attach n1
	wait_until 60 three_in_sync n1 6
	others_serve "a bad log" flip byte=100 bit=3
}

bad_home()
{
	local last
	last=$(first_shard last_index)
	dd if=/dev/zero of="$DEV" bs=1M seek=8 count=16 oflag=direct \
		conv=nocreat status=none
	wait_until 60 home "$last"
	others_serve "a bad home" eio
}

# not_in_sync: n1 leads, its own copy lacks writes, and can not get them.
not_in_sync()
{
	local stall eio
	check "detach" three_detach n1 7
	three_crash n1
	attach n2
	some_writes
	check "detach" three_detach n2 7
	three_start n1
	wait_until 60 three_linked n1
	stall=$(td_fault n1 stall op=write)
	eio=$(td_fault n1 eio op=read)
	attach n1
	wait_until 60 three_in_sync n1 4
	check "what is read is new" ledger_check "$DEV"
	check "no old copy was read" test "$(td_hits n1 "$eio")" = 0
	check "n1's copy is not in sync" three_in_sync n1 4
	td_clear n1 id="$eio"
	td_clear n1 id="$stall"
	td_release n1
	check "all copies are in sync" wait_until 60 three_in_sync n1 6
	check "detach" three_detach n1 7
}

# quorum: a majority is needed, from the moment of the cut on.
quorum()
{
	local old reader code
	attach n1 --reads quorum
	old=$DEV
	wait_until 60 three_in_sync n1 6
	sever_both n1 n3
	check "a majority confirms reads" ledger_check "$old"
	# at once: n1's lease still runs
	sever n1 n2
	dd if="$old" of=/dev/null bs=4K count=1 iflag=direct 2>/run/stale &
	reader=$!
	sever n2 n1
	attach n2 --reads quorum
	some_writes
	check "who is cut off answers nothing" kill -0 "$reader"
	heal n1 n2
	heal n1 n3
	wait "$reader" && code=0 || code=$?
	log "$(cat /run/stale)"
	check "then comes an error, not an old version" test "$code" = 1
	check "every acknowledged block is there" ledger_check "$DEV"
	check "the former leader's device can be detached" three_detach n1 7
	check "all copies are in sync" wait_until 60 three_in_sync n2 6
	check "detach" three_detach n2 7
}

on_exit rm -f /run/stale
# shellcheck disable=SC2119
load_testdisk
three_nodes 256
three_create 7 128 64
attach n1
wait_until 60 three_in_sync n1 6
some_writes
bad_log
bad_home
not_in_sync
quorum
