#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the Raft core and shows which rule of its
# oracle (raft_sim.h) finds it, and after how many seeds: the median of some
# runs, each from another seed.
#
# usage: tests/sim/mutants_raft.sh [--quick] [--schedules N] [--runs N]
#            [--build DIR] [NAME...]
#
# --quick: only those that are found at once, one run each. A name may have
# a seed to begin with, NAME@SEED, and one run: bugs that hardly ever show.
# Exit code: 0 all were found; 1 one was not.
# shellcheck source-path=SCRIPTDIR source=mutants.sh
source "$(dirname "$0")/mutants.sh"

sim=raftsim archives='raft-o2.a raft-asan.a' where='daemon/raft' schedules=200000 jobs=2

# Name of the bug: what it breaks.
fast=(
	raft_config_before_own_commit # rule 1: the bug of 2015
	raft_old_term_commit          # rule 2: counted, and lost again
	raft_prevote_despite_leader   # rule 3: a leader that serves is ended
	raft_no_check_quorum          # rule 3: a leader that nobody hears stays
	raft_config_not_rolled_back   # rule 4: a set that is in no log
	raft_snapshot_uncommitted_config # rule 4: it never goes away
	raft_joint_old_only           # rule 5: no quorum of the new set
	raft_joint_new_only           # rule 5: no quorum of the old set
	raft_learner_counts           # rule 6: a learner makes a quorum
	raft_promote_not_caught_up    # rule 6: a voter that has nothing
	raft_read_before_own_commit   # rule 7: it does not know what is committed
	raft_read_without_round       # rule 7: somebody else may lead
	raft_transfer_without_catchup # rule 8: to a server that is behind
	raft_wiped_voter_votes        # rule 9: it forgot what it promised
	raft_rolled_back_votes        # rule 9: a disk was put back to a copy
	raft_crc_cut_mid_log          # rule 9: damage taken for a torn end
	raft_vote_before_persist      # rule 10
	raft_campaign_before_persist  # rule 10: the same term twice
	raft_ack_before_persist       # rule 10
	raft_own_before_persist       # rule 10: the leader counts itself
	raft_no_log_check             # a leader without what is committed
	raft_commit_past_log          # further than the logs are known to agree
	raft_heartbeat_commit_not_clamped # the same, by a heartbeat
	raft_truncate_below_commit    # a late append shortens the log
	raft_prevote_granted_behind   # rule 3: for who can not win
	raft_prevote_counts_as_vote   # rule 3: it was no promise
	raft_config_overlap           # rule 1: two changes at once
)
slow=(
	raft_read_joins_round         # rule 7: a round begun before the read
	raft_learner_gives_up@7020000 # a learner has the newest entries
	raft_removed_gives_up         # a leader that removes itself dies early
)

mutants_main "$@"
