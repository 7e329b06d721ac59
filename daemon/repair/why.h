/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How copies are, and what repair waits for, for people (duty.h has the rest).
 */
#ifndef QBD_REPAIR_WHY_H
#define QBD_REPAIR_WHY_H

#include "duty.h"
#include "state/place.h"

#define REPAIR_WHY_TEXT 256
#define REPAIR_WHY_VOLUMES 16 /* that are named when all are asked for */

/**
 * enum repair_wait - what the repair of a volume waits for, the worst last
 * @REPAIR_WAIT_NOT: there is nothing to be repaired
 * @REPAIR_WAIT_SOON: nothing: it begins now
 * @REPAIR_WAIT_CHANGE: a change of the shard is under way
 * @REPAIR_WAIT_TURN: as many as may are under way
 * @REPAIR_WAIT_TARGET: stores with room take others, or failed as targets
 * @REPAIR_WAIT_STORE: a store may come back
 * @REPAIR_WAIT_NODE: a node may come back
 * @REPAIR_WAIT_REFUSED: an attempt was refused
 * @REPAIR_WAIT_PLACE: no store has room in another failure domain
 * @REPAIR_WAIT_HOLDER: the daemon of the holder is not heard (V8)
 * @REPAIR_WAIT_UNHELD: nobody holds it yet for repair (hold.c)
 * @REPAIR_WAIT_QUORUM: without a quorum nothing is changed
 */
enum repair_wait {
	REPAIR_WAIT_NOT,
	REPAIR_WAIT_SOON,
	REPAIR_WAIT_CHANGE,
	REPAIR_WAIT_TURN,
	REPAIR_WAIT_TARGET,
	REPAIR_WAIT_STORE,
	REPAIR_WAIT_NODE,
	REPAIR_WAIT_REFUSED,
	REPAIR_WAIT_PLACE,
	REPAIR_WAIT_HOLDER,
	REPAIR_WAIT_UNHELD,
	REPAIR_WAIT_QUORUM,
};

/**
 * struct repair_why - how the copies of a volume are
 * @unknown: nobody can say how these are
 * @bad: these are to be replaced
 * @changing: shards of which a set is being changed
 * @wait: enum repair_wait, the worst of all shards
 * @number: of a shard for which that is so
 * @node: which node is waited for, or has the copy
 * @store: STORE: which
 * @left_ms: NODE, STORE, REFUSED: for how long still
 * @place: PLACE: why
 */
struct repair_why {
	u32 unknown;
	u32 bad;
	u32 changing;
	u8 wait;
	u32 number;
	u32 node;
	u32 store;
	u64 left_ms;
	struct place_why place;
};

/**
 * struct repair_all - how the copies of all volumes are
 * @unknown: nobody can say how these are
 * @bad: these are to be replaced
 * @nr: used of @volume
 * @volume: ids of some that have such
 * @more: there may be more of them
 */
struct repair_all {
	u64 unknown;
	u64 bad;
	u32 nr;
	u32 volume[REPAIR_WHY_VOLUMES];
	bool more;
};

bool repair_unknown(const struct repair *r, const struct state *s,
		    const struct state_member_view *member);
void repair_why(struct repair *r, const struct state *s, u32 volume, u64 now_ms,
		struct repair_why *why);
void repair_why_all(const struct repair *r, const struct state *s,
		    struct repair_all *all);
void repair_why_text(const struct state *s, const struct state_volume *volume,
		     const struct repair_why *why, char waits[REPAIR_WHY_TEXT],
		     char todo[REPAIR_WHY_TEXT]);

#endif /* QBD_REPAIR_WHY_H */
