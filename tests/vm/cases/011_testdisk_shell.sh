#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Test disks as cases in shell use them: a file system that loses power while
# it is written to, and the life of the module.
# KERNELS=debian
# TIMEOUT=200
DESCRIPTION="the test disk from shell: ext4 through a power cut, unloading"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
requires mkfs.ext4 fsck.ext4

busy_module()
{
	local fd
	exec {fd}</dev/td_busy
	td_remove busy
	rmmod qbd_testdisk && return 1
	exec {fd}<&-
}

# One round may take fewer operations than are left until the cut, and what
# the journal does on its own may take them first: write until it happened.
write_until_cut()
{
	until td_stat_is a state crashed; do
		{ seq 40000 >"$1/late" && sync --file-system "$1"; } || true
	done
}

# What was synced is there; what was being written may be, or not.
ext4_survives()
{
	local seed=$1 dir=/mnt/td
	mkdir -p "$dir"
	td_clone base a
	mount /dev/td_a "$dir"
	seq 20000 >"$dir/synced"
	sync --file-system "$dir"
	td_crash_after a $((1 + seed)) seed="$seed"
	write_until_cut "$dir"
	umount "$dir"
	td_revive a
	mount /dev/td_a "$dir"
	seq 20000 | cmp - "$dir/synced"
	umount "$dir"
	fsck.ext4 -fn /dev/td_a
	td_remove a
}

stuck_flush()
{
	local fault pid
	td_create a size=4M
	fault=$(td_fault a stall op=flush)
	dd if=/dev/zero of=/dev/td_a bs=4k count=1 oflag=direct conv=fsync \
		status=none &
	pid=$!
	td_wait a held 1
	[[ $(td_hits a "$fault") == 1 && $(td_stat a writes) == 1 ]]
	td_release a
	wait $pid
	td_clear a id="$fault"
	[[ -z $(td_faults a) && $(td_ops a) == 2 ]]
	td_remove a
}

load ext4
# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
td_create base size=32M
mkfs.ext4 -q /dev/td_base
check "a flush is stuck until it is released" stuck_flush
for seed in 1 9; do
	check "ext4 keeps what was synced, seed $seed" ext4_survives $seed
done
refuse "a bad option" says="bad option 'sizes'" \
	td_create a size=4M sizes=3
td_create busy size=4M
check "the module stays while a disk is open" busy_module
check "one disk is left" test "$(td_list)" = base
check "and goes with its disks" rmmod qbd_testdisk
