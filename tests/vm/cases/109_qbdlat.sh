#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# qbdlat counts what fio did, request by request, and its stages add up.
# The debug kernel's build directory has no vmlinux, so that qbd.ko has no BTF.
# KERNELS=debian
# TIMEOUT=200
DESCRIPTION="qbdlat under load: every request is in its histograms"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires fio

readonly table=/dev/shm/qbdlat

# lines NUMBER: the table has so many, at least.
lines()
{
	[[ $(wc --lines <$table) -ge $1 ]]
}

# load_it RW COUNT
load_it()
{
	fio --name=l --filename="$DEV" --direct=1 --ioengine=libaio \
		--iodepth=8 --blocksize=16k --size=32M --rw="$1" \
		--number_ios="$2" --minimal
}

# field STAGE KEY: in the newest table that is there as a whole.
field()
{
	[[ $(grep '}$' $table | tail --lines=1) =~ \"$1\":\ \{[^}]*\"$2\":\ ([0-9]+) ]]
	echo "${BASH_REMATCH[1]}"
}

# counts STAGE NUMBER
counts()
{
	[[ $(field "$1" count) == "$2" ]]
}

watch()
{
	: >$table
	qbdlat --json "$@" >$table &
	pid=$!
	# only what is attached prints a table
	wait_until 60 test -s $table
}

unwatch()
{
	kill -INT "$pid"
	wait "$pid"
}

check "without the module it says so" \
	grep --quiet "module is not loaded" <(qbdlat --count 1 2>&1)
ram_disk qd 512
one_node
one_store /dev/qd --wal-size 64M
one_create 7 64 64
one_attach 7 64 64
on_exit rm -f $table

watch
check "300 writes" quiet load_it randwrite 300
check "200 reads" quiet load_it randread 200
check "20 discards" quiet load_it randtrim 20
wait_until 60 counts other 20
check "all writes are counted" counts write 300
check "all reads are counted" counts read 200
for stage in prepare log quorum; do
	check "stage $stage has all writes" counts $stage 300
done
check "there were log writes, and not more than records" \
	test "$(field wal count)" -gt 0 -a "$(field wal count)" -le 330
check "the stages are the whole" test $(($(field prepare sum_ns) + \
	$(field log sum_ns) + $(field quorum sum_ns))) \
	-le "$(field write sum_ns)"
check "and most of it" test $(($(field prepare sum_ns) + \
	$(field log sum_ns) + $(field quorum sum_ns))) \
	-ge $(($(field write sum_ns) * 3 / 4))
for stage in write read other prepare log quorum wal; do
	check "$stage: median, 99 %, most are in order" test \
		"$(field $stage p50_ns)" -le "$(field $stage p99_ns)" -a \
		"$(field $stage p99_ns)" -le "$(field $stage max_ns)"
done
unwatch && code=0 || code=$?
check "interrupted it ends well" test "$code" = 0

watch --volume 8
check "100 writes" quiet load_it randwrite 100
wait_until 60 lines 2
check "another volume's are not counted" counts write 0
unwatch
check "a table for people" grep --quiet 'STAGE *COUNT *MEAN us' \
	<(qbdlat --count 1)
