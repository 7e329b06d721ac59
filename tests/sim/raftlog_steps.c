// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a server does with its store: batches as the Raft core makes them, one
 * at a time, pieces and own snapshots beside them (raftlog_sim.h).
 */
#include "raftlog_sim.h"

#define LW_LAST_MAX (LW_INDEXES - 200)

/* --- batches -------------------------------------------------------------- */

static void ls_term(struct lw_world *w, struct raft_batch *batch, u64 least)
{
	w->next.term = max(w->next.term + 1, least);
	w->next.vote = qbd_rng_below(&w->rng, 4);
	batch->what |= RAFT_STORE_STATE;
}

/* The term of a new entry: now and then one that was truncated comes back. */
static u64 ls_entry_term(struct lw_world *w, u64 index)
{
	u64 before = raft_log_term(&w->log, index - 1);

	if (w->old[index] && w->old[index] >= before &&
	    w->old[index] <= w->next.term && qbd_rng_percent(&w->rng, 60))
		return w->old[index];
	return w->next.term;
}

static void ls_entries(struct lw_world *w, struct raft_batch *batch)
{
	static u8 data[LW_ENTRY_BYTES];
	u32 nr = qbd_rng_range(&w->rng, 1, 10);
	struct raft_entry entry = { .type = RAFT_ENTRY_DATA, .data = data };

	if (!w->next.term)
		ls_term(w, batch, 1);
	while (nr-- && w->log.last < LW_LAST_MAX) {
		entry.pos.index = w->log.last + 1;
		entry.pos.term = ls_entry_term(w, entry.pos.index);
		entry.bytes = lw_entry(w, entry.pos, data);
		if (raft_log_append(&w->log, &entry))
			break;
		w->next.of[entry.pos.index] = entry.pos.term;
		w->next.last = entry.pos.index;
	}
	if (w->log.stored == w->log.last)
		return;
	batch->what |= RAFT_STORE_ENTRIES;
	batch->first = w->log.stored + 1;
	batch->last = w->log.last;
	w->log.stored = w->log.last;
	w->counts.entries += batch->last - batch->first + 1;
}

static void ls_truncate(struct lw_world *w, struct raft_batch *batch)
{
	u64 least = max3(w->commit, w->log.base.index, w->have.snap.pos.index);
	u64 index;

	if (w->log.last <= least)
		return;
	batch->what |= RAFT_STORE_TRUNCATE;
	batch->keep = qbd_rng_range(&w->rng, least, w->log.last - 1);
	for (index = batch->keep + 1; index <= w->log.last; index++)
		w->old[index] = w->next.of[index];
	raft_log_truncate(&w->log, batch->keep);
	w->next.last = batch->keep;
	ls_term(w, batch, 1);
	w->counts.truncates++;
}

static void ls_install(struct lw_world *w, struct raft_batch *batch)
{
	struct raft_pos pos = w->piece.pos;

	if (pos.index <= w->commit) {
		w->piece.pos.index = 0; /* what is committed is here */
		w->piece_have = 0;
		return;
	}
	if (pos.term > w->next.term)
		ls_term(w, batch, pos.term);
	batch->what |= RAFT_STORE_INSTALL | RAFT_STORE_DROP;
	batch->snap = pos;
	if (raft_log_has(&w->log, pos)) {
		raft_log_drop(&w->log, pos.index);
	} else {
		batch->what |= RAFT_STORE_TRUNCATE;
		batch->keep = pos.index;
		raft_log_reset(&w->log, pos);
		w->next.last = pos.index;
	}
	w->next.of[pos.index] = pos.term;
	w->next.before = w->next.snap;
	w->next.snap = w->piece;
	w->commit = pos.index;
	w->drop = 0;
	w->counts.installs++;
}

static bool ls_full(struct lw_world *w)
{
	struct raftlog_info info;

	raftlog_look(w->store, &info);
	if (info.full && qbd_rng_percent(&w->rng, 20))
		raftlog_retry(w->store);
	return info.full;
}

static void ls_drop(struct lw_world *w, struct raft_batch *batch)
{
	if (w->drop <= w->log.base.index)
		return;
	raft_log_drop(&w->log, w->drop);
	batch->what |= RAFT_STORE_DROP;
	w->drop = 0;
	w->counts.drops++;
}

static void ls_submit(struct lw_world *w, struct raft_batch *batch)
{
	int err;

	if (!batch->what)
		return;
	batch->seq = ++w->seq;
	batch->term = w->next.term;
	batch->vote = w->next.vote;
	batch->drop = w->log.base.index;
	err = raftlog_submit(w->store, batch, &w->log);
	if (err)
		lw_broken(w, "L6", "submit: %d", err);
	w->batch = *batch;
	w->counts.batches++;
	lw_trace(w,
		 "batch %llu what=%#x term=%llu vote=%llu snap=%llu.%llu "
		 "keep=%llu drop=%llu entries=%llu..%llu commit=%llu\n",
		 batch->seq, batch->what, batch->term, batch->vote,
		 batch->snap.term, batch->snap.index, batch->keep, batch->drop,
		 batch->first, batch->last, w->commit);
}

static void ls_batch(struct lw_world *w)
{
	struct raft_batch batch = { 0 };
	bool full = ls_full(w);

	w->next = w->have;
	if (qbd_rng_percent(&w->rng, 15))
		ls_term(w, &batch, 1);
	if (w->piece.pos.index && w->piece_have == w->piece.bytes &&
	    !w->piece_busy)
		ls_install(w, &batch);
	else if (qbd_rng_percent(&w->rng, 15))
		ls_truncate(w, &batch);
	ls_drop(w, &batch);
	if (!full && qbd_rng_percent(&w->rng, 75))
		ls_entries(w, &batch);
	ls_submit(w, &batch);
}

/* --- snapshots ------------------------------------------------------------ */

static void ls_snap(struct lw_world *w, struct raft_snap *snap, u8 *data)
{
	snap->bytes = qbd_rng_range(&w->rng, 1, LW_SNAP_BYTES);
	snap->conf = w->have.snap.conf;
	if (qbd_rng_percent(&w->rng, 30))
		snap->conf.index = snap->pos.index;
	lw_snap_content(w, snap, data);
	snap->id = raftlog_digest(RAFTLOG_DIGEST, data, snap->bytes);
}

/* Another leader, another snapshot. */
static void ls_piece_new(struct lw_world *w)
{
	struct raft_snap *snap = &w->piece;
	static u8 data[LW_SNAP_BYTES];

	memset(snap, 0, sizeof(*snap));
	w->piece_have = 0;
	if (w->log.last > LW_LAST_MAX - 100)
		return;
	snap->pos.index =
		qbd_rng_range(&w->rng, w->commit + 1, w->log.last + 20);
	snap->pos.term = max(w->next.term, 1ULL) + qbd_rng_below(&w->rng, 2);
	if (snap->pos.index <= w->log.last && qbd_rng_percent(&w->rng, 40))
		snap->pos.term = raft_log_term(&w->log, snap->pos.index);
	if (!snap->pos.term)
		snap->pos.term = 1;
	ls_snap(w, snap, data);
}

static void ls_chunk(struct lw_world *w)
{
	static u8 data[LW_SNAP_BYTES];
	struct raft_chunk chunk = { .snap = &w->piece, .data = data };
	int err;

	if (w->piece_have == w->piece.bytes || !w->piece.pos.index ||
	    qbd_rng_percent(&w->rng, 5))
		ls_piece_new(w);
	if (!w->piece.pos.index || w->piece.pos.index <= w->commit) {
		w->piece.pos.index = 0;
		w->piece_have = 0;
		return;
	}
	lw_snap_content(w, &w->piece, data);
	chunk.offset = w->piece_have;
	chunk.data = data + chunk.offset;
	chunk.bytes = min(qbd_rng_range(&w->rng, 1, 900),
			  w->piece.bytes - chunk.offset);
	w->piece_busy = chunk.bytes;
	w->counts.chunks++;
	err = raftlog_chunk(w->store, &chunk);
	if (err)
		lw_broken(w, "L6", "chunk: %d", err);
	lw_trace(w, "chunk %llu+%u of %llu: snapshot %llu.%llu\n", chunk.offset,
		 chunk.bytes, w->piece.bytes, w->piece.pos.term,
		 w->piece.pos.index);
}

static void ls_take(struct lw_world *w)
{
	u64 from = max(w->have.snap.pos.index + 1, w->log.base.index);
	struct raft_snap *snap = &w->take;
	int err;

	if (from > w->commit || w->commit > w->log.last)
		return;
	snap->pos.index = qbd_rng_range(&w->rng, from, w->commit);
	snap->pos.term = raft_log_term(&w->log, snap->pos.index);
	if (!snap->pos.term) {
		snap->pos.index = 0;
		return;
	}
	ls_snap(w, snap, w->take_data);
	err = raftlog_take(w->store, snap, w->take_data, snap->bytes);
	if (err)
		lw_broken(w, "L6", "take: %d", err);
	w->counts.takes++;
	lw_trace(w, "take %llu.%llu, %llu bytes\n", snap->pos.term,
		 snap->pos.index, snap->bytes);
}

/* --- what is done --------------------------------------------------------- */

/* An error needs a reason. */
static bool ls_failed(struct lw_world *w, const char *what, int err)
{
	if (!err)
		return false;
	lw_trace(w, "%s: %d\n", what, err);
	if (err == -ENOSPC ? !w->disk.refused :
			     !w->disk.dead && !w->disk.failed)
		lw_broken(w, "L6", "%s: error %d", what, err);
	return true;
}

static void ls_persisted(struct lw_world *w, int err)
{
	if (err)
		return; /* it has stopped, and lw_stopped() asks why */
	if (w->batch.what & RAFT_STORE_INSTALL) {
		w->piece.pos.index = 0;
		w->piece_have = 0;
	}
	w->have = w->next;
	w->batch.seq = 0;
}

static void ls_taken(struct lw_world *w, const struct raftlog_done *done)
{
	u64 index = w->take.pos.index;
	bool newer = w->have.snap.pos.index < index;

	if (done->event.err == -ESTALE && !newer) {
		w->take.pos.index = 0;
		return;
	}
	if (ls_failed(w, "take", done->event.err)) {
		/* it may have its name: then the store has stopped */
		if (done->event.err == -ENOSPC)
			w->take.pos.index = 0;
		return;
	}
	w->take.pos.index = 0;
	if (done->snap.id != w->take.id || done->snap.pos.index != index ||
	    !newer)
		lw_broken(w, "L2", "took another snapshot: %llu",
			  done->snap.pos.index);
	w->have.before = w->have.snap;
	w->have.snap = done->snap;
	if (w->next.snap.pos.index < index) {
		w->next.before = w->next.snap;
		w->next.snap = done->snap;
	}
	w->drop = index - min(qbd_rng_below(&w->rng, 20), index);
}

static void ls_chunked(struct lw_world *w, int err)
{
	if (ls_failed(w, "chunk", err) && err != -ENOSPC)
		return; /* it may be there or not: the store has stopped */
	if (!err)
		w->piece_have += w->piece_busy;
	w->piece_busy = 0;
}

static void ls_poll(struct lw_world *w)
{
	struct raftlog_done done;

	while (!w->rule && raftlog_poll(w->store, &done)) {
		switch (done.kind) {
		case RAFTLOG_PERSISTED:
			lw_trace(w, "persisted %llu: %d\n", done.event.seq,
				 done.event.err);
			ls_persisted(w, done.event.err);
			break;
		case RAFTLOG_CHUNK:
			ls_chunked(w, done.event.err);
			break;
		case RAFTLOG_TAKEN:
			ls_taken(w, &done);
			break;
		case RAFTLOG_ROOM:
			break;
		}
	}
}

/**
 * lw_step() - something happens
 * @w: the world
 */
void lw_step(struct lw_world *w)
{
	u32 works = qbd_rng_below(&w->rng, 4);

	if (!w->batch.seq && qbd_rng_percent(&w->rng, 70))
		ls_batch(w);
	if (!w->batch.seq && qbd_rng_percent(&w->rng, 50))
		w->commit = qbd_rng_range(&w->rng, w->commit,
					  max(w->commit, w->log.last));
	if (!w->piece_busy && qbd_rng_percent(&w->rng, 15))
		ls_chunk(w);
	if (!w->take.pos.index && !w->batch.seq && qbd_rng_percent(&w->rng, 10))
		ls_take(w);
	while (works-- && !w->rule && raftlog_work(w->store))
		;
	ls_poll(w);
	w->hash = qbd_rng_mix(w->hash ^ w->disk.ops ^ w->have.last << 32);
}
