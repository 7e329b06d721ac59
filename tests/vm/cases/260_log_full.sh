#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A log that is full of records nobody could commit: of two copies one is gone,
# the other one takes what the writer sends until nothing more fits. Only the
# next leader can settle that, and its term has to be promised in that log.
#
#	n1: the writer, no copy     n2, n3: copies, 16 MiB of log
#
# Two shards: what a leader sends ahead of acks is 16 MiB for each.
# DEBUG=long
# TIMEOUT=400
DESCRIPTION="a replica with a full log obeys the next leader"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
requires fio

TRACE=/sys/kernel/tracing

# set_of SHARD: its members.
set_of() { echo "2:70${1}2,3:70${1}3"; }

attach()
{
	at "$1" qbdctl kernel volume attach --id 7 --name vol7 --size 128M \
		--shard-size 64M --term "$2" --shard "0:1:$(set_of 0)" \
		--shard "1:1:$(set_of 1)"
}

create()
{
	local node shard
	for node in 2 3; do
		for shard in 0 1; do
			at n$node qbdctl kernel replica create \
				--id 70$shard$node --volume 7 --shard $shard \
				--size 64M --epoch 1 \
				--store "$(_uuid n$node)" \
				--members "$(set_of $shard)"
		done
	done
}

# n2_linked: n3 to the one that is left.
n2_linked()
{
	[[ $(at n3 qbdctl kernel link show | grep --count --word-regexp up) == 2 ]]
}

waits_for_room() { grep --quiet "qbd_log_wait:.*replica=70.2" $TRACE/trace; }

three_nodes 256
check "two copies, neither on the writer's node" create
check "attached" attach n1 1
wait_until 60 three_in_sync n1 4
check "what is committed stays" dd if=/dev/zero of=/dev/qbd0 bs=64K count=16 \
	oflag=direct conv=nocreat
echo 1 >$TRACE/events/qbd/qbd_log_wait/enable
three_crash n3
fio --filename=/dev/qbd0 --direct=1 --ioengine=libaio --rw=write --bs=128k \
	--iodepth=128 --size=16M --name=a --name=b --offset=64M --minimal \
	>/dev/shm/fio 2>&1 &
writer=$!
check "its log is full of what can't be committed" \
	wait_until 100 waits_for_room
three_crash n1
wait "$writer" && code=0 || code=$?
check "the writer got an error" test "$code" != 0
wait_until 60 three_start n3
wait_until 60 n2_linked
check "the next leader gets its promise" attach n3 2
check "and both are in sync" wait_until 100 three_in_sync n3 4
check "writes go on" dd if=/dev/zero of=/dev/qbd0 bs=64K count=64 \
	oflag=direct conv=nocreat
check "detach" at n3 qbdctl kernel volume detach --id 7
