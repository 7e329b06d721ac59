#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs all unit tests one after the other: the programs that tests/Makefile
# built, and the scripts. Each prints a KTAP document; one that dies without
# an exit code of a test (0, 1, 4) is a failed test of its own.
#
# usage: units.sh [GLOB]      of the names, such as 'test_ring*'
set -euo pipefail

cd "$(dirname "$0")/.."
failed=0
for source in tests/unit/test_*.{c,sh,py}; do
	# shellcheck disable=SC2053 # a glob is what is wanted
	[[ -e $source && $(basename "$source") == ${1:-*} ]] || continue
	program=$source
	[[ $source != *.c ]] || program=build/${source%.c}
	rc=0
	echo "# $source"
	timeout --kill-after=10 600 "$program" </dev/null || rc=$?
	case $rc in
	0 | 4) ;;
	1) failed=1 ;;
	*)
		printf '1..1\nnot ok 1 %s # exit=%d\n' "$source" "$rc"
		failed=1
		;;
	esac
done
exit $failed
