// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a directory, and opening one: what was read is mended and put on
 * stable media, then known is raised over all of it. A damaged one is opened
 * too, to be told so, and nothing in it is changed.
 */
#include "store.h"

#define RL_SEGMENT_BYTES (4U << 20)
#define RL_SNAPSHOT_BYTES ((u64)SZ_1G)

/* --- format --------------------------------------------------------------- */

/* What a format that was cut short leaves may go; anything else may not. */
static int rl_format_clear(const struct raftlog_env *env,
			   struct raftlog_report *report)
{
	struct rl_names names;
	int err = rl_names_list(env, &names);
	u32 i;

	for (i = 0; i < names.nr && !err; i++) {
		if (!strcmp(names.name[i], RL_STATE) ||
		    !strcmp(names.name[i], RL_IDENTITY_NEW)) {
			err = env->unlink(env->dir, names.name[i]);
			continue;
		}
		err = strcmp(names.name[i], RL_IDENTITY) ? -ENOTEMPTY : -EEXIST;
		raftlog_found(report, RAFTLOG_REFUSE, names.name[i], 0,
			      "the directory is in use already");
	}
	free(names.name);
	return err;
}

static int rl_format_file(const struct raftlog_env *env, const char *name,
			  const u8 *buf, u64 bytes)
{
	int file = env->open(env->dir, name, RAFTLOG_CREATE);
	u64 done = 0;
	s64 got;
	int err = 0;

	if (file < 0)
		return file;
	while (done < bytes && !err) {
		got = env->pwrite(env->dir, file, buf + done, bytes - done,
				  done);
		if (got > 0)
			done += got;
		else
			err = got ? (int)got : -EIO;
	}
	if (!err)
		err = env->sync(env->dir, file);
	env->close(env->dir, file);
	return err;
}

static int rl_format_run(const struct raftlog_env *env,
			 const struct raftlog_identity *id,
			 struct raftlog_report *report)
{
	struct raft_hard hard = { .generation = 1 };
	u8 page[RL_SLOTS * RAFTLOG_PAGE];
	int err = env->lock(env->dir);

	if (!err)
		err = rl_format_clear(env, report);
	if (err)
		return err;
	/* generation g is in slot g mod 2 */
	rl_slot_encode(id, &hard, page + RAFTLOG_PAGE);
	hard.generation = 2;
	rl_slot_encode(id, &hard, page);
	err = rl_format_file(env, RL_STATE, page, sizeof(page));
	if (!err)
		err = env->sync_dir(env->dir);
	rl_identity_encode(id, page);
	if (!err)
		err = rl_format_file(env, RL_IDENTITY_NEW, page, RAFTLOG_PAGE);
	if (!err)
		err = env->rename(env->dir, RL_IDENTITY_NEW, RL_IDENTITY);
	return err ?: env->sync_dir(env->dir);
}

/**
 * raftlog_format() - make a directory the log of a new server
 * @env: the directory; empty, or what a crash left of this
 * @id: whose it is; its configuration is what the cluster begins with, or none
 * @report: why not
 *
 * The identity comes last: a directory that has one has a hard state.
 *
 * Return: 0; -EEXIST: it is one already; -ENOTEMPTY: it is not empty; -EBUSY:
 * somebody has it open; -EINVAL: no such identity; or what failed.
 */
int raftlog_format(const struct raftlog_env *env,
		   const struct raftlog_identity *id,
		   struct raftlog_report *report)
{
	int err = -EINVAL;

	raftlog_report_init(report);
	if (id->server && !id->conf.index && !raft_config_check(&id->conf))
		err = rl_format_run(env, id, report);
	if (err && !report->total)
		raftlog_found(report, RAFTLOG_REFUSE, ".", 0,
			      "can not be made: %s", strerror(-err));
	return err;
}

/* --- mend ----------------------------------------------------------------- */

/*
 * One by one, the last segment first: the entry that says that a log is from
 * before the snapshot does not go before what is behind it.
 */
static int rl_mend_gone(struct raftlog *rl)
{
	u32 i;
	int err = 0;

	for (i = rl->img.gone.nr; i-- && !err;) {
		err = rl_dir_unlink(rl, rl->img.gone.name[i]);
		if (!err)
			err = rl_dir_sync(rl);
	}
	err = err ?: rl_spares_adopt(rl, &rl->img.names);
	return err ?: rl_dir_sync(rl);
}

/*
 * What is not known to be on stable media is written again: after a sync that
 * failed the kernel may hold it as clean.  So are the zeros behind the end: a
 * truncation may have been what failed.
 */
static int rl_mend_seg(struct raftlog *rl, const struct rl_seg *seg, bool tail)
{
	bool again = seg->last > rl->hard.known &&
		     !QBD_MUTANT(raftlog_not_written_again);
	bool zero =
		tail &&
		(seg->dirty || !QBD_MUTANT(raftlog_zeros_not_written_again)) &&
		!QBD_MUTANT(raftlog_tail_not_zeroed);
	char name[RAFTLOG_NAME_MAX];
	int file, err = 0;

	if (!again && !zero)
		return 0;
	rl_segment_name(name, seg->first);
	file = rl_file_open(rl, name, RAFTLOG_WRITE);
	if (file < 0)
		return file;
	if (again)
		err = rl_file_write(rl, file, name, seg->buf, seg->used, 0);
	if (!err && zero)
		err = rl_file_zero(rl, file, name, seg->used, seg->size);
	if (!err)
		err = rl_file_sync(rl, file, name);
	rl_file_close(rl, &file);
	return err;
}

/* Only the last piece can be one that was not synced. */
static int rl_mend_incoming(struct raftlog *rl)
{
	u64 bytes = rl->incoming.at - rl->incoming.last, got;
	int err;

	if (!rl->incoming.snap.pos.index)
		return 0;
	rl->incoming_file = rl_file_open(rl, RL_INCOMING, RAFTLOG_WRITE);
	if (rl->incoming_file < 0)
		return rl->incoming_file;
	err = rl_read(&rl->env, rl->incoming_file, rl->piece, bytes,
		      rl->incoming.last, &got);
	if (!err && got != bytes)
		err = -EIO;
	if (err)
		return rl_fail(rl, err, "read", RL_INCOMING);
	err = rl_file_write(rl, rl->incoming_file, RL_INCOMING, rl->piece,
			    bytes, rl->incoming.last);
	if (!err && rl->incoming.last == RAFTLOG_PAGE) {
		rl_snap_encode(&rl->id, &rl->incoming.snap, rl->piece);
		err = rl_file_write(rl, rl->incoming_file, RL_INCOMING,
				    rl->piece, RAFTLOG_PAGE, 0);
	}
	return err ?: rl_file_sync(rl, rl->incoming_file, RL_INCOMING);
}

/*
 * Names that are seen need not be on stable media.  They are, before anything
 * goes for which they stand in: a snapshot whose rename is lost behind the
 * unlink of the segments that it covers would leave neither.
 */
static int rl_mend(struct raftlog *rl)
{
	struct raft_hard hard = rl->hard;
	u32 i;
	int err = 0;

	if (!QBD_MUTANT(raftlog_names_not_synced_at_open))
		err = rl_dir_sync(rl);
	for (i = 0; i < rl->nr_segs && !err; i++)
		err = rl_mend_seg(rl, &rl->seg[i], i + 1 == rl->nr_segs);
	err = err ?: rl_mend_gone(rl);
	err = err ?: rl_mend_incoming(rl);
	if (err)
		return err;
	rl->state_file = rl_file_open(rl, RL_STATE, RAFTLOG_WRITE);
	if (rl->state_file < 0)
		return rl->state_file;
	hard.known =
		max3(hard.known, rl->snap.snap.pos.index, rl->img.last.index);
	err = rl_hard_write(rl, &hard, true);
	return err ?: rl_spares_fill(rl);
}

/* --- open ----------------------------------------------------------------- */

static int rl_options(const struct raftlog_options *from,
		      struct raftlog_options *opt)
{
	*opt = *from;
	opt->segment_bytes = opt->segment_bytes ?: RL_SEGMENT_BYTES;
	opt->entry_bytes = opt->entry_bytes ?: RAFT_ENTRY_BYTES_MAX;
	opt->snapshot_bytes = opt->snapshot_bytes ?: RL_SNAPSHOT_BYTES;
	if (opt->entry_bytes > RAFT_ENTRY_BYTES_MAX ||
	    opt->segment_bytes > RL_SEGMENT_MAX ||
	    opt->segment_bytes <
		    RAFTLOG_PAGE + raft_entry_bytes(opt->entry_bytes) ||
	    !opt->batch_bytes || opt->batch_bytes > RL_LOG_MAX / 4)
		return -EINVAL;
	return 0;
}

static int rl_identity_check(const struct raftlog_options *opt,
			     const struct raftlog_identity *id,
			     struct raftlog_report *report)
{
	const char *whose = NULL;

	if (memcmp(opt->id.cluster, id->cluster, RAFTLOG_UUID))
		whose = "cluster";
	else if (opt->id.server != id->server)
		whose = "server";
	else if (opt->id.lineage != id->lineage)
		whose = "lineage";
	if (!whose)
		return 0;
	raftlog_found(report, RAFTLOG_REFUSE, RL_IDENTITY, 0,
		      "belongs to another %s", whose);
	return -EXDEV;
}

static struct raftlog *rl_new(const struct raftlog_env *env,
			      const struct raftlog_options *opt)
{
	struct raftlog *rl = rl_alloc(NULL, sizeof(*rl));

	memset(rl, 0, sizeof(*rl));
	rl->env = *env;
	rl->opt = *opt;
	rl->state_file = -1;
	rl->tail_file = -1;
	rl->incoming_file = -1;
	rl->take.file = -1;
	rl->event_fd = -1;
	rl->wbuf = rl_alloc(NULL, opt->segment_bytes);
	rl->piece = rl_alloc(NULL, rl_piece_bytes(RAFTLOG_PIECE_MAX));
	rl->spares_want = rl_spares_want(opt);
	pthread_mutex_init(&rl->lock, NULL);
	pthread_cond_init(&rl->wake, NULL);
	return rl;
}

/* The image becomes the store's; its buffers stay with the image. */
static void rl_adopt(struct raftlog *rl)
{
	struct rl_image *img = &rl->img;

	rl->id = img->id;
	rl->hard = img->hard;
	rl->snap = img->snap;
	rl->older = img->older;
	rl->incoming = img->incoming;
	rl->nr_segs = img->nr_segs;
	rl->room_segs = max(8U, img->nr_segs);
	rl->seg = rl_alloc(NULL, rl->room_segs * sizeof(*rl->seg));
	memcpy(rl->seg, img->seg, img->nr_segs * sizeof(*rl->seg));
}

/* What is seen before the writer runs. */
static void rl_open_publish(struct raftlog *rl)
{
	rl_seg_publish(rl);
	rl->now.damaged = rl->damaged;
	rl->now.generation = rl->hard.generation;
	rl->now.term = rl->hard.term;
	rl->now.vote = rl->hard.vote;
	rl->now.known = rl->hard.known;
	rl->now.snap = rl->snap.snap.pos;
	rl->now.spares = rl->spares;
	rl->info = rl->now;
}

static int rl_open(struct raftlog *rl, struct raftlog_report *report)
{
	int err;

	rl_image_read(&rl->img, &rl->env, report);
	err = rl->img.err ?: rl_identity_check(&rl->opt, &rl->img.id, report);
	if (err)
		return err;
	rl_adopt(rl);
	rl->damaged = !rl_image_good(&rl->img);
	if (!rl->damaged)
		err = rl_mend(rl);
	if (err)
		raftlog_found(report, RAFTLOG_REFUSE, rl->now.file, 0, "%s: %s",
			      rl->now.op, strerror(-err));
	rl_open_publish(rl);
	return err;
}

/**
 * raftlog_open() - open a directory
 * @env: the directory; it outlives the store
 * @opt: options
 * @report: what was found, whatever is returned
 * @store: the store
 *
 * A damaged one is opened: raftlog_start() says so.
 *
 * Return: 0; -EBUSY: somebody has it open; -ENOENT: it is none; -EXDEV: another
 * cluster's, server's or lineage's; -EPROTONOSUPPORT: of a later version;
 * -EINVAL: options; or what failed.
 */
int raftlog_open(const struct raftlog_env *env,
		 const struct raftlog_options *opt,
		 struct raftlog_report *report, struct raftlog **store)
{
	struct raftlog_options full;
	struct raftlog *rl;
	int err = rl_options(opt, &full);

	*store = NULL;
	raftlog_report_init(report);
	if (!err)
		err = env->lock(env->dir);
	if (err) {
		raftlog_found(report, RAFTLOG_REFUSE, ".", 0, "%s",
			      err == -EBUSY ? "somebody has it open" :
					      strerror(-err));
		return err;
	}
	rl = rl_new(env, &full);
	err = rl_open(rl, report);
	if (err) {
		raftlog_close(rl);
		return err;
	}
	*store = rl;
	return 0;
}

/**
 * raftlog_start() - what raft_create() wants
 * @rl: the store
 * @start: filled, but for the time; good until raftlog_started()
 */
void raftlog_start(const struct raftlog *rl, struct raft_start *start)
{
	memset(start, 0, sizeof(*start));
	start->damaged = rl->damaged;
	if (rl->damaged)
		return;
	start->term = rl->hard.term;
	start->vote = rl->hard.vote;
	start->snap = rl->snap.snap;
	if (!start->snap.pos.index)
		start->snap.conf = rl->id.conf;
	start->entry = rl->img.entry;
	start->nr = rl->img.nr_entries;
	start->partial = rl->incoming.snap;
	start->partial_bytes = rl->incoming.have;
}

/**
 * raftlog_started() - raft_create() has copied what raftlog_start() gave
 * @rl: the store
 */
void raftlog_started(struct raftlog *rl)
{
	rl_image_free(&rl->img);
}

/**
 * raftlog_close() - done with it
 * @rl: the store; work that was not begun is not done.  The lock goes with the
 *	directory.
 */
void raftlog_close(struct raftlog *rl)
{
	rl_thread_stop(rl);
	rl_file_close(rl, &rl->state_file);
	rl_file_close(rl, &rl->tail_file);
	rl_file_close(rl, &rl->incoming_file);
	rl_file_close(rl, &rl->take.file);
	rl_image_free(&rl->img);
	pthread_cond_destroy(&rl->wake);
	pthread_mutex_destroy(&rl->lock);
	free(rl->seg);
	free(rl->wbuf);
	free(rl->piece);
	free(rl->batch.buf);
	free(rl);
}
