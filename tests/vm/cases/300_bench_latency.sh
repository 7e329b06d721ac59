#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a write with three copies waits for: one round trip, one medium, and
# what the CPU does, fitted over links and media of known speed:
#
#	L = a * RTT + b * media + c
#
#	n1 (leader) ---- RTT ---- n2, n3        each with a test disk
#
# The points are a full grid, so that a and b are the slopes of each alone.
#
# MODE=icount
# KERNELS=debian
# TIER=long
# TIMEOUT=600
# FILES="tests/testdisk/td.sh build/tests/qbdload:/usr/bin/qbdload"
DESCRIPTION="latency of a write: RTT, media, the rest"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/bench.sh
. "${QBD_VM:?}/bench.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"

THREE_DEV=/dev/td_qd

# Without a volatile cache, as a disk that survives power cuts.
three_disk()
{
	td_create "qd$1" size="$2M" cache=off
	on_exit td_remove "qd$1"
}

# media NS: of all disks.
media()
{
	local i
	for i in 1 2 3; do
		td_latency "qd$i" read_ns="$1" write_ns="$1"
	done
}

# round_trip US: of n1 to the others, a half each way.
round_trip()
{
	delay n2 $(($1 / 2))us
	delay n3 $(($1 / 2))us
}

# fit: points "rtt media latency" in ns, to a, b, c and the worst residual.
fit()
{
	awk '{ r[NR] = $1; m[NR] = $2; l[NR] = $3; R += $1; M += $2; L += $3 }
	END {
		R /= NR; M /= NR; L /= NR
		for (i = 1; i <= NR; i++) {
			rr += (r[i] - R) * r[i]; rl += (r[i] - R) * l[i]
			mm += (m[i] - M) * m[i]; ml += (m[i] - M) * l[i]
		}
		a = rl / rr; b = ml / mm; c = L - a * R - b * M
		for (i = 1; i <= NR; i++) {
			d = l[i] - a * r[i] - b * m[i] - c
			worst = d > worst ? d : -d > worst ? -d : worst
		}
		printf "%.4f %.4f %.0f %.0f\n", a, b, c, worst
	}'
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 256
three_create 7 128 128
three_attach n1 7 128 128
wait_until 20 three_in_sync n1 3
load_run --ops 1000

points=
for ns in 20000 200000; do
	media $ns
	for us in 200 1000 2000; do
		round_trip $us
		load_run --warm-up 100 --ops 500
		figure "4K write, RTT $us us, media $((ns / 1000)) us" \
			"$(calc "${RUN[p50]} / 1000" 1)" "us, p50"
		points+="$((us * 1000)) $ns ${RUN[p50]}"$'\n'
		plain=${RUN[p50]}
	done
done
read -r a b c worst < <(printf %s "$points" | fit)
log "worst residual: $worst ns"
figure "round trips in a write (a)" "$a" RTT "<= 1.02"
figure "media in a write (b)" "$b" media "<= 1.05"
figure "the rest of a write, all nodes (c)" "$c" ns
# else something is not waited for, or the rig is broken; 1.00 as rounded
check "no less than one of each" holds "$a >= 0.995 && $b >= 0.995"

# the last point again, now with fdatasync() after each write
load_run --warm-up 100 --ops 500 --sync
figure "write + fdatasync, beside the write alone" \
	"$(calc "${RUN[p50]} / $plain" 4)" times "<= 1.001"
