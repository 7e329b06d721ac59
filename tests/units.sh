#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs all unit tests: the programs that tests/Makefile built, and the scripts.
# Each prints a KTAP document; one that dies without an exit code of a test (0,
# 1, 4) is a failed test of its own. Those with real daemons (test_qbdd*.py)
# wait most of the time: two of them at a time run beside the others, each in a
# network of its own if that is allowed, as they choose ports that are free.
#
# usage: units.sh [GLOB]      of the names, such as 'test_ring*'
set -euo pipefail

if [[ ${1:-} == --in-network ]]; then
	ip link set lo up
	exec "${@:2}"
fi
cd "$(dirname "$0")/.."
readonly glob=${1:-*}
out=$(mktemp --directory)
trap 'rm -rf "$out"' EXIT

# run SOURCE...: one after the other; 1 if one failed.
run()
{
	local source program rc failed=0 apart
	for source; do
		# shellcheck disable=SC2053 # a glob is what is wanted
		[[ -e $source && $(basename "$source") == $glob ]] || continue
		program=$source
		[[ $source != *.c ]] || program=build/${source%.c}
		rc=0
		echo "# $source"
		apart=()
		[[ $source != */test_qbdd*.py || $EUID != 0 ]] ||
			apart=(unshare --net tests/units.sh --in-network)
		"${apart[@]}" timeout --kill-after=10 600 "$program" \
			</dev/null || rc=$?
		case $rc in
		0 | 4) ;;
		1) failed=1 ;;
		*)
			printf '1..1\nnot ok 1 %s # exit=%d\n' "$source" "$rc"
			failed=1
			;;
		esac
	done
	return $failed
}

daemons=() others=() first=() second=()
for source in tests/unit/test_*.{c,sh,py}; do
	case $source in
	*/test_qbdd*.py) daemons+=("$source") ;;
	*) others+=("$source") ;;
	esac
done
for i in "${!daemons[@]}"; do
	if [[ $((i % 2)) == 0 ]]; then
		first+=("${daemons[i]}")
	else
		second+=("${daemons[i]}")
	fi
done
failed=0
run "${first[@]}" >"$out/first" 2>&1 &
one=$!
run "${second[@]}" >"$out/second" 2>&1 &
two=$!
run "${others[@]}" || failed=1
wait $one || failed=1
wait $two || failed=1
cat "$out/first" "$out/second"
exit $failed
