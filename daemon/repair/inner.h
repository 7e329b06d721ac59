/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the repair share; duty.h is for everybody else.
 */
#ifndef QBD_REPAIR_INNER_H
#define QBD_REPAIR_INNER_H

#include "agent/map.h"
#include "duty.h"
#include "state/place.h"

#define REPAIR_LIVES (STATE_COPIES_MAX + 1) /* live copies, or none */

/**
 * enum repair_bad - why a copy is to be replaced, the worst first
 * @REPAIR_BAD_LOST: the copy is not there
 * @REPAIR_BAD_STORE: its store failed, or is gone
 * @REPAIR_BAD_NODE: its node is
 * @REPAIR_BAD_DRAIN: its store or node drains
 * @REPAIR_BAD_NOT: it is not to be replaced
 */
enum repair_bad {
	REPAIR_BAD_LOST,
	REPAIR_BAD_STORE,
	REPAIR_BAD_NODE,
	REPAIR_BAD_DRAIN,
	REPAIR_BAD_NOT,
};

/**
 * struct repair_peer - a node, as it was told last
 * @key: 0, id
 * @alive: it is there
 * @silent_ms: since it was heard
 */
struct repair_peer {
	struct agent_key key;
	bool alive;
	u64 silent_ms;
};

/**
 * struct repair_gone - a copy that its node says is not there
 * @key: 0, id of the replica
 * @volume: of which
 * @number: of which shard
 */
struct repair_gone {
	struct agent_key key;
	u32 volume;
	u32 number;
};

/**
 * struct repair_off - a store that is no target for a while
 * @key: 0, id of the store
 * @until_ms: until then
 */
struct repair_off {
	struct agent_key key;
	u64 until_ms;
};

/**
 * struct repair_note - a word of a holder
 * @term: under which it held the volume
 * @epoch: of the set
 * @replica: FILLED: that learns
 * @at_ms: when it was said
 */
struct repair_note {
	u64 term;
	u64 epoch;
	u64 replica;
	u64 at_ms;
};

/**
 * struct repair_shard - what is remembered of a shard
 * @key: 0, volume, number
 * @asked: kind of the command that is under way, 0 = none
 * @asked_ms: since when
 * @asked_store: PROPOSE: towards that store
 * @off_ms: none before that
 * @refusals: one after the other
 * @seen: the copy that is being made, or the epoch of a joint set
 * @seen_ms: since when that is so
 * @short_ms: since when its new set has no quorum, 0 = it has
 * @filled: see enum repair_word
 * @joined: see there
 */
struct repair_shard {
	struct agent_key key;
	u8 asked;
	u64 asked_ms;
	u32 asked_store;
	u64 off_ms;
	u32 refusals;
	u64 seen;
	u64 seen_ms;
	u64 short_ms;
	struct repair_note filled;
	struct repair_note joined;
};

/**
 * struct repair_pick - a shard with a bad copy
 * @volume: id
 * @number: its number
 */
struct repair_pick {
	u32 volume;
	u32 number;
};

/**
 * struct repair - what who leads does about copies
 * @conf: times
 * @begun_ms: since when this node leads
 * @peers: nodes
 * @shards: what is remembered
 * @lost: copies that are lost
 * @offs: stores that are put off
 * @woken: something changed since the round began
 * @walking: a round is under way
 * @round_ms: when it began
 * @slot: the next store of it
 * @store: that is being looked through, 0 = none
 * @at: its next copy
 * @lost_at: the next lost copy of it
 * @nr: used of @pick, by how many live copies there are
 * @pick: candidates
 * @found: what the round counts
 * @nr_targets: used of @target
 * @target: stores towards which changes are under way, in order
 * @under_way: changes, and commands that begin one
 * @work: of the placement
 * @work_slots: room in it
 * @counts: for status
 */
struct repair {
	struct repair_conf conf;
	u64 begun_ms;
	struct agent_map peers;
	struct agent_map shards;
	struct agent_map lost;
	struct agent_map offs;
	bool woken;
	bool walking;
	u64 round_ms;
	u32 slot;
	u32 store;
	u32 at;
	u32 lost_at;
	u32 nr[REPAIR_LIVES];
	struct repair_pick pick[REPAIR_LIVES][REPAIR_KEEP];
	struct repair_counts found;
	u32 nr_targets;
	u32 target[REPAIR_SHARDS_MAX];
	u32 under_way;
	struct place_work work;
	u32 work_slots;
	struct repair_counts counts;
};

/**
 * struct repair_look - a call of repair_next()
 * @r: the repair
 * @s: the state
 * @now_ms: the clock
 * @again_ms: when to look again, if nothing happens
 * @cmd: the command that is due
 */
struct repair_look {
	struct repair *r;
	const struct state *s;
	u64 now_ms;
	u64 again_ms;
	struct state_cmd *cmd;
};

/* duty.c */
bool repair_busy(struct repair_look *look, struct repair_shard *shard);
struct repair_shard *repair_shard(struct repair *r, u32 volume, u32 number);
void repair_make(struct repair_look *look, const struct state_shard_view *view,
		 enum state_cmd_kind kind);

/* view.c */
bool repair_alive(const struct repair *r, u32 node);
u64 repair_silent(const struct repair *r, u32 node);
bool repair_live(const struct repair *r, const struct state *s,
		 const struct state_member_view *member);
bool repair_well(const struct repair *r, const struct state *s,
		 const struct state_member_view *member);
enum repair_bad repair_store_bad(const struct repair *r, const struct state *s,
				 const struct state_store *store);
enum repair_bad repair_member_bad(const struct repair *r, const struct state *s,
				  const struct state_member_view *member);
bool repair_quorum_old(const struct repair *r, const struct state *s,
		       const struct state_shard_view *view);
bool repair_quorum_new(const struct repair *r, const struct state *s,
		       const struct state_shard_view *view);
bool repair_led(const struct repair *r, const struct state_volume *volume);

/* step.c */
bool repair_steps(struct repair_look *look);

/* pick.c */
void repair_round(struct repair_look *look);
bool repair_picks(struct repair_look *look);

#endif /* QBD_REPAIR_INNER_H */
