/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a node has to have: the part of the replicated state that is about it.
 *
 * Who leads the Raft group derives it from the state and sends it to each node
 * (push.h); the node keeps it here, in memory only, and its planner (plan.h)
 * compares it with what the kernel has (seen.h).
 *
 * IN WHOLE OR NOT AT ALL. It comes as a row of messages, numbered from 0
 * within a stream. The first one of a stream begins a full list; changes
 * follow in the same stream. Nothing of either counts before a message says
 * COMMIT, and then all of it does, at once. (The first half of a list has
 * shard 0 of a volume and not yet shard 1: whoever attaches that volume now
 * tells the kernel of one shard. Of a list that was cut: whatever is missing
 * looks as if nobody wanted it.) A message that is missing, of another stream
 * or without sense ends the stream: want_hello() asks for another one, and
 * what was committed before is still in force.
 *
 * NEVER BACK. A commit carries the index of the last entry of the Raft log
 * that it reflects, and one below that of the last commit is refused. (A is
 * fenced, hears it from the new leader at index 90, and then from the old one,
 * which does not know yet that it is none: at 80 A holds the volume.) The
 * index alone orders: what is applied up to an entry is the same on every
 * server. The term is of who says so, and orders nothing: the old leader at
 * (5, 100) may know more than the new one at (6, 90), who has not applied all
 * of its log yet.
 *
 * WHAT IS OLD DOES NO HARM. It is old nevertheless: a node knows what
 * consensus decided, not what it has decided since; and a daemon that was
 * restarted knows no index to compare with. (It has its first session with a
 * leader of old, who has not heard that he is none.) So what a node does by it
 * must be right for ever, not only now:
 *
 *   A replica is deleted if it has a tombstone, by id and epoch; or because
 *	its volume is being deleted, which nothing takes back. Ids are never
 *	used twice. Absence says nothing: the replica may be younger than what
 *	is known (S11).
 *   A volume is attached under a term that this very daemon asked for, and
 *	gives to the kernel once (S2: two lives of a leader in one term).
 *   A volume in the kernel is detached if a higher term was granted, to
 *	whoever it was, for terms only rise; or if the one that the kernel has
 *	was released. A lower term here is something old, and no reason; nor is
 *	a volume that is not there, if its id is from before a restore.
 *   A peer is removed if nothing in the kernel uses it, whatever is wanted.
 *   A store is closed if it was removed, which is for ever, and is empty.
 *   A set of a shard goes to its leader with an epoch; it refuses an older
 *	one.
 *   A replica gets a floor (S11: the highest term ever granted before its
 *	store was opened) only if consensus has heard of that opening, so that
 *	what is known is not older than it.  Behind a restore it is the floor of
 *	all terms: higher ones than are known may have been granted (S16).
 *   Without anything wanted, as after a restart, nothing at all is done (P7:
 *	kill all daemons, I/O goes on).
 *
 * One thing remains: an old leader may want a replica made that was given up
 * since, and never was made here. It is empty, in no set, and stays; that it
 * is unknown is said (plan.h).
 *
 * WHAT "HOLD" MEANS, here and for whoever changes the state: state_volume.want
 * is the node on which a volume shall be attached. If that is this node and
 * nobody holds it, or only for repair, the agent asks for a term (plan.h); if
 * this node holds it with a device, and want says another node or none, it is
 * to be released: detached in order, then said so (DETACH).  What is held for
 * repair is nobody's device: it is attached without one, and ended by force as
 * soon as it is not held any more.
 *
 * BOUNDS. WANT_ITEMS_MAX items, WANT_BYTES_MAX bytes of them: more than a full
 * cell can bring. While a full list comes there are two.
 *
 * A message (push.h makes them):
 *
 *	 0 u8 version 1		 1 u8 WANT_FULL, WANT_COMMIT	2 zero
 *	 4 u32 number in the stream		 8 u64 stream
 *	16 u64 term of who sends		24 u64 index; 0 without COMMIT
 *	32 items (item.h)
 *
 * Files: map.c, item.c (bytes), want.c (the node's side), push.c and
 * push_item.c (the leader's).
 */
#ifndef QBD_AGENT_WANT_H
#define QBD_AGENT_WANT_H

#include "item.h"

#define WANT_VERSION 1
#define WANT_HEAD 32
#define WANT_MSG_MAX (64 * 1024)
#define WANT_HELLO_BYTES 24
#define WANT_ITEMS_MAX 1000000
#define WANT_BYTES_MAX (256ULL << 20)

#define WANT_FULL 0x01 /* a full list begins, and a stream */
#define WANT_COMMIT 0x02 /* now it counts */

/**
 * struct want_hello - how far a node is: what it says to who leads
 * @stream: of which it has the last message
 * @number: of the next message; 0: it needs a full list
 * @index: of what it committed
 */
struct want_hello {
	u64 stream;
	u32 number;
	u64 index;
};

/**
 * struct want - what a node has to have
 * @now: items in force
 * @next: FULL under way: items of the list that comes
 * @later: items and keys of changes that are not committed, in their order
 * @later_bytes: of these
 * @later_room: memory of @later
 * @bytes: of the items in @now and @next
 * @full: a full list is coming
 * @good: @now is something
 * @dead: the stream is of no use any more
 * @stream: of the messages
 * @number: of the next message
 * @term: of who said so last
 * @index: that @now reflects
 * @commits: how often something was committed; who sees another number looks
 * @fulls: of these, full lists
 * @refused: messages that were
 */
struct want {
	struct agent_map now;
	struct agent_map next;
	u8 *later;
	u64 later_bytes;
	u64 later_room;
	u64 bytes;
	bool full;
	bool good;
	bool dead;
	u64 stream;
	u32 number;
	u64 term;
	u64 index;
	u64 commits;
	u64 fulls;
	u64 refused;
};

void want_init(struct want *want);
void want_free(struct want *want);
int want_take(struct want *want, const void *data, u32 bytes);
void want_end(struct want *want);

void want_hello(const struct want *want, struct want_hello *hello);
void want_hello_put(const struct want_hello *hello, u8 to[WANT_HELLO_BYTES]);
int want_hello_get(const void *data, u32 bytes, struct want_hello *hello);

const struct want_cluster *want_cluster(const struct want *want);
const struct want_volume *want_volume(const struct want *want, u32 id);
const struct want_shard *want_shard(const struct want *want, u32 volume,
				    u32 number);
const struct want_store *want_store(const struct want *want, u32 id);
const struct want_member *want_mine(const struct want *want,
				    const struct want_shard *shard);
const union want_item *want_next(const struct want *want, enum want_kind kind,
				 u32 *at);
bool want_whole(const struct want *want, const struct want_volume *volume,
		u32 shards);

#endif /* QBD_AGENT_WANT_H */
