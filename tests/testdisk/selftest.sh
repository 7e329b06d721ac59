#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Shows, in a guest, that the test disk does what it says: each fault fires,
# flushed data always survives, unflushed data survives as the seed says, an
# armed crash is exact, a snapshot equals the crash, nothing hangs, and the
# kernel has nothing to complain about. Prints KTAP.
#
# The tests are the functions named test_* in selftest.d/*.sh.
#
# usage: selftest.sh QBD-TESTDISK.KO [GLOB]
set -euo pipefail

here=$(dirname "$(readlink --canonicalize "$0")")
# shellcheck source=tests/testdisk/td.sh disable=SC1091
source "$here/td.sh"
readonly module=${1:?usage: selftest.sh QBD-TESTDISK.KO [GLOB]}
readonly only=${2:-*}
work=$(mktemp --directory)
readonly work

# Sectors of each file of data; looking would cost a process each time.
declare -A sectors_of

# pattern FILE SECTORS SEED: every sector differs, within it and between seeds.
pattern()
{
	sectors_of[$1]=$2
	rm -f "$1.hex"
	seq --format="$3-%015.0f" $(($2 * 512 / 16)) 2>/dev/null |
		head --bytes=$(($2 * 512)) >"$1" || true
}

# zeros FILE SECTORS
zeros()
{
	sectors_of[$1]=$2
	head --bytes=$(($2 * 512)) /dev/zero >"$1"
}

# put FILE DISK SECTOR [FLAG]: one write, past the page cache, no flush. The
# block size of dd is that of the file: a shorter last write would be buffered.
put()
{
	dd if="$1" of="/dev/td_$2" bs=$((${sectors_of[$1]} * 512)) \
		seek=$(($3 * 512)) oflag="direct,seek_bytes${4:+,$4}" \
		conv=notrunc status=none
}

# get DISK SECTOR SECTORS: one read past the page cache.
get()
{
	dd if="/dev/td_$1" bs=$(($3 * 512)) skip=$(($2 * 512)) count=1 \
		iflag=direct,skip_bytes,fullblock status=none
}

flush() { sync "/dev/td_$1"; }
fails() { ! "$@" 2>/dev/null; }

# is DISK SECTOR FILE: the content of the file is there.
is()
{
	get "$1" "$2" "${sectors_of[$3]}" | cmp - "$3"
}

# The whole content of two disks is the same.
equal() { cmp "/dev/td_$1" "/dev/td_$2"; }

# mix DISK SECTOR A B: how many sectors there are those of file A, of file B,
# and neither.
mix()
{
	get "$1" "$2" "${sectors_of[$3]}" >"$work/mix"
	sectors "$work/mix"
	[[ -e $3.hex ]] || sectors "$3"
	[[ -e $4.hex ]] || sectors "$4"
	paste "$work/mix.hex" "$3.hex" "$4.hex" |
		awk '$1 == $2 { a++; next } $1 == $3 { b++; next } { c++ }
			END { print a + 0, b + 0, c + 0 }'
}

# sectors FILE: one word of hex digits for each sector, in FILE.hex
sectors()
{
	od --address-radix=n --format=x1 --width=512 -v "$1" |
		tr --delete ' ' >"$1.hex"
}

# Crash, revive: what a machine sees that lost its power.
cycle()
{
	td_crash "$@"
	td_revive "$1"
}

remove_all()
{
	local name
	for name in $(td_list); do
		td_remove "$name"
	done
}

# The kernel's complaints, since the script began.
no_complaints()
{
	! dmesg | sed '1,/testdisk: selftest begins/d' | grep \
		--extended-regexp --after-context=30 \
		'BUG:|WARNING:|KASAN|INFO: |UBSAN|Oops|Call Trace|unreferenced'
}

# Leaks of the module show after two scans, when there is kmemleak.
no_leaks()
{
	[[ -e /sys/kernel/debug/kmemleak ]] || return 0
	echo scan >/sys/kernel/debug/kmemleak
	echo scan >/sys/kernel/debug/kmemleak
	! grep '\[qbd_testdisk\]' /sys/kernel/debug/kmemleak
}

run_one()
{
	set -e
	local name=$1
	trap 'echo "# $name: line $LINENO: $BASH_COMMAND" >&2' ERR
	trap 'jobs -p | xargs --no-run-if-empty kill' EXIT
	set -o errtrace
	"$name"
}

number=0 failed=0
report()
{
	number=$((number + 1))
	[[ $1 == ok ]] || failed=$((failed + 1))
	echo "$1 $number - $2"
}

# verdict NAME COMMAND...: what it prints is the reason when it fails
verdict()
{
	local name=$1 out
	shift
	if out=$("$@" 2>&1); then
		report ok "$name"
	else
		printf '%s\n' "$out" | sed 's/^/# /'
		report "not ok" "$name"
	fi
}

for file in "$here"/selftest.d/*.sh; do
	# shellcheck source=/dev/null
	source "$file"
done
mapfile -t tests < <(compgen -A function test_ | sort)
echo "testdisk: selftest begins" >/dev/kmsg
td_load "$module"
echo "TAP version 13"
for test in "${tests[@]}"; do
	# shellcheck disable=SC2053
	[[ ${test#test_} == $only ]] || continue
	start=$SECONDS
	# a subshell in a condition would lose "set -e"
	set +e
	(run_one "$test")
	rc=$?
	set -e
	remove_all
	[[ $rc == 0 ]] && word=ok || word="not ok"
	report "$word" "${test#test_} # $((SECONDS - start)) s"
done
verdict unload rmmod qbd_testdisk
verdict leaks no_leaks
verdict dmesg no_complaints
echo "1..$number"
echo "# $((number - failed)) passed, $failed failed"
rm -rf "$work"
[[ $failed == 0 ]]
