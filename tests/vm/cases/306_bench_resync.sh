#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A copy that no log reaches is copied from another one while 4K writes go on:
# what do they feel of it, and how long does it take?
#
#	n1 (leader) ---- 2 ms ---- n2, n3        each with a test disk, 20 us
#
# All nodes share one CPU here, so that each digest that n2 and n3 make delays
# the leader, which it would not do to a machine of its own. The pace of a resync
# sees that in the log's commits, and makes way for it all the same.
#
# MODE=icount
# KERNELS=debian
# TIER=long
# TIMEOUT=900
# FILES="tests/testdisk/td.sh build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="a resync beside 4K writes"
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

# resyncs: a member is being copied.
resyncs()
{
	local shown
	shown=$(at n1 qbdctl kernel shard list)
	grep --quiet --word-regexp resync <<<"$shown"
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
THREE_WAL=16M
three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
delay n2 1ms
delay n3 1ms
wait_until 20 three_in_sync n1 3
three_crash n3
dd if=/dev/urandom of="$DEV" bs=1M count=48 seek=8 oflag=direct conv=nocreat \
	status=none
load_run --warm-up 100 --ops 1000
before=${RUN[p99]}
figure "p99 of a 4K write, QD1, a copy missing" "$(calc "$before / 1000" 1)" us
start=${EPOCHREALTIME/./}
three_start n3
wait_until 60 resyncs
load_run --ops 1000
figure "p99 beside a resync, QD1" "$(calc "${RUN[p99]} / $before" 3)" times \
	"<= 1.5"
check "the resync went on meanwhile" wait_until 300 three_in_sync n1 3
figure "a resync of 48 MiB, start of the node to in sync" \
	$(((${EPOCHREALTIME/./} - start) / 1000)) ms
