#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the mutants_*.sh share, to be sourced: plants one bug after the other
# and shows which rule of a simulator finds it, and after how many seeds: the
# median of some runs, each from another seed.
#
# The script sets, and then calls mutants_main "$@":
#   sim        the simulator; its planted one is SIM-mutant
#   archives   of the code, to be built first
#   where      directories with the code
#   schedules  for each run
#   jobs       processes of a run, if the simulator can
#   fast       bugs that are found at once; each NAME, or NAME@SEED: to begin
#              with that seed, in one run, for what hardly ever shows
#   slow       others
#   covered    bugs that nothing here finds, and what prevents their harm
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/tests
runs=3 quick='' whole='' jobs='' sim='' where='' archives='' schedules=0
names=() fast=() slow=()
declare -A covered=()

# mutants_options [--quick] [--schedules N] [--runs N] [--build DIR] [NAME...]
mutants_options()
{
	while [[ $# -gt 0 ]]; do
		case $1 in
		--quick) quick=1 runs=1 ;;
		--schedules) schedules=$2; shift ;;
		--runs) runs=$2; shift ;;
		--build) build=$2; shift ;;
		-*) sed --quiet 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
		*) names+=("$1") ;;
		esac
		shift
	done
	[[ ${#names[@]} -eq 0 ]] || return 0
	names=("${fast[@]}")
	[[ $quick ]] || names+=(${slow[@]+"${slow[@]}"})
	[[ $quick ]] || whole=1
}

mutants_build()
{
	local archive paths=()

	for archive in $archives; do
		paths+=("$build/$archive")
	done
	make --silent --no-print-directory -C "$top/tests" "O=$build" \
		"${paths[@]}" >/dev/null
	make --silent --no-print-directory -C "$top/tests/sim" "TOP=$top" \
		"O=$build" "$build/$sim-mutant" >/dev/null
}

# mutants_known NAME: it is planted somewhere.
mutants_known()
{
	local dir dirs=()

	for dir in $where; do
		dirs+=("$top/$dir")
	done
	grep --recursive --quiet --fixed-strings "QBD_MUTANT($1)" \
		"${dirs[@]}" && return
	echo "no such bug: $1" >&2
	exit 2
}

# mutants_row NAME RULE SEEDS SAID
mutants_row()
{
	printf '%-36s %-16s %7s  %s\n' "$@"
}

# mutants_find NAME FIRST TRIES: a row; 1: it was not found in each try.
mutants_find()
{
	local name=$1 first=$2 tries=$3 run out seeds=() rule='' said=''

	for ((run = 0; run < tries; run++)); do
		out=$("$build/$sim-mutant" --schedules "$schedules" \
			--seed $((first + run * 1000000)) ${jobs:+--jobs "$jobs"} \
			--mutant "$name" | grep '^FAIL' | head --lines=1 || true)
		rule=$(sed --quiet 's/.*rule="\([^:"]*\).*/\1/p' <<<"$out")
		[[ $rule ]] || break
		said=$(sed --quiet 's/.*rule="[^:]*: \(.*\)"$/\1/p' <<<"$out")
		seeds+=("$(sed --quiet 's/.* after=\([0-9]*\) .*/\1/p' \
			<<<"$out")")
	done
	if [[ ${#seeds[@]} -lt $tries ]]; then
		mutants_row "$name" - "$schedules" 'NOT FOUND'
		return 1
	fi
	mutants_row "$name" "$rule" "$(printf '%s\n' "${seeds[@]}" |
		sort --numeric-sort |
		sed --quiet "$(((tries + 1) / 2))p")" "$said"
}

mutants_main()
{
	local word name found=0 missed=0

	mutants_options "$@"
	mutants_build
	mutants_row "planted bug" rule seeds "what it said"
	for word in "${names[@]}"; do
		name=${word%@*}
		mutants_known "$name"
		if [[ $word = *@* ]]; then
			mutants_find "$name" "${word#*@}" 1
		else
			mutants_find "$name" 1 "$runs"
		fi && found=$((found + 1)) || missed=$((missed + 1))
	done
	for name in ${covered[@]+"${!covered[@]}"}; do
		[[ ! $whole ]] || mutants_row "$name" - - \
			"covered: ${covered[$name]}"
	done
	echo "$found passed, $missed failed"
	[[ $missed -eq 0 ]]
}
