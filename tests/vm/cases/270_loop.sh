#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three copies over the loop transport, which loses, delays and reorders
# messages: what is written is there all the same, on every node.
# DEBUG=long
# TIMEOUT=900
DESCRIPTION="messages are lost, late and out of order, and nothing is lost"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
THREE_LEASE_MS=20000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"

# chance NAME VALUE: of the transport, see modinfo qbd
chance()
{
	[[ ! -d /sys/module/qbd ]] ||
		echo "$2" >"/sys/module/qbd/parameters/loop_$1"
}

# three_links NODE: all of them at once, when the last node is there.
three_links()
{
	[[ $1 != n3 ]] || python3 "$QBD_VM/loops.py" 3 2
}

# put MIB: a MiB of noise at this place, by eight writers at once.
put()
{
	local i pids=()
	for i in {0..7}; do
		dd if=/dev/shm/noise of=/dev/qbd0 bs=16K count=8 \
			skip=$((i * 8)) seek=$(($1 * 64 + i * 8)) \
			oflag=direct conv=nocreat status=none &
		pids+=($!)
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
}

same()
{
	dd if=/dev/qbd0 bs=128K count=8 skip=$(($1 * 8)) iflag=direct \
		status=none | cmp - /dev/shm/noise
}

all_same()
{
	local i
	for i in 0 1 2; do
		same $i
	done
}

# overtaken: a member said that what came does not follow what it has.
overtaken()
{
	grep --quiet "qbd_msg_received:.* type=8 " /sys/kernel/tracing/trace
}

three_nodes 256
head --bytes=1M /dev/urandom >/dev/shm/noise
on_exit rm -f /dev/shm/noise
three_create 7 64 64
three_attach n1 7 64 64
check "all in sync" wait_until 200 three_in_sync n1 3
check "a write" put 0
on_exit chance swap_ppm 0
on_exit chance drop_ppm 0
on_exit chance delay_ms 0
echo 1 >/sys/kernel/tracing/events/qbd/qbd_msg_received/enable
chance delay_ms 4
chance swap_ppm 50000
chance drop_ppm 5000
check "a write while messages are lost" put 1
check "another one" put 2
check "some did not follow" overtaken
chance swap_ppm 0
chance drop_ppm 0
chance delay_ms 0
check "all in sync again" wait_until 200 three_in_sync n1 3
check "all of it is there" all_same
three_crash n1
check "another node takes over" three_attach n2 7 64 64
check "all of it is there too" all_same
check "detach" at n2 qbdctl kernel volume detach --id 7
three_stop
check "the module goes" wait_until 60 rmmod qbd
