#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A follower is down for a minute of virtual time while writes go on. What it
# missed comes back from the logs of the others, and hardly anything else:
# all bytes are counted that go over its link, both ways, from before it
# starts until it is in sync (P6).
#
# MODE=icount
# KERNELS=debian
# TIER=long
# TIMEOUT=600
# MODULES="null_blk"
# FILES="build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="catch-up costs what was missed"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/bench.sh
. "${QBD_VM:?}/bench.sh"

readonly ops=4000 outage_s=60

three_nodes 256 irqmode=2 completion_nsec=20000
three_create 7 64 64
three_attach n1 7 64 64
wait_until 20 three_in_sync n1 3
load_run --ops 500
check "a follower dies" three_crash n3
down=$SECONDS
load_run --ops $((ops / 2)) --depth 8
# pause: the outage itself, nothing is waited for
read -r -t $outage_s -u "$_never" || true
load_run --ops $((ops / 2)) --depth 8
check "a minute went by" test $((SECONDS - down)) -ge $outage_s
bytes=$(wire_bytes n3)
start=${EPOCHREALTIME/./}
three_start n3
wait_until 60 three_in_sync n1 3
figure "catch-up after $outage_s s, wire bytes beside those missed" \
	"$(calc "($(wire_bytes n3) - $bytes) / ($ops * 4096)" 3)" times "<= 1.1"
figure "catch-up of $ops writes of 4K, start of the node to in sync" \
	$(((${EPOCHREALTIME/./} - start) / 1000)) ms
