// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a store has after it was opened again, against its model (raftlog_sim.h,
 * L1, L2, L4). What is found there is what the model goes on with.
 */
#include "raftlog_sim.h"
#include "raft/state.h"

static bool lc_snap_same(const struct raft_snap *a, const struct raft_snap *b)
{
	return a->pos.index == b->pos.index && a->pos.term == b->pos.term &&
	       (!a->pos.index || (a->id == b->id && a->bytes == b->bytes &&
				  raft_config_same(&a->conf, &b->conf)));
}

static void lc_hard(struct lw_world *w, const struct raft_start *start)
{
	if (start->term == w->have.term && start->vote == w->have.vote)
		return;
	if (start->term == w->next.term && start->vote == w->next.vote)
		return;
	lw_broken(w, "L1", "term %llu vote %llu, not %llu %llu or %llu %llu",
		  start->term, start->vote, w->have.term, w->have.vote,
		  w->next.term, w->next.vote);
}

/* Which snapshot it may be, and whether its content is right. */
static void lc_snap(struct lw_world *w, const struct raft_start *start)
{
	static u8 want[LW_SNAP_BYTES], seen[LW_SNAP_BYTES];
	const struct raft_snap *snap = &start->snap;
	struct raftlog_reader *reader;
	bool known = lc_snap_same(snap, &w->have.snap) ||
		     lc_snap_same(snap, &w->next.snap) ||
		     (w->take.pos.index && lc_snap_same(snap, &w->take));
	int err;

	if (!known && w->flipped && lc_snap_same(snap, &w->have.before)) {
		w->counts.fallbacks++;
		known = true;
	}
	if (!known) {
		lw_broken(w, "L1", "snapshot %llu.%llu, not %llu or %llu",
			  snap->pos.term, snap->pos.index,
			  w->have.snap.pos.index, w->next.snap.pos.index);
		return;
	}
	if (!snap->pos.index)
		return;
	err = raftlog_snap_open(w->store, snap, &reader);
	if (!err) {
		err = raftlog_snap_read(reader, 0, seen, snap->bytes);
		raftlog_snap_close(reader);
	}
	lw_snap_content(w, snap, want);
	if (err || memcmp(want, seen, snap->bytes))
		lw_broken(w, "L1", "snapshot %llu can not be read: %d",
			  snap->pos.index, err);
}

/* Entries from @from on are those of this state, up to @last. */
static bool lc_prefix(const struct lw_state *state,
		      const struct raft_start *start, u64 from, u64 last)
{
	u64 index;
	u32 i;

	if (last > state->last && last > start->snap.pos.index)
		return false;
	for (i = 0; i < start->nr; i++) {
		index = start->entry[i].pos.index;
		if (index >= from && index <= last &&
		    start->entry[i].pos.term != state->of[index])
			return false;
	}
	return true;
}

static void lc_content(struct lw_world *w, const struct raft_start *start)
{
	static u8 data[LW_ENTRY_BYTES];
	const struct raft_entry *entry;
	u32 i, bytes;

	for (i = 0; i < start->nr; i++) {
		entry = &start->entry[i];
		bytes = lw_entry(w, entry->pos, data);
		if (entry->bytes != bytes || memcmp(entry->data, data, bytes))
			lw_broken(w, "L1", "entry %llu.%llu is another",
				  entry->pos.term, entry->pos.index);
		if (i && entry->pos.index != entry[-1].pos.index + 1)
			lw_broken(w, "L2", "entry %llu follows %llu",
				  entry->pos.index, entry[-1].pos.index);
		if (entry->pos.term > max(start->term, start->snap.pos.term))
			lw_broken(w, "L2", "entry %llu of term %llu in %llu",
				  entry->pos.index, entry->pos.term,
				  start->term);
	}
	if (start->nr && start->entry[0].pos.index > start->snap.pos.index + 1)
		lw_broken(w, "L2", "entries from %llu, snapshot at %llu",
			  start->entry[0].pos.index, start->snap.pos.index);
}

/* The least that has to be there. */
static u64 lc_floor(const struct lw_world *w)
{
	if (w->batch.seq && w->batch.what & RAFT_STORE_TRUNCATE)
		return min(w->have.last, w->batch.keep);
	return w->have.last;
}

/* Return: the last entry; @from: the first one that counts. */
static u64 lc_log(struct lw_world *w, const struct raft_start *start, u64 *from)
{
	u64 base = start->snap.pos.index, last = base;
	bool clash = start->nr && start->entry[0].pos.index == base &&
		     start->entry[0].pos.term != start->snap.pos.term;

	*from = base + 1;
	if (clash)
		lw_broken(w, "L2", "entry %llu is not the snapshot's", base);
	if (start->nr)
		last = max(base, start->entry[start->nr - 1].pos.index);
	if (last < lc_floor(w))
		lw_broken(w, "L1", "the log ends at %llu, not %llu", last,
			  lc_floor(w));
	if (!lc_prefix(&w->have, start, *from, last) &&
	    !lc_prefix(&w->next, start, *from, last))
		lw_broken(w, "L2",
			  "the log to %llu is neither the one before "
			  "the batch nor the one behind it",
			  last);
	return last;
}

static void lc_partial(struct lw_world *w, const struct raft_start *start)
{
	const struct raft_snap *piece = &w->piece;
	u64 had = w->piece_have;

	if (had && !w->flipped && piece->pos.index > start->snap.pos.index) {
		if (!lc_snap_same(&start->partial, piece) ||
		    start->partial_bytes < had)
			lw_broken(w, "L1",
				  "%llu bytes of snapshot %llu, not "
				  "%llu of %llu",
				  start->partial_bytes,
				  start->partial.pos.index, had,
				  piece->pos.index);
		w->counts.resumed++;
	}
	if (start->partial.pos.index <= start->snap.pos.index ||
	    !lc_snap_same(&start->partial, piece)) {
		if (start->partial.pos.index > start->snap.pos.index &&
		    start->partial_bytes > LW_SNAP_BYTES)
			lw_broken(w, "L2", "a piece of something else");
		w->piece.pos.index = 0;
		w->piece_have = 0;
		return;
	}
	w->piece_have = start->partial_bytes;
}

/* What is there is what the model goes on with. */
static void lc_adopt(struct lw_world *w, const struct raft_start *start,
		     u64 last)
{
	const struct raft_entry *entry;
	u32 i;

	w->have.term = max(start->term, start->snap.pos.term);
	w->have.vote = w->have.term == start->term ? start->vote : 0;
	if (!lc_snap_same(&w->have.snap, &start->snap)) {
		w->have.before = w->have.snap;
		w->have.snap = start->snap;
	}
	w->have.last = last;
	raft_log_reset(&w->log, start->snap.pos);
	w->have.of[start->snap.pos.index] = start->snap.pos.term;
	for (i = 0; i < start->nr; i++) {
		entry = &start->entry[i];
		if (entry->pos.index <= start->snap.pos.index ||
		    entry->pos.index > last)
			continue;
		w->have.of[entry->pos.index] = entry->pos.term;
		if (raft_log_append(&w->log, entry))
			lw_broken(w, "L2", "the log does not fit at %llu",
				  entry->pos.index);
	}
	w->log.stored = w->log.last;
	w->commit = max(start->snap.pos.index, min(w->commit, last));
	w->batch.seq = 0;
	w->piece_busy = 0;
	w->drop = 0;
	w->take.pos.index = 0;
	w->next = w->have;
}

/* The core itself takes what is given out, as it is. */
static void lc_core(struct lw_world *w, const struct raft_start *start)
{
	static struct raft_slot slot[LW_SLOTS];
	static u8 pool[LW_POOL];
	static struct raft raft;
	static const struct raft_options opt = {
		.id = 7,
		.election_ns = 1000,
		.beat_ns = 100,
		.window = 4,
		.append_entries = 4,
		.append_bytes = 1024,
		.chunk_bytes = 1024,
		.slot = slot,
		.slots = LW_SLOTS,
		.pool = pool,
		.pool_bytes = LW_POOL,
	};
	int err = raft_create(&raft, &opt, start);

	if (err || raft.dirty || raft.log.last != raft.log.durable)
		lw_broken(w, "L2", "the core does not take it: %d", err);
}

/**
 * lw_check() - what is there after an open
 * @w: the world
 * @start: what the store gives out
 */
void lw_check(struct lw_world *w, const struct raft_start *start)
{
	struct raftlog_info info;
	u64 last, from;

	lc_hard(w, start);
	lc_snap(w, start);
	lc_content(w, start);
	last = lc_log(w, start, &from);
	lc_partial(w, start);
	lc_core(w, start);
	raftlog_look(w->store, &info);
	if (info.known < last)
		lw_broken(w, "L2", "known is %llu, %llu is given out",
			  info.known, last);
	w->hash = qbd_rng_mix(w->hash ^ last ^ start->snap.pos.index << 16 ^
			      start->term << 32 ^ info.generation << 40);
	if (!w->rule)
		lc_adopt(w, start, last);
}
