// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages to other servers, and from them.
 */
#include "../log.h"
#include "inner.h"

static void group_not_sent(struct group *g, const struct raft_msg *msg, int err)
{
	static struct log_limit limit;

	log_limited(&limit, loop_now(g->loop), LOG_LEVEL_WARN, "raft-not-sent",
		    "to=%llu type=%u errno=%d", (unsigned long long)msg->to,
		    msg->type, -err);
}

/**
 * group_send_now() - a message, with all that belongs to it
 * @g: the server
 * @msg: the message
 * @err: why it can not be sent, 0 = it can
 */
void group_send_now(struct group *g, const struct raft_msg *msg, int err)
{
	bool bulk = msg->type == RAFT_MSG_SNAPSHOT;
	int len = err;

	if (!len)
		len = raft_msg_encode(msg, raft_log(g->raft), g->msg,
				      sizeof(g->msg));
	if (len < 0)
		group_not_sent(g, msg, len);
	else
		g->ops->send(g->arg, msg->to, bulk, g->msg, len);
}

/**
 * group_send() - a message of the core
 * @g: the server
 * @msg: the message
 *
 * What can not be sent is lost, as if by the network; the core sends it again.
 */
void group_send(struct group *g, const struct raft_msg *msg)
{
	/* the piece is in a file: it is sent when it was read */
	int err = msg->type == RAFT_MSG_SNAPSHOT ? group_piece(g, msg) : 0;

	if (msg->type != RAFT_MSG_SNAPSHOT || err)
		group_send_now(g, msg, err);
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
