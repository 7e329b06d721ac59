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
# shellcheck source-path=SCRIPTDIR source=mutants.sh
source "$(dirname "$0")/mutants.sh"

sim=raftlogsim archives='raft-o2.a raftlog-o2.a' where='daemon/raftlog' schedules=200000

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

mutants_main "$@"
