# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# The disk as a disk: limits, data, discard, latency, control, coming and going.

test_basic_limits()
{
	local queue=/sys/block/td_a/queue
	td_create a size=16M
	[[ $(<$queue/write_cache) == "write back" ]]
	[[ $(<$queue/fua) == 1 && $(<$queue/logical_block_size) == 4096 ]]
	[[ $(</sys/block/td_a/size) == 32768 ]]
	td_create b size=16M cache=off block=512
	queue=/sys/block/td_b/queue
	[[ $(<$queue/write_cache) == "write through" ]]
	[[ $(<$queue/logical_block_size) == 512 ]]
	[[ $(td_list) == $'a\nb' ]]
}

test_basic_refusals()
{
	fails td_create a
	fails td_create a size=1000
	fails td_create a size=1M sizze=3
	fails td_create a/b size=1M
	fails td_create a size=1M block=1024
	fails td_create a size=1M cache=perhaps
	fails td_create a size=1M read_ns=-1
	fails td_create a size=1M backing=/dev/null
	fails td_cmd nonsense
	fails td_cmd stat
	fails td_stat a
	td_create a size=1M
	fails td_create a size=1M
	[[ $(td_create a size=1M 2>&1) == *"a exists"* ]]
	fails td_fault a lost op=read
	fails td_fault a misdirect op=write to=2048
	fails td_fault a melt
	fails td_peek a 1048576 1
	fails td_poke a 0 abc
	fails td_snapshot a 1 b
	fails td_clear a id=7
	[[ $(td_list) == a ]]
}

# While open, the module stays.
test_basic_module_busy()
{
	local fd
	td_create a size=1M
	exec {fd}</dev/td_a
	fails rmmod qbd_testdisk
	td_remove a
	fails rmmod qbd_testdisk
	exec {fd}<&-
}

test_basic_data()
{
	local sector
	td_create a size=64M block=512
	for sector in 0 1 7 9 4095; do
		pattern "$work/$sector" 33 "$sector"
	done
	put "$work/0" a 0
	put "$work/7" a 7
	put "$work/4095" a 4095
	put "$work/1" a 1
	put "$work/9" a 131039
	is a 4095 "$work/4095"
	is a 1 "$work/1"
	is a 131039 "$work/9"
	[[ $(td_peek a 0 16) == "$(od -An -tx1 -N16 "$work/0" | tr -d ' ')" ]]
	[[ $(td_stat a writes) == 5 && $(td_stat a write_sectors) == 165 ]]
	[[ $(td_ops a) == 5 && $(td_stat a nomem) == 0 ]]
}

test_basic_fio()
{
	td_create a size=32M block=512
	fio --name=verify --filename=/dev/td_a --rw=randrw --direct=1 \
		--ioengine=libaio --iodepth=16 --bsrange=512-64k \
		--size=32M --io_size=8M --verify=crc32c --randseed=5 \
		--fsync=64 --verify_state_save=0 --output=/dev/null
	[[ $(td_stat a errors) == 0 && $(td_stat a flushes) -gt 0 ]]
}

test_basic_discard()
{
	td_create a size=4M
	pattern "$work/a" 2048 1
	zeros "$work/zero" 2048
	put "$work/a" a 0
	put "$work/a" a 4096
	blkdiscard --offset 0 --length 512K /dev/td_a
	[[ $(td_stat a discards) == 1 ]]
	get a 0 1024 | cmp - <(head --bytes=512K "$work/zero")
	get a 1024 1024 | cmp - <(tail --bytes=512K "$work/a")
	blkdiscard --zeroout --offset 2M --length 1M /dev/td_a
	is a 4096 "$work/zero"
	[[ $(td_stat a zeroes) -ge 1 ]]
	# both are volatile
	cycle a keep=none
	get a 0 2048 | cmp - "$work/zero"
	put "$work/a" a 0
	flush a
	blkdiscard --offset 4K --length 8K /dev/td_a
	cycle a keep=none
	is a 0 "$work/a"
	blkdiscard --offset 4K --length 8K /dev/td_a
	cycle a keep=all
	get a 8 16 | cmp - <(head --bytes=8K "$work/zero")
}

# No request is faster than the law says; the upper side is for icount.
test_basic_latency()
{
	local start us
	td_create a size=1M read_ns=30000000
	start=${EPOCHREALTIME/./}
	get a 0 8 >/dev/null
	us=$((${EPOCHREALTIME/./} - start))
	[[ $us -ge 30000 ]]
	td_latency a read_ns=0 kib_ns=10000000
	start=${EPOCHREALTIME/./}
	get a 0 16 >/dev/null
	us=$((${EPOCHREALTIME/./} - start))
	[[ $us -ge 80000 ]]
}

test_basic_poke()
{
	local before
	td_create a size=1M
	pattern "$work/a" 8 1
	put "$work/a" a 8
	td_poke a 5000 00ff00ff
	[[ $(td_peek a 5000 4) == 00ff00ff ]]
	before=$(td_peek a 6000 1)
	td_flip a 6000 3
	[[ $((0x$before ^ 0x$(td_peek a 6000 1))) == 8 ]]
	# the medium has it, whatever becomes of the cache
	cycle a keep=none
	[[ $(td_peek a 4999 6) == 0000ff00ff00 ]]
}

test_basic_backing()
{
	td_create base size=4M cache=off
	td_create a backing=/dev/td_base
	[[ $(</sys/block/td_a/size) == 8192 ]]
	pattern "$work/a" 64 1
	pattern "$work/b" 64 2
	put "$work/a" a 0
	flush a
	put "$work/b" a 0
	put "$work/b" a 64 dsync
	put "$work/a" a 128
	fails td_create b backing=/dev/td_base
	# a machine that dies loses what is volatile
	td_crash base
	td_remove a
	td_revive base
	td_create a backing=/dev/td_base
	[[ $(mix a 0 "$work/a" "$work/b") == "0 64 0" ]]
	is a 64 "$work/b"
	put "$work/a" a 256
	td_remove a
	td_create a backing=/dev/td_base
	get a 256 64 | cmp - <(head --bytes=32K /dev/zero)
	[[ $(td_stat a backing_errors) == 0 ]]
}
