/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store at work, for unit tests: the caller's part of core/store.h over the
 * device of image.h. Payloads are memory that the core holds a cookie of; one
 * that is released twice, or never, is found by the address sanitizer.
 *
 * Helpers abort where the caller's part is broken; what the core says comes
 * back as a result.
 */
#ifndef QBD_TESTS_BED_H
#define QBD_TESTS_BED_H

#include "image.h"
#include "store_core.h"

#define BED_CHUNK_BLOCKS 64U
#define BED_SHARD_BLOCKS 1024U
#define BED_IOS 512

struct bed_payload {
	u32 blocks;
	u8 data[] __aligned(8);
};

struct bed {
	struct image img;
	struct qbd_store_core *core;
	u32 payloads; /* that the core has */
	u32 nr_io[QBD_IO_FLUSH + 1]; /* by kind */
	struct qbd_io io[BED_IOS]; /* of checkpoints, in order */
	u32 nr_ios;
	struct qbd_seg_plan plan; /* the segment under way */
	u8 header[QBD_BLOCK_SIZE] __aligned(8);
};

struct bed *bed_new(u64 dev_blocks, u32 wal_blocks);
void bed_free(struct bed *bed);
int bed_reopen(struct bed *bed);
void bed_release(struct bed *bed);

int bed_create(struct bed *bed, u64 replica, u32 blocks);
u32 bed_replica(struct bed *bed, u64 replica);
int bed_append(struct bed *bed, u32 slot, u8 op, u32 block, u32 blocks);
int bed_append_term(struct bed *bed, u32 slot, u64 term);
int bed_config(struct bed *bed, u32 slot, u64 epoch);
int bed_commit_begin(struct bed *bed);
void bed_commit_end(struct bed *bed, int error);
void bed_commit(struct bed *bed);
void bed_settle(struct bed *bed, u32 slot);
u8 bed_fill(u64 index);
int bed_read(struct bed *bed, u32 slot, u32 block);

enum qbd_ckpt_step bed_ckpt_until(struct bed *bed, enum qbd_ckpt_phase phase);
int bed_checkpoint(struct bed *bed, bool close);

#endif /* QBD_TESTS_BED_H */
