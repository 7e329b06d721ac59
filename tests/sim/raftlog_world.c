// SPDX-License-Identifier: GPL-2.0-only
/*
 * A schedule: steps (raftlog_steps.c), faults, and opening again
 * (raftlog_sim.h).
 */
#include <stdarg.h>

#include "raftlog_sim.h"

#define LW_STEPS 150
#define LW_DISK_BYTES (1024U * 1024)

void lw_trace(struct lw_world *w, const char *fmt, ...)
{
	va_list args;

	if (!w->tracing)
		return;
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
}

void lw_broken(struct lw_world *w, const char *rule, const char *fmt, ...)
{
	va_list args;

	if (w->rule)
		return;
	w->rule = rule;
	va_start(args, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, args);
	va_end(args);
	lw_trace(w, "BROKEN %s: %s\n", rule, w->why);
}

static void lw_fill(u64 seed, u8 *data, u32 bytes)
{
	struct qbd_rng rng = { seed };
	u32 i;

	for (i = 0; i < bytes; i++)
		data[i] = (u8)qbd_rng_next(&rng);
}

/* Term and index say what an entry is. Return: its length. */
u32 lw_entry(const struct lw_world *w, struct raft_pos pos, u8 *data)
{
	u64 seed = qbd_rng_mix(w->seed ^ pos.term << 32 ^ pos.index);
	u32 bytes = seed % 5 ? seed % 90 : seed % LW_ENTRY_BYTES;

	lw_fill(seed, data, bytes);
	return bytes;
}

void lw_snap_content(const struct lw_world *w, const struct raft_snap *snap,
		     u8 *data)
{
	lw_fill(qbd_rng_mix(w->seed ^ snap->pos.index << 20 ^ snap->pos.term ^
			    snap->bytes << 40),
		data, snap->bytes);
}

/* --- open ----------------------------------------------------------------- */

static const struct raftlog_identity lw_identity = {
	.cluster = { 1, 2, 3 },
	.server = 7,
	.lineage = 1,
	.conf = { .nr = 3, .old = 7, .id = { 7, 8, 9 } },
};

static int lw_open_once(struct lw_world *w)
{
	struct raftlog_options opt = { .id = lw_identity,
				       .segment_bytes = LW_SEGMENT_BYTES,
				       .entry_bytes = LW_ENTRY_BYTES,
				       .batch_bytes = LW_BATCH_BYTES,
				       .snapshot_bytes = LW_SNAP_BYTES };

	w->counts.opens++;
	return raftlog_open(&w->env, &opt, &w->report, &w->store);
}

static void lw_findings(struct lw_world *w)
{
	const struct raftlog_finding *finding;
	u32 i;

	for (i = 0; i < w->report.nr; i++) {
		finding = &w->report.finding[i];
		w->counts.torn += !strncmp(finding->text, "torn", 4);
		lw_trace(w, "  %s %s:%llu %s\n",
			 raftlog_severity_name(finding->severity),
			 finding->file, finding->offset, finding->text);
	}
}

/* It does not go on: is that right, and was nothing touched? */
static void lw_lost(struct lw_world *w, int err, u64 before)
{
	const struct raftlog_finding *why = raftlog_worst(&w->report);

	if (!w->flipped)
		lw_broken(w, "L3", "open: %d, %s:%llu %s", err,
			  why ? why->file : "?", why ? why->offset : 0,
			  why ? why->text : "?");
	if (ld_hash(&w->disk) != before)
		lw_broken(w, "L7", "open: %d changed the directory", err);
	w->counts.damaged++;
	w->over = true;
}

static void lw_close(struct lw_world *w)
{
	if (w->store)
		raftlog_close(w->store);
	w->store = NULL;
	ld_kill(&w->disk);
}

/* Open it; in @mend of a hundred the power goes while it is mended. */
static void lw_open(struct lw_world *w, u32 mend)
{
	struct raft_start start;
	u64 before;
	u32 tries;
	int err;

	for (tries = 0;; tries++) {
		if (tries < 3 && qbd_rng_percent(&w->rng, 20))
			w->disk.crash_at =
				w->disk.ops + qbd_rng_range(&w->rng, 1, 60);
		else if (tries < 3 && qbd_rng_percent(&w->rng, 10))
			w->disk.fail_at =
				w->disk.ops + qbd_rng_range(&w->rng, 1, 60);
		else if (tries < 3 && qbd_rng_percent(&w->rng, mend))
			w->disk.crash_in = qbd_rng_range(&w->rng, 1, 8);
		before = ld_hash(&w->disk);
		err = lw_open_once(w);
		lw_trace(w, "open: %d\n", err);
		lw_findings(w);
		if (!w->disk.dead && !w->disk.failed)
			break;
		lw_close(w);
		if (w->disk.dead || qbd_rng_percent(&w->rng, 50))
			ld_crash(&w->disk);
	}
	w->disk.crash_at = 0;
	w->disk.crash_in = 0;
	w->disk.crash_names = false;
	w->disk.fail_names = false;
	w->disk.fail_at = 0;
	if (!err)
		raftlog_start(w->store, &start);
	if (err || start.damaged) {
		lw_lost(w, err, before);
		return;
	}
	lw_check(w, &start);
	raftlog_started(w->store);
}

static void lw_format(struct lw_world *w)
{
	int err;

	do {
		if (qbd_rng_percent(&w->rng, 20))
			w->disk.crash_at =
				w->disk.ops + qbd_rng_range(&w->rng, 1, 14);
		err = raftlog_format(&w->env, &lw_identity, &w->report);
		if (w->disk.dead || qbd_rng_percent(&w->rng, 30))
			ld_crash(&w->disk);
		else
			ld_kill(&w->disk);
	} while (err == -EIO);
	if (err && err != -EEXIST)
		lw_broken(w, "L6", "format: %d", err);
}

/* --- faults --------------------------------------------------------------- */

/* One bit of one file that is there. */
static void lw_flip(struct lw_world *w)
{
	struct ld_name *name;
	u64 offset, size;

	if (!w->disk.cur.nr)
		return;
	name = &w->disk.cur.name[qbd_rng_below(&w->rng, w->disk.cur.nr)];
	size = w->disk.inode[name->inode].size;
	if (!size)
		return;
	offset = qbd_rng_below(&w->rng, size);
	if (qbd_rng_percent(&w->rng, 50) && size > RAFTLOG_PAGE)
		offset = RAFTLOG_PAGE +
			 qbd_rng_below(&w->rng,
				       min(size - RAFTLOG_PAGE, 2000ULL));
	else if (qbd_rng_percent(&w->rng, 50))
		offset = qbd_rng_below(&w->rng, min(size, 100ULL));
	if (ld_flip(&w->disk, name->name, offset,
		    1U << qbd_rng_below(&w->rng, 8))) {
		w->flipped = true;
		w->counts.flips++;
		lw_trace(w, "flip %s:%llu\n", name->name, offset);
	}
}

/* The end of a life, and the next one. */
static void lw_reborn(struct lw_world *w, bool crash, bool may_flip)
{
	u32 mend = w->names ? 70 : 20;

	lw_trace(w, "%s at %llu\n", crash ? "crash" : "kill", w->disk.ops);
	w->counts.crashes += crash;
	w->counts.kills += !crash;
	lw_close(w);
	if (crash)
		ld_crash(&w->disk);
	if (may_flip && !w->flipped)
		lw_flip(w);
	w->may_fail = false;
	w->names = false;
	lw_open(w, mend);
}

static void lw_fault(struct lw_world *w)
{
	u64 at = w->disk.ops + qbd_rng_range(&w->rng, 1, 40);
	u32 what = qbd_rng_below(&w->rng, 100);

	if (w->may_fail)
		return;
	if (what < 8) {
		w->disk.crash_at = at;
		w->may_fail = true;
	} else if (what < 12) {
		w->disk.fail_at = at; /* and what a program sees is not so */
		w->may_fail = true;
		w->counts.fails++;
	} else if (what < 15) {
		w->disk.free = w->disk.free ? 0 : LW_DISK_BYTES;
		lw_trace(w, "room: %llu\n", w->disk.free);
	} else if (what < 18) {
		w->disk.crash_names = what & 1;
		w->disk.fail_names = !(what & 1);
		w->names = w->disk.fail_names;
		w->may_fail = true;
	} else if (what < 20) {
		w->disk.shorts = !w->disk.shorts;
	}
}

/* A store that stopped has a reason. */
static bool lw_stopped(struct lw_world *w)
{
	struct raftlog_info info;

	raftlog_look(w->store, &info);
	w->counts.full += info.full;
	if (!info.err)
		return w->disk.dead;
	lw_trace(w, "stopped: %d %s %s\n", info.err, info.op, info.file);
	if (!w->disk.dead && !w->disk.failed)
		lw_broken(w, info.err == -ENOSPC ? "L5" : "L6",
			  "%s %s: error %d", info.op, info.file, info.err);
	return true;
}

static void lw_life(struct lw_world *w)
{
	u32 i;

	for (i = 0; i < LW_STEPS && !w->rule && !w->over; i++) {
		lw_fault(w);
		lw_step(w);
		if (lw_stopped(w))
			lw_reborn(w,
				  w->disk.dead || qbd_rng_percent(&w->rng, 40),
				  qbd_rng_percent(&w->rng, 10));
		else if (qbd_rng_percent(&w->rng, 3))
			lw_reborn(w, qbd_rng_percent(&w->rng, 70),
				  qbd_rng_percent(&w->rng, 20));
	}
	if (w->rule || w->over)
		return;
	w->disk.crash_at = 0;
	w->disk.crash_in = 0;
	w->disk.crash_names = false;
	w->disk.fail_names = false;
	w->disk.fail_at = 0;
	lw_reborn(w, true, false);
}

/**
 * lw_run() - a schedule
 * @w: the world; @rule of it is what was broken
 * @seed: which
 * @trace: say what happens
 */
void lw_run(struct lw_world *w, u64 seed, bool trace)
{
	memset(w, 0, sizeof(*w));
	w->seed = seed;
	w->tracing = trace;
	w->rng.state = qbd_rng_mix(seed);
	ld_init(&w->disk, seed, LW_DISK_BYTES);
	ld_env(&w->disk, &w->env);
	w->log.slot = w->slot;
	w->log.slots = LW_SLOTS;
	w->log.pool = w->pool;
	w->log.pool_bytes = LW_POOL;
	lw_format(w);
	w->have.snap.conf = lw_identity.conf;
	w->next = w->have;
	if (!w->rule)
		lw_open(w, 0);
	if (!w->rule)
		lw_life(w);
	w->counts.ops = w->disk.ops;
	lw_close(w);
	ld_free(&w->disk);
}
