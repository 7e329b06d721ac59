// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening hostile stores. The input is a program that makes one: records with
 * any fields, all checksums right, segments, damage, opens, checkpoints. None
 * may crash the open or the store that comes out of it, and what was opened
 * once can be opened again.
 */
#include "../unit/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BLOCKS 1536U
#define WAL_BLOCKS 256U
#define OPS_MAX 200

static struct image img;
static const u8 *in;
static size_t in_left;

static u8 take(void)
{
	if (!in_left)
		return 0;
	in_left--;
	return *in++;
}

static bool room(u32 payload_blocks)
{
	const struct qbd_disk_seg *seg = (struct qbd_disk_seg *)img.header;

	return le32_to_cpu(seg->nr_descs) < QBD_SEG_DESCS &&
	       img.payload_blocks + payload_blocks <= 64;
}

/* A record with fields that are mostly small, so that they meet. */
static void op_rec(void)
{
	struct qbd_desc desc = { .op = take() % 20 };
	u8 shape = take();

	desc.replica = 5 + take() % 4;
	desc.term = take() % 8;
	desc.index = take() % 16;
	desc.aux0 = take() % 8;
	desc.aux1 = take() % 2;
	desc.aux2 = take() % 2;
	desc.flags = take() % 4;
	if (shape & 1) {
		desc.block = take() * (shape & 2 ? 16777216U : 4U);
		desc.blocks = 1 + take() % 8;
	}
	if (shape & 4)
		desc.payload_blocks = shape & 8 ? 1 : (u16)desc.blocks;
	if (room(desc.payload_blocks) && !qbd_desc_check(&desc))
		image_rec(&img, desc, take());
}

static void op_create(void)
{
	u32 no = take() % 4;

	if (room(1))
		image_create(&img, 5 + no, take() % 4);
}

static void op_damage(void)
{
	u64 block = take() | (u64)(take() % 6) << 8;
	u32 byte = take() | (take() % 16) << 8;

	img.data[block % BLOCKS * QBD_BLOCK_SIZE + byte] ^= take();
}

static void op_commit(void)
{
	u64 used = img.at.lpos - img.super.tail.lpos;

	if (used + 1 + img.payload_blocks > WAL_BLOCKS)
		return;
	img.durable_lag = min((u64)(take() % 4), img.at.seq - 1);
	img.durable_lag = take() % 8 ? 0 : img.durable_lag;
	image_commit(&img);
}

/* Reads all of a store; the answers must be in range. */
static void look(void)
{
	struct qbd_found found;
	u32 slot, block;

	for (slot = 0; slot < 7; slot++) {
		struct qbd_store_replica rep;

		if (qbd_store_replica_get(img.core, slot, &rep))
			continue;
		for (block = 0; block < rep.table.blocks;
		     block += found.blocks) {
			if (qbd_store_lookup(img.core, slot, block,
					     rep.table.blocks - block, &found))
				break;
			if (!found.blocks ||
			    (found.kind == QBD_FOUND_HOME &&
			     found.block + found.blocks > BLOCKS))
				abort();
		}
	}
}

static void op_open(u64 opens_min)
{
	struct qbd_open_config config = {
		.dev_blocks = img.blocks,
		.node = 1,
		.opens_min = opens_min,
		.incarnation = 77,
		.run = IMAGE_RUN_2 + img.opens++,
	};
	u32 slot;

	if (image_open(&img, &config))
		return;
	look();
	for (slot = 0; slot < 4; slot++)
		qbd_store_commit_set(img.core, slot, take() % 16);
	if ((img.open.must_checkpoint || take() % 2) &&
	    !image_checkpoint(&img, false))
		look();
	/* What it made of it can be opened again, and then says the same. */
	if (image_open_ro(&img, true))
		abort();
	look();
	image_resume(&img);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	u32 i, op;

	in = data;
	in_left = size;
	image_format(&img, BLOCKS, WAL_BLOCKS);
	img.super.flags = 0;
	image_super(&img);
	for (i = 0; i < OPS_MAX && in_left; i++) {
		op = take();
		switch (op % 8) {
		case 0:
			op_create();
			break;
		case 1:
			image_close(&img);
			op_damage();
			break;
		case 2:
			/* the other bits: how often it was opened, at least */
			op_open(op / 8);
			break;
		case 3:
		case 4:
			op_commit();
			break;
		default:
			op_rec();
		}
	}
	op_open(0);
	image_free(&img);
	return 0;
}
