#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs simulators and says how it went in KTAP. A schedule that breaks a rule
# ends its simulator, which prints the seed and the line that replays it.
#
# Seeds that once broke a rule are replayed first: what a seed does changes with
# the simulator, so what it found has a unit test as well.
#
# usage: run.sh BIN_DIR SCHEDULES SEED     every tenth schedule under ASan too
set -euo pipefail

bin=$1 schedules=$2 seed=$3
sims=(store_sim store_sim-asan)
found=(
	33737705440032 # tail passed records voided by what was not logged yet
	185578968790710 # a lost truncation at the end of the log
	248686043775252 # the block of a seal under way was promised away
	268790471063824 # one was, against what the log said behind it
	220096281549048 # one that was carried out after the next damage only
)
nr=0
failed=0

run()
{
	local name=$1 count=$2 from=$3 verdict=ok

	"$bin/$name" --schedules "$count" --seed "$from" 2>&1 |
		sed 's/^/# /' || {
		verdict="not ok"
		failed=1
	}
	nr=$((nr + 1))
	echo "$verdict $nr - $name: $count schedules from seed $from"
}

echo "1..$((${#found[@]} + ${#sims[@]}))"
for at in "${found[@]}"; do
	run store_sim 1 "$at"
done
for name in "${sims[@]}"; do
	count=$schedules
	[[ $name != *-asan ]] || count=$((schedules / 10))
	run "$name" "$count" "$seed"
done
exit "$failed"
