// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to other servers, and from them.
 */
#include "../log.h"
#include "inner.h"

/**
 * group_reader_close() - the snapshot that was being sent is another one now
 * @g: the server
 */
void group_reader_close(struct group *g)
{
	if (g->reader)
		raftlog_snap_close(g->reader);
	g->reader = NULL;
}

/* The piece that the core wants to send is in a file. */
static int group_piece(struct group *g, struct raft_msg *msg)
{
	int err;

	if (msg->bytes > sizeof(g->piece))
		return -EMSGSIZE;
	if (g->reader && (g->reading.pos.index != msg->snap.pos.index ||
			  g->reading.id != msg->snap.id))
		group_reader_close(g);
	if (!g->reader) {
		err = raftlog_snap_open(g->rl, &msg->snap, &g->reader);
		if (err)
			return err;
		g->reading = msg->snap;
	}
	err = raftlog_snap_read(g->reader, msg->index, g->piece, msg->bytes);
	if (err)
		group_reader_close(g);
	msg->data = g->piece;
	return err;
}

/**
 * group_send() - a message of the core
 * @g: the server
 * @msg: the message
 *
 * What can not be sent is lost, as if by the network; the core sends it again.
 */
void group_send(struct group *g, struct raft_msg *msg)
{
	static struct log_limit limit;
	bool bulk = msg->type == RAFT_MSG_SNAPSHOT;
	int len = bulk ? group_piece(g, msg) : 0;

	if (!len)
		len = raft_msg_encode(msg, raft_log(g->raft), g->msg,
				      sizeof(g->msg));
	if (len < 0) {
		log_limited(&limit, loop_now(g->loop), LOG_LEVEL_WARN,
			    "raft-not-sent", "to=%llu type=%u errno=%d",
			    (unsigned long long)msg->to, msg->type, -len);
		return;
	}
	g->ops->send(g->arg, msg->to, bulk, g->msg, len);
}

/* A disk without room takes nothing that the others could do without. */
static bool group_takes(const struct group *g, const struct raft_msg *msg)
{
	return !g->full || (msg->type != RAFT_MSG_SNAPSHOT && !msg->nr);
}

/**
 * group_recv() - bytes of another server
 * @g: the server
 * @node: who sent them: the high half of its server's id
 * @data: hostile until they are checked
 * @bytes: how many
 *
 * Nobody speaks for another one: with forged votes there are two leaders.
 *
 * Return: 0; -EBADMSG: it is no message, or can not be right; -EIO: this server
 * has ended.
 */
int group_recv(struct group *g, u32 node, const void *data, u32 bytes)
{
	struct raft_msg msg;
	struct raft_event event = { .kind = RAFT_EV_RECV, .msg = &msg };
	int err;

	if (g->state != GROUP_RUNS)
		return -EIO;
	err = raft_msg_decode(data, bytes, &msg, g->entry);
	if (!err && msg.from >> 32 != node)
		err = -EBADMSG;
	if (err || !group_takes(g, &msg))
		return err;
	return group_step(g, &event);
}
