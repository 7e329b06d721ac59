#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The store's disk answers nothing any more. Writers, readers, a sync, a
# mounted file system and an attach that reads the partition table hang; a
# forced detach ends them all, with errors, within ten seconds.
#
#	dd, cat, sync, ext4 -> /dev/qbd0 -> store -> /dev/td_a (stalled)
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

# ended: all that hung have ended, none of them well.
ended()
{
	local pid
	for pid in "${hung[@]}"; do
		if wait "$pid"; then
			log "process $pid has ended well"
			return 1
		fi
	done
	hung=()
}

# in_time COMMAND...: within ten seconds.
in_time()
{
	local start=$SECONDS
	"$@"
	log "$* took $((SECONDS - start)) s"
	[[ $((SECONDS - start)) -le 10 ]]
}

# repaired: e2fsck says 1 when it had something to do.
repaired()
{
	e2fsck -f -y "$DEV" || [[ $? == 1 ]]
}

# all_gone: forced detach, and everybody has ended.
all_gone()
{
	one_detach 7 --force
	ended
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

write_id=$(td_fault a stall op=write count=1000000)
read_id=$(td_fault a stall op=read count=1000000)
for at in 70 80 90 100; do
	hang dd if=/dev/zero of="$DEV" bs=1M count=4 seek="$at" oflag=direct
	hang dd if="$DEV" of=/dev/null bs=4K count=4 skip=$((at << 8)) \
		iflag=direct
done
hang dd if=/dev/zero of=/mnt/other bs=4K count=64 conv=fsync
wait_until 60 inflight 5
refuse "a detach while it is mounted" one_detach 7
check "forced detach ends all of them" in_time all_gone
umount /mnt
check "the device is gone" test ! -e /sys/block/qbd0

td_clear a "$write_id"
td_clear a "$read_id"
td_release a
check "the store has survived it" one_attach 7 128 64
check "its file system can be repaired" repaired

td_fault a stall op=write count=1000000 >/dev/null
hang dd if=/dev/zero of="$DEV" bs=4K count=1 oflag=direct
wait_until 60 inflight 1
check "forced detach of a single write" in_time all_gone
td_clear a
td_release a
check "the node ends" one_stop
