/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a resync wants of a store: pins and shadows in the terms of resync.h.
 *
 * CHUNKS are compared by the shell, which has the bytes.  The source, for each
 * chunk of a DIFF: qbd_copy_source(), read, compare, and then
 * qbd_store_pin_holds(), or what was read may be somebody else's.  The target,
 * for the DIFF: qbd_copy_digest() for each chunk, read, digests to where it
 * says.  And for each DIFF_REPLY:
 *
 *	qbd_copy_fill()		what is to be written, and where
 *	wait			for reads of home that were looked up before
 *	read, write		the blocks that differ over what there was
 *	qbd_copy_filled()	or that it failed
 *
 * Called under the store's lock.
 */
#ifndef QBD_CORE_COPY_H
#define QBD_CORE_COPY_H

#include "pin.h"
#include "resync.h"
#include "shadow.h"

struct qbd_store_core;

int qbd_copy_pin(struct qbd_store_core *core, u32 slot,
		 struct qbd_pin_info *info);
int qbd_copy_map(const struct qbd_store_core *core, u32 slot, u64 seq, u64 have,
		 u32 most, u32 *from, struct qbd_map_entry entry[QBD_MAP_MAX]);
int qbd_copy_config(const struct qbd_store_core *core, u32 slot, u64 seq,
		    void *block);
int qbd_copy_shadow(struct qbd_store_core *core, u32 slot,
		    const struct qbd_pin_info *info, const void *block,
		    u64 *seq);
int qbd_copy_look(struct qbd_store_core *core, u32 slot,
		  const struct qbd_map_entry *entry);

/**
 * struct qbd_copy_chunk - a chunk to be read and compared
 * @block: where it begins on the device, 0 = it reads as zero
 * @blocks: how long it is
 * @digest: place of its first digest in the payload of a DIFF
 * @zero: the target has none: it reads as zero there
 * @all: the target has none: all of it is wanted
 */
struct qbd_copy_chunk {
	u64 block;
	u32 blocks;
	u32 digest;
	bool zero;
	bool all;
};

int __must_check qbd_copy_source(const struct qbd_store_core *core, u32 slot,
				 const struct qbd_msg *diff, u32 place,
				 struct qbd_copy_chunk *chunk);
int __must_check qbd_copy_digest(const struct qbd_store_core *core, u32 slot,
				 u64 seq, struct qbd_msg *diff, u32 place,
				 struct qbd_copy_chunk *chunk);

/**
 * struct qbd_copy_fill - what is to be done for a DIFF_REPLY
 * @from: where the blocks that did not differ are, 0 = they are zero, or they
 *	are where they have to be
 * @to: where the chunk is written to, 0 = nothing is to be written
 * @blocks: length of the chunk
 * @whole: all of it has to be written, not only what differs
 */
struct qbd_copy_fill {
	u64 from;
	u64 to;
	u32 blocks;
	bool whole;
};

int __must_check qbd_copy_fill(struct qbd_store_core *core, u32 slot, u64 seq,
			       const struct qbd_msg *reply, u64 last,
			       struct qbd_copy_fill *fill);
int qbd_copy_filled(struct qbd_store_core *core, u32 slot, u64 seq, u32 chunk,
		    int err);

#endif /* QBD_CORE_COPY_H */
