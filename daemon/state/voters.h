/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Who should be in the group of Raft servers: the next step, or none.
 *
 * A cell has up to 1000 nodes and 3, 5 or 7 voters.  From the nodes, what is
 * heard of them, and the configuration in force comes the configuration to ask
 * for next; it is asked for again when that one is committed, until nothing is
 * left to do.  So each step is small, and whoever leads goes on where the last
 * leader stopped:
 *
 *   1. Whoever is to vote learns first, and votes when it has caught up.
 *   2. A voter that is gone for good (its node was removed, it got another
 *	server, it may not vote any more) makes way at once, one that is silent
 *	only after replace-voter-after.  It makes way for somebody, as long as
 *	there is somebody; without one only who is gone for good goes: who is
 *	silent may come back, and the group needs as many others without it.
 *   3. Voters are spread over zones, then racks, then hosts; a voter moves for
 *	that only if somebody better stands ready.
 *   4. There are never less voters alive than a majority of the set wanted.
 *	(Three voters, one just added that nobody hears, one dies: nothing is
 *	ever committed again, and only consensus could change that.)
 *   5. It grows to an odd number, the highest for which there are nodes: a
 *	fourth voter makes the majority larger and saves nobody.  It gets
 *	smaller only if less are wanted.
 */
#ifndef QBD_STATE_VOTERS_H
#define QBD_STATE_VOTERS_H

#include "raft/config.h"
#include "state.h"

#define VOTERS_LEARNERS_MAX 2 /* at a time, as RAFT_MEMBERS_MAX has room */

/**
 * struct voters_heard - what is known of a node's server
 * @node: id of the node
 * @silent_ms: since when nothing was heard of it
 * @caught_up: a learner that has (nearly) all entries
 */
struct voters_heard {
	u32 node;
	u64 silent_ms;
	bool caught_up;
};

int voters_plan(const struct state *s, const struct raft_config *conf,
		const struct voters_heard *heard, u32 nr,
		struct raft_members *want);

#endif /* QBD_STATE_VOTERS_H */
