#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Memory of a store, for each TiB of which every page of the map was touched,
# as a database does. A store is filled, closed, and opened again: what is free
# before and after that is compared. Opening reads the whole map, and hardly
# writes to the disk, which is in memory too. The slope between two sizes is
# memory of the map; what a store without data takes is the rest: the index of
# the log, buffers, the reserve of map pages.
#
# ALLOW: QEMU 7.2 may get the flags wrong after cmpxchg16b, where the kernel
# then finds a single step that nobody asked for; it says so and goes on.
#
# ALLOW="exc_debug_kernel"
# MODE=icount
# KERNELS=debian
# TIER=long
# TIMEOUT=600
# MEM=2500M
# MODULES="null_blk"
# FILES="build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="memory of a store, for each TiB"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
# shellcheck source=tests/vm/bench.sh
. "${QBD_VM:?}/bench.sh"

readonly small=32 large=256

# free_kib: memory that nobody uses, on the CPUs' lists as well; what can be given
# back is given back.
free_kib()
{
	echo 3 >/proc/sys/vm/drop_caches
	echo 1 >/proc/sys/vm/stat_refresh
	awk '/^MemFree:/ { kib += $2 } $1 == "count:" { kib += $2 * 4 }
		END { print kib }' /proc/meminfo /proc/zoneinfo
}

# measure VOLUME GIB: a store of this size; kib[GIB] is what it takes.
measure()
{
	local mib=$(($2 * 1024)) disk=/dev/ram$2 closed
	# no shard is larger than what is written to
	local shard=$((mib < 65536 ? mib : 65536))
	ram_disk "ram$2" $((mib + 8192))
	one_store "$disk" --wal-size 64M
	one_create "$1" $mib $shard
	one_attach "$1" $mib $shard
	# a page of the map has 254 chunks of 256 KiB
	load_run --ops $((mib / 63 + 1)) --stride $((63 * 1024)) --depth 32
	one_detach "$1"
	# once for what the kernel and the node keep for themselves afterwards
	qbdctl kernel store remove "$STORE"
	qbdctl kernel store add "$disk"
	qbdctl kernel store remove "$STORE"
	closed=$(free_kib)
	qbdctl kernel store add "$disk"
	kib[$2]=$((closed - $(free_kib)))
	qbdctl kernel store remove "$STORE"
	figure "memory of a store with $2 GiB" \
		"$(calc "${kib[$2]} / 1024" 1)" MiB
}

one_node
measure 1 $small
measure 2 $large
slope=$(calc "(${kib[large]} - ${kib[small]}) / ($large - $small)" 3)
figure "memory of a store, for each TiB" "$slope" MiB "<= 72"
# 254 entries of 16 bytes in each page of 4096: less would be no whole map
check "all of the map is there" holds "$slope >= 60"
figure "memory of a store without data" \
	"$(calc "(${kib[small]} - $slope * $small) / 1024" 1)" MiB
