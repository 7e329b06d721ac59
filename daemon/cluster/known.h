/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a daemon remembers of others, and of what did not work: in memory only,
 * bounded, and never what a decision of the group rests on.
 */
#ifndef QBD_CLUSTER_KNOWN_H
#define QBD_CLUSTER_KNOWN_H

#include "raft/seen.h"

#define CLUSTER_READY_MAX 32 /* servers that said how they are */
#define CLUSTER_LIVES_MAX 32 /* servers of which is known how far they were */
#define CLUSTER_SKIPS_MAX 64 /* duties that were refused */
#define CLUSTER_AGAINS_MAX 64 /* volumes that needed another term */

/**
 * struct cluster_again - a node that needed another term for a volume
 * @volume: id, 0 = none
 * @node: id
 * @times: how often, one soon after the other
 * @until_ns: not again before
 */
struct cluster_again {
	u32 volume;
	u32 node;
	u32 times;
	u64 until_ns;
};

/**
 * struct cluster_ready - a server, as its node says
 * @node: whose
 * @said: it said something; else it was only asked
 * @what: enum msg_server, what it said
 * @server: its id
 * @asked_ns: since when it is asked to be ready
 * @bad_ns: it was not in time: no candidate before this
 */
struct cluster_ready {
	u32 node;
	bool said;
	u8 what;
	u64 server;
	u64 asked_ns;
	u64 bad_ns;
};

/**
 * struct cluster_life - how far a server was
 * @node: whose
 * @seen: that, of its server
 * @vouches: it said, in this session, what it knows of this node's server
 */
struct cluster_life {
	u32 node;
	struct raft_seen seen;
	bool vouches;
};

/**
 * struct cluster_skip - a duty that was refused
 * @verb: it
 * @id: of the object it is about
 * @times: how often, one after the other
 * @until_ns: not again before
 */
struct cluster_skip {
	const char *verb;
	u64 id;
	u32 times;
	u64 until_ns;
};

#endif /* QBD_CLUSTER_KNOWN_H */
