#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the log store of Raft and shows which rule
# of its simulator (raftlog_sim.h) finds it, and after how many seeds: the
# median of some runs, each from another seed.
#
# usage: tests/sim/mutants_raftlog.sh [--quick] [--schedules N] [--runs N]
#            [--build DIR] [NAME...]
#
# --quick: only those that are found at once, one run each.
# Exit code: 0 all were found; 1 one was not.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/tests
schedules=200000 runs=3 quick=
names=()

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

# Name of the bug: what it breaks.
fast=(
	raftlog_ack_before_sync       # entries that were never written
	raftlog_known_not_lowered     # a truncation looks like damage
	raftlog_known_before_entries  # a torn end looks like damage
	raftlog_cut_what_was_promised # damage taken for a torn end
	raftlog_good_behind_bad       # sectors out of order look like damage
	raftlog_slot_in_place         # a torn slot is the only one
	raftlog_rename_before_sync    # a snapshot that is a name only
	raftlog_drop_before_snapshot  # neither the one nor the other
	raftlog_no_dir_sync_after_rotate # a segment without a name
	raftlog_keep_what_clashes     # the end of a log of another history
)
slow=(
	raftlog_state_in_one_slot     # it rots, the vote is given again
	raftlog_tail_not_zeroed       # what was cut comes back
	raftlog_truncate_one_record   # the same, behind a truncation
	raftlog_not_written_again     # the sync that failed before
	raftlog_zeros_not_written_again # the same, of a truncation
	raftlog_names_not_synced_at_open # the same, of a rename
)
if [[ ${#names[@]} -eq 0 ]]; then
	names=("${fast[@]}")
	[[ $quick ]] || names+=("${slow[@]}")
fi

make --silent --no-print-directory -C "$top/tests" "O=$build" \
	"$build/raft-o2.a" "$build/raftlog-o2.a" >/dev/null
make --silent --no-print-directory -C "$top/tests/sim" "TOP=$top" \
	"O=$build" "$build/raftlogsim-mutant" >/dev/null

found=0 missed=0
printf '%-34s %-4s %7s  %s\n' "planted bug" rule seeds "what it said"
for name in "${names[@]}"; do
	grep --recursive --quiet --fixed-strings "QBD_MUTANT($name)" \
		"$top/daemon/raftlog" || {
		echo "no such bug: $name" >&2
		exit 2
	}
	seeds=() rule='' said=''
	for ((run = 0; run < runs; run++)); do
		out=$("$build/raftlogsim-mutant" --schedules "$schedules" \
			--seed $((1 + run * 1000000)) --mutant "$name" |
			grep '^FAIL' || true)
		[[ $out ]] || break
		said=$(sed --quiet 's/.*rule="L[1-9]: \(.*\)"$/\1/p' <<<"$out")
		rule=$(sed --quiet 's/.*rule="\(L[1-9]\): .*/\1/p' <<<"$out")
		[[ $rule ]] || break
		seeds+=("$(sed --quiet 's/.* after=\([0-9]*\) .*/\1/p' \
			<<<"$out")")
	done
	if [[ ${#seeds[@]} -eq $runs ]]; then
		found=$((found + 1))
		median=$(printf '%s\n' "${seeds[@]}" | sort --numeric-sort |
			sed --quiet "$(((runs + 1) / 2))p")
	else
		missed=$((missed + 1))
		rule='-' median=$schedules said='NOT FOUND'
	fi
	printf '%-34s %-4s %7s  %s\n' "$name" "$rule" "$median" "$said"
done
echo "$found passed, $missed failed"
[[ $missed -eq 0 ]]
