// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store at work, for unit tests; see bed.h.
 *
 * I/O is done at once, in the order in which it is described; power cuts and
 * other orders are the simulator's.
 */
#include "bed.h"

static void bed_use(struct bed *bed)
{
	if (image_open_rw(&bed->img))
		abort();
	bed->core = bed->img.core;
}

struct bed *bed_new(u64 dev_blocks, u32 wal_blocks)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	const struct qbd_layout *layout;
	u64 first;

	if (!bed)
		abort();
	image_format(&bed->img, dev_blocks, wal_blocks);
	layout = &bed->img.super.layout;
	/* A chunk that is new shows what it had, unless it is filled. */
	first = qbd_layout_chunk_block(layout, 0);
	memset(bed->img.data + first * QBD_BLOCK_SIZE, 0xee,
	       (dev_blocks - first) * QBD_BLOCK_SIZE);
	bed_use(bed);
	return bed;
}

/* Takes what is released. */
void bed_release(struct bed *bed)
{
	void *payload, *page;

	while ((payload = qbd_store_release_next(bed->core))) {
		bed->payloads--;
		free(payload);
	}
	while ((page = qbd_store_page_take(bed->core)))
		free(page);
}

static void bed_close(struct bed *bed)
{
	bool more;

	do {
		more = qbd_store_destroy_step(bed->core);
		bed_release(bed);
	} while (more);
	if (bed->payloads)
		abort();
	image_close(&bed->img);
	bed->core = NULL;
}

void bed_free(struct bed *bed)
{
	bed_close(bed);
	image_free(&bed->img);
	free(bed);
}

/* The node crashed, and opens the store again. */
int bed_reopen(struct bed *bed)
{
	int error;

	bed_close(bed);
	error = image_open_rw(&bed->img);
	bed->core = bed->img.core;
	return error;
}

static struct bed_payload *bed_payload(u32 blocks, u8 fill)
{
	size_t bytes = (size_t)blocks * QBD_BLOCK_SIZE;
	struct bed_payload *payload = malloc(sizeof(*payload) + bytes);

	if (!payload)
		abort();
	payload->blocks = blocks;
	memset(payload->data, fill, bytes);
	return payload;
}

/* @got is the id of a record, or why the core did not take its payload. */
static int bed_given(struct bed *bed, struct bed_payload *payload, int got)
{
	if (got < 0)
		free(payload);
	else if (payload)
		bed->payloads++;
	bed_release(bed);
	return got;
}

int bed_create(struct bed *bed, u64 replica, u32 blocks)
{
	struct bed_payload *payload = bed_payload(1, 0);
	struct qbd_table_slot table = {
		.replica = replica,
		.volume = 1,
		.shard = (u32)replica,
		.blocks = blocks,
		.config = { .epoch = 1, .nr_old = 1 },
	};

	table.config.set[0].replica = replica;
	table.config.set[0].node = 1;
	return bed_given(bed, payload,
			 qbd_store_create(bed->core, &table, payload->data,
					  payload));
}

/* A replica, and it is logged. Return: its slot. */
u32 bed_replica(struct bed *bed, u64 replica)
{
	if (bed_create(bed, replica, BED_SHARD_BLOCKS) < 0)
		abort();
	bed_commit(bed);
	return qbd_store_find(bed->core, replica);
}

u8 bed_fill(u64 index)
{
	return (u8)(1 + index % 200);
}

static int bed_push(struct bed *bed, u32 slot, struct qbd_desc *desc,
		    struct bed_payload *payload,
		    const struct qbd_config *config)
{
	const struct qbd_slot *s = &bed->core->slot[slot];

	desc->replica = s->table.replica;
	desc->index = s->last.index + 1;
	desc->aux0 = s->last.term;
	desc->term = desc->term ?: s->last.term ?: 1;
	if (payload) {
		desc->payload_blocks = payload->blocks;
		desc->crc = qbd_payload_crc(~0U, payload->data,
					    (size_t)payload->blocks *
						    QBD_BLOCK_SIZE);
	}
	image_pages(&bed->img);
	return bed_given(bed, payload,
			 qbd_store_append(bed->core, slot, desc, payload,
					  config));
}

/* The next record of a replica, in the term of the one before. */
int bed_append(struct bed *bed, u32 slot, u8 op, u32 block, u32 blocks)
{
	u64 index = bed->core->slot[slot].last.index + 1;
	struct qbd_desc desc = { .op = op, .block = block, .blocks = blocks };
	struct bed_payload *payload = NULL;

	if (op == QBD_OP_WRITE)
		payload = bed_payload(blocks, bed_fill(index));
	return bed_push(bed, slot, &desc, payload, NULL);
}

int bed_append_term(struct bed *bed, u32 slot, u64 term)
{
	struct qbd_desc desc = { .op = QBD_OP_TERM, .term = term };

	return bed_push(bed, slot, &desc, NULL, NULL);
}

int bed_config(struct bed *bed, u32 slot, u64 epoch)
{
	struct qbd_config config =
		*qbd_slot_config_at(&bed->core->slot[slot], U64_MAX);
	struct bed_payload *payload = bed_payload(1, 0);
	struct qbd_desc desc = { .op = QBD_OP_CONFIG };

	config.epoch = epoch;
	qbd_config_encode(&config, (struct qbd_disk_config *)payload->data);
	return bed_push(bed, slot, &desc, payload, &config);
}

/* --- group commit ------------------------------------------------------ */

int bed_commit_begin(struct bed *bed)
{
	return qbd_commit_begin(bed->core, bed->header, &bed->plan);
}

static void bed_commit_write(struct bed *bed)
{
	u64 lpos = bed->plan.head.lpos;
	u32 i, n;

	memcpy(image_lpos(&bed->img, lpos++), bed->header, QBD_BLOCK_SIZE);
	for (i = 0; i < bed->plan.nr_recs; i++) {
		const struct qbd_rec *rec =
			qbd_store_rec(bed->core, bed->plan.rec[i]);
		const struct bed_payload *payload = rec->payload;

		for (n = 0; n < rec->desc.payload_blocks; n++)
			memcpy(image_lpos(&bed->img, lpos++),
			       payload->data + (size_t)n * QBD_BLOCK_SIZE,
			       QBD_BLOCK_SIZE);
	}
}

void bed_commit_end(struct bed *bed, int error)
{
	if (!error)
		bed_commit_write(bed);
	qbd_commit_end(bed->core, error);
	bed_release(bed);
}

/* All that waits. */
void bed_commit(struct bed *bed)
{
	while (qbd_commit_wanted(bed->core)) {
		if (bed_commit_begin(bed))
			abort();
		bed_commit_end(bed, 0);
	}
}

/* All that a replica has is durable, and may go home. */
void bed_settle(struct bed *bed, u32 slot)
{
	bed_commit(bed);
	qbd_store_commit_set(bed->core, slot, U64_MAX);
}

/* --- reading ----------------------------------------------------------- */

/* What a block is filled with; a negative errno if it can not be read. */
int bed_read(struct bed *bed, u32 slot, u32 block)
{
	struct qbd_found found;
	const struct bed_payload *payload;
	const struct qbd_rec *rec;
	int error = qbd_store_lookup(bed->core, slot, block, 1, &found);

	if (error)
		return error;
	if (found.kind == QBD_FOUND_ZERO)
		return 0;
	if (found.kind == QBD_FOUND_HOME)
		return bed->img.data[found.block * QBD_BLOCK_SIZE];
	rec = qbd_store_rec(bed->core, found.rec);
	payload = rec->payload;
	if (payload)
		return payload->data[(size_t)found.offset * QBD_BLOCK_SIZE];
	return *image_lpos(&bed->img, rec->lpos + found.offset);
}

/* --- checkpoint -------------------------------------------------------- */

static void bed_load(struct bed *bed, const struct qbd_io *io)
{
	const struct qbd_rec *rec = qbd_store_rec(bed->core, io->rec);
	struct bed_payload *payload = bed_payload(io->blocks, 0);
	u32 i;

	for (i = 0; i < io->blocks; i++)
		memcpy(payload->data + (size_t)i * QBD_BLOCK_SIZE,
		       image_lpos(&bed->img, rec->lpos + i), QBD_BLOCK_SIZE);
	if (qbd_payload_crc(~0U, payload->data,
			    (size_t)io->blocks * QBD_BLOCK_SIZE) !=
		    rec->desc.crc ||
	    qbd_store_payload_set(bed->core, io->rec, payload))
		abort();
	bed->payloads++;
}

static int bed_io(struct bed *bed, const struct qbd_io *io)
{
	u8 *at = bed->img.data + io->block * QBD_BLOCK_SIZE;
	const struct qbd_rec *rec = qbd_store_rec(bed->core, io->rec);
	const struct bed_payload *payload = rec->payload;
	u32 i;

	bed->nr_io[io->op]++;
	if (bed->nr_ios < BED_IOS)
		bed->io[bed->nr_ios++] = *io;
	if (io->op == QBD_IO_LOAD) {
		bed_load(bed, io);
		return 0;
	}
	if (io->op == QBD_IO_WRITE && !io->buf) {
		memcpy(at, payload->data + (size_t)io->offset * QBD_BLOCK_SIZE,
		       (size_t)io->blocks * QBD_BLOCK_SIZE);
		return 0;
	}
	if (io->op != QBD_IO_COPY)
		return image_io(&bed->img, io);
	for (i = 0; i < io->blocks; i++)
		memcpy(at + (size_t)i * QBD_BLOCK_SIZE,
		       image_lpos(&bed->img, rec->lpos + io->offset + i),
		       QBD_BLOCK_SIZE);
	return 0;
}

/* Goes on with a checkpoint up to the beginning of a phase, or its end. */
enum qbd_ckpt_step bed_ckpt_until(struct bed *bed, enum qbd_ckpt_phase phase)
{
	struct qbd_store_core *core = bed->core;
	enum qbd_ckpt_step step = QBD_CKPT_MORE;
	struct qbd_io io;

	while (core->ckpt.phase != phase && step != QBD_CKPT_DONE &&
	       step != QBD_CKPT_FAILED) {
		int error = 0;

		step = qbd_ckpt_next(core, &io);
		bed_release(bed);
		switch (step) {
		case QBD_CKPT_IO:
			error = bed_io(bed, &io);
			if (error)
				abort();
			break;
		case QBD_CKPT_COMMIT:
			while (qbd_ckpt_commit_pending(core))
				bed_commit(bed);
			qbd_ckpt_phase_end(core, 0);
			break;
		case QBD_CKPT_WAIT:
		case QBD_CKPT_GRACE:
			qbd_ckpt_phase_end(core, 0);
			break;
		case QBD_CKPT_MORE:
		case QBD_CKPT_DONE:
		case QBD_CKPT_FAILED:
			break;
		}
	}
	return step;
}

int bed_checkpoint(struct bed *bed, bool close)
{
	int error = qbd_ckpt_begin(bed->core, close);

	if (error)
		return error;
	bed->nr_ios = 0;
	memset(bed->nr_io, 0, sizeof(bed->nr_io));
	if (bed_ckpt_until(bed, QBD_CKPT_P_NR) == QBD_CKPT_DONE)
		return 0;
	return qbd_store_error(bed->core);
}
