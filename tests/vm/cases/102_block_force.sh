#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The store's disk answers nothing any more. Writers, readers, writeback of a
# mounted file system, its sync, and an attach that reads the partition table
# hang; a forced detach ends them all within ten seconds, with errors, also for
# who has the device open and asks it for nothing.
#
#	dd -> /dev/qbd0, ext4 -> /dev/qbd0p1, attach of qbd1
#		-> store -> /dev/td_a (stalled)
#
# The file system is on a partition, because not all kernels let one write to
# what is mounted.
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="forced detach with everything stuck, in time"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
# shellcheck source=tests/vm/stuck.sh
. "${QBD_VM:?}/stuck.sh"
requires fio

# The kernel's counts of this are late: each CPU adds its own once a second.
writeback()
{
	[[ $(awk '$1 == "Writeback:" { print $2 }' /proc/meminfo) -gt 0 ]]
}

# forced VOLUME...
forced()
{
	local volume
	for volume; do
		one_detach "$volume" --force
	done
}

# repaired: e2fsck says 1 when it had something to do.
repaired()
{
	e2fsck -f -y "${DEV}p1" || [[ $? == 1 ]]
}

# shellcheck disable=SC2119
load_testdisk
td_create a size=512M
on_exit td_remove a
one_node
on_exit td_release a
on_exit td_clear a
one_store /dev/td_a --wal-size 64M
one_create 8 64 64
one_attach 8 64 64
partition "$DEV"
one_detach 8
# opened again, the store has nothing of that in memory
qbdctl kernel store remove "$STORE"
qbdctl kernel store add /dev/td_a
one_create 7 128 64
one_attach 7 128 64
partition "$DEV"
# with nothing left to do behind our backs: the thread that zeroes inode tables
# would hang with a group's lock, and nobody get as far as writing
mkfs.ext4 -q -F -E lazy_itable_init=0,lazy_journal_init=0 "${DEV}p1"
mount "${DEV}p1" /mnt
head --bytes=4M /dev/urandom >/mnt/file
sync --file-system /mnt
exec 9<"$DEV"
on_exit eval 'exec 9<&-'

td_fault a stall op=read count=1000000 >/dev/null
hang one_attach 8 64 64
wait_until 60 inflight 1 qbd1
td_fault a stall op=write count=1000000 >/dev/null
for at in 70 80 90 100; do
	hang dd if=/dev/zero of="$DEV" bs=1M count=4 seek="$at" \
		oflag=direct conv=nocreat
done
wait_until 60 inflight 4
# what is not written yet is not read either
for at in 70 80 90 100; do
	hang dd if="$DEV" of=/dev/null bs=4K count=4 skip=$((at << 8)) \
		iflag=direct
done
wait_until 60 inflight 8
hang dd if=/dev/zero of=/mnt/other bs=4K count=64 conv=fsync
wait_until 60 inflight 9
check "the file system writes back" wait_until 60 writeback
hang sync --file-system /mnt/file
check "nobody has ended" test "$(jobs -r -p | wc --lines)" = "${#hung[@]}"
refuse "a detach while it is mounted" says="in use" one_detach 7
end_all forced 7 8
check "forced detach ends all of them in time" test "$took" -le 10
check "with errors" test "$well" = 0
check "the device that is still open has nothing any more" \
	test "$(head --bytes=1 <&9 | wc --bytes)" = 0
exec 9<&-
umount /mnt
check "the device is gone" test ! -e /sys/block/qbd0
check "the other one too" test ! -e /sys/block/qbd1

td_clear a
td_release a
check "the store has survived it" one_attach 7 128 64
check "its file system can be repaired" repaired

td_fault a stall op=write count=1000000 >/dev/null
# more writes than the leader can end in one step, or one pump carry out: each
# that it keeps silent about would keep the node from ending
hang fio --name=many --filename="$DEV" --direct=1 --ioengine=libaio \
	--rw=randwrite --bs=4k --iodepth=256 --size=32M --minimal
wait_until 60 inflight 128
end_all forced 7
check "forced detach of many writes" test "$took" -le 10
check "with an error each" test "$well" = 0
td_clear a
td_release a

one_attach 7 128 64 --on-no-quorum error --no-quorum-ms 2000
td_fault a stall op=write count=1000000 >/dev/null
SECONDS=0
refuse "a write that may fail does so" says="error writing" \
	dd if=/dev/zero of="$DEV" bs=4K count=1 oflag=direct conv=nocreat
check "after its time" test $((SECONDS >= 2 && SECONDS <= 10)) = 1
check "forced detach of what is idle" one_detach 7 --force
td_clear a
td_release a
check "the node ends" one_stop
check "the module goes" wait_until 20 rmmod qbd
