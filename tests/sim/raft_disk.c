// SPDX-License-Identifier: GPL-2.0-only
/*
 * The store of a simulated server: what a batch does, in which order, and what
 * a crash leaves of it. The bytes are the real codec's.
 *
 * Two slots of hard state are written in turn; each has the index up to which
 * entries are on stable media, lowered before a truncation and raised behind an
 * append. So a bad record is known to be damage and not the torn end.
 */
#include "raft_sim.h"
#include "raft/bytes.h"

/* Steps of a batch, in order. */
enum rs_part {
	RS_PART_STATE,
	RS_PART_INSTALL,
	RS_PART_TRUNCATE,
	RS_PART_DROP,
	RS_PART_ENTRIES,
	RS_PART_KNOWN,
	RS_PARTS,
};

void rs_disk_format(struct rs_disk *disk)
{
	memset(disk, 0, offsetof(struct rs_disk, at));
	memset(&disk->snap, 0, sizeof(disk->snap));
	memset(&disk->incoming, 0, sizeof(disk->incoming));
	raft_hard_encode(&(struct raft_hard){ 0 }, disk->hard[0]);
}

/* The newer of two slots; false: none can be read. */
bool rs_disk_state(const struct rs_disk *disk, struct raft_hard *hard)
{
	struct raft_hard slot;
	bool found = false;
	u32 i;

	for (i = 0; i < 2; i++) {
		if (raft_hard_decode(disk->hard[i], &slot))
			continue;
		if (!found || slot.generation > hard->generation)
			*hard = slot;
		found = true;
	}
	return found;
}

static void rs_disk_hard(struct rs_disk *disk, const struct raft_batch *batch,
			 u64 known)
{
	struct raft_hard hard = { 0 };

	rs_disk_state(disk, &hard);
	hard.generation = ++disk->generation;
	if (batch->what & RAFT_STORE_STATE) {
		hard.term = batch->term;
		hard.vote = batch->vote;
	}
	hard.known = known;
	raft_hard_encode(&hard, disk->hard[hard.generation % 2]);
}

static u32 rs_disk_crc(const struct rs_disk *disk, u64 index)
{
	if (index < disk->first || !disk->first)
		return disk->chain_base;
	return raft_get32(disk->log + disk->at[index - disk->first] + 4);
}

static void rs_disk_truncate(struct rs_disk *disk, u64 keep)
{
	if (!disk->first || keep >= disk->last)
		return;
	if (keep < disk->first) {
		disk->first = 0;
		disk->last = 0;
		disk->log_bytes = 0;
		disk->chain = 0;
		disk->chain_base = 0;
		return;
	}
	disk->log_bytes = disk->at[keep + 1 - disk->first];
	disk->last = keep;
	disk->chain = rs_disk_crc(disk, keep);
}

static void rs_disk_drop(struct rs_disk *disk, u64 through)
{
	u64 gone, i;

	if (!disk->first || through < disk->first)
		return;
	if (through >= disk->last) {
		rs_disk_truncate(disk, 0);
		return;
	}
	disk->chain_base = rs_disk_crc(disk, through);
	gone = disk->at[through + 1 - disk->first];
	memmove(disk->log, disk->log + gone, disk->log_bytes - gone);
	disk->log_bytes -= gone;
	for (i = through + 1; i <= disk->last; i++)
		disk->at[i - through - 1] = disk->at[i - disk->first] - gone;
	disk->first = through + 1;
}

/* @limit: bytes that reach the disk. */
static void rs_disk_append(struct rs_world *w, struct rs_disk *disk,
			   const struct rs_store *store, u64 limit)
{
	u64 used = 0, start;
	struct raft_entry entry;
	int len;

	if (disk->first && store->batch.first != disk->last + 1)
		rs_disk_truncate(disk, 0);
	start = disk->log_bytes;
	while (used < store->bytes) {
		len = raft_entry_decode(store->data + used, store->bytes - used,
					false, &entry);
		if (len < 0 || disk->log_bytes + len > RS_LOG_BYTES ||
		    (disk->first &&
		     entry.pos.index - disk->first >= RS_SLOTS * 4)) {
			rs_broken(w, "R0", "the simulator's disk is full");
			return;
		}
		used += len;
		raft_entry_encode(&entry, &disk->chain,
				  disk->log + disk->log_bytes, len);
		if (!disk->first)
			disk->first = entry.pos.index;
		disk->last = entry.pos.index;
		disk->at[disk->last - disk->first] = disk->log_bytes;
		disk->log_bytes += len;
	}
	if (disk->log_bytes - start > limit) {
		start += limit;
		/* the rest of a sector is anything */
		while (start < disk->log_bytes)
			disk->log[start++] = qbd_rng_next(&w->rng);
	}
}

static void rs_part(struct rs_world *w, struct rs_node *n, enum rs_part part,
		    u64 limit)
{
	const struct raft_batch *batch = &n->store.batch;
	struct rs_disk *disk = &n->disk;
	struct raft_hard hard = { 0 };

	rs_disk_state(disk, &hard);
	switch (part) {
	case RS_PART_STATE:
		if (batch->what & RAFT_STORE_TRUNCATE)
			hard.known = min(hard.known, batch->keep);
		if (batch->what & (RAFT_STORE_STATE | RAFT_STORE_TRUNCATE))
			rs_disk_hard(disk, batch, hard.known);
		break;
	case RS_PART_INSTALL:
		if (!(batch->what & RAFT_STORE_INSTALL))
			break;
		if (disk->incoming.snap.pos.index != batch->snap.index)
			rs_broken(w, "R0", "%llu installs what is not there",
				  n->id);
		disk->snap = disk->incoming;
		disk->incoming.snap.pos.index = 0;
		break;
	case RS_PART_TRUNCATE:
		if (batch->what & RAFT_STORE_TRUNCATE)
			rs_disk_truncate(disk, batch->keep);
		break;
	case RS_PART_DROP:
		if (batch->what & RAFT_STORE_DROP)
			rs_disk_drop(disk, batch->drop);
		break;
	case RS_PART_ENTRIES:
		if (batch->what & RAFT_STORE_ENTRIES)
			rs_disk_append(w, disk, &n->store, limit);
		break;
	case RS_PART_KNOWN:
		if (batch->what & RAFT_STORE_ENTRIES)
			rs_disk_hard(disk, batch, batch->last);
		break;
	case RS_PARTS:
		break;
	}
}

/* A batch is handed over; the records are made now, the log may change. */
void rs_store_begin(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	struct rs_store *store = &n->store;
	struct raft_entry entry;
	u64 delay = qbd_rng_range(&w->rng, RS_MS / 5, 3 * RS_MS);
	u64 index;
	int len;

	store->batch = w->update.batch;
	store->bytes = 0;
	if (store->batch.what & RAFT_STORE_ENTRIES)
		for (index = store->batch.first; index <= store->batch.last;
		     index++) {
			if (raft_log_get(&n->raft.log, index, &entry)) {
				rs_broken(w, "R0", "no entry %llu", index);
				return;
			}
			len = raft_entry_encode(&entry, NULL,
						store->data + store->bytes,
						RS_LOG_BYTES - store->bytes);
			store->bytes += len;
		}
	if (w->now < n->slow_until)
		delay += qbd_rng_range(&w->rng, 30 * RS_MS, 250 * RS_MS);
	rs_trace(w,
		 "  %llu stores #%llu what=%#x term=%llu vote=%llu "
		 "keep=%llu drop=%llu entries=%llu..%llu\n",
		 n->id, store->batch.seq, store->batch.what, store->batch.term,
		 store->batch.vote, store->batch.keep, store->batch.drop,
		 store->batch.first, store->batch.last);
	rs_at(w, w->now + delay, RS_EV_STORED, node, 0);
}

/* It is on stable media; or the disk fails, and a beginning of it is. */
void rs_stored(struct rs_world *w, u32 node)
{
	struct rs_node *n = &w->node[node];
	struct raft_event event = { .kind = RAFT_EV_PERSISTED,
				    .seq = n->store.batch.seq };
	u32 part;

	if (n->eio) {
		n->eio = false;
		rs_store_crash(w, node, true);
		event.err = -EIO;
	} else {
		for (part = 0; part < RS_PARTS; part++)
			rs_part(w, n, part, U64_MAX);
	}
	n->store.batch.seq = 0;
	rs_step(w, node, &event);
}

/* What a crash leaves of a batch under way: a beginning. */
void rs_store_crash(struct rs_world *w, u32 node, bool torn)
{
	struct rs_node *n = &w->node[node];
	u32 stop = qbd_rng_below(&w->rng, RS_PARTS + 1);
	u32 part;

	if (!n->store.batch.seq)
		return;
	if (torn && n->store.batch.what & RAFT_STORE_ENTRIES)
		stop = RS_PART_ENTRIES;
	for (part = 0; part < stop && part < RS_PARTS; part++)
		rs_part(w, n, part, U64_MAX);
	if (stop == RS_PART_ENTRIES)
		rs_part(w, n, stop, qbd_rng_below(&w->rng, n->store.bytes + 1));
	if (stop == RS_PART_KNOWN || stop == RS_PART_STATE)
		memset(n->disk.hard[(n->disk.generation + 1) % 2], 0xdb,
		       qbd_rng_below(&w->rng, RAFT_STATE_BYTES));
	n->store.batch.seq = 0;
}

/* Is this entry on the disk, as an entry or in the snapshot? */
bool rs_disk_has(const struct rs_node *n, u64 term, u64 index)
{
	const struct rs_disk *disk = &n->disk;

	if (n->lost)
		return false;
	if (index <= disk->snap.snap.pos.index)
		return true;
	if (!disk->first || index < disk->first || index > disk->last)
		return false;
	return raft_get64(disk->log + disk->at[index - disk->first] + 8) ==
	       term;
}

bool rs_disk_flip(struct rs_world *w, struct rs_disk *disk)
{
	if (!disk->log_bytes)
		return false;
	disk->log[qbd_rng_below(&w->rng, disk->log_bytes)] ^=
		1U << qbd_rng_below(&w->rng, 8);
	return true;
}

/* Return: 0; -EUCLEAN: damaged. */
int rs_disk_load(struct rs_world *w, u32 node, struct raft_start *start,
		 struct raft_entry *entry)
{
	struct rs_disk *disk = &w->node[node].disk;
	struct raft_scan scan = { .chain = disk->chain_base,
				  .last = disk->snap.snap.pos };
	struct raft_hard hard = { 0 };
	int more;

	if (!rs_disk_state(disk, &hard))
		return -EUCLEAN;
	disk->generation = hard.generation;
	start->term = hard.term;
	start->vote = hard.vote;
	start->snap = disk->snap.snap;
	start->partial = disk->incoming.snap;
	start->partial_bytes = disk->incoming.bytes;
	while ((more = raft_scan_next(&scan, disk->log, disk->log_bytes,
				      hard.known)) > 0)
		entry[start->nr++] = scan.entry;
	if (more)
		return more;
	start->entry = entry;
	disk->log_bytes = scan.at;
	disk->chain = scan.chain;
	/* what is given out counts: the next flip there is damage */
	if (start->nr && scan.last.index != hard.known)
		rs_disk_hard(disk, &(struct raft_batch){ 0 }, scan.last.index);
	if (start->nr) {
		disk->last = entry[start->nr - 1].pos.index;
	} else {
		disk->first = 0;
		disk->last = 0;
		disk->chain = 0;
		disk->chain_base = 0;
	}
	return 0;
}

void rs_machine_save(const struct rs_machine *m, u8 *data)
{
	u32 i;

	raft_put64(data, m->index);
	raft_put64(data + 8, m->count);
	raft_put64(data + 16, m->hash);
	for (i = 0; i < RS_CLIENTS; i++)
		raft_put64(data + 24 + 8 * i, m->seq[i]);
	for (i = 24 + 8 * RS_CLIENTS; i < RS_SNAP_BYTES; i++)
		data[i] = m->index + i;
}

void rs_machine_load(struct rs_machine *m, const u8 *data)
{
	u32 i;

	m->index = raft_get64(data);
	m->count = raft_get64(data + 8);
	m->hash = raft_get64(data + 16);
	for (i = 0; i < RS_CLIENTS; i++)
		m->seq[i] = raft_get64(data + 24 + 8 * i);
}
