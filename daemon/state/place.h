/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Where copies go.
 *
 * A planner only proposes: VOLUME_SHARDS and SHARD_PROPOSE say where copies
 * are, and refuse what no longer fits by then.  So it need not be the same on
 * every server, and may become better without anybody noticing; it is
 * deterministic all the same, so that tests can say what it does.
 *
 * What must hold: no two copies of a shard in one failure domain of the level
 * that is asked for (a host, if nothing else is said: two copies on one machine
 * are one copy when it burns).  What is tried: other zones first, then other
 * racks, then the store with the fewest replicas for its size.  A node without
 * a label is a domain of its own at that level.
 *
 * Of many stores it looks at PLACE_WINDOW for each copy, from a place that
 * depends on the shard, and at all of them only if there was none that fits: a
 * volume of 65536 shards in a cell of 16000 stores is placed in seconds.
 *
 * If there is no place, struct place_why says what is missing.
 */
#ifndef QBD_STATE_PLACE_H
#define QBD_STATE_PLACE_H

#include "state.h"

#define PLACE_WINDOW 256

/**
 * enum place_level - failure domains
 * @PLACE_NODE: a node
 * @PLACE_HOST: the label host, or the node
 * @PLACE_RACK: the label rack, or the host
 * @PLACE_ZONE: the label zone, or the rack
 */
enum place_level {
	PLACE_NODE,
	PLACE_HOST,
	PLACE_RACK,
	PLACE_ZONE
};

/**
 * struct place_want - what is to be placed
 * @copies: of each shard
 * @level: enum place_level: no two copies in one
 * @zone: only there; empty = anywhere
 * @label: only on nodes with this label; an empty key = on any
 * @volume: id; so that volumes begin at different stores
 */
struct place_want {
	u32 copies;
	u8 level;
	char zone[STATE_LABEL_MAX + 1];
	struct state_label label;
	u32 volume;
};

/**
 * struct place_work - memory of the planner
 * @store: stores that may be used, by slot; limits.store_slots numbers
 * @planned: replicas planned there, by slot; limits.store_slots numbers
 * @nr: used of @store
 */
struct place_work {
	u32 *store;
	u32 *planned;
	u32 nr;
};

/**
 * struct place_why - why there is no place
 * @copies: that are wanted, in as many domains
 * @level: of these domains
 * @have: domains with a store that has room
 * @stores: stores that may be used at all
 */
struct place_why {
	u32 copies;
	u8 level;
	u32 have;
	u32 stores;
};

int place_begin(const struct state *s, const struct place_want *want,
		struct place_work *work);
void place_only(const struct state *s, struct place_work *work,
		bool (*may)(void *arg, const struct state_store *store),
		void *arg);
int place_shards(const struct state *s, const struct place_want *want,
		 struct place_work *work, u32 first, u32 nr, u32 *store,
		 struct place_why *why);
int place_replace(const struct state *s, const struct place_want *want,
		  struct place_work *work, u32 number, u64 replica, u32 *store,
		  struct place_why *why);
void place_why_text(const struct place_why *why, char *text, u32 size);

#endif /* QBD_STATE_PLACE_H */
