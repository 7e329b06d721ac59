/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the repair share; duty.h is for everybody else.
 */
#ifndef QBD_REPAIR_INNER_H
#define QBD_REPAIR_INNER_H

#include "agent/map.h"
#include "why.h"

#define REPAIR_LIVES (STATE_COPIES_MAX + 1) /* live copies, or none */
#define REPAIR_TIMES 6U /* refusals: up to 2^6 times as long */
#define REPAIR_NEEDS_MAX 1024
#define REPAIR_NEEDS_KEPT 256 /* of these, for holds that there are */

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
 * struct repair_off - a store that is no target for a while, or a node that
 * gets no hold of a volume
 * @key: 0, id of the store; or 1, ids of node and volume
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
 * struct repair_need - a volume that no user holds, and that has to be led
 * @key: 0, id
 * @round: in which something was found to be done, the last time
 * @live: of the shard that is worst off: copies that count
 * @number: which one that is
 * @term: of the volume, when it was looked at last
 * @hold: enum state_hold, then
 * @holder: then
 * @since_ms: since when that is so
 * @change_ms: when a set of it was being changed, or since when it is so
 * @idle: holds in a row that came to nothing
 * @ended: the end of the hold was asked for here
 * @asked: kind of the command that is under way, 0 = none
 * @asked_ms: since when
 * @asked_node: ATTACH: who gets it
 * @again_ms: no command before that
 * @refusals: one after the other
 * @off_ms: no hold before that
 */
struct repair_need {
	struct agent_key key;
	u64 round;
	u32 live;
	u32 number;
	u64 term;
	u8 hold;
	u32 holder;
	u64 since_ms;
	u64 change_ms;
	u32 idle;
	bool ended;
	u8 asked;
	u64 asked_ms;
	u32 asked_node;
	u64 again_ms;
	u32 refusals;
	u64 off_ms;
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
 * @offs: stores, and holders, that are put off
 * @needs: volumes that have to be led for repair, or are
 * @woken: something changed since the round began
 * @walking: a round is under way
 * @round_ms: when it began
 * @slot: the next store of it
 * @store: that is being looked through, 0 = none
 * @at: its next copy
 * @lost_at: the next lost copy of it
 * @volume_slot: the next volume of it
 * @nr: used of @pick, by how many live copies there are
 * @pick: candidates
 * @found: what the round counts
 * @nr_targets: used of @target
 * @target: stores towards which changes are under way, in order
 * @under_way: changes, and commands that begin one
 * @waiting: holds for which none is
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
	struct agent_map needs;
	bool woken;
	bool walking;
	u64 round_ms;
	u32 slot;
	u32 store;
	u32 at;
	u32 lost_at;
	u32 volume_slot;
	u32 nr[REPAIR_LIVES];
	struct repair_pick pick[REPAIR_LIVES][REPAIR_KEEP];
	struct repair_counts found;
	u32 nr_targets;
	u32 target[REPAIR_SHARDS_MAX];
	u32 under_way;
	u32 waiting;
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

/* hold.c */
void repair_need(struct repair_look *look, const struct state_volume *volume,
		 const struct state_shard_view *view, u32 live);
bool repair_hold_walk(struct repair_look *look, u32 *left);
bool repair_hold_turn(const struct repair_look *look, u32 volume, u32 most);
bool repair_holds(struct repair_look *look);
void repair_hold_answered(struct repair *r, u32 volume, bool done, u64 now_ms);

/* pick.c */
const struct state_member_view *
repair_worst(const struct repair *r, const struct state *s,
	     const struct state_shard_view *view);
bool repair_quorum_without(struct repair_look *look,
			   const struct state_shard_view *view,
			   const struct state_member_view *bad);
u32 repair_place(struct repair_look *look, const struct state_volume *volume,
		 u32 number, const struct state_member_view *bad, bool now,
		 struct place_why *why);
void repair_round(struct repair_look *look);
bool repair_picks(struct repair_look *look);

#endif /* QBD_REPAIR_INNER_H */
