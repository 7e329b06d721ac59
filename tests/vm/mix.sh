# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Writes that fio verifies, and discards and zeroes that are looked at, on DEV:
# a volume of more than 74 MiB in shards of 64 MiB. A case sources it after
# lib.sh and calls mix_begin once.

# The range in use: it ends behind the border of the two shards.
# shellcheck disable=SC2034  # cases use it
MIX_BORDER=$((64 << 10))
MIX_RANGE=(--offset=40M --size=32M)
# Is there while others are to go on beside it.
MIX_GO=/dev/shm/mix.go

# mix_begin: makes what cleared() needs.
mix_begin()
{
	head --bytes=8M /dev/zero | tr '\0' '\377' >/dev/shm/ones
	on_exit rm -f /dev/shm/ones "$MIX_GO"
}

# verified BLOCKS DEPTH MIB [OPTION...]
verified()
{
	fio --name=v --filename="$DEV" --direct=1 --ioengine=libaio \
		--rw=randwrite --blocksize="$1" --iodepth="$2" \
		"${MIX_RANGE[@]}" --io_size="$3M" --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --randrepeat=0 --minimal \
		"${@:4}"
}

# zeroes_beside: the 2 MiB before the range and the 2 MiB behind it are written,
# zeroed, and read as zero, in turn.
zeroes_beside()
{
	local at rounds=0
	while [[ -e $MIX_GO ]]; do
		for at in 38 72; do
			dd if=/dev/shm/ones of="$DEV" bs=1M count=2 seek=$at \
				oflag=direct conv=nocreat status=none
			blkdiscard --zeroout --offset ${at}M --length 2M "$DEV"
			dd if="$DEV" bs=1M count=2 skip=$at iflag=direct \
				status=none | cmp --bytes=2M - /dev/zero
		done
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds of zeroes"
	[[ $rounds -gt 0 ]]
}

# stable_beside: writes that are on stable media each, O_DSYNC, before that.
stable_beside()
{
	local rounds=0
	while [[ -e $MIX_GO ]]; do
		verified 4k 4 1 --bsrange=4k-64k --offset=34M --size=4M \
			--sync=dsync
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds of stable writes"
	[[ $rounds -gt 0 ]]
}

# mixed DEPTH MIB [OPTION...]: all sizes; each block is discarded before it is
# written; a flush after each 8th. Meanwhile the others do their part beside it.
mixed()
{
	local zeroes stable code=0 other
	: >"$MIX_GO"
	zeroes_beside &
	zeroes=$!
	stable_beside &
	stable=$!
	verified 4k "$1" "$2" --rw=randtrimwrite --bsrange=4k-1m \
		--fdatasync=8 "${@:3}" || code=$?
	rm "$MIX_GO"
	for other in $zeroes $stable; do
		wait "$other" || code=$?
	done
	return $code
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

# cleared PROGRAM OFFSET LENGTH: in KiB, between 60 and 68 MiB.
cleared()
{
	dd if=/dev/shm/ones of="$DEV" bs=1M seek=60 count=8 oflag=direct \
		conv=nocreat status=none
	case $1 in
	discard) blkdiscard --offset "$2K" --length "$3K" "$DEV" ;;
	zero) blkdiscard --zeroout --offset "$2K" --length "$3K" "$DEV" ;;
	esac
	blockdev --flushbufs "$DEV"
	zeroed "$2" "$3"
}
