#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# clang-tidy over what compiles in userspace: core, tools, tests. The shell of
# the module is not for it: it needs the kernel's flags.
#
# A file that passed is remembered by what the preprocessor makes of it, so a
# changed header checks its users again and nothing else.
#
# The analyzer is given little patience, so that the gate stays quick; --full
# lets it follow as many paths as it likes.
#
# usage: clang-tidy.sh [--full] [FILE]...
set -euo pipefail

cd "$(dirname "$0")/.."
readonly dir=build/clang-tidy

# Left out of bugprone: easily-swappable-parameters and narrowing-conversions
# (kernel style lives with both), reserved-identifier (__qbd_* is ours),
# macro-parentheses and assignment-in-if are checkpatch's.
checks='-*,bugprone-*,clang-analyzer-*,linuxkernel-*'
checks+=',-bugprone-easily-swappable-parameters,-bugprone-reserved-identifier'
checks+=',-bugprone-narrowing-conversions,-bugprone-macro-parentheses'
# if (strcmp(a, b)) and switches with equal arms are kernel style.
checks+=',-bugprone-suspicious-string-compare,-bugprone-branch-clone'
checks+=',-bugprone-assignment-in-if-condition'
checks+=',-bugprone-implicit-widening-of-multiplication-result'
# Wants memcpy_s() and friends, which no libc here has.
checks+=',-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling'
# Padding is pahole's, and in formats it is explicit.
checks+=',-clang-analyzer-optin.performance.Padding'

patience=(--extra-arg=-Xclang --extra-arg=-analyzer-config
	--extra-arg=-Xclang --extra-arg=max-nodes=20000)
flags=(-std=gnu11 -D_GNU_SOURCE -Ikmod/core -Iuapi -Itests -Idaemon
	-I/usr/include/libnl3 -include tests/shim/env.h)

check()
{
	local file=$1 mark out
	[[ -z ${QBD_TIDY_FULL:-} ]] || patience=()
	mark=$dir/$( { clang -E "${flags[@]}" "$file"; cat "$0"
		echo "${patience[*]}"; } | sha256sum | cut --characters=1-40)
	[[ ! -e $mark ]] || return 0
	if out=$(clang-tidy --quiet --checks="$checks" \
			--warnings-as-errors='*' "${patience[@]}" "$file" \
			-- "${flags[@]}" 2>/dev/null); then
		touch "$mark"
		return 0
	fi
	echo "$out"
	return 1
}

if [[ ${1:-} == --one ]]; then
	check "$2"
	exit
fi
if [[ ${1:-} == --full ]]; then
	export QBD_TIDY_FULL=1
	shift
fi
mkdir -p "$dir"
if [[ $# == 0 ]]; then
	mapfile -t files < <(scripts/files.sh c kmod/core daemon tests |
		grep '\.c$' | grep --invert-match '^tests/testdisk/')
	set -- "${files[@]}"
fi
[[ $# == 0 ]] || printf '%s\0' "$@" |
	xargs --null --max-args=1 --max-procs=2 "$0" --one
