#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# One of three is slow, by its link or its disk: the other two are a quorum,
# and writes take what they took before (P3).
#
#	n1 (leader) ---- 2 ms ---- n2, n3        each with a test disk, 20 us
#
# A slow node catches its breath in bursts: its disk ends a group every 20 ms.
# All nodes share one CPU here, so such a burst delays the others, which it would
# not do to machines of their own. At depth 1 a burst is a few records, beside a
# round trip; at depth 8 it is some 70, and what comes of it is only shown.
#
# MODE=icount
# KERNELS=debian
# TIER=long
# TIMEOUT=600
# FILES="tests/testdisk/td.sh build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="a slow link or disk does not slow writes"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/bench.sh
. "${QBD_VM:?}/bench.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"

THREE_DEV=/dev/td_qd

three_disk()
{
	td_create "qd$1" size="$2M" cache=off read_ns=20000 write_ns=20000
	on_exit td_remove "qd$1"
}

# straggler DEPTH WHAT: a run beside the healthy one of this depth.
straggler()
{
	local bound=
	[[ $1 != 1 ]] || bound="<= 1.1"
	load_run --warm-up 100 --ops 1000 --depth "$1"
	figure "p99 beside all healthy, QD$1, $2" \
		"$(calc "${RUN[p99]} / ${healthy[$1]}" 3)" times "$bound"
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
THREE_WAL=512M # nothing goes home meanwhile
three_nodes 1024
three_create 7 64 64
three_attach n1 7 64 64
delay n2 1ms
delay n3 1ms
wait_until 20 three_in_sync n1 3
load_run --ops 500
for depth in 1 8; do
	load_run --warm-up 100 --ops 1000 --depth $depth
	healthy[depth]=${RUN[p99]}
	figure "p99 of a 4K write, QD$depth, all healthy" \
		"$(calc "${RUN[p99]} / 1000" 1)" us
	delay n3 26ms
	straggler $depth "a follower's RTT +50 ms"
	delay n3 1ms
	td_latency qd3 read_ns=20000 write_ns=20020000
	straggler $depth "a follower's disk +20 ms"
	td_latency qd3 read_ns=20000 write_ns=20000
	td_latency qd1 read_ns=20000 write_ns=20020000
	straggler $depth "the leader's disk +20 ms"
	td_latency qd1 read_ns=20000 write_ns=20000
	wait_until 20 three_in_sync n1 3
done
