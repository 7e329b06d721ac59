#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs test programs one after the other as the kernel's runner does: one KTAP
# line per program, its own output above it behind "# ". A program's exit
# code is 0 (passed), 1 (failed) or 4 (skipped); it has $QBD_TEST_TIMEOUT_S
# seconds (default 600).
#
# usage: kselftest.sh PROGRAM...      exit code: 1 if one failed, else 0
set -euo pipefail

timeout_s=${QBD_TEST_TIMEOUT_S:-600}
num=0 failed=0

printf 'KTAP version 1\n1..%d\n' $#
for program in "$@"; do
	num=$((num + 1))
	name=$(basename "$program")
	printf '# selftests: qbd: %s\n' "$name"
	rc=0
	timeout --kill-after=10 "$timeout_s" "$(realpath "$program")" \
		</dev/null 2>&1 | sed --unbuffered 's/^/# /' || rc=$?
	case $rc in
	0) printf 'ok %d selftests: qbd: %s\n' $num "$name" ;;
	4) printf 'ok %d selftests: qbd: %s # SKIP\n' $num "$name" ;;
	124 | 137) printf 'not ok %d selftests: qbd: %s # TIMEOUT %s s\n' \
			$num "$name" "$timeout_s" ;;
	*) printf 'not ok %d selftests: qbd: %s # exit=%d\n' $num "$name" $rc ;;
	esac
	[[ $rc == 0 || $rc == 4 ]] || failed=$((failed + 1))
done
[[ $failed == 0 ]]
