#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a 4K write costs beside waiting: instructions of all nodes, TCP
# segments, bytes on the wire; one copy and three, one write at a time and 32.
# Instructions are the virtual time in which tasks ran. One CPU, because a second
# one adds waiting for it; logs so long that nothing goes home meanwhile, which
# is measured by itself, as what closing a store takes.
#
#	n1 (leader) ---- n2, n3        null_blk, 20 us
#
# MODE=icount
# KERNELS=debian
# CPUS=1
# TIMEOUT=400
# MEM=2G
# MODULES="null_blk"
# FILES="build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="cost of a write: instructions, segments, bytes"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/bench.sh
. "${QBD_VM:?}/bench.sh"

readonly ops=1000

# cost DEPTH COPIES: of a write; RUN has what it sends for a peer as well.
cost()
{
	local segs bytes
	segs=$(tcp_segments n1 n2 n3)
	bytes=$(wire_bytes n1)
	load_run --ops $ops --depth "$1"
	figure "instructions of a 4K write, QD$1, $2" \
		"${RUN[busy_op]}" "all nodes"
	RUN[segs]=$(calc "($(tcp_segments n1 n2 n3) - $segs) / 2 / $ops" 3)
	RUN[bytes]=$(calc "($(wire_bytes n1) - $bytes) / 2 / $ops" 0)
}

# The first part of the disk has its pages already: null_blk gets them from the
# kernel, which would be in the figures.
three_disk()
{
	ram_disk "qd$1" "${@:2}"
	dd if=/dev/zero of="/dev/qd$1" bs=1M count=112 oflag=direct status=none
}

THREE_WAL=512M
three_nodes 1024 irqmode=2 completion_nsec=20000
at n1 qbdctl kernel replica create --id 8001 --volume 8 --shard 0 --size 64M \
	--store "$(_uuid n1)" --epoch 1 --members 1:8001
at n1 qbdctl kernel volume attach --id 8 --name vol8 --size 64M \
	--shard-size 64M --term 1000 --shard 0:1:1:8001
DEV=/dev/qbd0
load_run --ops $ops
cost 1 "one copy"
cost 32 "one copy"
at n1 qbdctl kernel volume detach --id 8

three_create 7 64 64
three_attach n1 7 64 64
wait_until 20 three_in_sync n1 3
load_run --ops $ops
cost 1 "three copies"
figure "TCP segments of a 4K write, QD1" "${RUN[segs]}" "a peer" "<= 2.2"
figure "wire bytes of a 4K write, QD1" "${RUN[bytes]}" "a peer"
cost 32 "three copies"
figure "TCP segments of a 4K write, QD32" "${RUN[segs]}" "a peer"
figure "wire bytes of a 4K write, QD32" "${RUN[bytes]}" "a peer"

at n1 qbdctl kernel volume detach --id 7
records=$((ops * 6))
start=${EPOCHREALTIME/./}
at n1 qbdctl kernel store remove "$(_uuid n1)"
figure "virtual ns to take a 4K write home, one copy" \
	$(((${EPOCHREALTIME/./} - start) * 1000 / records)) ""
