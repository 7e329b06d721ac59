#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the kernel's checkpatch.pl --strict over files and wants silence.
#
# No kernel package but linux-source has the script, so it is taken out of
# that package's archive once, into build/checkpatch/. A file that passed is
# remembered by its content: half a second per file adds up.
#
# usage: checkpatch.sh [FILE]...      all C files of the tree if none is named
set -euo pipefail

cd "$(dirname "$0")/.."
readonly dir=build/checkpatch

# CONST_STRUCT wants the kernel's whole list of ops structs, CAMELCASE the
# kernel's headers; AVOID_BUG takes QBD_CORE_BUG() for BUG(), tidy.py has the
# rule. Where a line is broken is clang-format's to say, and it knows no other
# way for some.
kernel_ignore=CONST_STRUCT,CAMELCASE,AVOID_BUG
kernel_ignore+=,OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT
# codespell is a gate of its own and knows what is a name.
kernel_ignore+=,TYPO_SPELLING
# The one place where the kernel's version may be asked for.
compat_ignore=$kernel_ignore,LINUX_VERSION_CODE,CONSTANT_COMPARISON
# Userspace includes a uapi header, and BIT() is not in it.
uapi_ignore=$kernel_ignore,BIT_MACRO
# Userspace has no kstrto*(), READ_ONCE() or u64 of its own and no attribute macros; the harness and the shim
# are made of macros that are no functions, where clang-format takes `(n) - 1`
# for a cast.
user_ignore=$kernel_ignore,CONSIDER_KSTRTO,SSCANF_TO_KSTRTO,NAKED_SSCANF
user_ignore+=,VOLATILE,PREFER_KERNEL_TYPES,SYMBOLIC_PERMS,ARRAY_SIZE,STRCPY
user_ignore+=,PREFER_DEFINED_ATTRIBUTE_MACRO
user_ignore+=,MACRO_ARG_REUSE,MACRO_ARG_PRECEDENCE,MACRO_ARG_UNUSED
user_ignore+=,COMPLEX_MACRO,MACRO_WITH_FLOW_CONTROL,SPACING,SPLIT_STRING

extract()
{
	local archive tmp
	archive=$(printf '%s\n' /usr/src/linux-source-6.*.tar.xz |
		sort --version-sort | tail --lines=1)
	[[ -e $archive ]] || {
		echo "checkpatch.sh: no linux-source; run scripts/setup" >&2
		exit 1
	}
	mkdir -p "$dir"
	tmp=$(mktemp --directory "$dir/new.XXXXXX")
	tar --extract --xz --file="$archive" --directory="$tmp" \
		--strip-components=1 --wildcards \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
		'*/scripts/const_structs.checkpatch'
	rm -rf "$dir/scripts"
	mv "$tmp/scripts" "$dir/scripts"
	rmdir "$tmp"
}

# One file; in build/ because checkpatch leaves its notes in the directory.
check()
{
	local file=$1 ignore=$kernel_ignore mark out
	case $file in
	uapi/*) ignore=$uapi_ignore ;;
	kmod/compat.h) ignore=$compat_ignore ;;
	kmod/core/env.h) ignore+=,MACRO_ARG_UNUSED ;;
	tests/testdisk/*) ;;
	daemon/* | bpf/* | tests/*) ignore=$user_ignore ;;
	esac
	# Lists that keep an enum, its names and its texts in step.
	! grep --quiet --extended-regexp \
		'^#define [A-Z0-9_]+\(X\)|^\s[A-Z0-9_]+\([A-Z0-9_]+\)$' "$file" ||
		ignore+=,COMPLEX_MACRO,BRACKET_SPACE,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
	mark=$dir/passed/$(sha256sum "$file" "$0" | sha256sum |
		cut --characters=1-40)
	[[ ! -e $mark ]] || return 0
	if out=$(cd build && perl checkpatch/scripts/checkpatch.pl --no-tree \
			--strict --terse --show-types --no-summary \
			--ignore "$ignore" --file "../$file" 2>/dev/null) &&
			[[ -z $out ]]; then
		touch "$mark"
		return 0
	fi
	echo "${out//..\//}"
	return 1
}

if [[ ${1:-} == --one ]]; then
	check "$2"
	exit
fi
[[ -e $dir/scripts/checkpatch.pl ]] || extract
mkdir -p "$dir/passed"
if [[ $# == 0 ]]; then
	mapfile -t files < <(scripts/files.sh c)
	set -- "${files[@]}"
fi
[[ $# == 0 ]] || printf '%s\0' "$@" |
	xargs --null --max-args=1 --max-procs=2 "$0" --one
