// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a checkpoint writes home, and what it makes of the map.
 *
 * Both are walks over the frozen overlays, replica by replica, in the order
 * of blocks, chunk by chunk.  The first describes the I/O, the second, when
 * that has ended, changes the map in memory.  Each looks at a chunk anew and
 * comes to the same judgement, because what is frozen does not change:
 *
 *	some block has data	the chunk gets a home; if it is a new one all
 *				of it is written, zeros around the data
 *	zero all over		the chunk is freed, nothing is written
 *	zero in places		these blocks are zeroed, if it has a home
 *
 * A home that a pin has too is not written to: the chunk gets a new one, and
 * what nobody writes is copied (see pin.h).
 *
 * Context: under the store's lock.  A call looks at one chunk, at most 1024
 * extents, or at QBD_STORE_STEP slots, or describes one I/O.
 */
#include "env.h"
#include "store_core.h"

/**
 * struct qbd_home_chunk - a chunk as the checkpoint leaves it
 * @data: records write to it
 * @whole: no block keeps what it had
 * @last: index of its last change
 */
struct qbd_home_chunk {
	bool data;
	bool whole;
	u64 last;
};

/**
 * qbd_home_begin() - begin a walk
 * @home: the walk
 */
void qbd_home_begin(struct qbd_home *home)
{
	memset(home, 0, sizeof(*home));
}

static u32 qbd_home_shift(const struct qbd_store_core *core)
{
	return core->super.layout.chunk_shift;
}

/* The record that a frozen extent is a piece of, NULL if that is broken. */
static const struct qbd_rec *qbd_home_rec(const struct qbd_store_core *core,
					  u32 slot, const struct qbd_ext *ext)
{
	u32 id = qbd_rec_find(&core->index, slot, ext->val);

	if (QBD_CORE_BUG(id == QBD_REC_NONE))
		return NULL;
	return &core->index.rec[id];
}

static int qbd_home_judge(const struct qbd_store_core *core, u32 slot,
			  u32 chunk, struct qbd_home_chunk *judged)
{
	const struct qbd_slot *s = &core->slot[slot];
	u32 shift = qbd_home_shift(core);
	u64 end = min_t(u64, (u64)(chunk + 1) << shift, s->table.blocks);
	u64 block = (u64)chunk << shift;
	const struct qbd_ext *ext;

	memset(judged, 0, sizeof(*judged));
	judged->whole = true;
	while (block < end) {
		const struct qbd_rec *rec;

		ext = qbd_extmap_next(&core->pool, &s->overlay.going, block);
		if (!ext || ext->start > block)
			judged->whole = false;
		if (!ext || ext->start >= end)
			break;
		rec = qbd_home_rec(core, slot, ext);
		if (!rec)
			return -EUCLEAN;
		judged->data |= rec->desc.op == QBD_OP_WRITE;
		judged->last = max(judged->last, ext->val);
		block = qbd_ext_end(ext);
	}
	return 0;
}

/*
 * The next chunk that something frozen touches.  Return: 1 and it is judged;
 * 0 if there is none left; -EAGAIN to be called again; else a broken store.
 */
static int qbd_home_next(struct qbd_store_core *core, struct qbd_home *home,
			 struct qbd_home_chunk *judged)
{
	u32 nr = QBD_STORE_STEP;
	const struct qbd_ext *ext;
	int error;

	while (home->slot < core->nr_slots && nr--) {
		struct qbd_slot *s = &core->slot[home->slot];

		ext = qbd_extmap_next(&core->pool, &s->overlay.going,
				      home->block);
		if (ext) {
			home->block = max(home->block, ext->start);
			home->chunk = home->block >> qbd_home_shift(core);
			error = qbd_home_judge(core, home->slot, home->chunk,
					       judged);
			return error ?: 1;
		}
		home->slot++;
		home->block = 0;
	}
	return home->slot < core->nr_slots ? -EAGAIN : 0;
}

/* The walk goes on behind its chunk. Chunk and block numbers fit in u32. */
static void qbd_home_leave(const struct qbd_store_core *core,
			   struct qbd_home *home)
{
	u64 block = (u64)(home->chunk + 1) << qbd_home_shift(core);

	home->in_chunk = false;
	home->block = (u32)block;
	if (block >= core->slot[home->slot].table.blocks) {
		home->slot++;
		home->block = 0;
	}
}

/* Where what nobody writes is copied from, 0 = it reads as zero. */
static u64 qbd_home_from(const struct qbd_store_core *core,
			 const struct qbd_slot *slot, u32 chunk,
			 const struct qbd_chunk *c)
{
	if (!(c->state & QBD_CHUNK_COW) || QBD_MUTANT(clone_skipped))
		return 0;
	c = qbd_pin_chunk(core, slot, chunk);
	return qbd_layout_chunk_block(&core->super.layout, c->phys);
}

/* Give the chunk a home if it needs one. Return: 1 if it has to be written. */
static int qbd_home_enter(struct qbd_store_core *core, struct qbd_home *home,
			  const struct qbd_home_chunk *judged)
{
	struct qbd_slot *s = &core->slot[home->slot];
	struct qbd_chunk *c = qbd_slot_chunk(core, s, home->chunk);
	int error;

	if (QBD_CORE_BUG(!c))
		return -EUCLEAN;
	if (!judged->data && (!qbd_chunk_has_home(c) || judged->whole))
		return 0;
	error = qbd_chunk_fill(c, &core->alloc);
	if (error)
		return error;
	home->from = qbd_home_from(core, s, home->chunk, c);
	home->in_chunk = true;
	home->fill = c->state & QBD_CHUNK_NEW;
	if (QBD_MUTANT(fill_not_whole))
		home->fill = false;
	home->phys = qbd_layout_chunk_block(&core->super.layout, c->phys);
	if (home->fill)
		home->block = home->chunk << qbd_home_shift(core);
	return 1;
}

/* Describe the I/O for the blocks that @ext covers from @home->block on. */
static int qbd_home_piece(struct qbd_store_core *core, struct qbd_home *home,
			  const struct qbd_ext *ext, u64 end, struct qbd_io *io)
{
	const struct qbd_rec *rec = qbd_home_rec(core, home->slot, ext);

	if (!rec)
		return -EUCLEAN;
	io->op = QBD_IO_ZERO;
	io->blocks = (u32)(min_t(u64, qbd_ext_end(ext), end) - home->block);
	if (rec->desc.op != QBD_OP_WRITE)
		return 1;
	io->op = rec->payload ? QBD_IO_WRITE : QBD_IO_COPY;
	io->rec = (u32)(rec - core->index.rec);
	io->offset = home->block - rec->desc.block;
	return 1;
}

/* Next I/O within the chunk. Return: 0 if it needs no more. */
static int qbd_home_io(struct qbd_store_core *core, struct qbd_home *home,
		       struct qbd_io *io)
{
	struct qbd_slot *s = &core->slot[home->slot];
	u64 begin = (u64)home->chunk << qbd_home_shift(core);
	u64 end = begin + (1U << qbd_home_shift(core));
	const struct qbd_ext *ext;
	u64 next;
	int got = 1;

	if (home->block >= end || home->block < begin)
		return 0;
	ext = qbd_extmap_next(&core->pool, &s->overlay.going, home->block);
	next = ext ? min_t(u64, ext->start, end) : end;
	memset(io, 0, sizeof(*io));
	if (next > home->block && !home->fill) {
		if (next == end)
			return 0;
		home->block = (u32)next;
	}
	if (next > home->block) {
		io->op = home->from ? QBD_IO_CLONE : QBD_IO_ZERO;
		io->from = home->from + (home->block - begin);
		io->blocks = (u32)(next - home->block);
		if (home->from)
			io->blocks = min(io->blocks, QBD_REC_BLOCKS_MAX);
	} else {
		got = qbd_home_piece(core, home, ext, end, io);
	}
	io->block = home->phys + (home->block - begin);
	home->block += io->blocks;
	if (io->op == QBD_IO_ZERO)
		core->stats.zero_blocks += io->blocks;
	else if (io->op == QBD_IO_CLONE)
		core->stats.cloned_blocks += io->blocks;
	else
		core->stats.home_blocks += io->blocks;
	return got;
}

/**
 * qbd_home_io_step() - next I/O of what goes home
 * @core: the store
 * @home: the walk
 * @io: filled in
 *
 * Return: 1 if there is an I/O; 0 at the end; -EAGAIN to be called again;
 * other negative errnos: the store is broken.
 */
int qbd_home_io_step(struct qbd_store_core *core, struct qbd_home *home,
		     struct qbd_io *io)
{
	struct qbd_home_chunk judged;
	int got;

	if (!home->in_chunk) {
		got = qbd_home_next(core, home, &judged);
		if (got <= 0)
			return got;
		got = qbd_home_enter(core, home, &judged);
		if (got < 0)
			return got;
		if (!got)
			qbd_home_leave(core, home);
		return -EAGAIN;
	}
	got = qbd_home_io(core, home, io);
	if (got)
		return got;
	qbd_home_leave(core, home);
	return -EAGAIN;
}

/**
 * qbd_home_map_step() - change the map for the next chunk
 * @core: the store; all that goes home has been written
 * @home: the walk
 *
 * Return: 0 at the end; -EAGAIN to be called again; other negative errnos:
 * the store is broken.
 */
int qbd_home_map_step(struct qbd_store_core *core, struct qbd_home *home)
{
	struct qbd_home_chunk judged;
	struct qbd_chunk *c;
	struct qbd_slot *s;
	int got;

	got = qbd_home_next(core, home, &judged);
	if (got <= 0)
		return got;
	s = &core->slot[home->slot];
	c = qbd_slot_chunk(core, s, home->chunk);
	if (QBD_CORE_BUG(!c))
		return -EUCLEAN;
	qbd_chunk_change(c, &core->alloc, judged.last,
			 !judged.data && judged.whole);
	qbd_meta_mark(&core->meta,
		      s->table.meta_first + home->chunk / QBD_MAP_ENTRIES);
	qbd_home_leave(core, home);
	return -EAGAIN;
}
