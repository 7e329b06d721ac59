/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the shard's state machines want done: one list of actions for the
 * leader (leader.h) and the replica (replica.h), carried out by one pump.
 *
 * CONTRACT.  A step runs under the shard's lock and appends actions to the
 * array that it was given; it does nothing else.  The shell moves them to the
 * shard's FIFO before it drops the lock, and exactly one pump carries them
 * out, in that order, without the lock.  Leader and replica of a shard on the
 * same node share lock, FIFO and pump.  So a replica that stopped obeying its
 * own node's leader has told it so before anybody else can learn of it.
 *
 * A SEND to the shell's own node is handed to the other machine of the same
 * shard as an event, by the pump, when its turn comes.  A SEND to a node
 * without a connection is dropped.
 *
 * ROOM.  If @more is set after a step there was more to do than room: call
 * the same machine again with its MORE event, with a fresh array, until it is
 * not.  Every step starts with at least QBD_ACTIONS_MIN free entries.
 *
 * PAYLOADS are reference counted by the shell.  An action SEND, LOG_APPEND,
 * READ, DIFF or SHADOW with a cookie has a reference of its own: the shell
 * takes it when it moves the action into the FIFO; it ends when the bytes were
 * handed over to the connection or the store.  The cookie of a WRITE that was
 * accepted, and of a READ_REPLY given to a leader, is the leader's until it
 * says PUT; a COMPLETE that names one comes before that.  The cookie of any
 * other message ends with the step that the message was given to.
 */
#ifndef QBD_CORE_STEP_H
#define QBD_CORE_STEP_H

#include "member.h"
#include "msg.h"

#define QBD_ACTIONS_MIN 24

/**
 * enum qbd_action_kind - what to do
 * @QBD_ACT_SEND: send @msg to @node
 * @QBD_ACT_SEND_LOG: the same; the payload is that of the local replica's
 *	record @msg.append.pos, in memory or in the log (check its CRC).  If it
 *	can't be read: QBD_REPLICA_LOG_BAD.  If the log has another record at
 *	this index by now (compare the term), drop it.  Later ones for the same
 *	target and session must not overtake it.
 * @QBD_ACT_LOG_APPEND: log the record @msg.append; QBD_REPLICA_LOGGED
 * @QBD_ACT_LOG_PROMISE: log @promise; QBD_REPLICA_PROMISED
 * @QBD_ACT_LOG_TRUNCATE: log that the history beyond @index is void, by order
 *	of term @term; QBD_REPLICA_TRUNCATED
 * @QBD_ACT_LOG_FORGET: forget what waits for room in the log, as a LOG_PROMISE
 *	does (replica.h); QBD_REPLICA_FORGOT, also if nothing waits
 * @QBD_ACT_LOG_VOTE: log that the replica votes again; no event
 * @QBD_ACT_BOUND: records up to @index may go home
 * @QBD_ACT_READ: read what the READ @msg from @node asks for;
 *	QBD_REPLICA_READ_DONE with the same @msg
 * @QBD_ACT_SEND_PIN: send the PIN_REPLY @msg to @node, with the replica set of
 *	that pin as payload; drop it if there is no such pin any more
 * @QBD_ACT_DIFF: read the chunks of the pin that the DIFF @msg from @node asks
 *	for, compare them with its digests, and send a DIFF_REPLY for each; GONE
 *	if the pin does not hold when they were read
 * @QBD_ACT_DIGEST: send the DIFF @msg to @node, with the digests of what this
 *	replica, its shadow @id first, has of its chunks; it may wait, and is
 *	asked for again if it waits long
 * @QBD_ACT_SHADOW: put into the shadow @id what the DIFF_REPLY @msg brought,
 *	under the index @index of its last change; QBD_REPLICA_SHADOWED with the
 *	same @msg, whatever happens
 * @QBD_ACT_FAIL: the replica found its log inconsistent: show @err, fence it
 * @QBD_ACT_COMPLETE: end the request @req with @err; a read that was served
 *	by another node has its bytes in @payload
 * @QBD_ACT_PUT: the leader does not need @payload any more
 * @QBD_ACT_READ_LOCAL: read [@block, +@blocks) from the local replica for
 *	@req; QBD_LEADER_READ_DONE with @id.  Don't end @req before.
 * @QBD_ACT_PROMISED: a read quorum is promised to the term; tell the volume
 * @QBD_ACT_READY: history recovered, own record of the term committed
 * @QBD_ACT_SERVING: I/O is answered from now on
 * @QBD_ACT_SPACE: requests refused with -EAGAIN are to be tried again; they
 *	may now be refused for good
 * @QBD_ACT_SUSPENDED: no write quorum is in reach
 * @QBD_ACT_RESUMED: it is again
 * @QBD_ACT_TERM_LOST: fenced by @term; stop all shards of the volume
 * @QBD_ACT_NEED_TERM: this term will not get anywhere (@err: -ESTALE the term
 *	was used before, -ENODATA the chosen history is out of reach, -EAGAIN
 *	config epoch @term is known and higher, -EFBIG the replicas have another
 *	size than the leader was told): ask for a new attach
 * @QBD_ACT_RELEASED: everything is drained and a quorum knows of the release
 * @QBD_ACT_MEMBER: member @member, replica @id on @node, is in state @state
 *	now, at index @index; it refused for @reason
 * @QBD_ACT_JOINED: there is a member on @node now: UP if it is in reach
 * @QBD_ACT_CONFIG: the replica set of config epoch @id is in force and
 *	committed, by the leader of @term: consensus may go on from it
 * @QBD_ACT_DIFFERS: member @member, replica @id on @node, has the block @block
 *	otherwise than others, or can't read it (@err); @state says what became
 *	of that, @index is the record that puts it right
 * @QBD_ACT_VERIFIED: the comparison of all copies has ended with @err
 */
enum qbd_action_kind {
	QBD_ACT_SEND,
	/* from replicas */
	QBD_ACT_SEND_LOG,
	QBD_ACT_LOG_APPEND,
	QBD_ACT_LOG_PROMISE,
	QBD_ACT_LOG_TRUNCATE,
	QBD_ACT_LOG_FORGET,
	QBD_ACT_LOG_VOTE,
	QBD_ACT_BOUND,
	QBD_ACT_READ,
	QBD_ACT_SEND_PIN,
	QBD_ACT_DIFF,
	QBD_ACT_DIGEST,
	QBD_ACT_SHADOW,
	QBD_ACT_FAIL,
	/* from leaders */
	QBD_ACT_COMPLETE,
	QBD_ACT_PUT,
	QBD_ACT_READ_LOCAL,
	QBD_ACT_PROMISED,
	QBD_ACT_READY,
	QBD_ACT_SERVING,
	QBD_ACT_SPACE,
	QBD_ACT_SUSPENDED,
	QBD_ACT_RESUMED,
	QBD_ACT_TERM_LOST,
	QBD_ACT_NEED_TERM,
	QBD_ACT_RELEASED,
	QBD_ACT_MEMBER,
	QBD_ACT_JOINED,
	QBD_ACT_CONFIG,
	QBD_ACT_DIFFERS,
	QBD_ACT_VERIFIED,
};

/**
 * struct qbd_action - one thing to do
 * @kind: enum qbd_action_kind
 * @member: MEMBER, DIFFERS; SEND of a leader
 * @state: MEMBER: enum qbd_member_state; DIFFERS: enum qbd_verify_verdict
 * @reason: MEMBER: enum qbd_wire_reason if it refused, 0 = none
 * @err: COMPLETE, NEED_TERM, FAIL, DIFFERS, VERIFIED
 * @node: SEND, SEND_LOG, READ, SEND_PIN, DIFF, DIGEST, MEMBER, JOINED, DIFFERS
 * @block: READ_LOCAL, DIFFERS
 * @blocks: READ_LOCAL
 * @index: LOG_TRUNCATE, BOUND, MEMBER, SHADOW, DIFFERS; COMPLETE: index of
 *	the record of a WRITE, index that a READ's bytes show
 * @term: LOG_TRUNCATE, TERM_LOST, NEED_TERM; COMPLETE, CONFIG: of the leader
 * @id: READ_LOCAL, DIGEST, SHADOW, MEMBER, CONFIG, DIFFERS
 * @req: COMPLETE, READ_LOCAL: the request's cookie
 * @payload: COMPLETE, PUT
 * @promise: LOG_PROMISE
 * @msg: SEND, SEND_LOG, LOG_APPEND, READ, SEND_PIN, DIFF, DIGEST, SHADOW
 */
struct qbd_action {
	u8 kind;
	u8 member;
	u8 state;
	u8 reason;
	int err;
	u32 node;
	u32 block;
	u32 blocks;
	u64 index;
	u64 term;
	u64 id;
	void *req;
	void *payload;
	union {
		struct qbd_promise promise;
		struct qbd_msg msg;
	};
};

/**
 * struct qbd_actions - where a step puts its actions
 * @act: entries handed over by the caller
 * @max: how many, at least QBD_ACTIONS_MIN
 * @nr: how many are in use
 * @more: the machine has more to say, call it again
 */
struct qbd_actions {
	struct qbd_action *act;
	u16 max;
	u16 nr;
	bool more;
};

/**
 * qbd_actions_room() - room in the array
 * @acts: the array
 *
 * Return: number of free entries.
 */
static inline u32 qbd_actions_room(const struct qbd_actions *acts)
{
	return acts->max - acts->nr;
}

struct qbd_action *qbd_actions_add(struct qbd_actions *acts,
				   enum qbd_action_kind kind);
const char *qbd_action_name(enum qbd_action_kind kind);

#endif /* QBD_CORE_STEP_H */
