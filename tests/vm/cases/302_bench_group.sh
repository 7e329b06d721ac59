#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Group commit: with 32 writes in flight on a slow log each log write takes
# what came while the former one was under way. All writes of the disks are
# counted; none goes home so soon, and one that did would only make it worse.
#
#	n1 (leader) ---- n2, n3        null_blk, 1 ms
#
# MODE=icount
# KERNELS=debian
# TIER=long
# TIMEOUT=400
# MODULES="null_blk"
# FILES="build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="group commit: log writes of a write"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/bench.sh
. "${QBD_VM:?}/bench.sh"

readonly ops=2000

THREE_WAL=512M
three_nodes 1024 irqmode=2 completion_nsec=1000000
three_create 7 64 64
three_attach n1 7 64 64
wait_until 20 three_in_sync n1 3
load_run --ops 500 --depth 32
for disk in qd1 qd2 qd3; do
	before[${disk#qd}]=$(disk_writes $disk)
done
load_run --ops $ops --depth 32
for disk in qd1 qd2 qd3; do
	writes=$(($(disk_writes $disk) - before[${disk#qd}]))
	figure "log writes of a 4K write, QD32, medium 1 ms, node ${disk#qd}" \
		"$(calc "$writes / $ops" 4)" "a write" "<= 0.125"
done
figure "virtual ns of a 4K write, QD32, medium 1 ms" "${RUN[per_op]}" \
	"all nodes"
