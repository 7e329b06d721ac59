#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Writes of 4 KiB to 1 MiB at depths of 1 to 64 are verified by fio, over a log
# that is far smaller than what is written; discards and zeroes, of a block, of
# chunks, over the border of two shards, read as zero and leave the rest.
# TIER=long
# TIMEOUT=600
DESCRIPTION="verified writes of all sizes, flush, discard, zeroes"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# verified BLOCKS DEPTH [OPTION...]
verified()
{
	fio --name=v --filename="$DEV" --direct=1 --ioengine=libaio \
		--rw=randwrite --blocksize="$1" --iodepth="$2" --size=96M \
		--io_size=24M --verify=crc32c --do_verify=1 --verify_fatal=1 \
		--randrepeat=0 --minimal "${@:3}"
}

# zeroed OFFSET LENGTH: in KiB, and its neighbours are not.
zeroed()
{
	cmp --bytes=$(($2 << 10)) --ignore-initial=$(($1 << 10)):0 \
		"$DEV" /dev/zero
	cmp --bytes=4096 --ignore-initial=$((($1 - 4) << 10)):0 "$DEV" \
		/dev/shm/ones
	cmp --bytes=4096 --ignore-initial=$((($1 + $2) << 10)):0 "$DEV" \
		/dev/shm/ones
}

fill()
{
	dd if=/dev/shm/ones of="$DEV" bs=1M seek="$1" count="$2" oflag=direct \
		conv=nocreat status=none
}

# cleared PROGRAM OFFSET LENGTH: in KiB.
cleared()
{
	fill 60 8
	case $1 in
	discard) blkdiscard --offset "$2K" --length "$3K" "$DEV" ;;
	zero) blkdiscard --zeroout --offset "$2K" --length "$3K" "$DEV" ;;
	esac
	blockdev --flushbufs "$DEV"
	zeroed "$2" "$3"
}

# What the device holds outlives a detach.
kept()
{
	local before
	before=$(sha256sum <"$DEV")
	one_detach 7
	one_attach 7 96 64
	[[ $(sha256sum <"$DEV") == "$before" ]]
}

ram_disk qd 1024
one_node
one_store /dev/qd --wal-size 64M
one_create 7 96 64
one_attach 7 96 64
head --bytes=8M /dev/zero | tr '\0' '\377' >/dev/shm/ones
on_exit rm -f /dev/shm/ones

for depth in 1 8 64; do
	for blocks in 4k 64k 1m; do
		check "write and verify $blocks at depth $depth" \
			quiet verified "$blocks" "$depth"
	done
done
check "mixed sizes, flush after each 8th" \
	quiet verified 4k 16 --bsrange=4k-1m --fdatasync=8
check "buffered, synchronous" quiet verified 4k 1 --direct=0 --sync=1 \
	--io_size=2M

border=$((64 << 10))
for how in discard zero; do
	check "$how one block" cleared $how $((border - 512)) 4
	check "$how within a chunk" cleared $how $((border - 500)) 64
	check "$how whole chunks" cleared $how $((border - 2048)) 1024
	check "$how over the border of shards" cleared $how $((border - 260)) 520
done
check "attached again, all is the same" kept
