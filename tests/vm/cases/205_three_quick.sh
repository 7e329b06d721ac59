#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three copies over TCP, with few writes: small enough for a kernel that looks
# at every lock and every byte. A follower and then the leader are lost; what
# was written before and after is there, and the module goes without a trace.
# TIMEOUT=900
DESCRIPTION="three copies, a follower and the leader lost, few writes"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
THREE_LEASE_MS=20000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"

# put NAME MIB: a MiB of noise at this place, kept as NAME to compare.
put()
{
	head --bytes=1M /dev/urandom >"/dev/shm/$1"
	dd if="/dev/shm/$1" of="$DEV" bs=128K seek="$2" oflag=seek_bytes,direct \
		conv=nocreat status=none
}

# same NAME MIB: it is there.
same()
{
	dd if="$DEV" bs=128K count=8 skip="$2" iflag=skip_bytes,direct \
		status=none | cmp - "/dev/shm/$1"
}

three_nodes 256
on_exit rm -f /dev/shm/first /dev/shm/second
check "three replicas" three_create 7 64 64
check "attached" three_attach n1 7 64 64
DEV=/dev/qbd0
check "all in sync" wait_until 200 three_in_sync n1 3
check "a write" put first 0
check "zeroes beside it" blkdiscard --zeroout --offset 4M --length 1M "$DEV"
three_crash n3
check "a write without the third" put second $((1 << 20))
wait_until 200 three_start n3
check "it catches up" wait_until 300 three_in_sync n1 3
three_crash n1
check "another node takes over" three_attach n2 7 64 64
check "the first write is there" same first 0
check "the second too" same second $((1 << 20))
check "detach" at n2 qbdctl kernel volume detach --id 7
three_stop
# the nodes end by themselves, a moment after they were told to
check "the module goes" wait_until 60 rmmod qbd
