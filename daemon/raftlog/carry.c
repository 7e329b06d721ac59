// SPDX-License-Identifier: GPL-2.0-only
/*
 * A log goes on as another one's: all that a directory has is written into a
 * new one, under another server and lineage, with some entries behind it.  The
 * first one is only read, so whoever thinks better of it still has it.
 *
 * It is written as a follower gets it from a leader (pieces, INSTALL, entries),
 * so there is one way in which a directory comes to be, and one to test.
 */
#include "store.h"

#define CARRY_BATCH 16U /* entries of a batch */
#define CARRY_SLOTS 64U
#define CARRY_POOL (CARRY_SLOTS * RAFT_ENTRY_BYTES_MAX)

/**
 * struct rl_carry - a log that goes on
 * @rl: the new one
 * @log: what is on its way there
 * @batch: the next batch
 * @slot: of @log
 * @pool: of @log
 */
struct rl_carry {
	struct raftlog *rl;
	struct raft_log log;
	struct raft_batch batch;
	struct raft_slot slot[CARRY_SLOTS];
	u8 pool[CARRY_POOL];
};

static void rl_carry_unlink(void *arg, const char *name)
{
	const struct raftlog_env *env = arg;

	/* what is still there is found when the log is made */
	env->unlink(env->dir, name);
}

/* There is no thread: the work is done here. */
static int rl_carry_work(struct rl_carry *carry)
{
	struct raftlog_done done;
	int err = 0;

	while (raftlog_work(carry->rl))
		;
	while (raftlog_poll(carry->rl, &done))
		err = err ?: done.event.err;
	return err;
}

static int rl_carry_submit(struct rl_carry *carry)
{
	int err = raftlog_submit(carry->rl, &carry->batch, &carry->log);

	carry->batch.what = 0;
	carry->batch.seq++;
	raft_log_drop(&carry->log, carry->log.last);
	return err ?: rl_carry_work(carry);
}

static int rl_carry_pieces(struct rl_carry *carry, const struct raft_snap *snap,
			   struct raftlog_reader *reader)
{
	struct raft_chunk chunk = { .snap = snap };
	u8 piece[RAFTLOG_PIECE_MAX];
	int err = 0;

	chunk.data = piece;
	while (!err && chunk.offset < snap->bytes) {
		chunk.bytes =
			min(snap->bytes - chunk.offset, (u64)sizeof(piece));
		err = raftlog_snap_read(reader, chunk.offset, piece,
					chunk.bytes);
		err = err ?: raftlog_chunk(carry->rl, &chunk);
		err = err ?: rl_carry_work(carry);
		chunk.offset += chunk.bytes;
	}
	return err;
}

static int rl_carry_snap(struct rl_carry *carry, const struct rl_image *img)
{
	const struct raft_snap *snap = &img->snap.snap;
	struct raftlog from = { .env = *img->env, .id = img->id };
	struct raftlog_reader *reader;
	int err;

	if (!snap->pos.index)
		return 0;
	err = raftlog_snap_open(&from, snap, &reader);
	if (err)
		return err;
	err = rl_carry_pieces(carry, snap, reader);
	raftlog_snap_close(reader);
	raft_log_reset(&carry->log, snap->pos);
	carry->batch.what |= RAFT_STORE_INSTALL;
	carry->batch.snap = snap->pos;
	return err;
}

static int rl_carry_entry(struct rl_carry *carry,
			  const struct raft_entry *entry)
{
	struct raft_batch *batch = &carry->batch;
	int err = raft_log_append(&carry->log, entry);

	if (err)
		return err;
	if (!(batch->what & RAFT_STORE_ENTRIES))
		batch->first = entry->pos.index;
	batch->what |= RAFT_STORE_ENTRIES;
	batch->last = entry->pos.index;
	return batch->last - batch->first + 1 < CARRY_BATCH ?
		       0 :
		       rl_carry_submit(carry);
}

/* As raft_create() reads it: a log that contradicts the snapshot is older. */
static int rl_carry_log(struct rl_carry *carry, const struct rl_image *img)
{
	struct raft_pos snap = img->snap.snap.pos;
	const struct raft_entry *entry;
	int err = 0;
	u32 i;

	for (i = 0; i < img->nr_entries && !err; i++) {
		entry = &img->entry[i];
		if (entry->pos.index == snap.index &&
		    entry->pos.term != snap.term)
			return 0;
		if (entry->pos.index > snap.index)
			err = rl_carry_entry(carry, entry);
	}
	return err;
}

static int rl_carry_all(struct rl_carry *carry, const struct rl_image *img,
			const struct raft_entry *more, u32 nr)
{
	int err;
	u32 i;

	carry->batch = (struct raft_batch){ .seq = 1,
					    .what = RAFT_STORE_STATE,
					    .term = more[nr - 1].pos.term };
	err = rl_carry_snap(carry, img);
	err = err ?: rl_carry_submit(carry);
	err = err ?: rl_carry_log(carry, img);
	for (i = 0; i < nr && !err; i++)
		err = rl_carry_entry(carry, &more[i]);
	return err ?: rl_carry_submit(carry);
}

/**
 * raftlog_last() - the last entry that an image has
 * @img: read, and good
 *
 * Return: its place, or that of the snapshot.
 */
struct raft_pos raftlog_last(const struct rl_image *img)
{
	struct raft_pos snap = img->snap.snap.pos;
	u32 i;

	for (i = 0; i < img->nr_entries; i++)
		if (img->entry[i].pos.index == snap.index &&
		    img->entry[i].pos.term != snap.term)
			return snap;
	return img->last.index > snap.index ? img->last : snap;
}

/**
 * raftlog_carry() - make a log of all that another one has, and of more
 * @img: that one; read, and good
 * @env: the directory of the new one; whatever is in it goes
 * @id: whose it becomes
 * @more: entries that follow raftlog_last(@img), in a term above all of its
 * @nr: how many, 1 at least
 * @report: what was found in the new directory
 *
 * Nobody voted in it: its hard state has the term of @more.
 *
 * Return: 0: all of it is on stable media; or what failed, and the directory is
 * of no use.
 */
int raftlog_carry(const struct rl_image *img, const struct raftlog_env *env,
		  const struct raftlog_identity *id,
		  const struct raft_entry *more, u32 nr,
		  struct raftlog_report *report)
{
	struct raftlog_options opt = {
		.id = *id,
		.batch_bytes = CARRY_BATCH *
			       (u64)raft_entry_bytes(RAFT_ENTRY_BYTES_MAX),
	};
	struct rl_carry *carry;
	int err;

	raftlog_report_init(report);
	err = env->list(env->dir, rl_carry_unlink, (void *)env);
	err = err ?: raftlog_format(env, id, report);
	if (err)
		return err;
	carry = rl_alloc(NULL, sizeof(*carry));
	memset(carry, 0, sizeof(*carry));
	carry->log.slot = carry->slot;
	carry->log.slots = CARRY_SLOTS;
	carry->log.pool = carry->pool;
	carry->log.pool_bytes = CARRY_POOL;
	err = raftlog_open(env, &opt, report, &carry->rl);
	if (!err) {
		raftlog_started(carry->rl);
		err = rl_carry_all(carry, img, more, nr);
		raftlog_close(carry->rl);
	}
	free(carry);
	return err;
}
