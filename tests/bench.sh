#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All figures in one table: runs the cases that measure (tests/vm/bench.sh),
# one after the other in virtual time, so that what else this machine does
# has no influence. Exit code 1 if a figure misses its bound or a case fails.
#
# usage: bench.sh [GLOB]     of cases; QBD_SEED=n for other runs than 42
set -euo pipefail

cd "$(dirname "$0")/.."
readonly log=build/logs/bench.log
glob=${1:-*}
[[ $glob != '*' ]] || glob='*_bench_*'
mkdir -p build/logs
rc=0
scripts/testbed cases --kernel debian --seed "${QBD_SEED:-42}" --long \
	--verbose --case "$glob" >"$log" 2>&1 || rc=$?

awk -F ' *[|] *' '
/^# # figure: / {
	sub(/^# # figure: /, "")
	name[++nr] = $1; value[nr] = $2; unit[nr] = $3; bound[nr] = $4
	verdict[nr] = $5
	w[1] = length($1) > w[1] ? length($1) : w[1]
	w[2] = length($2) > w[2] ? length($2) : w[2]
	w[3] = length($3) > w[3] ? length($3) : w[3]
}
END {
	format = "%-" w[1] "s  %" w[2] "s  %-" w[3] "s  %-9s  %s\n"
	printf format, "FIGURE", "VALUE", "UNIT", "BOUND", "VERDICT"
	for (i = 1; i <= nr; i++)
		printf format, name[i], value[i], unit[i], bound[i], verdict[i]
}' "$log"
grep --extended-regexp '^(not )?ok ' "$log" || true
echo "commit $(git rev-parse --short=12 HEAD), seed ${QBD_SEED:-42}, see $log"
tail --lines=1 "$log"
exit $rc
