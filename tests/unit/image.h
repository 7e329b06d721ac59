/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store in memory, for unit tests and fuzzers: a device that does the core's
 * I/O, a writer that makes logs by hand, and the open loop.
 *
 * Blocks can be made unreadable. Flushes are counted, nothing is lost: power
 * cuts and reordering are the simulator's.
 */
#ifndef QBD_TESTS_IMAGE_H
#define QBD_TESTS_IMAGE_H

#include "format.h"
#include "load.h"
#include "open.h"

#define IMAGE_BLOCKS 8192U
#define IMAGE_WAL_BLOCKS 512U
#define IMAGE_RUN 0x1111222233334444ULL
#define IMAGE_RUN_2 0x5555666677778888ULL
#define IMAGE_FINDINGS 64

/* 16 bytes each, with the zero at the end. */
#define IMAGE_CLUSTER "test-cluster-id"
#define IMAGE_STORE "test-store-uuid"

struct image {
	u8 *data;
	u64 blocks;
	u64 unreadable; /* this device block fails, 0 = none */
	u64 reads;
	u64 writes;
	u64 flushes;
	struct qbd_open open;
	struct qbd_store_core *core;
	void *core_mem;
	struct qbd_finding finding[IMAGE_FINDINGS];
	u32 nr_findings;
	u32 opens;
	/* the writer */
	struct qbd_super super;
	struct qbd_lpos at;
	u64 run;
	u64 durable_lag; /* segments that a pipeline would have under way */
	u8 header[QBD_BLOCK_SIZE] __aligned(8);
	u32 payload_blocks;
	/* last, because it is large and need not be zero */
	u8 payload[QBD_SEG_PAYLOAD_MAX][QBD_BLOCK_SIZE] __aligned(8);
};

int image_io(struct image *img, const struct qbd_io *io);
void image_format(struct image *img, u64 blocks, u32 wal_blocks);
void image_close(struct image *img);
void image_free(struct image *img);
int image_open(struct image *img, const struct qbd_open_config *config);
void image_note(struct image *img, const struct qbd_finding *finding);
void image_core_init(struct image *img, const struct qbd_super *super);
void image_pages(struct image *img);
int image_open_rw(struct image *img);
int image_open_ro(struct image *img, bool verify_all);
bool image_found(const struct image *img, enum qbd_finding_kind kind);
int image_checkpoint(struct image *img, bool close);
void image_resume(struct image *img);
void image_rec(struct image *img, struct qbd_desc desc, u8 fill);
void image_write(struct image *img, u64 replica, u64 term, u64 index,
		 u64 prev_term, u32 block);
void image_create(struct image *img, u64 replica, u32 no);
void image_promise(struct image *img, u64 replica, u64 term);
u8 *image_lpos(struct image *img, u64 lpos);
u64 image_commit(struct image *img);
void image_super(struct image *img);

#endif /* QBD_TESTS_IMAGE_H */
