#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module comes and goes, with a node, a store and a volume in between that
# are used each time, and leaves nothing behind: no object in a slab cache of
# the kernel, no page, nothing that kmemleak knows of.
# DEBUG=long
# TIMEOUT=300
# LONG=3000
DESCRIPTION="load, use, unload, many times; busy while in use; no leak"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

rounds=$(amount 4 2 100 100)

busy()
{
	if rmmod qbd 2>/dev/null; then
		log "the module went while it was in use"
		return 1
	fi
}

# round NUMBER: everything that allocates, once.
round()
{
	# shellcheck disable=SC2119  # the parameters are the module's
	load_qbd
	trap - EXIT # what it loaded is unloaded here
	qbdctl kernel node start --id 1 --name n1 --cluster "$CLUSTER"
	qbdctl kernel store add /dev/qd
	[[ $1 != 1 ]] || one_create 7 64 64
	one_attach 7 64 64
	dd if=/dev/shm/noise of="$DEV" bs=64K seek=1 count=16 \
		oflag=direct conv=nocreat status=none
	dd if="$DEV" bs=64K skip=1 count=16 iflag=direct status=none |
		cmp - /dev/shm/noise
	blkdiscard --offset 16M --length 1M "$DEV"
	busy
	one_detach 7
	busy
	qbdctl kernel node stop --id 1
	wait_until 20 rmmod qbd
}

# again FIRST LAST
again()
{
	local i
	for ((i = $1; i <= $2; i++)); do
		round "$i"
	done
}

# slabs: how many objects are in use in each of the caches that kmalloc takes
# from; not in the smallest, which hold names that come and go. Shrinking gives
# back what is only kept for the next one.
slabs()
{
	local cache
	for cache in /sys/kernel/slab/kmalloc-*/shrink; do
		echo 1 >"$cache"
	done
	awk '$1 ~ /^kmalloc-/ && $4 >= 64 { print $1, $2 }' /proc/slabinfo |
		sort
}

# pages: in MiB, that are neither free nor a cache nor a process's.
pages()
{
	awk '$1 == "MemTotal:" { kib += $2 }
		$1 ~ /^(MemFree|Buffers|Cached|SReclaimable|AnonPages):/ {
			kib -= $2
		}
		END { print int(kib / 1024) }' /proc/meminfo
}

# leaks: what kmemleak has; twice, because what is new at the first scan may be
# on its way to somewhere.
readonly kmemleak=/sys/kernel/debug/kmemleak
leaks()
{
	echo scan >$kmemleak
	echo scan >$kmemleak
	cat $kmemleak
}

# grown FILE FILE: caches that have got many more objects. Up to 150 come and
# go by themselves: three in each of 100 rounds are seen.
grown()
{
	join "$1" "$2" | awk '$3 - $2 > 300 {
		print $1, "has", $3 - $2, "objects more"; found = 1
	}
	END { exit found }'
}

ram_disk qd 128
# all of it, so that none of its pages come later
head --bytes=128M /dev/zero | dd of=/dev/qd bs=1M iflag=fullblock oflag=direct \
	conv=nocreat status=none
head --bytes=1M /dev/urandom >/dev/shm/noise
on_exit rm -f /dev/shm/noise
qbdctl store format /dev/qd --cluster "$CLUSTER" --uuid "$STORE" \
	--wal-size 16M
[[ ! -e $kmemleak ]] || leaks >/run/leaks.before
check "empty, loaded and unloaded, twice" quiet again 1 2
slabs >/run/slabs.before
before=$(pages)
check "$rounds times more" quiet again 3 $((rounds + 2))
slabs >/run/slabs.after
after=$(pages)
log "$((after - before)) MiB more in use"
check "no slab cache has grown" grown /run/slabs.before /run/slabs.after
check "not 40 MiB of pages more" test $((after - before)) -lt 40
if [[ -e $kmemleak ]]; then
	leaks >/run/leaks.after
	check "kmemleak has found nothing" \
		cmp /run/leaks.before /run/leaks.after
fi
