#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the store half of the core and shows which
# rule of the simulation's model finds it, and after how many seeds: the median
# of some runs, each from another seed.
#
# usage: tests/sim/mutants_store.sh [--schedules N] [--runs N] [--build DIR]
#            [NAME...]
#
# Exit code: 0 all were found; 1 one was not.

set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/tests
schedules=20000 runs=3
names=()

while [ $# -gt 0 ]; do
	case $1 in
	--schedules) schedules=$2; shift ;;
	--runs) runs=$2; shift ;;
	--build) build=$2; shift ;;
	-*) sed -n 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
	*) names+=("$1") ;;
	esac
	shift
done

# Name of the bug: what it breaks.
if [ ${#names[@]} -eq 0 ]; then
	names=(
		home_before_commit       # S1: more than the bound goes home
		home_before_durable      # S1: ... before it is in the log
		overlay_not_cut          # a truncated record is still read
		promise_lost_at_tail     # S5: the table does not carry it
		delete_lost_at_tail      # the tail passes it too early
		relog_skipped            # V2: the tail passes live records
		share_ignored            # V2: pinned ones fill the log
		seals_uncounted          # V2: seals keep the log full
		relog_not_replayed       # V2: replay takes no copies
		chosen_then_void         # V2: the tail passes what may be live
		tail_before_super        # log overwritten too early
		super_in_one_slot        # one damaged slot is one too many
		known_not_raised         # S5: rot looks like a torn tail
		damage_taken_for_torn    # S5: replay cuts what was durable
		cut_segment_revived      # S5: replay takes what an older run wrote
		flush_skipped            # superblock before what it names
		grace_skipped            # home changes under a reader
		freed_chunk_reused_early # before the map that frees it
		fill_not_whole           # old bytes in a new chunk
		map_last_kept            # S12: index of the last change
		reservation_skipped      # S16: accepted without a home
		freed_chunk_forgotten    # S12: the index goes with the chunk
		written_in_place         # S14: coalesced across a pin
		pinned_chunk_freed       # while the pin has it
		pin_of_half_home         # with what a power cut left of later ones
		pin_unreserved           # S16: pending records find no chunk
		edge_unreserved          # S16: neither do those that zero a part
		old_index_kept           # S12: the source's index is not taken
		old_chunk_leaked         # its place is never free again
		switch_unfilled          # P5: some bytes are missing
		shadow_freed_early       # while it is written to
		switch_index_lost        # S12: the log says what it had
		switch_of_map_only       # S12: new bytes under the old index
		clone_skipped            # what nobody wrote is not copied
	)
fi

# Where to begin for bugs that take more seeds than there is time for: what is
# found from there is found in one run.
declare -A first=([chosen_then_void]=555555568600
	[cut_segment_revived]=32700)

make --silent --no-print-directory -C "$top/tests" "O=$build" \
	"$build/core-o2.a" "$build/core-asan.a" >/dev/null
make --silent --no-print-directory -C "$top/tests/sim" "TOP=$top" \
	"O=$build" "$build/store_sim-mutant" >/dev/null

found=0
missed=0
printf '%-26s %-44s %s\n' "planted bug" "rule that found it" "median seeds"
for name in "${names[@]}"; do
	grep -rqF "QBD_MUTANT($name)" "$top/kmod/core" || {
		echo "no such bug: $name" >&2
		exit 2
	}
	seeds=() rule='' once=${first[$name]:-}
	for ((run = 0; run < (once ? 1 : runs); run++)); do
		out=$("$build/store_sim-mutant" --schedules "$schedules" \
			--seed "${once:-$((1 + run * 1000000))}" \
			--mutant "$name" | head -n 1 || true)
		rule=$(sed -n 's/.*rule="\(.*\)"$/\1/p' <<<"$out")
		[ -n "$rule" ] || break
		seeds+=("$(sed -n 's/^FAIL .*after=\([0-9]*\) .*/\1/p' \
			<<<"$out")")
	done
	if [ -n "$rule" ]; then
		found=$((found + 1))
		median=$(printf '%s\n' "${seeds[@]}" | sort -n |
			sed -n "$(((${#seeds[@]} + 1) / 2))p")
	else
		missed=$((missed + 1))
		rule="NOT FOUND"
		median=$schedules
	fi
	printf '%-26s %-44s %s\n' "$name" "$rule" \
		"$median${once:+ from seed $once}"
done
echo "$found passed, $missed failed"
[ "$missed" -eq 0 ]
