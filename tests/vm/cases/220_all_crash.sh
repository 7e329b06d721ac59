#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All three nodes lose power at once, again and again, while blocks are being
# written: their disks keep what was flushed, and of the rest what the seed
# says; the write that just arrived is torn. Each time others come back first,
# and one of them takes over before the last one is there.
#
# The disks are slow when that happens: what is acknowledged before it is on
# stable media of two of them has some 50 ms to be lost in. One of them is in a
# checkpoint whose flush hangs: what it has written home is lost, or some of it.
#
#	ledger (4 writers), fio -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=600
DESCRIPTION="power cuts of all nodes at once lose nothing acknowledged"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
requires fio

# load_fio: writes of all sizes, behind the ledger's blocks and in the other
# shard; nobody checks them, they are there to be under way.
load_fio()
{
	fio --name=load --filename="$DEV" --direct=1 --ioengine=libaio \
		--rw=randwrite --bsrange=4k-64k --iodepth=8 --offset=8M \
		--size=88M --time_based --runtime=600 --minimal \
		>/dev/null 2>&1 &
	fio=$!
}

# disks_take MILLISECONDS: for each write
disks_take()
{
	local node
	for node in n1 n2 n3; do
		td_latency $node write_ns="$1"000000
	done
}

# unflushed NODE SECTORS: so many are only in its disk's cache.
unflushed()
{
	local sectors
	sectors=$(td_stat "$1" unflushed_sectors)
	echo "$sectors unflushed"
	[[ $sectors -ge $2 ]]
}

# in_checkpoint NODE: 128 KiB of it are written home, and not flushed.
in_checkpoint()
{
	td_fault "$1" stall op=flush >/dev/null
	wait_until 100 unflushed "$1" 256
}

# power_cut SEED: each disk when its next write comes, so that one is under way;
# there may be none for the last one, without the others.
power_cut()
{
	local node
	inflight=0 lost=0
	for node in n1 n2 n3; do
		td_crash_after $node 1 seed="$1"
	done
	td_wait n1 state crashed
	for node in n2 n3; do
		td_wait $node state crashed 2 || td_crash $node seed="$1"
	done
	for node in n1 n2 n3; do
		three_crash $node
		td_clear $node
		td_revive $node
		lost=$((lost + $(td_stat $node crash_lost)))
		inflight=$((inflight + $(td_stat $node crash_inflight)))
		log "$node: $(td_stat $node crash_lost) sectors lost," \
			"$(td_stat $node crash_kept) kept," \
			"$(td_stat $node crash_inflight) requests in flight"
	done
}

# The first one leads, the last one is late: each node is each of them once.
orders=("n2 n3 n1" "n3 n1 n2" "n1 n2 n3" "n3 n2 n1" "n1 n3 n2" "n2 n1 n3")

# power_on FIRST SECOND LAST
power_on()
{
	three_start "$1"
	three_start "$2"
	check "$1 takes over" three_attach "$1" 7 128 64
	DEV=$(three_dev)
	check "every acknowledged block is there" ledger_check "$DEV"
	three_start "$3"
	check "all copies are in sync" wait_until 120 three_in_sync "$1" 6
}

# shellcheck disable=SC2119
load_testdisk
three_nodes 512
three_create 7 128 64
three_attach n1 7 128 64
wait_until 60 three_in_sync n1 6
for ((round = 0; round < $(amount 1 1 6 6); round++)); do
	ledger_write "$DEV" --blocks 256
	load_fio
	ledger_grows 200 200
	disks_take 50
	# the leader's, or one of the others'
	in_checkpoint n$(((${QBD_SEED:-1} + round) % 3 + 1))
	ledger_grows 200 20
	power_cut "${QBD_SEED:-1}$round"
	disks_take 0
	check "writes were under way" test "$inflight" -gt 0
	check "and some were lost" test "$lost" -gt 0
	ledger_wait
	check "the writer got an error" test "$LEDGER_CODE" = 1
	wait "$fio" || true
	# shellcheck disable=SC2086
	power_on ${orders[round]}
done
check "still there" ledger_check "$DEV"
