/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replicated state: what the cluster agrees on, as a function.
 *
 * CONTRACT.  state_apply() is called with each committed entry of the Raft log,
 * in order, by one thread.  It is total: any bytes get a result, the same on
 * every server, and a refused command changes nothing but the clock and what is
 * remembered of its client.  Nothing else changes the state.  Readers (view.h,
 * place.h, voters.h) run between two calls.
 *
 * DETERMINISM.  What a command does depends on the state and on its own bytes.
 * Not on memory: every limit is a count and part of the state (limits.h), and
 * all memory is handed over at create.  (One server's malloc() fails, it
 * refuses a volume that the others have, and its next leader gives the id
 * away a second time.)  Not on time: a command has the clock of its proposer,
 * and the state's own clock is the highest of these, so it never goes back.
 * Not on an order that a snapshot does not keep: a restored server goes on as
 * the others do.
 *
 * THE OBJECTS (object.h) AND THEIR RULES.  A, B are nodes, L1 the old holder,
 * L2 the new one.
 *
 *   Ids come from counters and are never used twice.  (S11: a store that was
 *	away comes back with replica 13 of a shard that was deleted, and is
 *	taken for the replica 13 that another shard has by now.)
 *
 *   Terms.  Each attach gets the volume's term + 1, also if the same node asks
 *	again with another session.  (S2: L1 reboots, goes on in term 6, and
 *	(6,21) has two contents.)  A volume that somebody holds is attached
 *	elsewhere only if the holder released it; or with force; or with
 *	evidence of rule V3 (takeover.h) that was collected under the term in
 *	force: evidence is about a holder, and is worth nothing against the
 *	next one.  (Reports say that L1 is silent in term 5. L2 attaches, term
 *	6.  L3's takeover, decided on those reports, would fence a healthy L2.)
 *	Terms, and epochs of sets that are made, are above @term_floor, which a
 *	restore raises over all that it knows (S16, cluster.c).
 *
 *   A device goes in two steps.  An attach says where it is wanted; to detach
 *	is to want it nowhere (VOLUME_SET); its holder sees that, and when its
 *	kernel has written all and released it, it says so (DETACH).  Whoever
 *	fences a holder takes back the wish, too.
 *
 *   A volume that was detached on purpose is parked, until it is attached, or
 *	nodes that may attach it are named again; what comes without anybody who
 *	says so (STATE_ATTACH_AUTO) is refused meanwhile.  (A volume fails over;
 *	its administrator detaches it to repair its file system; the attach that
 *	was on its way mounts it again.)
 *
 *   Holding for repair is holding without a device: any attach may end it, and
 *	no repair ends a device.
 *
 *   Sets of a shard change by one step at a time, compared with (term, epoch)
 *	of the volume and shard (S6):
 *
 *	  settled e --propose--> LEARN e --joint--> JOINT e+1 --adopt--> SETTLE
 *	     ^                     |                   +-------abort-----> e+2
 *	     +------abort, e-------+                                       |
 *	     +-------------------------settled, e+2------------------------+
 *
 *	LEARN: what joins is a learner and counts for nothing; JOINT only when
 *	it has been made, adopt only from JOINT; the holder's kernel says when
 *	each is durable, under its term.  What is no member any more is deleted
 *	only when it has said so of the last step, too.  (Without the term: L1
 *	commits the joint set, is fenced, and its report adopts the new set; L2
 *	opened the old one, and what it acknowledged is in no new quorum.)
 *
 *   Replicas are deleted by tombstones only (S11): those that left a set get
 *	one, with an epoch not below any that they know, until their node says
 *	that they are gone.  The replicas of a volume that is being deleted are
 *	tombstones all together; its shards go with their last replica, and it
 *	goes with its last shard.  So deleting a volume needs no room.
 *
 *   Stores count how often they were opened.  One that says less than is
 *	recorded was rolled back and is refused: its replicas may have promised
 *	what they no longer know.
 *
 *   A volume is made in parts: an entry has 64 KiB, and 65536 shards with three
 *	copies do not fit.  VOLUME_CREATE takes name and room, VOLUME_SHARDS
 *	places shards in order, REPLICA_CREATED says that one is there; when all
 *	are the volume is READY.  Growth goes the same way: the size is decided
 *	on first, because from then on whoever attaches opens all shards (S7).
 *
 *   A node is its key.  One that lost its record joins again with it, and is
 *	who it was; one that lost the key, too, is awaited first (NODE_REKEY).
 *	Its Raft server is gone with the record.  One that never comes back is
 *	given up (lost.c).
 *
 *   A removed node or store is kept as a tombstone, and refused for ever: a
 *	node by its key, a store by its uuid.  If the table is full the oldest
 *	tombstone is forgotten.  What it named is then unknown, which is refused
 *	as well; only its key and uuid could be added again, as something new.
 *
 * EXACTLY ONCE: command.h.
 *
 * MEMORY.  40 bytes for a shard, 4 for each of three copies in the list of its
 * store, 7 in the index: 59.  Replicas and shards are found by node through the
 * lists of its stores.  Copies beyond the third are in a table of their own.
 *
 * SNAPSHOT: snapshot.h.  state_check() says whether all of this holds.
 *
 * Files: create.c (memory), table.c (slots, indexes), field.c and command.c
 * (bytes), apply.c (dispatch), client.c (exactly once), cluster.c, node.c,
 * token.c, store.c, volume.c, resize.c, attach.c, shard.c (steps of S6), set.c
 * (members), replica.c (made, deleted), job.c, result.c, check.c, snapshot.c,
 * restore.c, view.c; place.c, voters.c, takeover.c decide, and change nothing.
 */
#ifndef QBD_STATE_STATE_H
#define QBD_STATE_STATE_H

#include "object.h"
#include "result.h"

struct state;

/**
 * enum state_kind - kinds of objects, for deltas
 * @STATE_KIND_CLUSTER: the cluster, its settings
 * @STATE_KIND_NODE: by id
 * @STATE_KIND_STORE: by id; its tombstones, too
 * @STATE_KIND_VOLUME: by id; its holder and term, too
 * @STATE_KIND_SHARD: by volume and number; its set and change
 * @STATE_KIND_HOLDER: by id of a node: it no longer holds volume @number
 * @STATE_KIND_TOKEN: by id
 * @STATE_KIND_JOB: by id
 */
enum state_kind {
	STATE_KIND_CLUSTER,
	STATE_KIND_NODE,
	STATE_KIND_STORE,
	STATE_KIND_VOLUME,
	STATE_KIND_SHARD,
	STATE_KIND_HOLDER,
	STATE_KIND_TOKEN,
	STATE_KIND_JOB,
};

/**
 * struct state_item - an object that changed, came or went
 * @kind: enum state_kind
 * @number: SHARD: its number; HOLDER: id of the volume
 * @id: of the object; SHARD: of its volume
 */
struct state_item {
	u8 kind;
	u32 number;
	u64 id;
};

/**
 * struct state_delta - what a command changed
 * @all: more than fits: take everything
 * @nr: used of @item
 * @item: objects, each once or more often
 */
struct state_delta {
	bool all;
	u32 nr;
	struct state_item item[STATE_DELTA_MAX];
};

u64 state_bytes(const struct state_limits *limits);
int state_create(struct state *s, u64 bytes, const struct state_limits *limits);
int state_clone(struct state *to, u64 bytes, const struct state *from);
u64 state_bytes_used(const struct state *s);

void state_apply(struct state *s, const void *data, u32 bytes,
		 struct state_result *res, struct state_delta *delta);
const char *state_check(const struct state *s);

const struct state_limits *state_limits(const struct state *s);
const struct state_cluster *state_cluster(const struct state *s);
const char *state_setting_key(u32 what);

#endif /* QBD_STATE_STATE_H */
