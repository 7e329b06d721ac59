#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the replicated state and shows which rule of
# its simulator (state_sim.h) finds it, and after how many schedules.
#
# usage: tests/sim/mutants_state.sh [--schedules N] [--build DIR] [NAME...]
#
# Exit code: 0 all were found; 1 one was not.
set -euo pipefail

top=$(cd "$(dirname "$0")/../.." && pwd)
build=$top/build/tests
schedules=20000
names=()

while [[ $# -gt 0 ]]; do
	case $1 in
	--schedules) schedules=$2; shift ;;
	--build) build=$2; shift ;;
	--quick) ;; # all of them are
	-*) sed --quiet 's/^# usage: /usage: /p' "$0" >&2; exit 2 ;;
	*) names+=("$1") ;;
	esac
	shift
done

# Name of the bug: what it breaks.
all=(
	state_done_twice            # a request that comes again is done again
	state_window_ignored        # so is one that is too old to know
	state_token_expired         # who joins late joins all the same
	state_opens_go_back         # S11: a store that was rolled back votes
	state_term_reused           # S2: two attaches have one term
	state_takeover_any_term     # V3: evidence of one holder ends the next
	state_set_any_term          # S6: a fenced holder's set is adopted
	state_set_any_epoch         # S6: a step that was taken is taken again
	state_deleted_in_use        # S11: a replica in use is taken for gone
	state_slot_in_memory        # a restored server goes on in another way
	state_voters_below_majority # a group that can not commit any more
	state_dead_witness          # V3: the dead say that a holder is gone
)
[[ ${#names[@]} -gt 0 ]] || names=("${all[@]}")

make --silent --no-print-directory -C "$top/tests" "O=$build" \
	"$build/state-o2.a" "$build/state-asan.a" >/dev/null
make --silent --no-print-directory -C "$top/tests/sim" "TOP=$top" \
	"O=$build" "$build/statesim-mutant" >/dev/null

found=0 missed=0
printf '%-30s %-5s %9s  %s\n' "planted bug" rule schedules "what it said"
for name in "${names[@]}"; do
	grep --recursive --quiet --fixed-strings "QBD_MUTANT($name)" \
		"$top/daemon/state" || {
		echo "no such bug: $name" >&2
		exit 2
	}
	out=$("$build/statesim-mutant" --schedules "$schedules" --seed 1 \
		--mutant "$name" | grep '^FAIL' || true)
	rule=$(sed --quiet 's/.*rule="\(R[0-9]*\): .*/\1/p' <<<"$out")
	if [[ $rule ]]; then
		found=$((found + 1))
		after=$(sed --quiet 's/.* after=\([0-9]*\) .*/\1/p' <<<"$out")
		said=$(sed --quiet 's/.*rule="R[0-9]*: \(.*\)"$/\1/p' \
			<<<"$out")
	else
		missed=$((missed + 1))
		rule='-' after=$schedules said='NOT FOUND'
	fi
	printf '%-30s %-5s %9s  %s\n' "$name" "$rule" "$after" "$said"
done
echo "$found passed, $missed failed"
[[ $missed -eq 0 ]]
