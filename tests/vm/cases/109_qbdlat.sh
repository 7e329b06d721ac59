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

# shellcheck source=tests/vm/observer.sh
. "${QBD_VM:?}/observer.sh"

# lines NUMBER: the table has so many, at least.
lines()
{
	[[ $(wc --lines <$OBSERVED) -ge $1 ]]
}

# load_it RW COUNT
load_it()
{
	fio --name=l --filename="$DEV" --direct=1 --ioengine=libaio \
		--iodepth=8 --blocksize=16k --size=32M --rw="$1" \
		--number_ios="$2" --minimal
}

# counts STAGE NUMBER
counts()
{
	[[ $(field "$1" count) == "$2" ]]
}

check "without the module it says so" \
	grep --quiet "module is not loaded" <(qbdlat --count 1 2>&1)
ram_disk qd 512
one_node
one_store /dev/qd --wal-size 64M
one_create 7 64 64
one_attach 7 64 64

watch qbdlat
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
in_order write read other prepare log quorum wal
unwatch && code=0 || code=$?
check "interrupted it ends well" test "$code" = 0

watch qbdlat --volume 8
check "100 writes" quiet load_it randwrite 100
wait_until 60 lines 2
check "another volume's are not counted" counts write 0
unwatch
check "a table for people" grep --quiet 'STAGE *COUNT *MEAN us' \
	<(qbdlat --count 1)
