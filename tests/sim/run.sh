#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs simulators and says how it went in KTAP. A schedule that breaks a rule
# ends its simulator, which prints the seed and the line that replays it.
#
# usage: run.sh BIN_DIR SCHEDULES SEED     every tenth schedule under ASan too
set -euo pipefail

bin=$1 schedules=$2 seed=$3
sims=(store_sim store_sim-asan)
failed=0

echo "1..${#sims[@]}"
for at in "${!sims[@]}"; do
	name=${sims[$at]}
	count=$schedules
	[[ $name != *-asan ]] || count=$((schedules / 10))
	verdict=ok
	"$bin/$name" --schedules "$count" --seed "$seed" 2>&1 |
		sed 's/^/# /' || {
		verdict="not ok"
		failed=1
	}
	echo "$verdict $((at + 1)) - $name: $count schedules from seed $seed"
done
exit "$failed"
