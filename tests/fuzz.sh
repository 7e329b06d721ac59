#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the fuzzers that tests/Makefile built with libFuzzer: each replays its
# corpus, tests/fuzz/corpus/NAME/, and then looks for new inputs for a while.
# An input that breaks something is left in build/fuzz/NAME/; add it to the
# corpus together with the fix.
#
# usage: fuzz.sh [--seconds N]      0, the default: only replay
set -euo pipefail

cd "$(dirname "$0")/.."
seconds=0
[[ ${1:-} != --seconds ]] || seconds=$2

programs=(build/tests/fuzz/fuzz_*)
[[ -e ${programs[0]} ]] || {
	echo '1..0 # SKIP no fuzzer was built'
	exit 4
}
printf 'KTAP version 1\n1..%d\n' ${#programs[@]}
num=0 failed=0
for program in "${programs[@]}"; do
	num=$((num + 1))
	name=$(basename "$program")
	found=build/fuzz/$name corpus=tests/fuzz/corpus/$name
	mkdir -p "$found"
	args=(-artifact_prefix="$found/" -timeout=10 -print_final_stats=1)
	if [[ $seconds == 0 ]]; then
		args+=(-runs=0)
	else
		args+=(-max_total_time="$seconds" -seed="$((${QBD_SEED:-1} %
			4294967296))")
	fi
	# New inputs go to the first directory, the corpus is only read.
	[[ ! -d $corpus ]] || args+=("$found" "$corpus")
	[[ -d $corpus ]] || args+=("$found")
	if "$program" "${args[@]}" 2>&1 | sed 's/^/# /'; then
		echo "ok $num $name"
	else
		echo "not ok $num $name"
		failed=$((failed + 1))
	fi
done
[[ $failed == 0 ]]
