#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Plants one bug after the other in the store half of the core and shows which
# rule of the simulation's model finds it, and after how many seeds: the median
# of some runs, each from another seed.
#
# usage: tests/sim/mutants_store.sh [--quick] [--schedules N] [--runs N]
#            [--build DIR] [NAME...]
#
# --quick: one run each.
# Exit code: 0 all were found; 1 one was not.
# shellcheck source-path=SCRIPTDIR source=mutants.sh
source "$(dirname "$0")/mutants.sh"

sim=store_sim archives='core-o2.a core-asan.a' where=kmod/core schedules=20000

# Name of the bug: what it breaks.
fast=(
	home_before_commit       # S1: more than the bound goes home
	home_before_durable      # S1: ... before it is in the log
	overlay_not_cut          # a truncated record is still read
	promise_lost_at_tail     # S5: the table does not carry it
	delete_lost_at_tail      # the tail passes it too early
	relog_skipped            # V2: the tail passes live records
	share_ignored            # V2: pinned ones fill the log
	seals_uncounted          # V2: seals keep the log full
	relog_not_replayed       # V2: replay takes no copies
	chosen_then_void@555555568600 # V2: the tail passes what may be live
	tail_before_super        # log overwritten too early
	super_in_one_slot        # one damaged slot is one too many
	known_not_raised         # S5: rot looks like a torn tail
	damage_taken_for_torn    # S5: replay cuts what was durable
	cut_segment_revived@32700 # S5: replay takes what an older run wrote
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

mutants_main "$@"
