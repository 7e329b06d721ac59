/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What leader, target and source of a resync say, out of a fuzzer's bytes.
 */
#ifndef QBD_TESTS_FUZZ_RESYNC_H
#define QBD_TESTS_FUZZ_RESYNC_H

#include "fuzz_bytes.h"

/* A pin that a source may have. */
#define FUZZ_SEQ 5
#define FUZZ_CHUNKS 4
#define FUZZ_CHUNK_BLOCKS 16

/* Of a pin: the numbers that the real ones would have, or others. */
static inline u64 fuzz_or(struct fuzz_input *in, u64 real)
{
	return fuzz_byte(in) % 8 ? real : fuzz_number(in);
}

static inline void fuzz_map_reply(struct fuzz_input *in,
				  struct qbd_msg_map_reply *reply)
{
	u32 chunk;

	reply->seq = fuzz_or(in, FUZZ_SEQ);
	reply->from = fuzz_byte(in) % 4;
	reply->next = fuzz_or(in, FUZZ_CHUNKS);
	if (fuzz_byte(in) % 8 == 0) {
		reply->status = QBD_STATUS_GONE;
		reply->next = reply->from;
		return;
	}
	for (chunk = reply->from; chunk < min(reply->next, 2U * FUZZ_CHUNKS);
	     chunk++) {
		if (fuzz_byte(in) % 4 == 0)
			continue;
		reply->entry[reply->nr++] = (struct qbd_map_entry){
			.chunk = chunk,
			.flags = fuzz_byte(in) % 4 ? 0 : QBD_MAP_ZERO,
			.last = fuzz_number(in),
		};
	}
}

static inline void fuzz_diff_reply(struct fuzz_input *in, struct qbd_msg *msg)
{
	struct qbd_msg_diff_reply *reply = &msg->diff_reply;
	u32 i;

	reply->seq = fuzz_or(in, FUZZ_SEQ);
	reply->id = fuzz_number(in);
	reply->chunk = fuzz_or(in, fuzz_byte(in) % FUZZ_CHUNKS);
	reply->status = fuzz_byte(in) % 8 ? 0 : fuzz_byte(in) % 6;
	if (reply->status)
		return;
	reply->differs[0] = fuzz_byte(in);
	reply->differs[fuzz_byte(in) % 4] |= fuzz_or(in, 0);
	for (i = 0; i < ARRAY_SIZE(reply->differs); i++)
		msg->payload_bytes +=
			hweight64(reply->differs[i]) * QBD_BLOCK_SIZE;
}

static inline void fuzz_diff(struct fuzz_input *in, struct qbd_msg *msg)
{
	struct qbd_msg_diff *diff = &msg->diff;
	u32 i;

	diff->seq = fuzz_number(in);
	diff->id = fuzz_number(in);
	diff->nr = fuzz_byte(in);
	diff->zero = fuzz_byte(in) % 4 ? 0 : fuzz_byte(in);
	diff->all = fuzz_byte(in) % 4 ? 0 : fuzz_byte(in);
	for (i = 0; i < min(diff->nr, QBD_DIFF_MAX); i++)
		diff->chunk[i] = fuzz_number(in);
	msg->payload_bytes = fuzz_byte(in) % 2 * QBD_BLOCK_SIZE;
}

static inline void fuzz_pin_reply(struct fuzz_input *in, struct qbd_msg *msg)
{
	struct qbd_msg_pin_reply *reply = &msg->pin_reply;

	reply->status =
		fuzz_byte(in) % 4 ? 0 : fuzz_byte(in) % (QBD_STATUS_MAX + 1);
	if (reply->status)
		return;
	reply->seq = fuzz_or(in, FUZZ_SEQ);
	reply->at = fuzz_pos(in);
	reply->chunks = fuzz_or(in, FUZZ_CHUNKS);
	reply->chunk_blocks = fuzz_or(in, FUZZ_CHUNK_BLOCKS);
	msg->payload_bytes = QBD_BLOCK_SIZE;
}

/* What leader, target and source of a resync say. */
static inline void fuzz_resync(struct fuzz_input *in, struct qbd_msg *msg)
{
	switch (msg->type) {
	case QBD_MSG_RESYNC:
		msg->resync.source = fuzz_number(in);
		msg->resync.node = fuzz_number(in);
		break;
	case QBD_MSG_PIN:
		msg->pin.target = fuzz_number(in);
		msg->pin.have = fuzz_pos(in);
		break;
	case QBD_MSG_PIN_REPLY:
		fuzz_pin_reply(in, msg);
		break;
	case QBD_MSG_MAP:
		msg->map.seq = fuzz_number(in);
		msg->map.have = fuzz_number(in);
		msg->map.from = fuzz_number(in);
		break;
	case QBD_MSG_MAP_REPLY:
		fuzz_map_reply(in, &msg->map_reply);
		break;
	case QBD_MSG_DIFF:
		fuzz_diff(in, msg);
		break;
	case QBD_MSG_DIFF_REPLY:
		fuzz_diff_reply(in, msg);
		break;
	default:
		msg->unpin.target = fuzz_number(in);
		msg->unpin.seq = fuzz_number(in);
		break;
	}
}

#endif /* QBD_TESTS_FUZZ_RESYNC_H */
