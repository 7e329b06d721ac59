#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Partitions of three nodes (case 404) and of five (408), all kinds with each
# seed, in virtual time, and the table of what they say; tests/vm/partitions.sh
# has what the kinds are, and what can not be seen there. VOLUME: has another node
# it now? TERMS: of the volume; RAFT: of the group. PAUSE: the longest time
# without an acknowledgement; BACK: from the end of the partition until one came;
# in ms.
#
# Several run at once ($JOBS): virtual time knows nothing of the others.
#
# usage: partitions.sh [SEEDS [FIRST [CASE]...]]    exit code 1 if one failed
#        partitions.sh --one SEED CASE              run this one; its log is kept
set -euo pipefail

cd "$(dirname "$0")/.."
readonly logs=build/logs
mkdir -p "$logs"
export QBD_OPS=9 # all kinds

one()
{
	local log=$logs/partitions-$2-$1.log
	scripts/testbed cases --long --kernel debian --seed "$1" \
		--case "$2*" --verbose >"$log" 2>&1 && return
	echo "not ok - case $2, seed $1, see $log"
	grep '# not ok\|# FAIL' "$log" || true
}

table()
{
	awk -F ' *[|] *' '
	BEGIN {
		format = "%-5s %-5s %-14s %-8s %-6s %5s %5s %6s %6s %4s\n"
		printf format, "SEED", "NODES", "KIND", "CUT OFF", "VOLUME",
			"TERMS", "RAFT", "PAUSE", "BACK", "LOST"
	}
	{ printf format, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10 }'
}

if [[ ${1:-} == --one ]]; then
	one "$2" "$3"
	exit
fi
seeds=${1:-10} first=${2:-1}
cases=("${@:3}")
[[ ${#cases[@]} -gt 0 ]] || cases=(404 408)
runs=()
for ((seed = first; seed < first + seeds; seed++)); do
	for case in "${cases[@]}"; do
		runs+=("$seed $case")
		rm -f "$logs/partitions-$case-$seed.log"
	done
done
printf '%s\n' "${runs[@]}" | xargs --max-procs="${JOBS:-$(nproc)}" \
	--max-args=2 tests/partitions.sh --one
passed=0
for run in "${runs[@]}"; do
	log=$logs/partitions-${run#* }-${run% *}.log
	sed -n "s/.*# partition: /${run% *} | /p" "$log"
done | table
for run in "${runs[@]}"; do
	log=$logs/partitions-${run#* }-${run% *}.log
	! grep --quiet '^1 passed, 0 failed' "$log" || passed=$((passed + 1))
done
echo "commit $(git rev-parse --short=12 HEAD); $passed passed," \
	"$((${#runs[@]} - passed)) failed"
[[ $passed == "${#runs[@]}" ]]
