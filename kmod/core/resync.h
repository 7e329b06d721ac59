/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Resync: a replica that no log reaches any more becomes a copy of another one.
 *
 *	leader		  target		      source
 *	  | RESYNC(source) -> |			        |
 *	  |		      | PIN(have 40) ---------> |  pins itself at 90
 *	  |		      | <- PIN_REPLY(at 90)     |
 *	  |		      | MAP(from 0) ----------> |
 *	  |		      | <- MAP_REPLY(A: 70, C)  |
 *	  |		      | DIFF(digests of A, C) ->|
 *	  | RESYNC -------->  | <- DIFF_REPLY(A: blocks)|
 *	  | <- RESYNC_REPLY   | <- DIFF_REPLY(C: blocks)|
 *	  |   (how far)	      |			        |
 *	  |		      | UNPIN ----------------> |
 *	  | <- RESYNC_REPLY(done, at 90)		|
 *	  | OPEN, probe, records from 91 on, from somebody's log
 *
 * The leader only directs: bytes go from follower to follower.  The target
 * pulls, so that it alone decides how much is under way; who is silent is asked
 * again, and everything that is asked may be asked twice.
 *
 * CONSISTENT AT EVERY INSTANT (P5).  The target puts what it gets beside what
 * it has (shadow.h) and becomes the copy with one write of its superblock.  Up
 * to then it is, and says that it is, the old state; that is true after a
 * crash too, which forgets what was put beside.  What the source sends is one
 * state of it, a pin (pin.h), and its index is committed there (S12).
 *
 * THE TARGET'S OWN LOG.  The switch makes a new history of it, so that what it
 * has in the log has to be home before, or void.  Its records above the commit
 * index that it knows are truncated.  They may be committed all the same, and
 * acknowledged on the strength of the copy here.  Why may they go?  The leader
 * gives the order only when a record of its own term is committed, on a quorum
 * that has all that was committed before, and only to a member that lacks
 * records which have left its ring: these were completed, on a quorum without
 * that member.  So all that is truncated here is durable on a quorum without
 * this replica.  Those that wait for room in a full log are forgotten first:
 * they make no room, and the truncation would wait behind them for ever.
 *
 * WHAT IS COMPARED.  Chunks that changed after the last record that the target
 * has, as the source's map says: a chunk has the index of its last change.  Of
 * these the target sends digests, and gets the blocks that differ.  If it has
 * none, or can't read it, it gets all of it.  The index of the last change
 * comes from the source, be the bytes equal or not.
 *
 * AGAIN.  If the source goes, another one takes over: what is in the shadow
 * stays, a chunk that has not changed between the two pins is not compared
 * again.  A leader that goes does not matter either: the next one finds the
 * member as far behind as before, and says RESYNC.  A replica that has a shadow
 * accepts no records: whoever sends some has given up the resync, so it is
 * dropped, and the records are sent again.
 */
#ifndef QBD_CORE_RESYNC_H
#define QBD_CORE_RESYNC_H

#include "msg.h"

#define QBD_RESYNC_SLOTS QBD_DIFF_MAX /* chunks under way */
#define QBD_RESYNC_LATE 8 /* retry intervals until a chunk is asked for */
#define QBD_RESYNC_TRIES 6 /* again; so many times it is twice as long */
#define QBD_PIN_USERS 4 /* targets that share a pin */
#define QBD_PIN_IDLE 256 /* retry intervals after which a target has gone */

/**
 * struct qbd_pin_info - the pin of a source
 * @seq: which pin it is
 * @at: newest record that is in it
 * @chunks: chunks of the replica
 * @chunk_blocks: blocks of a chunk
 */
struct qbd_pin_info {
	u64 seq;
	struct qbd_pos at;
	u32 chunks;
	u32 chunk_blocks;
};

/**
 * struct qbd_resync_ops - what source and target ask the shell within a step
 * @pin: have the replica pinned; 0 and @info; -EAGAIN: in a while, ask again;
 *	else it can't be, now
 * @pin_map: entries of chunks of the pin @seq that changed after @have, from
 *	chunk *@from on; it looks at a bounded number, *@from is then the first
 *	that was not looked at.  Returns how many, at most QBD_MAP_MAX, or
 *	-ENODATA without that pin
 * @unpin: give it back
 * @shadow: begin a shadow that leads to @info.at, or let the one there is lead
 *	there; @config: cookie of a block with the replica set, from the wire.
 *	Returns its number in @seq, or as qbd_store_shadow(), and -EPROTO if
 *	that can't be read, or if the source has another size or other chunks
 * @shadow_look: chunk @entry of the source.  Returns 0 if there is nothing
 *	left to do for it, 1 if its bytes have to be compared; -ENOSPC; -ENOMEM,
 *	-EBUSY: in a while, ask again
 * @shadow_switch: as qbd_store_shadow_switch()
 * @shadow_state: as qbd_store_shadow_state(): 0: open, -EAGAIN: on its way,
 *	-ENOENT: none
 * @shadow_drop: as qbd_store_shadow_drop()
 * @switched: what the replica has when there is no shadow any more
 */
struct qbd_resync_ops {
	int (*pin)(void *ctx, struct qbd_pin_info *info);
	int (*pin_map)(void *ctx, u64 seq, u64 have, u32 *from,
		       struct qbd_map_entry entry[QBD_MAP_MAX]);
	void (*unpin)(void *ctx);
	int (*shadow)(void *ctx, const struct qbd_pin_info *info,
		      const void *config, u64 *seq);
	int (*shadow_look)(void *ctx, const struct qbd_map_entry *entry);
	int (*shadow_switch)(void *ctx);
	int (*shadow_state)(void *ctx);
	int (*shadow_drop)(void *ctx);
	struct qbd_pos (*switched)(void *ctx);
};

/**
 * enum qbd_resync_state - what a target is at
 * @QBD_RESYNC_NONE: nothing
 * @QBD_RESYNC_UNLOG: waits until what waits for room in its log is forgotten
 * @QBD_RESYNC_PIN: asks the source for its pin
 * @QBD_RESYNC_COPY: gets what differs
 * @QBD_RESYNC_SWITCH: the shadow is on its way to be the replica
 * @QBD_RESYNC_DONE: it is; the leader may still ask
 */
enum qbd_resync_state {
	QBD_RESYNC_NONE,
	QBD_RESYNC_UNLOG,
	QBD_RESYNC_PIN,
	QBD_RESYNC_COPY,
	QBD_RESYNC_SWITCH,
	QBD_RESYNC_DONE,
};

/**
 * enum qbd_resync_chunk_state - a chunk under way
 * @QBD_RESYNC_FREE: none is
 * @QBD_RESYNC_LOOK: not looked at yet
 * @QBD_RESYNC_DIFF: to be compared
 * @QBD_RESYNC_ASKED: the source was asked, or digests are made
 * @QBD_RESYNC_WRITE: what came is written to the shadow
 */
enum qbd_resync_chunk_state {
	QBD_RESYNC_FREE,
	QBD_RESYNC_LOOK,
	QBD_RESYNC_DIFF,
	QBD_RESYNC_ASKED,
	QBD_RESYNC_WRITE,
};

/**
 * struct qbd_resync_chunk - a chunk under way
 * @entry: as the source's map has it
 * @id: of the newest DIFF that it was in: an answer to one before is about
 *	bytes that may not be there any more
 * @again_ns: ASKED: when it is asked for anew
 * @state: enum qbd_resync_chunk_state
 * @tries: how often it was
 */
struct qbd_resync_chunk {
	struct qbd_map_entry entry;
	u64 id;
	u64 again_ns;
	u8 state;
	u8 tries;
};

/**
 * struct qbd_resync - a target's side
 * @state: enum qbd_resync_state
 * @status: NONE: how the last order ended, enum qbd_wire_status
 * @shadowed: there may be a shadow
 * @mapped: all of the source's map was seen
 * @mapping: MAP was sent, and not answered
 * @source: replica that it is a copy of
 * @node: its node
 * @order: session of the leader's order
 * @session: of this attempt, towards the source
 * @pin: the source's pin; its @seq is 0 until it is known
 * @shadow: number of the shadow
 * @id: of the newest DIFF
 * @from: next chunk of the map
 * @asked_ns: when PIN or MAP was sent last
 * @bytes: payload put into the shadow for this order
 * @chunks: chunks settled likewise, by the attempt that got furthest
 * @settled: by this one
 * @forgets: LOG_FORGETs under way
 * @slot: chunks under way
 */
struct qbd_resync {
	u8 state;
	u8 status;
	bool shadowed;
	bool mapped;
	bool mapping;
	u64 source;
	u32 node;
	u64 order;
	u64 session;
	struct qbd_pin_info pin;
	u64 shadow;
	u64 id;
	u32 from;
	u64 asked_ns;
	u64 bytes;
	u32 chunks;
	u32 settled;
	u32 forgets;
	struct qbd_resync_chunk slot[QBD_RESYNC_SLOTS];
};

/**
 * struct qbd_pin_user - a target that uses the pin of a source
 * @target: its replica, 0 = not in use
 * @node: its node
 * @waited: there was no pin when its attempt began
 * @session: which attempt it is
 * @used_ns: when it last asked for something
 */
struct qbd_pin_user {
	u64 target;
	u32 node;
	bool waited;
	u64 session;
	u64 used_ns;
};

void qbd_diff_reply(const struct qbd_msg *diff, u32 place,
		    struct qbd_msg *reply);

/**
 * qbd_diff_has() - is a block in the payload of a DIFF_REPLY?
 * @reply: the DIFF_REPLY
 * @block: number of the block in its chunk
 *
 * Return: true if so.
 */
static inline bool qbd_diff_has(const struct qbd_msg_diff_reply *reply,
				u32 block)
{
	return reply->differs[block / 64] >> block % 64 & 1;
}

/**
 * qbd_chunk_blocks() - blocks of a chunk of a replica
 * @blocks: blocks of the replica
 * @chunk_blocks: blocks of a chunk
 * @chunk: number of a chunk that the replica has
 *
 * Return: @chunk_blocks, or less for the last one.
 */
static inline u32 qbd_chunk_blocks(u32 blocks, u32 chunk_blocks, u32 chunk)
{
	return (u32)min_t(u64, chunk_blocks,
			  blocks - (u64)chunk * chunk_blocks);
}

#endif /* QBD_CORE_RESYNC_H */
