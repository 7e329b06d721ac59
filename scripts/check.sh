#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The gates: what every commit passes. One KTAP line per gate; the output of
# a gate is shown only if it fails, and kept in build/logs/gates/.
#
# usage: check.sh [--list] [GATE]...     exit code: 1 if one failed, else 0
set -euo pipefail

cd "$(dirname "$0")/.."
readonly logs=build/logs/gates
# The slow ones first: two run at a time.
readonly gates=(module clang-tidy checkpatch sparse user tidy clang-format
	kernel-doc shellcheck codespell python cocci netlink)

# Formatter and analyzer change their mind with each version: exit code 4 is a
# skipped gate.
need_clang()
{
	"$2" --version >/dev/null || exit 1
	"$2" --version | grep --quiet "version $1\\." || exit 4
}

# gcc W=1 -Werror, for Debian's kernel.
gate_module()
{
	scripts/modules.sh debian
}

# sparse: __le types, lock balance, address spaces.
gate_sparse()
{
	scripts/modules.sh debian C=2 CF=-D__CHECK_ENDIAN__ >"$logs/sparse.raw" \
		2>&1 || { cat "$logs/sparse.raw"; return 1; }
	sed --quiet "s|$PWD/build/debian/||; /warning:\|error:/p" \
		"$logs/sparse.raw" | (! grep .)
}

# Tools and tests with -Wall -Wextra -Wshadow -Werror.
gate_user()
{
	make --no-print-directory tools tests
}

gate_checkpatch() { scripts/checkpatch.sh; }

# The headers are the reference; what is public there is documented.
gate_kernel-doc()
{
	local kdir files
	kdir=$(scripts/modules.sh debian --kdir)
	mapfile -t files < <(scripts/files.sh c kmod uapi daemon/{log,loop,work}.h \
		daemon/*/ |
		grep '\.h$' | grep --invert-match '/trace\.h$')
	[[ ${#files[@]} == 0 ]] ||
		"$kdir/scripts/kernel-doc" -none -Wall -Werror "${files[@]}"
}

# Trace events and tables of macros have a layout that no formatter knows.
gate_clang-format()
{
	need_clang 14 clang-format
	scripts/files.sh c | grep --invert-match '/trace\.h$' |
		xargs --no-run-if-empty --delimiter='\n' \
			clang-format --dry-run --Werror
}

gate_shellcheck()
{
	scripts/files.sh sh | xargs --no-run-if-empty --delimiter='\n' \
		shellcheck --external-sources
}

gate_codespell()
{
	scripts/files.sh text | grep --invert-match '^COPYING$' |
		xargs --no-run-if-empty --delimiter='\n' codespell \
			--ignore-words=scripts/codespell.ignore
}

gate_tidy() { scripts/tidy.py; }

gate_cocci() { scripts/cocci.sh; }

# Generated and committed: the two may not drift apart.
gate_netlink() { scripts/ynl_regen.sh --check; }

gate_clang-tidy()
{
	need_clang 14 clang-tidy
	scripts/clang-tidy.sh
}

# Every script parses, without leaving __pycache__ behind.
gate_python()
{
	scripts/files.sh py | python3 -c '
import ast, sys
for name in sys.stdin.read().split("\n")[:-1]:
    ast.parse(open(name, encoding="utf-8").read(), name)'
}

# Runs one gate in the background and leaves its exit code beside its log.
run_gate()
{
	local gate=$1 rc=0 start=$SECONDS
	"$0" --one "$gate" >"$logs/$gate.log" 2>&1 </dev/null || rc=$?
	echo "$rc $((SECONDS - start))" >"$logs/$gate.rc"
}

case ${1:-} in
--list)
	printf '%s\n' "${gates[@]}"
	exit
	;;
--one)
	"gate_$2"
	exit
	;;
esac
[[ $# -gt 0 ]] || set -- "${gates[@]}"
for gate in "$@"; do
	declare -F "gate_$gate" >/dev/null || {
		echo "check.sh: no gate '$gate'; see --list" >&2
		exit 2
	}
done

mkdir -p "$logs"
exec 8>build/gates.lock # people share one tree: one run at a time
flock 8
trap 'kill $(jobs -p) 2>/dev/null || true' EXIT
printf 'KTAP version 1\n1..%d\n' $#
for gate in "$@"; do
	while [[ $(jobs -pr | wc --lines) -ge 2 ]]; do
		wait -n || true
	done
	run_gate "$gate" 8>&- &
done
wait

num=0 failed=0 skipped=0
for gate in "$@"; do
	num=$((num + 1))
	read -r rc seconds <"$logs/$gate.rc"
	if [[ $rc == 0 ]]; then
		echo "ok $num $gate # $seconds s"
	elif [[ $rc == 4 ]]; then
		echo "ok $num $gate # SKIP another version of the tool"
		skipped=$((skipped + 1))
	else
		tail --lines=60 "$logs/$gate.log" | sed 's/^/# /'
		echo "not ok $num $gate # $seconds s"
		failed=$((failed + 1))
	fi
done
printf '%d passed, %d failed' $(($# - failed - skipped)) $failed
[[ $skipped == 0 ]] || printf ', %d skipped' $skipped
echo
[[ $failed == 0 ]]
