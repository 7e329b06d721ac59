#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the core and shows which rule of the
# cluster's oracle (cluster_oracle.h) finds it, and after how many seeds: the
# median of some runs, each from another seed.
#
# usage: tests/sim/mutants_cluster.sh [--quick] [--schedules N] [--runs N]
#            [--build DIR] [NAME...]
#
# --quick: only those that are found at once, one run each.
# Exit code: 0 all were found; 1 one was not.
# shellcheck source-path=SCRIPTDIR source=mutants.sh
source "$(dirname "$0")/mutants.sh"

sim=qbdsim archives='core-o2.a core-asan.a' where='kmod/core tests/sim' schedules=300000 jobs=2

# Name of the bug: what it breaks.
fast=(
	ack_before_persist       # S10: received is called durable
	promise_not_persisted    # S10: answered before it is on the medium
	old_term_commit          # S1: older records commit by count
	no_term_check            # S10: a deposed leader is obeyed
	commit_not_clamped       # S1: home beyond what is matched
	term_reused              # S2: after a reboot, or by another attach
	pending_open_renews      # V1: the old holder is renewed for ever
	read_uncompleted         # S8: a version that may vanish
	overlap_reordered        # writes trade places on some replicas
	lagging_counted          # who is behind is counted as if not
	received_counted         # commit counts what is not durable
	quorum_half              # two quorums need not meet
	joint_one_set            # S6: a joint quorum of the old set only
	list_version_kept        # S9: who left is renewed with the others
	nonvoting_counted        # S5: who lost its promises gives one
	full_never_tried         # R8: full once, full for ever
	full_received_kept       # R8: what it forgot is not sent again
	repair_without_quorum    # S16: a copy is guessed to be right
	repair_over_newer        # S16: a newer write is repaired away
)
slow=(
	gone_too_early           # R8: given up while others have what it lacks
	last_before_promise      # S10: records after the answer are lost
	no_prev_check            # S4: acks of a history that differs
	ack_unmatched            # S4: what is not proven is acknowledged
	ack_of_old_session       # S4: another life of the replica is counted
	home_before_commit       # S1: a checkpoint takes what is not committed
	io_before_fenced         # S7: a shard still obeys the old holder
	grown_before_fenced      # S7: the same, of shards that are added
	attach_of_old_size       # S7: a new holder does not open all shards
	lease_from_reply         # S9: counted from when the reply came
	lease_forgotten_at_start # S9: promised too early after a restart
	list_version_ignored     # S9: a lease of somebody who left
	read_newest_part         # S8: an older version than was completed
	read_without_lease       # S9: nobody proves the term
	lease_at_read_start      # S9: it ran out while the disk was busy
	damage_taken_for_torn    # S5: replay cuts what was durable
	promise_lost_at_tail     # S5: the replica table does not carry it
	map_forgets_freed        # S12: what was discarded is not copied
	old_index_kept           # S12: the source's index is not taken
	half_copy_reported       # S12: the index before the bytes
	pin_named_late           # S12: an index that is not committed
	append_beside_shadow     # P5: records that the switch leaves behind
	look_while_written       # digests of bytes that are about to change
	rolled_back_votes        # S11: an old image counts like the store it was of
	votes_before_filled      # S11: it votes without what it acknowledged
	created_anew_votes       # S11: a blank disk counts like the one lost
	counted_before_flags     # S11: a crash makes an old image a good one
	resync_in_recovery       # S1: a copy that somebody counted goes
	learner_counted          # S6: a learner makes a quorum
	config_told_early        # S6: a joint set that is not committed is adopted
	joint_adopted_any_term   # S6: on the word of a leader that was deposed
	old_copy_deleted_early   # S6: who leaves goes before it may
)
# Bugs that no rule found in 30000 seeds, as something else holds: what that is.
# They are planted for whoever changes it, by name on the command line.
covered=(
	[diff_of_before]="between two digests only a failed write changes bytes"
	[pin_not_looked_at]="whose pin goes has begun another attempt"
	[pin_of_two_lives]="whose source starts anew gets another order"
	[fill_uncommitted]="the leader's limit ends a fill as well"
	[lagging_without_quorum]="who made a commit is not behind it"
	[open_reply_counted]="the match that follows counts from 0"
	[read_from_behind]="the record that the bytes show is compared too"
	[round_not_new]="a reply would have to be later than its lease"
)

mutants_main "$@"
