# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# Each fault fires, where and as often as it was told to; a disk that is stuck
# or goes away hangs nobody.

prepare()
{
	td_create a size=1M block=512
	pattern "$work/a" 16 1
	pattern "$work/b" 16 2
	put "$work/a" a 0
	flush a
}

test_fault_eio()
{
	local id
	prepare
	id=$(td_fault a eio op=write nth=2 count=1 from=8 len=4)
	put "$work/b" a 100
	put "$work/b" a 0
	fails put "$work/a" a 0
	put "$work/b" a 0
	[[ $(td_hits a "$id") == 1 && $(td_stat a errors) == 1 ]]
	is a 0 "$work/b"
	td_fault a eio op=read count=1 >/dev/null
	fails get a 0 8
	is a 0 "$work/b"
	td_fault a eio op=flush count=1 >/dev/null
	fails flush a
	td_fault a eio op=discard >/dev/null
	fails blkdiscard /dev/td_a
	td_clear a id="$id"
	fails td_clear a id="$id"
	td_clear a
	[[ -z $(td_faults a) ]]
	blkdiscard /dev/td_a
}

# A flush that failed made nothing durable.
test_fault_flush()
{
	prepare
	put "$work/b" a 0
	td_fault a eio op=flush count=1 >/dev/null
	fails flush a
	[[ $(td_stat a unflushed_sectors) == 16 ]]
	cycle a keep=none
	is a 0 "$work/a"
	# and one that lies
	put "$work/b" a 0
	td_fault a lost op=flush count=1 >/dev/null
	flush a
	cycle a keep=none
	is a 0 "$work/a"
}

test_fault_nospc()
{
	prepare
	td_fault a nospc from=100 count=1 >/dev/null
	LC_ALL=C put "$work/b" a 100 2>"$work/err" && return 1
	grep --quiet 'No space left' "$work/err"
	put "$work/b" a 100
}

test_fault_lost()
{
	prepare
	td_fault a lost op=write count=1 >/dev/null
	put "$work/b" a 0
	is a 0 "$work/a"
	put "$work/b" a 0
	is a 0 "$work/b"
}

test_fault_torn()
{
	prepare
	td_fault a torn sectors=5 count=1 >/dev/null
	put "$work/b" a 0
	[[ $(mix a 0 "$work/a" "$work/b") == "11 5 0" ]]
	# torn and failed
	td_fault a torn sectors=9 count=1 >/dev/null
	td_fault a eio op=write count=1 >/dev/null
	fails put "$work/b" a 0
	[[ $(mix a 0 "$work/a" "$work/b") == "7 9 0" ]]
}

test_fault_misdirect()
{
	prepare
	td_fault a misdirect op=write to=1000 count=1 >/dev/null
	put "$work/b" a 0
	is a 0 "$work/a"
	is a 1000 "$work/b"
	td_fault a misdirect op=read to=1000 count=1 >/dev/null
	is a 0 "$work/b"
	is a 0 "$work/a"
}

test_fault_flip()
{
	prepare
	td_fault a flip op=read offset=1000 bit=2 count=1 >/dev/null
	get a 8 8 | cmp - <(tail --bytes=4096 "$work/a")
	get a 0 16 >"$work/now"
	[[ $(cmp --verbose "$work/now" "$work/a" | wc --lines) == 1 ]]
	[[ $(cmp --verbose "$work/now" "$work/a") == *1001* ]]
	is a 0 "$work/a"
	td_fault a flip op=write byte=4097 bit=7 count=1 >/dev/null
	put "$work/b" a 0
	get a 0 16 >"$work/now"
	[[ $(cmp --verbose "$work/now" "$work/b") == *4098* ]]
	[[ $(cmp --verbose "$work/now" "$work/b" | wc --lines) == 1 ]]
}

test_fault_stall()
{
	local pid start us
	prepare
	td_fault a stall op=write count=1 >/dev/null
	put "$work/b" a 0 &
	pid=$!
	td_wait a held 1
	is a 0 "$work/a"
	td_release a
	wait $pid
	is a 0 "$work/b"
	td_fault a stall op=flush ms=50 count=1 >/dev/null
	put "$work/a" a 0
	start=${EPOCHREALTIME/./}
	flush a
	us=$((${EPOCHREALTIME/./} - start))
	[[ $us -ge 50000 ]]
	# a crash does not wait for the stall
	td_fault a stall op=write >/dev/null
	put "$work/b" a 0 2>/dev/null &
	pid=$!
	td_wait a held 1
	td_crash a keep=none
	fails wait $pid
	td_revive a
	is a 0 "$work/a"
}

test_fault_vanish()
{
	local pid
	prepare
	td_fault a stall op=write >/dev/null
	put "$work/b" a 0 2>/dev/null &
	pid=$!
	td_wait a held 1
	td_vanish a
	fails wait $pid
	[[ ! -e /sys/block/td_a && $(td_stat a disk) == gone ]]
	td_clear a
	td_revive a
	is a 0 "$work/a"
	# a crash from the I/O path that takes the disk away as well
	td_crash_after a 2 keep=none vanish=on
	put "$work/b" a 0
	fails put "$work/b" a 16
	td_wait a disk gone
	td_until 10 test ! -e /sys/block/td_a
	td_revive a
	is a 0 "$work/a"
}

# Crash, revive, vanish and remove under load, with requests stuck.
test_fault_under_load()
{
	local pid round
	for round in 1 2 3 4; do
		td_create a size=16M write_ns=200000000 read_ns=200000000 \
			flush_ns=200000000
		fio --name=load --filename=/dev/td_a --rw=randrw --direct=1 \
			--ioengine=libaio --iodepth=32 --bsrange=4k-64k \
			--size=16M --fsync=10 --time_based --runtime=600 \
			--ignore_error=EIO,EIO --output=/dev/null \
			2>/dev/null &
		pid=$!
		td_until 60 load_runs
		case $round in
		1) cycle a seed=1; td_until 60 load_runs ;;
		2) td_crash a io=hold; td_until 60 load_stuck ;;
		3) td_fault a stall op=write >/dev/null; td_until 60 load_stuck ;;
		4) td_vanish a ;;
		esac
		td_remove a
		fails td_stat a
		kill $pid
		wait $pid || true
	done
}

load_runs() { [[ $(td_stat a inflight) -gt 4 ]]; }
load_stuck() { [[ $(td_stat a held) -gt 4 ]]; }
