// SPDX-License-Identifier: GPL-2.0-only
/*
 * Opening a store: from two superblocks to a store that can be used.
 *
 * See open.h for the caller's part. Which segments and records count is for
 * replay.c, which replicas may vote for proof.c, what the store makes of the
 * records for load.h.
 *
 * Damage to the superblock, the directory or the replica table fails the
 * open: whose replicas they were about can not be told. A lost map page costs
 * one replica.
 *
 * Context: one owner; nobody else knows the store yet.
 */
#include "load.h"
#include "open.h"

#define QBD_OPEN_AGAIN ((enum qbd_open_step)(QBD_OPEN_FAILED + 1))

/**
 * qbd_open_init() - prepare to open a store
 * @open: the open
 * @config: how
 * @buf: memory for I/O, aligned to a block
 * @buf_blocks: its size, at least 1; more makes fewer I/Os
 */
void qbd_open_init(struct qbd_open *open, const struct qbd_open_config *config,
		   void *buf, u32 buf_blocks)
{
	memset(open, 0, sizeof(*open));
	open->config = *config;
	qbd_reader_init(&open->reader, buf, buf_blocks);
}

static void qbd_open_queue(struct qbd_open *open,
			   const struct qbd_finding *finding)
{
	u32 used = open->queue_end - open->queue_first;

	if (QBD_CORE_BUG(used >= QBD_OPEN_FINDINGS))
		return;
	open->queue[open->queue_end++ % QBD_OPEN_FINDINGS] = *finding;
}

static void qbd_open_find(struct qbd_open *open, enum qbd_finding_kind kind,
			  int error, u64 first, u64 last)
{
	struct qbd_finding finding = {
		.kind = kind,
		.error = error,
		.first = first,
		.last = last,
	};

	qbd_open_queue(open, &finding);
}

static enum qbd_open_step qbd_open_go(struct qbd_open *open,
				      enum qbd_open_phase phase)
{
	open->phase = phase;
	open->at = 0;
	return QBD_OPEN_AGAIN;
}

static enum qbd_open_step qbd_open_fail(struct qbd_open *open, int error)
{
	open->error = error;
	return qbd_open_go(open, QBD_OPEN_DEAD);
}

/* --- superblocks ------------------------------------------------------- */

static enum qbd_open_step qbd_open_super(struct qbd_open *open,
					 struct qbd_io *io)
{
	const void *block;

	if (open->at == QBD_SUPER_SLOTS)
		return qbd_open_go(open, QBD_OPEN_CHOOSE);
	if (!qbd_reader_get(&open->reader, qbd_super_block(open->at), 1, &block,
			    io))
		return QBD_OPEN_IO;
	if (block)
		memcpy(open->block[open->at], block, QBD_BLOCK_SIZE);
	else
		open->choice.error[open->at] = open->reader.error;
	open->at++;
	return QBD_OPEN_AGAIN;
}

/* S11: does the cluster know of a later state than this one? */
static bool qbd_open_rolled_back(const struct qbd_open *open)
{
	return open->super.opens < open->config.opens_min &&
	       !QBD_MUTANT(rolled_back_votes);
}

/* Is it the store that the caller means, and all of it? */
static int qbd_open_identify(struct qbd_open *open)
{
	const struct qbd_open_config *config = &open->config;
	const struct qbd_super *super = &open->super;

	if (QBD_CORE_BUG(config->opens_min > QBD_OPENS_MAX))
		return -EINVAL;
	if (!mem_is_zero(config->cluster, sizeof(config->cluster)) &&
	    memcmp(config->cluster, super->cluster, sizeof(super->cluster))) {
		qbd_open_find(open, QBD_FIND_IDENTITY, -EPERM, super->node, 0);
		return -EPERM;
	}
	if (config->node && super->node && config->node != super->node) {
		qbd_open_find(open, QBD_FIND_IDENTITY, -EPERM, super->node, 0);
		return -EPERM;
	}
	if (config->dev_blocks < super->layout.dev_blocks) {
		qbd_open_find(open, QBD_FIND_SIZE, -ERANGE, config->dev_blocks,
			      super->layout.dev_blocks);
		return -ERANGE;
	}
	if (qbd_open_rolled_back(open))
		qbd_open_find(open, QBD_FIND_ROLLED_BACK, 0, super->opens,
			      config->opens_min);
	return 0;
}

static enum qbd_open_step qbd_open_choose(struct qbd_open *open)
{
	int read_error[QBD_SUPER_SLOTS] = { open->choice.error[0],
					    open->choice.error[1] };
	struct qbd_super_choice *choice = &open->choice;
	int error;
	u32 slot;

	error = qbd_super_choose(read_error[0] ? NULL : open->block[0],
				 read_error[1] ? NULL : open->block[1], choice);
	if (error) {
		qbd_open_find(open, QBD_FIND_NO_SUPER, error, 0, 0);
		return qbd_open_fail(open, error);
	}
	open->super = choice->super;
	for (slot = 0; slot < QBD_SUPER_SLOTS; slot++) {
		if (!choice->error[slot])
			continue;
		qbd_open_find(open, QBD_FIND_SUPER, choice->error[slot], slot,
			      0);
	}
	if (choice->lost_write)
		qbd_open_find(open, QBD_FIND_SUPER_LATE, 0, 0, 0);
	error = qbd_open_identify(open);
	if (error)
		return qbd_open_fail(open, error);
	qbd_open_go(open, QBD_OPEN_WAIT);
	return QBD_OPEN_CORE;
}

/**
 * qbd_open_core_give() - the store that QBD_OPEN_CORE wanted
 * @open: the open
 * @core: from qbd_store_init() with @open->super
 */
void qbd_open_core_give(struct qbd_open *open, struct qbd_store_core *core)
{
	struct qbd_meta *meta = qbd_store_meta(core);

	if (QBD_CORE_BUG(open->phase != QBD_OPEN_WAIT))
		return;
	qbd_super_roots(open->block[open->choice.slot], open->root,
			QBD_SUPER_ROOTS);
	qbd_meta_load_roots(meta, open->root);
	open->core = core;
	qbd_replay_init(&open->replay, core, &open->super, &open->reader);
	open->replay.verify_all = open->config.verify_all;
	open->replay.show = open->config.show;
	open->level = open->super.layout.meta.levels;
	qbd_open_go(open, QBD_OPEN_DIRS);
}

/* --- metadata tree ----------------------------------------------------- */

/* Block of a page, read with its neighbours: those to @end, both places. */
static bool qbd_open_page(struct qbd_open *open, u32 no, u32 end,
			  const void **block, struct qbd_io *io)
{
	const struct qbd_meta *meta = qbd_store_meta(open->core);
	u64 place = qbd_meta_block(&meta->geom, no, meta->cur[no].gen);
	u64 ahead = qbd_meta_block(&meta->geom, end, 0) - place;

	return qbd_reader_get(&open->reader, place, ahead, block, io);
}

static void qbd_open_find_page(struct qbd_open *open,
			       enum qbd_finding_kind kind, int error, u32 no)
{
	const struct qbd_meta *meta = qbd_store_meta(open->core);
	struct qbd_finding finding = {
		.kind = kind,
		.error = error,
		.first = no,
		.block = qbd_meta_block(&meta->geom, no, meta->cur[no].gen),
		.blocks = 1,
	};

	qbd_open_queue(open, &finding);
}

static enum qbd_open_step qbd_open_page_fail(struct qbd_open *open, int error,
					     u32 no)
{
	qbd_open_find_page(open, QBD_FIND_PAGE, error, no);
	return qbd_open_fail(open, error);
}

static enum qbd_open_step qbd_open_dirs(struct qbd_open *open,
					struct qbd_io *io)
{
	struct qbd_meta *meta = qbd_store_meta(open->core);
	const struct qbd_meta_geom *geom = &meta->geom;
	u32 first, no;
	const void *block;
	int error;

	if (!open->level)
		return qbd_open_go(open, QBD_OPEN_TABLE);
	if (open->at == geom->level_pages[open->level]) {
		open->level--;
		open->at = 0;
		return QBD_OPEN_AGAIN;
	}
	first = qbd_meta_level_first(geom, open->level);
	no = first + open->at;
	if (meta->cur[no].gen) {
		if (!qbd_open_page(open, no,
				   first + geom->level_pages[open->level],
				   &block, io))
			return QBD_OPEN_IO;
		error = block ? qbd_meta_load_dir(meta, no, block) :
				open->reader.error;
		if (error)
			return qbd_open_page_fail(open, error, no);
	}
	open->at++;
	return QBD_OPEN_AGAIN;
}

static int qbd_open_table_page(struct qbd_open *open, u32 no, const void *block)
{
	/* The page is only read, its accessor is made for writers too. */
	void *page = (void *)(uintptr_t)block;
	struct qbd_table_slot table;
	u32 slot, i;
	int error;

	for (i = 0; i < QBD_TABLE_ENTRIES; i++) {
		slot = no * QBD_TABLE_ENTRIES + i;
		error = qbd_table_decode(qbd_table_page_slot(page, slot),
					 &open->super.layout, &table);
		if (!error && table.flags & QBD_REPLICA_USED) {
			error = qbd_load_table(open->core, slot, &table);
			qbd_proof_table(&open->replay.proof, slot, &table);
		}
		if (error) {
			qbd_open_find(open, QBD_FIND_SLOT, error, slot, no);
			return error;
		}
	}
	return 0;
}

static enum qbd_open_step qbd_open_table(struct qbd_open *open,
					 struct qbd_io *io)
{
	struct qbd_meta *meta = qbd_store_meta(open->core);
	const void *block;
	int error;

	if (open->at == meta->geom.table_pages)
		return qbd_open_go(open, QBD_OPEN_MAPS);
	if (meta->cur[open->at].gen) {
		if (!qbd_open_page(open, open->at, meta->geom.table_pages,
				   &block, io))
			return QBD_OPEN_IO;
		error = block ? qbd_meta_verify(meta, open->at, block) :
				open->reader.error;
		if (error)
			return qbd_open_page_fail(open, error, open->at);
		error = qbd_open_table_page(open, open->at, block);
		if (error)
			return qbd_open_fail(open, error);
	}
	open->at++;
	return QBD_OPEN_AGAIN;
}

/* The replica whose map has the page. */
static int qbd_open_map_owner(const struct qbd_open *open, u32 no,
			      struct qbd_store_replica *replica)
{
	const struct qbd_table_slot *table = &replica->table;
	u32 slot;
	int error;

	for (slot = 0;; slot++) {
		error = qbd_store_replica_get(open->core, slot, replica);
		if (error == -ERANGE)
			return -ENOENT;
		if (!error && no >= table->meta_first &&
		    no - table->meta_first < table->meta_pages)
			return (int)slot;
	}
}

/* Only for check: what the map says is never newer than what went home. */
static void qbd_open_map_index(struct qbd_open *open, u32 no,
			       const struct qbd_store_replica *replica,
			       const void *block)
{
	const struct qbd_disk_map *map = block + sizeof(struct qbd_disk_page);
	struct qbd_finding finding = {
		.kind = QBD_FIND_MAP_INDEX,
		.replica = replica->table.replica,
		.first = no,
	};
	u32 i;

	for (i = 0; i < QBD_MAP_ENTRIES; i++) {
		finding.last = le64_to_cpu(map[i].last);
		if (finding.last > replica->applied.index) {
			qbd_open_queue(open, &finding);
			return;
		}
	}
}

static int qbd_open_map_load(struct qbd_open *open, u32 no,
			     const struct qbd_store_replica *replica,
			     const void *block)
{
	const struct qbd_meta *meta = qbd_store_meta(open->core);
	const struct qbd_disk_page *page = block;
	int error;

	if (!block)
		return open->reader.error;
	error = qbd_meta_verify(meta, no, block);
	if (error)
		return error;
	if (le64_to_cpu(page->owner) != replica->table.replica)
		return -EUCLEAN;
	error = qbd_map_page_check(block, open->super.layout.data_chunks);
	if (!error && open->config.verify_all)
		qbd_open_map_index(open, no, replica, block);
	return error ? error : qbd_load_map(open->core, no, block);
}

static enum qbd_open_step qbd_open_maps(struct qbd_open *open,
					struct qbd_io *io)
{
	struct qbd_meta *meta = qbd_store_meta(open->core);
	u32 no = meta->geom.table_pages + open->at;
	u32 end = meta->geom.level_pages[0];
	struct qbd_store_replica replica;
	const void *block;
	int error, slot;

	while (no < end && !meta->cur[no].gen)
		no++;
	open->at = no - meta->geom.table_pages;
	if (no == end)
		return qbd_open_go(open, QBD_OPEN_LOG);
	if (qbd_store_pages_wanted(open->core))
		return QBD_OPEN_PAGES;
	slot = qbd_open_map_owner(open, no, &replica);
	if (slot < 0) {
		qbd_open_find_page(open, QBD_FIND_ORPHAN, 0, no);
		open->at++;
		return QBD_OPEN_AGAIN;
	}
	if (!qbd_open_page(open, no, end, &block, io))
		return QBD_OPEN_IO;
	error = qbd_open_map_load(open, no, &replica, block);
	if (error == -ENOMEM)
		return qbd_open_fail(open, error);
	if (error) {
		qbd_open_find_page(open, QBD_FIND_MAP, error, no);
		open->queue[(open->queue_end - 1) % QBD_OPEN_FINDINGS].replica =
			replica.table.replica;
		open->lost[slot] = QBD_REPLICA_LOST | QBD_REPLICA_SUSPECT |
				   QBD_REPLICA_NONVOTING;
	}
	open->at++;
	return QBD_OPEN_AGAIN;
}

/* --- log --------------------------------------------------------------- */

static enum qbd_open_step qbd_open_log(struct qbd_open *open, struct qbd_io *io)
{
	switch (qbd_replay_next(&open->replay, io)) {
	case QBD_REPLAY_IO:
		return QBD_OPEN_IO;
	case QBD_REPLAY_PAGES:
		return QBD_OPEN_PAGES;
	case QBD_REPLAY_SEGMENT:
		return QBD_OPEN_SEGMENT;
	case QBD_REPLAY_FINDING:
		qbd_open_queue(open, &open->replay.finding);
		return QBD_OPEN_AGAIN;
	case QBD_REPLAY_END:
		return qbd_open_go(open, QBD_OPEN_VERDICT);
	case QBD_REPLAY_FAILED:
		break;
	}
	return qbd_open_fail(open, open->replay.error);
}

static enum qbd_open_step qbd_open_verdict(struct qbd_open *open)
{
	struct qbd_store_replica replica;
	struct qbd_verdict verdict;
	u32 slot = open->at++;
	u32 flags, i;
	int error;

	error = qbd_store_replica_get(open->core, slot, &replica);
	if (error == -ERANGE)
		return qbd_open_go(open, open->config.readonly ?
						 QBD_OPEN_END :
						 QBD_OPEN_FLUSH);
	if (error)
		return QBD_OPEN_AGAIN;
	qbd_proof_verdict(&open->replay.proof, open->core, slot, &verdict);
	for (i = 0; i < verdict.nr_findings; i++)
		qbd_open_queue(open, &verdict.finding[i]);
	flags = replica.table.flags | verdict.flags | open->lost[slot];
	if (qbd_open_rolled_back(open))
		flags |= QBD_REPLICA_NONVOTING;
	if (flags != replica.table.flags) {
		qbd_store_flags_set(open->core, slot, flags);
		open->must_checkpoint = true;
	}
	return QBD_OPEN_AGAIN;
}

/* --- the next run ------------------------------------------------------ */

static void qbd_open_renew(struct qbd_open *open)
{
	struct qbd_super *super = qbd_store_super(open->core);

	super->gen++;
	super->opens = max(super->opens, open->config.opens_min) + 1;
	super->incarnation = open->config.incarnation;
	super->run = open->config.run;
	if (open->config.node)
		super->node = open->config.node;
	super->flags &= ~QBD_SUPER_CLEAN;
	super->known = open->replay.at;
	if (!qbd_open_rolled_back(open))
		return;
	qbd_store_forgot(open->core);
	open->must_checkpoint = true;
}

/* A cut tail may be read again as long as it is not known to be durable. */
static enum qbd_open_step qbd_open_flush(struct qbd_open *open,
					 struct qbd_io *io)
{
	if (open->at++) {
		qbd_open_renew(open);
		return qbd_open_go(open, QBD_OPEN_WRITE);
	}
	memset(io, 0, sizeof(*io));
	io->op = QBD_IO_FLUSH;
	open->writing = true;
	return QBD_OPEN_IO;
}

static enum qbd_open_step qbd_open_write(struct qbd_open *open,
					 struct qbd_io *io)
{
	struct qbd_super super = *qbd_store_super(open->core);
	void *block = qbd_reader_borrow(&open->reader);
	u32 slot = open->at++;
	int error;

	if (slot == QBD_SUPER_SLOTS)
		return qbd_open_go(open, QBD_OPEN_END);
	/* the count rises with the flags, or they would never be set again */
	if (qbd_open_rolled_back(open) && !QBD_MUTANT(counted_before_flags))
		super.opens = open->super.opens;
	error = qbd_super_encode(
		&super, qbd_meta_roots(qbd_store_meta(open->core)), block);
	if (error)
		return qbd_open_fail(open, error);
	memset(io, 0, sizeof(*io));
	io->op = QBD_IO_WRITE;
	io->fua = true;
	io->block = qbd_super_block(slot);
	io->blocks = 1;
	io->buf = block;
	open->writing = true;
	return QBD_OPEN_IO;
}

/**
 * qbd_open_io_end() - the I/O of QBD_OPEN_IO has ended
 * @open: the open
 * @error: 0 or errno
 */
void qbd_open_io_end(struct qbd_open *open, int error)
{
	if (!open->writing) {
		qbd_reader_end(&open->reader, error);
		return;
	}
	open->writing = false;
	if (error)
		qbd_open_fail(open, error);
}

static enum qbd_open_step qbd_open_step(struct qbd_open *open,
					struct qbd_io *io)
{
	switch (open->phase) {
	case QBD_OPEN_SUPER:
		return qbd_open_super(open, io);
	case QBD_OPEN_CHOOSE:
		return qbd_open_choose(open);
	case QBD_OPEN_WAIT:
		return QBD_OPEN_CORE;
	case QBD_OPEN_DIRS:
		return qbd_open_dirs(open, io);
	case QBD_OPEN_TABLE:
		return qbd_open_table(open, io);
	case QBD_OPEN_MAPS:
		return qbd_open_maps(open, io);
	case QBD_OPEN_LOG:
		return qbd_open_log(open, io);
	case QBD_OPEN_VERDICT:
		return qbd_open_verdict(open);
	case QBD_OPEN_FLUSH:
		return qbd_open_flush(open, io);
	case QBD_OPEN_WRITE:
		return qbd_open_write(open, io);
	case QBD_OPEN_END:
		return QBD_OPEN_DONE;
	case QBD_OPEN_DEAD:
		break;
	}
	return QBD_OPEN_FAILED;
}

/**
 * qbd_open_next() - go on
 * @open: the open
 * @io: filled in for QBD_OPEN_IO
 *
 * Return: what is wanted.
 */
enum qbd_open_step qbd_open_next(struct qbd_open *open, struct qbd_io *io)
{
	enum qbd_open_step step = QBD_OPEN_AGAIN;

	while (step == QBD_OPEN_AGAIN) {
		if (open->queue_first != open->queue_end) {
			open->finding = open->queue[open->queue_first++ %
						    QBD_OPEN_FINDINGS];
			open->nr_findings[qbd_finding_severity(
				open->finding.kind)]++;
			return QBD_OPEN_FINDING;
		}
		step = qbd_open_step(open, io);
	}
	return step;
}
