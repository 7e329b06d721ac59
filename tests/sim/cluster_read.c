// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading from the real store of a node: blocks for READ and READ_LOCAL, and
 * records of the log for other replicas.
 */
#include <stdlib.h>

#include "cluster_store.h"

u64 cl_store_term_at(const struct cl_node *node, u32 shard, u64 index)
{
	const struct cl_store *s = node->store;

	if (s->slot[shard] < 0)
		return 0;
	return qbd_store_term_at(s->core, s->slot[shard], index);
}

bool cl_store_get(const struct cl_node *node, u32 shard, u64 index,
		  struct qbd_log_rec *rec)
{
	const struct cl_store *s = node->store;
	const struct qbd_desc *desc;
	int id;

	if (s->slot[shard] < 0)
		return false;
	id = qbd_store_log_get(s->core, s->slot[shard], index);
	if (id < 0)
		return false;
	desc = &qbd_store_rec(s->core, (u32)id)->desc;
	*rec = (struct qbd_log_rec){
		.pos = { .term = desc->term, .index = desc->index },
		.op = desc->op,
		.rec_flags = desc->flags & QBD_REC_FUA,
		.payload_blocks = desc->payload_blocks,
		.block = desc->block,
		.blocks = desc->blocks,
		.crc = desc->crc,
	};
	return true;
}

/* --- records ------------------------------------------------------------ */

/* Payload of a record that is only in the log, as the disk has it. */
void cl_peek_payload(struct cl_store *s, const struct qbd_rec *rec, u8 *buf)
{
	struct qbd_extent extent[2];
	u32 nr, i, k;

	nr = qbd_store_log_extents(s->core, rec->lpos, rec->desc.payload_blocks,
				   extent);
	for (i = 0; i < nr; i++) {
		for (k = 0; k < extent[i].blocks; k++) {
			qbd_disk_peek(s->disk, extent[i].block + k, buf);
			buf += QBD_BLOCK_SIZE;
		}
	}
}

struct cl_fetched cl_store_fetch(struct cl_world *w, u32 node, u32 shard,
				 u64 index)
{
	struct cl_store *s = w->node[node].store;
	int id = qbd_store_log_get(s->core, s->slot[shard], index);
	const struct qbd_rec *rec = qbd_store_rec(s->core, (u32)id);
	struct cl_fetched got = { .payload = rec->payload };
	u32 value, i;

	if (got.payload) {
		cl_payload_get(got.payload);
		return got;
	}
	if (!rec->desc.payload_blocks)
		return got;
	got.payload = cl_payload_new(w, rec->desc.payload_blocks);
	cl_peek_payload(s, rec, got.payload->data);
	got.payload->crc = rec->desc.crc;
	if (qbd_payload_crc(~0U, got.payload->data,
			    (size_t)rec->desc.payload_blocks *
				    QBD_BLOCK_SIZE) != rec->desc.crc) {
		memset(got.payload->data, 0,
		       (size_t)got.payload->blocks * QBD_BLOCK_SIZE);
		cl_payload_put(got.payload);
		return (struct cl_fetched){ .err = -EILSEQ };
	}
	value = cl_stamp_read(got.payload->data, shard, rec->desc.block);
	got.payload->op = value;
	for (i = 0; i < got.payload->blocks; i++)
		got.payload->value[i] = value;
	return got;
}

/* --- blocks ------------------------------------------------------------- */

bool cl_reads_before(const struct cl_store *s, u64 mark)
{
	struct cl_sread *read;

	list_for_each_entry(read, &s->reads, link)
		if (read->home && read->seq < mark)
			return true;
	return false;
}

static void cl_sread_wave(struct cl_world *w, struct cl_store *s,
			  struct cl_sread *read);

static void cl_sread_end(struct cl_world *w, struct cl_store *s,
			 struct cl_sread *read)
{
	if (!read->stale)
		read->at = read->next;
	if (!read->got.err && read->at < read->blocks) {
		cl_sread_wave(w, s, read);
		return;
	}
	list_del(&read->link);
	cl_read_done(w, s->node, &read->got);
	free(read);
}

static void cl_sread_io_end(struct cl_io *io)
{
	struct cl_store *s = io->w->node[io->node].store;
	struct cl_sread *read = io->read;
	struct cl_world *w = io->w;
	u32 i;

	if (io->err)
		read->got.err = -EIO;
	if (io->payload_blocks && !qbd_store_log_holds(s->core, io->lpos))
		read->stale = true; /* the tail passed it */
	else if (io->payload_blocks && !io->err &&
		 qbd_payload_crc(~0U, io->buf,
				 (size_t)io->payload_blocks * QBD_BLOCK_SIZE) !=
			 io->crc)
		read->got.err = -EILSEQ;
	for (i = 0; i < io->what.blocks && !io->err; i++)
		read->got.value[io->at + i] = cl_stamp_read(
			io->buf +
				(size_t)(io->what.offset + i) * QBD_BLOCK_SIZE,
			read->got.shard, read->block + io->at + i);
	cl_io_free(io);
	if (!--read->left)
		cl_sread_end(w, s, read);
}

/* One part of the answer, from the device. */
static void cl_sread_io(struct cl_world *w, struct cl_store *s,
			struct cl_sread *read, u32 at,
			const struct qbd_found *found)
{
	const struct qbd_rec *rec = qbd_store_rec(s->core, found->rec);
	struct qbd_extent extent[2] = { { found->block, found->blocks } };
	u32 blocks = found->blocks, nr = 1;
	struct cl_io *io;

	if (found->kind == QBD_FOUND_LOG) {
		blocks = rec->desc.payload_blocks;
		nr = qbd_store_log_extents(s->core, rec->lpos, blocks, extent);
	}
	io = cl_io_new(w, s, blocks, cl_sread_io_end);
	io->read = read;
	io->at = at;
	io->what.blocks = found->blocks;
	if (found->kind == QBD_FOUND_LOG) {
		io->payload_blocks = blocks;
		io->what.offset = found->offset;
		io->lpos = rec->lpos;
		io->crc = rec->desc.crc;
	} else {
		read->home = true;
	}
	read->left++;
	cl_io_submit(io, QBD_DISK_READ, false, extent, nr, io->buf);
}

/* One part of the answer. */
static void cl_sread_part(struct cl_world *w, struct cl_store *s,
			  struct cl_sread *read, u32 at,
			  const struct qbd_found *found)
{
	const struct cl_payload *payload = NULL;
	u32 i;

	if (found->kind == QBD_FOUND_LOG)
		payload = qbd_store_rec(s->core, found->rec)->payload;
	if (found->kind != QBD_FOUND_ZERO && !payload) {
		cl_sread_io(w, s, read, at, found);
		return;
	}
	for (i = 0; i < found->blocks; i++)
		read->got.value[at + i] =
			payload ?
				cl_stamp_read(
					payload->data +
						(size_t)(found->offset + i) *
							QBD_BLOCK_SIZE,
					read->got.shard, read->block + at + i) :
				CL_ZERO;
}

/* The index that a wave is read at, as qbd_read_lookup() notes it. */
static int cl_sread_index(struct cl_store *s, struct cl_sread *read)
{
	struct qbd_store_replica have;
	int err =
		qbd_store_replica_get(s->core, s->slot[read->got.shard], &have);

	if (err)
		return err;
	if (!read->at)
		read->got.first = have.last.index;
	read->got.index = max(read->got.index, have.last.index);
	return 0;
}

static void cl_sread_wave(struct cl_world *w, struct cl_store *s,
			  struct cl_sread *read)
{
	struct qbd_found found;
	u32 at = read->at, i;
	int err;

	read->stale = false;
	read->home = false;
	read->seq = s->read_seq++;
	read->left = 1;
	err = cl_sread_index(s, read);
	for (i = 0; !err && i < read->wave && at < read->blocks; i++) {
		err = qbd_store_lookup(s->core, s->slot[read->got.shard],
				       read->block + at, read->blocks - at,
				       &found);
		if (err)
			break;
		cl_sread_part(w, s, read, at, &found);
		at += found.blocks;
	}
	read->next = at;
	if (err)
		read->got.err = -EIO;
	/* Its end comes with the disk's, also if there is nothing to read. */
	if (--read->left) {
		cl_store_run(w, s);
		return;
	}
	cl_sread_end(w, s, read);
}

void cl_store_read(struct cl_world *w, u32 node, u32 shard,
		   const struct qbd_action *act)
{
	struct cl_store *s = w->node[node].store;
	bool local = act->kind == QBD_ACT_READ_LOCAL;
	struct cl_sread *read = calloc(1, sizeof(*read));
	u32 i;

	if (!read)
		abort();
	read->got.act = *act;
	read->got.shard = shard;
	read->block = local ? act->block : act->msg.read.block;
	read->blocks = local ? act->blocks : act->msg.read.blocks;
	for (i = 0; i < CL_BLOCKS; i++)
		read->got.value[i] = CL_BAD;
	if (w->node[node].read_eio && cl_chance(w, 50))
		read->got.err = -EIO;
	else if (w->node[node].read_bad && cl_chance(w, 50))
		read->got.err = -EILSEQ;
	read->wave = 1 + cl_rand(w, CL_OP_BLOCKS);
	list_add_tail(&read->link, &s->reads);
	cl_sread_wave(w, s, read);
}

/*
 * The store is closed: what is under way fails, or nobody hears of it. Who
 * hears of it may read again: until there is none.
 */
void cl_reads_drop(struct cl_world *w, struct cl_store *s, bool report)
{
	u32 life = w->node[s->node].life;
	struct cl_sread *read, *next;
	struct list_head dropped;

	INIT_LIST_HEAD(&dropped);
	while (!list_empty(&s->reads)) {
		read = list_first_entry(&s->reads, struct cl_sread, link);
		list_del(&read->link);
		list_add_tail(&read->link, &dropped);
		read->got.err = -EIO;
		if (report && w->node[s->node].life == life)
			cl_read_done(w, s->node, &read->got);
	}
	list_for_each_entry_safe(read, next, &dropped, link)
		free(read);
}

/* --- at the end --------------------------------------------------------- */

static u32 cl_value_at(struct cl_store *s, u32 shard, u32 block)
{
	static u8 buf[CL_OP_BLOCKS * QBD_BLOCK_SIZE];
	const struct cl_payload *payload;
	const struct qbd_rec *rec;
	struct qbd_found found;

	if (qbd_store_lookup(s->core, s->slot[shard], block, 1, &found))
		return CL_BAD;
	if (found.kind == QBD_FOUND_ZERO)
		return CL_ZERO;
	if (found.kind == QBD_FOUND_HOME) {
		qbd_disk_peek(s->disk, found.block, buf);
		return cl_stamp_read(buf, shard, block);
	}
	rec = qbd_store_rec(s->core, found.rec);
	payload = rec->payload;
	if (payload)
		return cl_stamp_read(payload->data + (size_t)found.offset *
							     QBD_BLOCK_SIZE,
				     shard, block);
	cl_peek_payload(s, rec, buf);
	return cl_stamp_read(buf + (size_t)found.offset * QBD_BLOCK_SIZE, shard,
			     block);
}

void cl_store_values(struct cl_world *w, u32 node, u32 shard, u32 *value)
{
	u32 i;

	for (i = 0; i < CL_BLOCKS; i++)
		value[i] = cl_value_at(w->node[node].store, shard, i);
}
