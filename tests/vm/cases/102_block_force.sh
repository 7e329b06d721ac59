#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The store's disk answers nothing any more. Writers, readers, a sync, a
# mounted file system and an attach that reads the partition table hang; a
# forced detach ends them all, with errors, within ten seconds.
#
#	dd, cat, sync, ext4 -> /dev/qbd0 -> store -> /dev/td_a (stalled)
# KERNELS=debian
# TIMEOUT=300
DESCRIPTION="forced detach with everything stuck, in time"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# hang COMMAND...: one more that is going to hang; its exit code is kept.
hung=()
hang()
{
	"$@" >/dev/null 2>&1 &
	hung+=($!)
}

inflight()
{
	[[ $(cat /sys/block/qbd0/qbd/inflight) -ge $1 ]]
}

# end_all: detach by force, see everybody end, not one of them well; leaves
# what it took in $took.
end_all()
{
	local start=$SECONDS pid
	well=0
	one_detach 7 --force
	for pid in "${hung[@]}"; do
		wait "$pid" && well=$((well + 1))
	done
	hung=()
	took=$((SECONDS - start))
	log "forced detach and the end of all took $took s, $well ended well"
}

# repaired: e2fsck says 1 when it had something to do.
repaired()
{
	e2fsck -f -y "$DEV" || [[ $? == 1 ]]
}

# shellcheck disable=SC2119
load_testdisk
td_create a size=512M
on_exit td_remove a
one_node
one_store /dev/td_a --wal-size 64M
one_create 7 128 64
one_attach 7 128 64

mkfs.ext4 -q -F "$DEV" 64M
mount "$DEV" /mnt
head --bytes=4M /dev/urandom >/mnt/file
sync --file-system /mnt

td_fault a stall op=write count=1000000 >/dev/null
td_fault a stall op=read count=1000000 >/dev/null
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
refuse "a detach while it is mounted" one_detach 7
end_all
check "forced detach ends all of them in time" test "$took" -le 10
check "with errors" test "$well" = 0
umount /mnt
check "the device is gone" test ! -e /sys/block/qbd0

td_clear a
td_release a
check "the store has survived it" one_attach 7 128 64
check "its file system can be repaired" repaired

td_fault a stall op=write count=1000000 >/dev/null
hang dd if=/dev/zero of="$DEV" bs=4K count=1 oflag=direct conv=nocreat
wait_until 60 inflight 1
end_all
check "forced detach of a single write" test "$took" -le 10
check "with an error" test "$well" = 0
td_clear a
td_release a

one_attach 7 128 64 --on-no-quorum error --no-quorum-ms 2000
td_fault a stall op=write count=1000000 >/dev/null
SECONDS=0
refuse "a write that may fail does so" \
	dd if=/dev/zero of="$DEV" bs=4K count=1 oflag=direct conv=nocreat
check "after its time" test $((SECONDS >= 2 && SECONDS <= 10)) = 1
check "forced detach of what is idle" one_detach 7 --force
td_clear a
td_release a
check "the node ends" one_stop
