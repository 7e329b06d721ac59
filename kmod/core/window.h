/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The leader's records in flight: a ring with an entry per index.
 *
 * The ring holds [base, end): base is the oldest record that somebody may
 * still need, end the next index to be assigned.  Bounded in records (its
 * size) and in bytes of payload.  It knows nothing of quorums and members.
 */
#ifndef QBD_CORE_WINDOW_H
#define QBD_CORE_WINDOW_H

#include "env.h"

/**
 * struct qbd_inflight - a record in the ring
 * @req: the request's cookie, NULL for records of the leader itself
 * @payload: its payload's cookie
 * @end_bytes: payload bytes of all records ever, up to and with this one
 * @block: first block
 * @blocks: length
 * @crc: of the payload
 * @payload_blocks: length of the payload
 * @op: enum qbd_rec_op
 * @rec_flags: QBD_REC_FUA
 */
struct qbd_inflight {
	void *req;
	void *payload;
	u64 end_bytes;
	u32 block;
	u32 blocks;
	u32 crc;
	u16 payload_blocks;
	u8 op;
	u8 rec_flags;
};

/**
 * struct qbd_window - the ring
 * @rec: memory, handed over
 * @mask: number of entries, a power of two, less one
 * @max_bytes: payload bytes that it may hold; one record always fits
 * @base: index of the oldest record
 * @end: index of the next one
 * @base_bytes: payload bytes of all records before @base
 * @end_bytes: payload bytes of all records before @end
 */
struct qbd_window {
	struct qbd_inflight *rec;
	u32 mask;
	u32 max_bytes;
	u64 base;
	u64 end;
	u64 base_bytes;
	u64 end_bytes;
};

int qbd_window_init(struct qbd_window *win, struct qbd_inflight *rec,
		    u32 nr_records, u32 max_bytes);
void qbd_window_start(struct qbd_window *win, u64 index);
bool qbd_window_fits(const struct qbd_window *win, u32 payload_blocks);
struct qbd_inflight *qbd_window_push(struct qbd_window *win,
				     u32 payload_blocks);
struct qbd_inflight *qbd_window_at(const struct qbd_window *win, u64 index);
void qbd_window_pop(struct qbd_window *win);
u64 qbd_window_bytes(const struct qbd_window *win, u64 index);

#endif /* QBD_CORE_WINDOW_H */
