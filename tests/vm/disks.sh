# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Disks in a guest. Part of lib.sh. Disks that lose and tear writes are those
# of load_testdisk (kernel.sh); virtio-blk and pmem disks come with the guest,
# see DISKS in bed/cases.py.

# ram_disk NAME MIB [KEY=VALUE...]: /dev/NAME, a null_blk that keeps data.
# Keys are null_blk's of configfs; useful ones: completion_nsec=20000 (with
# irqmode=2) for a medium's latency, cache_size=MIB for a volatile cache.
ram_disk()
{
	local name=$1 size=$2 dir=/sys/kernel/config/nullb/$1 pair
	shift 2
	[[ -d /sys/module/null_blk ]] || load null_blk nr_devices=0
	[[ -d /sys/kernel/config/nullb ]] ||
		mount -t configfs configfs /sys/kernel/config
	[[ -d /sys/kernel/config/nullb ]] || skip "null_blk without configfs"
	mkdir "$dir"
	on_exit _drop_ram_disk "$name"
	for pair in blocksize=4096 memory_backed=1 "size=$size" irqmode=0 "$@"
	do
		echo "${pair#*=}" >"$dir/${pair%%=*}"
	done
	echo 1 >"$dir/power"
	wait_until 20 test -b "/dev/$name"
}

_drop_ram_disk()
{
	echo 0 >"/sys/kernel/config/nullb/$1/power"
	rmdir "/sys/kernel/config/nullb/$1"
}
