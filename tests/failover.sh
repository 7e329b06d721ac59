#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How long failovers and moves take, in virtual time: case 403 with seed after
# seed, and the table of what it says. Times are in ms since the holder's
# machine died, when a surviving daemon first said so in its log:
#
#	DETECT	the dead node's daemon is missed
#	ELECT	another daemon leads the group; if the dead one led it
#	SILENT	a kernel with a copy has not heard the holder's for long enough
#	TAKE	who leads has that of a quorum (V3)
#	DECIDE	the group has agreed on the next holder
#	ASK	that one asks its kernel to attach, under a term of its own
#	DEVICE	recovered, there is a device
#	START	the program that uses it
#	WRITE	the first write there is acknowledged
#
# MOVE is the longest time without an acknowledgement when the volume is moved.
# A row is there only if nothing that was acknowledged was lost. Several run at
# once ($JOBS): virtual time knows nothing of the others.
#
# usage: failover.sh [SEEDS [FIRST]]    exit code 1 if one failed
#        failover.sh --one SEED         run this one; its log is kept
#        failover.sh --table SEED...    of runs that there are
set -euo pipefail

cd "$(dirname "$0")/.."
readonly logs=build/logs
mkdir -p "$logs"

one()
{
	local log=$logs/failover-$1.log
	scripts/testbed cases --long --kernel debian --seed "$1" \
		--case '403*' --verbose >"$log" 2>&1 && return
	echo "not ok - seed $1, see $log"
	grep '# not ok\|# FAIL' "$log" || true
}

rows()
{
	local seed log
	for seed in "$@"; do
		log=$logs/failover-$seed.log
		if grep --quiet '# ok .* nothing is missing' "$log"; then
			sed -n "s/.*# failover: /$seed | /p" "$log"
		fi
	done
}

table()
{
	awk -F ' *[|] *' '
	BEGIN {
		split("SEED DIES LED SHARDS LINKS_US DETECT ELECT SILENT TAKE" \
			" DECIDE ASK DEVICE START WRITE MOVE", head, " ")
		left = "%-5s %-4s %-3s %-6s %-14s"
		printf left, head[1], head[2], head[3], head[4], head[5]
		for (i = 6; i <= 15; i++)
			printf " %6s", head[i]
		print ""
	}
	{
		printf left, $1, $2, $2 == $3 ? "yes" : "no", $4, $5
		for (i = 6; i <= 15; i++)
			printf " %6s", $i
		print ""
		led += $2 == $3
		for (i = 6; i <= 15; i++) {
			if ($i == "-")
				continue
			if (!(i in min) || $i + 0 < min[i])
				min[i] = $i + 0
			if (!(i in max) || $i + 0 > max[i])
				max[i] = $i + 0
		}
	}
	END {
		printf "%-36s", sprintf("least of %d, %d of which led", NR, led)
		for (i = 6; i <= 15; i++)
			printf " %6s", i in min ? min[i] : "-"
		printf "\n%-36s", "most"
		for (i = 6; i <= 15; i++)
			printf " %6s", i in max ? max[i] : "-"
		print ""
	}'
}

case ${1:-} in
--one)
	one "$2"
	exit
	;;
--table)
	rows "${@:2}" | table
	exit
	;;
esac
seeds=${1:-20} first=${2:-1}
mapfile -t all < <(seq "$first" $((first + seeds - 1)))
for seed in "${all[@]}"; do
	rm -f "$logs/failover-$seed.log"
done
printf '%s\n' "${all[@]}" |
	xargs --max-procs="${JOBS:-$(nproc)}" --max-args=1 tests/failover.sh --one
rows "${all[@]}" | table
passed=0
for seed in "${all[@]}"; do
	! grep --quiet '^1 passed, 0 failed' "$logs/failover-$seed.log" ||
		passed=$((passed + 1))
done
echo "commit $(git rev-parse --short=12 HEAD); $passed passed," \
	"$((seeds - passed)) failed"
[[ $passed == "$seeds" ]]
