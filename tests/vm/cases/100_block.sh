#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A volume of two shards that ends in the midst of one: what its queue promises is what
# the design promises, bytes come back, a file system lives on it.
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="the block device: limits, bytes, ext4, detach and attach"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# same OFFSET_KIB KIB: the file and the device agree there.
same()
{
	cmp <(dd if=/dev/shm/bytes bs=1K skip="$1" count="$2" status=none) \
		<(dd if="$DEV" bs=1K skip="$1" count="$2" status=none)
}

# write BLOCK MIB: that much of it.
write()
{
	dd if=/dev/shm/bytes of="$DEV" bs="$1" count="$2M" oflag=direct \
		iflag=count_bytes conv=nocreat status=none
}

# big BYTES [OPTION...]: attach a volume in shards of 4 GiB.
big()
{
	qbdctl kernel volume attach --id 9 --name big --size "$1" \
		--shard-size 4G --term 1 "${@:2}"
}

filesystem()
{
	mkfs.ext4 -q -F "$DEV"
	mount "$DEV" /mnt
	cp /dev/shm/bytes /mnt/bytes
	umount /mnt
	e2fsck -f -n "$DEV"
	mount -o ro "$DEV" /mnt
	cmp /dev/shm/bytes /mnt/bytes
	umount /mnt
}

ram_disk qd 1024
one_node
one_store /dev/qd --wal-size 128M
one_create 7 100 64
one_attach 7 100 64
small=$(amount 8 1 24 4)
head --bytes=24M /dev/urandom >/dev/shm/bytes
on_exit rm -f /dev/shm/bytes

check "size" test "$(blockdev --getsize64 "$DEV")" = $((100 << 20))
check "logical block" test "$(queue logical_block_size)" = 4096
check "a request does not cross shards" \
	test "$(queue chunk_sectors)" = $((64 << 11))
check "no volatile cache" test "$(queue write_cache)" = "write through"
check "atomic writes of 64 KiB and more" \
	test "$(queue atomic_write_unit_max_bytes)" -ge 65536
check "of one block too" test "$(queue atomic_write_unit_min_bytes)" = 4096
check "without a border in between" \
	test "$(queue atomic_write_boundary_bytes)" = 0
check "discard" test "$(queue discard_max_bytes)" -gt 0
check "write zeroes" test "$(queue write_zeroes_max_bytes)" -gt 0
check "stable writes are not asked for" test "$(queue stable_writes)" = 0

check "unwritten reads as zero" cmp --bytes=$((100 << 20)) "$DEV" /dev/zero
check "written in 1 MiB" write 1M 24
check "reads back" same 0 24576
check "overwritten with zeroes" blkdiscard --zeroout "$DEV"
check "written in 4 KiB" write 4K "$small"
check "reads back" same 0 $((small << 10))
refuse "a write of half a block" says="error writing" \
	dd if=/dev/zero of="$DEV" bs=512 count=1 oflag=direct
check "ext4" quiet filesystem

check "detach" one_detach 7
check "the device is gone" test ! -e /sys/block/qbd0
check "attach in a new term" one_attach 7 100 64
check "ext4 is clean" quiet e2fsck -f -n "$DEV"
exec 9<"$DEV"
refuse "detach while it is open" says="in use.*open" one_detach 7
exec 9<&-
check "detach after that" one_detach 7
# this is more by one, so that all of them need not be named
refuse "too many shards of 4 GiB" says="size: more than 65536 shards" \
	big $(((256 << 40) + 4096)) --shard 0:1:1:9001
refuse "as many as there may be, without their replicas" \
	says="sets of 65535 of its 65536 shards are missing" \
	big $((256 << 40)) --shard 0:1:1:9001
refuse "the old term" says="fenced by a higher term" \
	qbdctl kernel volume attach --id 7 --name again --size 100M \
	--shard-size 64M --term 1 --shard 0:1:1:7001 --shard 1:1:1:7002
check "and nothing of it is left" test ! -e /sys/block/qbd0
