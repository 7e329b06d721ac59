// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames and HELLO as bytes, and which of two sessions stays; see wire.h. Pure.
 */
#include "wire.h"

#include <errno.h>

#include "bytes.h"

#define SESSION_MAGIC 0x31685371U /* "qSh1" */

/**
 * session_frame_head() - write the head of a frame
 * @to: SESSION_FRAME_HEAD bytes
 * @frame: all but the payload
 */
void session_frame_head(uint8_t *to, const struct session_frame *frame)
{
	session_put32(to, frame->bytes);
	session_put16(to + 4, frame->type);
	to[6] = frame->class;
	to[7] = frame->flags;
}

/**
 * session_frame_get() - the frame at the begin of what is left of a record
 * @at: the bytes
 * @left: how many
 * @frame: it
 *
 * Return: its bytes with the head; -EBADMSG.
 */
int session_frame_get(const uint8_t *at, size_t left,
		      struct session_frame *frame)
{
	if (left < SESSION_FRAME_HEAD)
		return -EBADMSG;
	frame->bytes = session_get32(at);
	frame->type = session_get16(at + 4);
	frame->class = at[6];
	frame->flags = at[7];
	frame->payload = at + SESSION_FRAME_HEAD;
	if (frame->bytes > SESSION_FRAME_PAYLOAD ||
	    frame->bytes > left - SESSION_FRAME_HEAD)
		return -EBADMSG;
	if (frame->class >= SESSION_CLASSES ||
	    (frame->flags & ~SESSION_FLAGS_ALL))
		return -EBADMSG;
	/* there is no need for it, and without it memory grows by bytes */
	if ((frame->flags & SESSION_FLAG_MORE) && !frame->bytes)
		return -EBADMSG;
	if (frame->class == SESSION_CONTROL &&
	    (frame->flags || frame->bytes > SESSION_CONTROL_MAX))
		return -EBADMSG;
	return SESSION_FRAME_HEAD + (int)frame->bytes;
}

/**
 * session_hello_put() - HELLO as bytes
 * @to: where they go
 * @hello: it
 */
void session_hello_put(uint8_t to[SESSION_HELLO_BYTES],
		       const struct session_hello *hello)
{
	session_put32(to, SESSION_MAGIC);
	session_put16(to + 4, hello->version);
	session_put16(to + 6, hello->least);
	session_put32(to + 8, hello->from);
	session_put32(to + 12, hello->to);
	session_put64(to + 16, hello->lineage);
	memcpy(to + 24, hello->cluster, sizeof(hello->cluster));
	session_put64(to + 40, hello->nonce);
	session_put64(to + 48, hello->number);
}

/**
 * session_hello_get() - the way back
 * @at: payload of a frame
 * @bytes: its length; a newer version may have more
 * @hello: it
 *
 * Return: 0; -EBADMSG: it makes no sense by itself.
 */
int session_hello_get(const uint8_t *at, size_t bytes,
		      struct session_hello *hello)
{
	if (bytes < SESSION_HELLO_BYTES || session_get32(at) != SESSION_MAGIC)
		return -EBADMSG;
	hello->version = session_get16(at + 4);
	hello->least = session_get16(at + 6);
	hello->from = session_get32(at + 8);
	hello->to = session_get32(at + 12);
	hello->lineage = session_get64(at + 16);
	memcpy(hello->cluster, at + 24, sizeof(hello->cluster));
	hello->nonce = session_get64(at + 40);
	hello->number = session_get64(at + 48);
	if (!hello->least || hello->version < hello->least || !hello->from ||
	    !hello->to || hello->from == hello->to || !hello->nonce)
		return -EBADMSG;
	if (hello->version <= SESSION_VERSION && bytes != SESSION_HELLO_BYTES)
		return -EBADMSG;
	return 0;
}

/**
 * session_hello_check() - does the other side mean us?
 * @hello: what it says
 * @mine: what we say, or would say, to it
 *
 * Return: SESSION_WHY_NONE, or what is wrong, the most general first.
 */
enum session_why session_hello_check(const struct session_hello *hello,
				     const struct session_hello *mine)
{
	if (hello->version < mine->least || hello->least > mine->version)
		return SESSION_WHY_VERSION;
	if (memcmp(hello->cluster, mine->cluster, sizeof(mine->cluster)))
		return SESSION_WHY_CLUSTER;
	if (hello->lineage != mine->lineage)
		return SESSION_WHY_LINEAGE;
	if (hello->to != mine->from)
		return SESSION_WHY_TO;
	if (hello->from != mine->to)
		return SESSION_WHY_FROM;
	return SESSION_WHY_NONE;
}

/**
 * session_settle() - two sessions of one pair of nodes: does the fresh one
 * stay?
 * @old: the one there is
 * @fresh: the one that just got authenticated
 *
 * In one life of the dialer the higher number was dialed later, and both sides
 * know it. (By arrival instead: the dialer gives up session 3, dials 4, both
 * are on their way; one side keeps 4, the other what came last, 3.) In two
 * lives of it, whose connections only the acceptor can still have both, the one
 * accepted later is of the later life: the connections of a dead process were
 * made before those of its successor.
 *
 * Return: whether it replaces the old one; else it is closed.
 */
bool session_settle(const struct session_mark *old,
		    const struct session_mark *fresh)
{
	if (old->nonce == fresh->nonce)
		return fresh->number > old->number;
	return fresh->accepted > old->accepted;
}

static const char *const session_whys[SESSION_WHYS] = {
	[SESSION_WHY_NONE] = "none",
	[SESSION_WHY_VERSION] =
		"no common version: the older qbdd has to be upgraded",
	[SESSION_WHY_CLUSTER] = "of another cluster",
	[SESSION_WHY_LINEAGE] = "of another lineage of the cluster",
	[SESSION_WHY_TO] = "wants another node",
	[SESSION_WHY_FROM] = "is not the node whose key it has",
	[SESSION_WHY_PEER] = "not a peer of this node",
	[SESSION_WHY_DIRECTION] = "has the higher node id and must not dial",
	[SESSION_WHY_STALE] = "there is a newer session",
	[SESSION_WHY_PROTOCOL] = "breaks the protocol",
	[SESSION_WHY_CLOSED] = "closed by the other side",
	[SESSION_WHY_SILENT] = "silent for too long",
	[SESSION_WHY_NETWORK] = "the connection failed",
	[SESSION_WHY_TLS] = "TLS failed",
	[SESSION_WHY_KEY] = "its key is not of this cluster",
	[SESSION_WHY_TOKEN] = "the token is not valid",
	[SESSION_WHY_SLOW] = "not done in time",
	[SESSION_WHY_CROWD] = "too many at a time",
	[SESSION_WHY_REPLACED] = "replaced by a newer session",
	[SESSION_WHY_REMOVED] = "removed",
	[SESSION_WHY_MEMORY] = "out of memory or files",
};

/**
 * session_why_text() - a reason for people
 * @why: also one that the other side sent
 *
 * Return: a constant.
 */
const char *session_why_text(enum session_why why)
{
	return (unsigned int)why < SESSION_WHYS ? session_whys[why] :
						  "for a reason unknown here";
}
