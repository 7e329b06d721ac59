#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three copies, none of which answers: the leader's disk hangs, and what comes
# from the others does not reach it. A forced detach ends all that waits for
# them, reads and writes, within ten seconds; then node and module go.
#
#	dd, fio -> /dev/qbd0 on n1 -> /dev/td_n1 (stalled)
#			n2, n3 (cut off)
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="forced detach of a volume whose three copies are stuck"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
THREE_LEASE_MS=6000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/stuck.sh
. "${QBD_VM:?}/stuck.sh"
requires fio

held() { [[ $(cat /sys/block/qbd0/qbd/held) -ge $1 ]]; }

stalled() { [[ $(td_stat n1 inflight) -ge $1 ]]; }

# waiting: whoever has not ended waits for the device, which has one request of
# each: a command that makes several could stand for one that has not begun.
# What is still in memory is read at once: that one is left out.
waiting()
{
	local pid rest=()
	for pid in "${hung[@]}"; do
		! kill -0 "$pid" 2>/dev/null || rest+=("$pid")
	done
	hung=("${rest[@]}")
	inflight ${#hung[@]}
}

# cut_off, joined: the leader from the others.
cut_off()
{
	sever n2 n1
	sever n3 n1
}

joined()
{
	heal n2 n1
	heal n3 n1
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 256
# so that whatever fails, nothing is left waiting
on_exit td_release n1
on_exit td_clear n1
three_create 7 64 64
three_attach n1 7 64 64
# more than the log holds, so that the first of it is on the disk alone
dd if=/dev/zero of="$DEV" bs=1M count=24 oflag=direct conv=nocreat status=none
wait_until 100 three_in_sync n1 3

# the lease holds a while yet: reads begin, and no other copy can end them
td_fault n1 stall op=read count=1000000 >/dev/null
td_fault n1 stall op=write count=1000000 >/dev/null
cut_off
for at in 0 1 2 3; do
	hang dd if="$DEV" of=/dev/null bs=64K count=1 skip=$((at * 16)) \
		iflag=direct
done
wait_until 60 waiting
check "reads wait for the disk" stalled 1
reads=${#hung[@]}
for at in 40 44 48 52; do
	hang dd if=/dev/zero of="$DEV" bs=64K count=1 seek=$((at * 16)) \
		oflag=direct conv=nocreat
done
wait_until 60 waiting
check "and writes" test ${#hung[@]} = $((reads + 4))
# what is not written yet is not read either
for at in 40 44; do
	hang dd if="$DEV" of=/dev/null bs=64K count=1 skip=$((at * 16)) \
		iflag=direct
done
wait_until 60 waiting
check "and reads of what is not written" test ${#hung[@]} = $((reads + 6))
end_all three_detach n1 7 --force
check "forced detach ends all of them in time" test "$took" -le 10
check "with errors" test "$well" = 0
check "the device is gone" test ! -e /sys/block/qbd0
td_clear n1
td_release n1
joined

for node in n1 n2 n3; do
	wait_until 100 three_linked $node
done
check "attached again" three_attach n1 7 64 64
wait_until 100 three_in_sync n1 3
cut_off
td_fault n1 stall op=write count=1000000 >/dev/null
check "without its quorum it is suspended" \
	wait_until 100 three_state n1 suspended
hang fio --name=many --filename="$DEV" --direct=1 --ioengine=libaio \
	--rw=write --bs=128k --iodepth=256 --size=32M --minimal
check "256 writes wait" wait_until 100 inflight 256
check "half of them outside of a full window" wait_until 100 held 128
end_all three_detach n1 7 --force
check "forced detach ends them in time" test "$took" -le 10
check "with an error each" test "$well" = 0
td_clear n1
td_release n1
joined

for node in n1 n2 n3; do
	three_unlink $node
	check "node $node ends" at $node qbdctl kernel node stop --id "${node#n}"
done
check "the module goes" wait_until 60 rmmod qbd
