#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the agents and shows which rule of their
# simulator (agent_sim.h) finds it, and after how many schedules.
#
# usage: tests/sim/mutants_agent.sh [--quick] [--schedules N] [--runs N]
#            [--build DIR] [NAME...]
#
# Exit code: 0 all were found; 1 one was not.
# shellcheck source-path=SCRIPTDIR source=mutants.sh
source "$(dirname "$0")/mutants.sh"

sim=agentsim archives='state-o2.a state-asan.a' where='daemon/agent daemon/repair' schedules=500

# Name of the bug: what it breaks.
fast=(
	agent_any_session    # S2: a term that nobody here asked for is used
	agent_term_again     # S2: a term that was lost is used again
	agent_detach_newer   # an old leader ends a device that runs
	agent_delete_absent  # S11: what nobody wants is deleted
	agent_made_again     # S11: an empty replica under an id that voted
	agent_floor_early    # S11: a floor below a term that was granted
	agent_peer_in_use    # a peer is removed by an old list
	agent_set_early      # S6: a set is durable before it is
	agent_seen_forgets   # a dump makes nothing known
	agent_want_half      # half of a list counts
	agent_want_goes_back # an old leader is believed
	repair_suspect       # a node that is only suspect loses its copies
	repair_not_kept      # who came back is replaced all the same
	repair_any_word      # S6: what was said of another copy, or term, counts
	repair_no_quorum     # a set is used of which no quorum is there
	repair_no_limit      # all at once
	agent_repair_device  # S16: what is held for repair gets a device
	repair_hold_kept     # a hold does not end
	repair_hold_many     # one node holds all of them
)

mutants_main "$@"
