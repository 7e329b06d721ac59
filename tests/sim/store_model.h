/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a store should hold, in the plainest form: for each replica all the
 * records of its history from the first one on, and its highest promise.
 *
 * A store takes operations in one order, that of its log.  The model of what
 * it has accepted is all of them applied; the model of what it may show after
 * a crash is those acknowledged, or these and those of the segment that was
 * under way.
 */
#ifndef QBD_SIM_STORE_MODEL_H
#define QBD_SIM_STORE_MODEL_H

#include "store.h"

#define QBD_MODEL_REPLICAS 6

struct qbd_model_rec {
	u64 term;
	u64 seed;
	u64 epoch;
	u32 block;
	u32 blocks;
	u8 op;
};

struct qbd_model_replica {
	u64 id;
	bool exists;
	u32 blocks;
	u64 last;
	u64 epoch;
	struct qbd_promise promise;
	struct qbd_model_rec *rec; /* by index; rec[0] is not used */
	u64 max;
};

struct qbd_model {
	struct qbd_model_replica replica[QBD_MODEL_REPLICAS];
};

/* One operation, as it went into the log. */
struct qbd_model_op {
	u8 kind; /* enum qbd_rec_op */
	bool is_void; /* truncated before it was written */
	u32 replica;
	u64 id;
	u64 index;
	struct qbd_model_rec rec;
	struct qbd_promise promise;
};

void qbd_model_copy(struct qbd_model *to, const struct qbd_model *from);
void qbd_model_free(struct qbd_model *model);
void qbd_model_apply(struct qbd_model *model, const struct qbd_model_op *op);

u64 qbd_model_term(const struct qbd_model_replica *replica, u64 index);
u64 qbd_model_epoch(const struct qbd_model_replica *replica);
u64 qbd_model_version(const struct qbd_model_replica *replica, u32 block,
		      u64 index);
u64 qbd_model_chunk_last(const struct qbd_model_replica *replica, u32 first,
			 u32 blocks, u64 index);
void qbd_model_fill(const struct qbd_model_rec *rec, u32 block, void *buf);
u64 qbd_model_nonce(u64 id, u64 term);

#endif /* QBD_SIM_STORE_MODEL_H */
