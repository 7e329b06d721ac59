# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Power cuts: what is durable stays, the rest goes as the seed says, exactly at
# the armed operation, and a snapshot of the past shows the same bytes.

# A and then half of B over it: B is not flushed.
two_layers()
{
	pattern "$work/a" 128 1
	pattern "$work/b" 128 2
	put "$work/a" a 0
	flush a
	put "$work/b" a 0
}

test_crash_law()
{
	local seed a b other kept=0 lost=0
	td_create a size=1M
	two_layers
	[[ $(td_stat a unflushed_sectors) == 128 ]]
	cycle a keep=none
	is a 0 "$work/a"
	put "$work/b" a 0
	cycle a keep=all
	is a 0 "$work/b"
	for seed in 1 2 3 4 8 12; do
		td_create r size=1M
		put "$work/a" r 0
		flush r
		put "$work/b" r 0
		cycle r seed=$seed
		read -r a b other < <(mix r 0 "$work/a" "$work/b")
		echo "# seed $seed: $a durable, $b volatile, $other neither"
		[[ $other == 0 && $((a + b)) == 128 ]]
		[[ $(td_stat r crash_lost) == "$a" ]]
		[[ $(td_stat r crash_kept) == "$b" ]]
		kept=$((kept + b)) lost=$((lost + a))
		td_remove r
	done
	[[ $kept -gt 100 && $lost -gt 100 ]]
	# what was flushed needs no luck
	put "$work/b" a 512
	flush a
	cycle a seed=5
	is a 512 "$work/b"
}

test_crash_grain()
{
	td_create a size=1M
	two_layers
	cycle a seed=2 grain=4096
	get a 0 128 >"$work/now"
	sectors "$work/now"
	sectors "$work/a"
	# of each block all sectors are old or none, and both kinds occur
	[[ $(paste "$work/now.hex" "$work/a.hex" |
		awk '{ n += $1 == $2 } NR % 8 == 0 { print n; n = 0 }' |
		sort --unique) == $'0\n8' ]]
}

# FUA makes this write durable, and nothing else.
test_crash_fua()
{
	td_create a size=1M
	pattern "$work/a" 64 1
	pattern "$work/b" 64 2
	# O_DSYNC also flushes: take that away
	td_fault a lost op=flush >/dev/null
	put "$work/a" a 0
	put "$work/b" a 64 dsync
	[[ $(td_stat a fuas) == 1 ]]
	cycle a keep=none
	is a 64 "$work/b"
	get a 0 64 | cmp - <(head --bytes=32K /dev/zero)
	# over an unflushed one
	put "$work/a" a 128
	put "$work/b" a 128 dsync
	cycle a keep=none
	is a 128 "$work/b"
}

test_crash_no_cache()
{
	td_create a size=1M cache=off
	two_layers
	[[ $(td_stat a unflushed_sectors) == 0 ]]
	cycle a keep=none
	is a 0 "$work/b"
}

test_crash_seed()
{
	local seed
	td_create a size=1M
	two_layers
	for seed in 1 2 3 4; do
		td_clone a "x$seed"
		td_clone a "y$seed"
		cycle "x$seed" seed=$seed
		cycle "y$seed" seed=$seed
		equal "x$seed" "y$seed"
	done
	fails equal x1 x2 >/dev/null
	fails equal x3 x4 >/dev/null
}

test_crash_exact()
{
	local i
	td_create a size=1M
	pattern "$work/a" 8 1
	put "$work/a" a 0
	td_crash_after a 5 keep=all
	for i in 1 2 3 4; do
		put "$work/a" a $((i * 8))
		[[ $(td_stat a crash_left) == $((5 - i)) ]]
	done
	[[ $(td_stat a state) == running ]]
	fails put "$work/a" a 40
	[[ $(td_stat a state) == crashed && $(td_ops a) == 6 ]]
	[[ $(td_stat a crash_inflight) == 1 ]]
	fails get a 0 8
	fails td_crash a
	td_revive a
	# all survives, also what was in flight
	is a 40 "$work/a"
	td_crash_after a 1
	td_crash_after a 0
	put "$work/a" a 48
}

# A script of writes, flushes and discards, one after the other.
workload()
{
	local i
	for i in 1 2 3 4 5 6; do
		put "$work/s$i" "$1" $((i * 40)) || return 1
		put "$work/s$i" "$1" $((1000 - i * 24)) || return 1
		[[ $((i % 3)) != 0 ]] || flush "$1" || return 1
		[[ $i != 4 ]] || blkdiscard --offset 64K --length 40K \
			"/dev/td_$1" || return 1
		put "$work/s$i" "$1" 512 dsync || return 1
	done
}

test_crash_snapshot()
{
	local i n ops
	for i in 1 2 3 4 5 6; do
		pattern "$work/s$i" $((i * 16)) "$i"
	done
	td_create a size=1M
	pattern "$work/b" 1024 9
	put "$work/b" a 0
	td_clone a origin
	td_record a on
	workload a
	ops=$(td_stat a record_ops)
	echo "# $ops operations"
	[[ $ops -ge 24 ]]
	fails td_snapshot a $((ops + 1)) s
	for ((n = 1; n <= ops; n += 3)); do
		td_snapshot a $n s seed=$n
		td_clone origin r
		td_crash_after r $n seed=$n
		fails workload r
		[[ $(td_stat r state) == crashed ]]
		td_revive r
		equal s r
		td_remove s
		td_remove r
	done
	td_snapshot a 0 s keep=none
	get s 0 1024 | cmp - <(head --bytes=512K /dev/zero)
	td_snapshot a 0 t keep=all
	is t 0 "$work/b"
}

# The same with many requests in flight, latency, and faults: the log of the
# very run that crashed tells what it left.
test_crash_snapshot_deep()
{
	local seed total=0
	for seed in 1 2 3; do
		td_create a size=16M block=512 write_ns=3000000 kib_ns=20000 \
			flush_ns=5000000
		pattern "$work/b" 2048 9
		put "$work/b" a 0
		td_fault a torn sectors=3 nth=5 count=3 >/dev/null
		td_fault a lost op=write nth=9 count=2 >/dev/null
		td_fault a flip op=write byte=700 bit=1 nth=20 count=2 \
			>/dev/null
		td_fault a misdirect op=write to=64 nth=30 count=1 >/dev/null
		td_record a on
		td_crash_after a $((60 + seed * 17)) seed=$seed
		fails fio --name=load --filename=/dev/td_a --rw=randwrite \
			--direct=1 --ioengine=libaio --iodepth=16 --fsync=19 \
			--bsrange=512-32k --size=4M --io_size=16M \
			--randseed=$seed --output=/dev/null
		[[ $(td_stat a state) == crashed ]]
		echo "# $(td_stat a crash_inflight) in flight"
		total=$((total + $(td_stat a crash_inflight)))
		td_revive a
		td_snapshot a $((60 + seed * 17)) s seed=$seed
		equal a s
		td_snapshot a $((60 + seed * 17)) t seed=$((seed + 7))
		fails equal s t >/dev/null
		[[ $(td_stat a nomem) == 0 ]]
		td_remove a
		td_remove s
		td_remove t
	done
	[[ $total -gt 8 ]]
}

test_crash_record_limit()
{
	td_create a size=1M
	pattern "$work/a" 64 1
	td_record a on limit=80K
	put "$work/a" a 0
	put "$work/a" a 64
	put "$work/a" a 128
	put "$work/a" a 192
	[[ $(td_stat a record) == sealed ]]
	[[ $(td_stat a record_sealed) == overflow ]]
	[[ $(td_stat a record_ops) == 2 ]]
	td_snapshot a 2 s keep=all
	fails td_snapshot a 3 t
	fails td_record a on
	td_record a off
	td_record a on
	fails td_poke a 0 00
}

test_crash_hold()
{
	local pid
	td_create a size=1M
	pattern "$work/a" 8 1
	td_crash a io=hold
	put "$work/a" a 0 2>/dev/null &
	pid=$!
	td_wait a held 1
	td_revive a
	fails wait $pid
	put "$work/a" a 0
}

# A file system lives through a cut with what it had synced.
test_crash_ext4()
{
	td_create a size=64M
	mkfs.ext4 -q /dev/td_a
	mkdir -p "$work/mnt"
	mount /dev/td_a "$work/mnt"
	pattern "$work/a" 300 1
	cp "$work/a" "$work/mnt/synced"
	sync --file-system "$work/mnt"
	td_crash_after a 3 seed=4
	cp "$work/a" "$work/mnt/late"
	fails sync --file-system "$work/mnt"
	td_wait a state crashed
	umount "$work/mnt"
	td_revive a
	mount /dev/td_a "$work/mnt"
	cmp "$work/a" "$work/mnt/synced"
	umount "$work/mnt"
	fsck.ext4 -fn /dev/td_a >/dev/null
}
