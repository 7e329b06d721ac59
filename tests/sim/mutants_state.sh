#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the replicated state and shows which rule of
# its simulator (state_sim.h) finds it, and after how many schedules.
#
# usage: tests/sim/mutants_state.sh [--quick] [--schedules N] [--runs N]
#            [--build DIR] [NAME...]
#
# Exit code: 0 all were found; 1 one was not.
# shellcheck source-path=SCRIPTDIR source=mutants.sh
source "$(dirname "$0")/mutants.sh"

sim=statesim archives='state-o2.a state-asan.a' where=daemon/state schedules=20000

# Name of the bug: what it breaks.
fast=(
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
	state_level_falls           # what it allowed may be in use
	state_above_level           # some servers do it, and some do not
	state_dead_witness          # V3: the dead say that a holder is gone
	state_lost_needed           # a set is left without a quorum
	state_lost_failed           # so it is, by a copy whose store failed
	state_lost_unmade           # or by one that was never made
	state_lost_joint            # or the one that follows is
	state_lost_joins            # who was given up is one of the cluster
	state_lost_back             # a store that never comes back is used again
)

mutants_main "$@"
