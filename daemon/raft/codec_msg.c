// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages as bytes (codec.h), and what a message must be to be looked at.
 */
#include "codec.h"
#include "bytes.h"

#define RAFT_FLAG_REJECT 0x01
#define RAFT_FLAG_TRANSFER 0x02
#define RAFT_SNAP_HEAD_BYTES 40

/* Does a message of this type name a snapshot? */
static bool raft_msg_snaps(u8 type)
{
	return type == RAFT_MSG_SNAPSHOT || type == RAFT_MSG_SNAPSHOT_REPLY;
}

static bool raft_pos_bad(struct raft_pos pos)
{
	return pos.term > RAFT_NUMBER_MAX || pos.index > RAFT_NUMBER_MAX ||
	       !pos.term != !pos.index;
}

/* Entries follow @pos and each other, and none is of a later term. */
static int raft_msg_check_entries(const struct raft_msg *msg)
{
	struct raft_config conf;
	struct raft_pos prev = msg->pos;
	const struct raft_entry *entry;
	u32 i;

	for (i = 0; i < msg->nr; i++) {
		entry = &msg->entry[i];
		if (entry->pos.index != prev.index + 1 ||
		    entry->pos.term < prev.term || !entry->pos.term ||
		    entry->pos.term > msg->term || !entry->type ||
		    entry->type > RAFT_ENTRY_CONFIG ||
		    entry->bytes > RAFT_ENTRY_BYTES_MAX)
			return -EBADMSG;
		if (entry->type == RAFT_ENTRY_CONFIG &&
		    (raft_conf_decode(entry->data, entry->bytes, &conf) ||
		     !conf.nr))
			return -EBADMSG;
		prev = entry->pos;
	}
	return 0;
}

static int raft_msg_check_snap(const struct raft_msg *msg)
{
	const struct raft_snap *snap = &msg->snap;

	if (!snap->pos.index || snap->pos.term > msg->term ||
	    snap->bytes > RAFT_NUMBER_MAX || !snap->bytes ||
	    msg->index > snap->bytes)
		return -EBADMSG;
	if (msg->type == RAFT_MSG_SNAPSHOT_REPLY)
		return msg->bytes ? -EBADMSG : 0;
	if (!snap->conf.nr || raft_config_check(&snap->conf) ||
	    snap->conf.index > snap->pos.index || !msg->bytes ||
	    msg->bytes > RAFT_CHUNK_BYTES_MAX ||
	    msg->bytes > snap->bytes - msg->index)
		return -EBADMSG;
	return 0;
}

/**
 * raft_msg_check() - can this be a message?
 * @msg: the message, received or about to be sent
 *
 * Return: 0 or -EBADMSG.
 */
int raft_msg_check(const struct raft_msg *msg)
{
	if (!msg->type || msg->type > RAFT_MSG_TYPE_MAX || !msg->from ||
	    !msg->to || msg->from == msg->to || !msg->term ||
	    msg->term > RAFT_NUMBER_MAX || raft_pos_bad(msg->pos) ||
	    raft_pos_bad(msg->snap.pos) || msg->index > RAFT_NUMBER_MAX ||
	    msg->commit > RAFT_NUMBER_MAX || msg->round > RAFT_NUMBER_MAX)
		return -EBADMSG;
	if (msg->nr > RAFT_APPEND_ENTRIES_MAX ||
	    (msg->nr && msg->type != RAFT_MSG_APPEND) ||
	    (msg->bytes && !raft_msg_snaps(msg->type)) ||
	    (msg->transfer && msg->type != RAFT_MSG_VOTE))
		return -EBADMSG;
	if (msg->type == RAFT_MSG_APPEND && msg->pos.term > msg->term)
		return -EBADMSG;
	if (raft_msg_snaps(msg->type))
		return raft_msg_check_snap(msg);
	return msg->entry ? raft_msg_check_entries(msg) : 0;
}

static int raft_entries_put(const struct raft_msg *msg,
			    const struct raft_log *log, u8 *at, u32 size)
{
	struct raft_entry entry;
	u32 used = 0, i;
	int len;

	for (i = 0; i < msg->nr; i++) {
		if (msg->entry)
			entry = msg->entry[i];
		else if (raft_log_get(log, msg->pos.index + 1 + i, &entry))
			return -EINVAL;
		len = raft_entry_encode(&entry, NULL, at + used, size - used);
		if (len < 0)
			return len;
		used += len;
	}
	return used;
}

static int raft_snap_put(const struct raft_msg *msg, u8 *at, u32 size)
{
	bool piece = msg->type == RAFT_MSG_SNAPSHOT;
	int conf = 0;

	if (size < RAFT_SNAP_HEAD_BYTES + 8 + RAFT_CONF_BYTES_MAX + msg->bytes)
		return -ENOSPC;
	raft_put64(at, msg->snap.pos.term);
	raft_put64(at + 8, msg->snap.pos.index);
	raft_put64(at + 16, msg->snap.id);
	raft_put64(at + 24, msg->snap.bytes);
	raft_put32(at + 32, msg->bytes);
	at += RAFT_SNAP_HEAD_BYTES;
	if (piece) {
		raft_put64(at, msg->snap.conf.index);
		conf = raft_conf_encode(&msg->snap.conf, at + 8,
					RAFT_CONF_BYTES_MAX);
		if (conf < 0)
			return conf;
		conf += 8;
		memcpy(at + conf, msg->data, msg->bytes);
	}
	raft_put32(at - 4, conf);
	return RAFT_SNAP_HEAD_BYTES + conf + msg->bytes;
}

/**
 * raft_msg_encode() - a message as bytes
 * @msg: the message
 * @log: where the entries of an APPEND are, if they are not in @msg
 * @buf: for it
 * @size: of @buf
 *
 * Return: bytes; -EBADMSG, -EINVAL: it is none; -ENOSPC.
 */
int raft_msg_encode(const struct raft_msg *msg, const struct raft_log *log,
		    void *buf, u32 size)
{
	u8 *at = buf, *body = at + RAFT_MSG_HEAD_BYTES;
	int len = 0;

	if (raft_msg_check(msg))
		return -EBADMSG;
	if (size < RAFT_MSG_HEAD_BYTES)
		return -ENOSPC;
	memset(at, 0, RAFT_MSG_HEAD_BYTES);
	if (raft_msg_snaps(msg->type))
		len = raft_snap_put(msg, body, size - RAFT_MSG_HEAD_BYTES);
	else
		len = raft_entries_put(msg, log, body,
				       size - RAFT_MSG_HEAD_BYTES);
	if (len < 0)
		return len;
	len += RAFT_MSG_HEAD_BYTES;
	raft_put32(at, RAFT_MAGIC_MSG);
	raft_put32(at + 8, len);
	at[12] = msg->type;
	at[13] = (msg->reject ? RAFT_FLAG_REJECT : 0) |
		 (msg->transfer ? RAFT_FLAG_TRANSFER : 0);
	raft_put16(at + 14, msg->nr);
	raft_put64(at + 16, msg->from);
	raft_put64(at + 24, msg->to);
	raft_put64(at + 32, msg->term);
	raft_put64(at + 40, msg->pos.term);
	raft_put64(at + 48, msg->pos.index);
	raft_put64(at + 56, msg->index);
	raft_put64(at + 64, msg->commit);
	raft_put64(at + 72, msg->round);
	raft_put32(at + 4, crc32c(~0U, at + 8, len - 8));
	return len;
}

static int raft_entries_get(const u8 *at, u32 left, struct raft_msg *msg,
			    struct raft_entry *entry)
{
	u32 i;
	int len;

	if (msg->nr > RAFT_APPEND_ENTRIES_MAX)
		return -EBADMSG;
	for (i = 0; i < msg->nr; i++) {
		len = raft_entry_decode(at, left, false, &entry[i]);
		if (len < 0)
			return len;
		at += len;
		left -= len;
	}
	msg->entry = entry;
	return left ? -EBADMSG : 0;
}

static int raft_snap_get(const u8 *at, u32 left, struct raft_msg *msg)
{
	bool piece = msg->type == RAFT_MSG_SNAPSHOT;
	bool has_conf;
	u32 conf;

	if (left < RAFT_SNAP_HEAD_BYTES)
		return -EBADMSG;
	msg->snap.pos.term = raft_get64(at);
	msg->snap.pos.index = raft_get64(at + 8);
	msg->snap.id = raft_get64(at + 16);
	msg->snap.bytes = raft_get64(at + 24);
	msg->bytes = raft_get32(at + 32);
	conf = raft_get32(at + 36);
	has_conf = conf;
	at += RAFT_SNAP_HEAD_BYTES;
	left -= RAFT_SNAP_HEAD_BYTES;
	if (conf > left || msg->bytes != left - conf || has_conf != piece)
		return -EBADMSG;
	if (!conf)
		return 0;
	if (conf < 8 || raft_conf_decode(at + 8, conf - 8, &msg->snap.conf))
		return -EBADMSG;
	msg->snap.conf.index = raft_get64(at);
	msg->data = at + conf;
	return 0;
}

/**
 * raft_msg_decode() - the way back
 * @buf: bytes
 * @bytes: how many
 * @msg: the message; its data stays in @buf
 * @entry: RAFT_APPEND_ENTRIES_MAX for its entries
 *
 * Return: 0 or -EBADMSG.
 */
int raft_msg_decode(const void *buf, u32 bytes, struct raft_msg *msg,
		    struct raft_entry *entry)
{
	const u8 *at = buf, *body = at + RAFT_MSG_HEAD_BYTES;
	u32 left = bytes - RAFT_MSG_HEAD_BYTES;
	int err;

	if (bytes < RAFT_MSG_HEAD_BYTES || raft_get32(at) != RAFT_MAGIC_MSG ||
	    raft_get32(at + 8) != bytes ||
	    at[13] & ~(RAFT_FLAG_REJECT | RAFT_FLAG_TRANSFER) ||
	    raft_get32(at + 4) != crc32c(~0U, at + 8, bytes - 8))
		return -EBADMSG;
	memset(msg, 0, sizeof(*msg));
	msg->type = at[12];
	msg->reject = at[13] & RAFT_FLAG_REJECT;
	msg->transfer = at[13] & RAFT_FLAG_TRANSFER;
	msg->nr = raft_get16(at + 14);
	msg->from = raft_get64(at + 16);
	msg->to = raft_get64(at + 24);
	msg->term = raft_get64(at + 32);
	msg->pos.term = raft_get64(at + 40);
	msg->pos.index = raft_get64(at + 48);
	msg->index = raft_get64(at + 56);
	msg->commit = raft_get64(at + 64);
	msg->round = raft_get64(at + 72);
	if (raft_msg_snaps(msg->type))
		err = raft_snap_get(body, left, msg);
	else
		err = raft_entries_get(body, left, msg, entry);
	return err ?: raft_msg_check(msg);
}
