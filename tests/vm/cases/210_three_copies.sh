#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three copies over TCP: writes go on while a follower is dead, it catches up
# when it is back, and when the leader dies another node has every block that
# was acknowledged.
# DEBUG=long
# TIMEOUT=600
DESCRIPTION="three copies survive a follower and the leader"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
requires fio

# ledger FIRST: numbers blocks from FIRST on, notes what was acknowledged.
ledger()
{
	local i
	for ((i = $1; i < 8192; i++)); do
		printf '%-4096d' "$i" | dd of="$DEV" bs=4K count=1 seek="$i" \
			oflag=direct iflag=fullblock conv=nocreat status=none ||
			return
		echo "$i" >/dev/shm/acked
	done
}

acked() { [[ -e /dev/shm/acked && $(cat /dev/shm/acked) -ge $1 ]]; }

# there: each block up to the last acknowledged one has its number.
there()
{
	local last i block
	last=$(cat /dev/shm/acked)
	log "$last acknowledged"
	for ((i = 0; i <= last; i++)); do
		block=$(dd if="$DEV" bs=4K count=1 skip="$i" iflag=direct \
			status=none)
		[[ ${block%% *} == "$i" ]]
	done
}

verified()
{
	fio --name=v --filename="$DEV" --direct=1 --ioengine=libaio \
		--rw=randwrite --bsrange=4k-256k --iodepth=16 --size=48M \
		--io_size=12M --verify=crc32c --do_verify=1 --verify_fatal=1 \
		--randrepeat=0 --minimal
}

three_nodes 512
on_exit rm -f /dev/shm/acked
check "three replicas of two shards" three_create 7 128 64
check "attached" three_attach n1 7 128 64
DEV=$(three_dev)
wait_until 60 three_in_sync n1 6
check "fio verifies what it wrote" verified
ledger 0 &
writer=$!
wait_until 200 acked 20
check "a follower dies" three_crash n3
before=$(cat /dev/shm/acked)
wait_until 200 acked $((before + 20))
check "writes went on" acked $((before + 20))
wait_until 60 three_in_sync n1 4
wait_until 60 three_start n3
check "it comes back" wait_until 60 three_linked n3
check "and catches up" wait_until 120 three_in_sync n1 6
check "the leader dies" three_crash n1
wait "$writer" && code=0 || code=$?
check "the writer got an error" test "$code" = 1
check "another node takes over" three_attach n2 7 128 64
DEV=$(three_dev)
check "every acknowledged block is there" there
wait_until 60 three_start n1
check "the former leader catches up" wait_until 120 three_in_sync n2 6
check "detach" at n2 qbdctl kernel volume detach --id 7
