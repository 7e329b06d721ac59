#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three nodes write to each other with more than their pools of pages hold:
# every node's own writes have all pages that are for these, and wait for the
# two others to receive. Which they can, because that has pages of its own.
#
#	n1: volume 7    n2: volume 8    n3: volume 9, each with three copies
# DEBUG=long
# MEM=2G
# TIMEOUT=240
DESCRIPTION="nodes whose pages are used up go on receiving"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
requires fio

# exhausted NODE: how often its own writes found no page.
exhausted()
{
	sed --quiet 's/^local .* exhausted \([0-9]*\) .*/\1/p' \
		"/sys/kernel/debug/qbd/$1/pool"
}

ran_dry()
{
	[[ $(exhausted n1) -gt 0 && $(exhausted n2) -gt 0 &&
		$(exhausted n3) -gt 0 ]]
}

load_qbd pool_max_mib=1
three_nodes 320
devices=()
for volume in 7 8 9; do
	three_create $volume 64 64
	three_attach n$((volume - 6)) $volume 64 64
	devices+=("$DEV")
done
for node in n1 n2 n3; do
	wait_until 60 three_in_sync $node 3
done

# 24 MiB under way on each, of 16 that there are
writers=()
for dev in "${devices[@]}"; do
	fio --name=w --filename="$dev" --direct=1 --ioengine=libaio \
		--rw=randwrite --bs=256k --iodepth=96 --size=64M \
		--io_size="$(amount 96 32 512 128)M" --verify=crc32c \
		--do_verify=1 --verify_fatal=1 --minimal \
		>"/dev/shm/fio${dev##*/}" 2>&1 &
	writers+=($!)
done
for pid in "${writers[@]}"; do
	wait "$pid" && code=0 || code=$?
	check "a writer has written and read what it wrote" test "$code" = 0
done
for node in n1 n2 n3; do
	log "$node: $(sed --quiet '/^local/p; /^peer/p' /sys/kernel/debug/qbd/$node/pool)"
done
check "all three were out of pages for their own writes" ran_dry
for volume in 7 8 9; do
	check "detach of $volume" three_detach n$((volume - 6)) $volume
done
