/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Chunks of a replica for a resync: pinned and sent, compared, and put into a
 * shadow.
 *
 * The first functions are what a replica's machine asks within a step
 * (core/resync.h): a shard's lock may be held, nothing sleeps.  The others do
 * I/O and wait for it: in the work items of qbd_kstore_copy_wq, between
 * qbd_kstore_copy_enter() and qbd_kstore_copy_leave().
 *
 * DIGESTS are BLAKE2s of 16 bytes: two blocks that differ are taken for the
 * same once in 2^128 times; who looks for two such blocks of his own needs 2^64
 * tries.
 */
#ifndef QBD_STORE_COPY_H
#define QBD_STORE_COPY_H

#include <linux/workqueue.h>
#include "core/copy.h"

struct qbd_payload;
struct qbd_store;

extern struct workqueue_struct *qbd_kstore_copy_wq;

int qbd_kstore_copy_pin(struct qbd_store *store, u32 slot,
			struct qbd_pin_info *info);
int qbd_kstore_copy_map(struct qbd_store *store, u32 slot, u64 seq, u64 have,
			u32 *from, struct qbd_map_entry entry[QBD_MAP_MAX]);
int qbd_kstore_copy_config(struct qbd_store *store, u32 slot, u64 seq,
			   struct qbd_payload *payload);
void qbd_kstore_copy_unpin(struct qbd_store *store, u32 slot);
int qbd_kstore_copy_shadow(struct qbd_store *store, u32 slot,
			   const struct qbd_pin_info *info,
			   const struct qbd_payload *config, u64 *seq);
int qbd_kstore_copy_look(struct qbd_store *store, u32 slot,
			 const struct qbd_map_entry *entry);
int qbd_kstore_copy_switch(struct qbd_store *store, u32 slot);
int qbd_kstore_copy_state(struct qbd_store *store, u32 slot);
int qbd_kstore_copy_drop(struct qbd_store *store, u32 slot);

bool qbd_kstore_copy_enter(struct qbd_store *store);
void qbd_kstore_copy_leave(struct qbd_store *store);
u64 qbd_kstore_copy_pace(struct qbd_store *store, u32 blocks);
void qbd_kstore_copy_answer(struct qbd_store *store, u32 slot,
			    const struct qbd_msg *diff, u32 place,
			    struct qbd_msg *reply);
int qbd_kstore_copy_ask(struct qbd_store *store, u32 slot, u64 seq,
			struct qbd_msg *diff);
int qbd_kstore_copy_fill(struct qbd_store *store, u32 slot, u64 seq,
			 const struct qbd_msg *reply, u64 last);

#endif /* QBD_STORE_COPY_H */
