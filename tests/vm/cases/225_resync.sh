#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A copy that missed more than any log has becomes a copy of another one, while
# somebody writes, and then holds the volume with only one other: everything
# that was acknowledged is there, and each byte the same. It is killed or stopped
# meanwhile, or its source or the leader is killed; in a short run one of these,
# which the seed chooses.
#
#	ledger -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=600
# LONG=1200
DESCRIPTION="a copy that no log reaches is copied from another one"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# behind superblocks and log: checkpoints write there, and resyncs
HOME_SECTOR=$((17 * 2048))

# die NODE: its power goes; what its disk had not flushed is up to the seed.
die()
{
	td_crash "$1" seed="${QBD_SEED:-1}"
	three_crash "$1"
	td_clear "$1"
	td_revive "$1"
}

# flood: more than twice what the logs hold, and discards.
flood()
{
	dd if=/dev/urandom of="$DEV" bs=1M count=40 seek=8 oflag=direct \
		conv=nocreat status=none
	blkdiscard --offset $((40 << 20)) --length $((4 << 20)) "$DEV"
}

# resyncs NODE: what it leads has a member that is copied.
resyncs()
{
	local shown
	shown=$(at "$1" qbdctl kernel shard list)
	echo "$shown"
	grep --quiet --word-regexp resync <<<"$shown"
}

# out_of_reach: n3 goes, the logs of the others leave it behind, and it comes
# back; what it is sent first does not get to its disk.
out_of_reach()
{
	die n3
	flood
	td_fault n3 stall op=write from=$HOME_SECTOR
	three_start n3
	check "n3 is being copied" wait_until 120 resyncs n1
	td_wait_held n3 60
}

# on: n3 may write again.
on()
{
	td_clear n3
	td_release n3
}

in_sync()
{
	check "n3 is in sync again" wait_until 180 three_in_sync "$1" 3
}

target_dies()
{
	out_of_reach
	die n3
	check "its store is sound" qbdctl store check "${THREE_DEV}3"
	three_start n3
	in_sync n1
}

# Stopped in order, its disk so slow that the resync is not over.
target_stops()
{
	out_of_reach
	td_latency n3 write_ns=50000000
	on
	three_unlink n3
	check "n3 stops" at n3 qbdctl kernel node stop --id 3
	td_latency n3 write_ns=0
	check "its store is sound" qbdctl store check "${THREE_DEV}3"
	three_start n3
	in_sync n1
}

# The leader's own replica helps; then there is a quorum again.
source_dies()
{
	out_of_reach
	die n2
	on
	check "n1 has n3 again" wait_until 180 three_in_sync n1 2
	ledger_grows 60 20
	three_start n2
	in_sync n1
}

leader_dies()
{
	out_of_reach
	die n1
	# a disk that does not answer for half a minute has failed
	on
	ledger_wait
	check "the writer got an error" test "$LEDGER_CODE" = 1
	three_start n1
	check "n2 takes over" three_attach n2 7 64 64
	DEV=$(three_dev)
	in_sync n2
	check "what was acknowledged is there" ledger_check "$DEV"
	check "n1 takes over" three_attach n1 7 64 64
	DEV=$(three_dev)
	in_sync n1
	ledger_write "$DEV" --blocks 512 --pause 20
}

# shellcheck disable=SC2119
load_testdisk
three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3

ledger_write "$DEV" --blocks 512 --pause 20
ledger_grows 60 50
flood
phases=(target_dies source_dies leader_dies target_stops)
for ((i = 0; i < $(amount 1 1 4 4); i++)); do
	phase=${phases[$(((${QBD_SEED:-1} + i) % 4))]}
	log "$phase"
	$phase
done
ledger_grows 60 20
ledger_stop
check "what was acknowledged is there" ledger_check "$DEV"
sum=$(md5sum <"$DEV")

# n3, with what it was sent, and n2
three_crash n1
check "n3 takes over" three_attach n3 7 64 64
DEV=$(three_dev)
check "what was acknowledged is there" ledger_check "$DEV"
check "and all the other bytes" test "$sum" = "$(md5sum <"$DEV")"
three_start n1
check "n1 is in sync again" wait_until 120 three_in_sync n3 3
check "detach" three_detach n3 7
