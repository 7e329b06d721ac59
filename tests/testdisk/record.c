// SPDX-License-Identifier: GPL-2.0-only
/*
 * Log of a test disk's operations, and power cuts in its past.
 *
 * "record on" keeps the content of that moment (sharing its pages) and then, in
 * order, each arrival of an operation with its data and each completion.  A
 * snapshot replays a copy up to the arrival of operation N through the very
 * functions that the live disk uses, and crashes it: the bytes are those that
 * a crash armed for operation N would have left, with the same seed.
 *
 * The log has a limit.  When it is exceeded, memory is short, or the disk
 * crashes or vanishes, the log is sealed: what came before stays usable, a
 * snapshot beyond fails.
 *
 * Context: td_record_submit(), _complete() and _seal() under td_dev.lock; the
 * others under td_dev.ctl.  Entries never change once in the list, except for
 * the fields of the replay, which belong to td_dev.ctl.
 */
#include <linux/highmem.h>
#include <linux/slab.h>

#include "testdisk.h"

#define TD_RECORD_GFP (GFP_ATOMIC | __GFP_NOWARN)

/**
 * struct td_entry - one event
 * @link: in td_record.entries
 * @flight: in the replay's list of operations in flight [td_dev.ctl]
 * @flush_seq: of a flush in the replay [td_dev.ctl]
 * @no: number of the operation since the log began, from 1
 * @arrival: or completion
 * @op: what it does, for an arrival
 * @nr_pages: length of @pages
 * @pages: data of a write
 */
struct td_entry {
	struct list_head link;
	struct list_head flight;
	u64 flush_seq;
	u64 no;
	bool arrival;
	struct td_op op;
	unsigned int nr_pages;
	struct page *pages[] __counted_by(nr_pages);
};

/**
 * struct td_record - the log
 * @entries: struct td_entry in order
 * @base: content when the log began
 * @first: td_dev.ops when the log began
 * @nr: operations in the log
 * @bytes: memory used by the entries
 * @limit: memory allowed
 * @sealed: why nothing is added any more, or NULL
 */
struct td_record {
	struct list_head entries;
	struct td_store base;
	u64 first;
	u64 nr;
	u64 bytes;
	u64 limit;
	const char *sealed;
};

static void td_entry_free(struct td_entry *entry)
{
	unsigned int i;

	for (i = 0; i < entry->nr_pages; i++) {
		if (entry->pages[i])
			__free_page(entry->pages[i]);
	}
	kfree(entry);
}

static struct td_entry *td_entry_alloc(unsigned int nr_pages)
{
	struct td_entry *entry;
	unsigned int i;

	entry = kzalloc(struct_size(entry, pages, nr_pages), TD_RECORD_GFP);
	if (!entry)
		return NULL;
	entry->nr_pages = nr_pages;
	INIT_LIST_HEAD(&entry->flight);
	for (i = 0; i < nr_pages; i++) {
		entry->pages[i] = alloc_page(TD_RECORD_GFP);
		if (!entry->pages[i]) {
			td_entry_free(entry);
			return NULL;
		}
	}
	return entry;
}

static void td_entry_piece(struct td_entry *entry, u64 off, const void *src,
			   u64 len)
{
	u32 part;

	for (; len; len -= part) {
		part = min_t(u64, len, PAGE_SIZE - off % PAGE_SIZE);
		memcpy_to_page(entry->pages[off / PAGE_SIZE], off % PAGE_SIZE,
			       src, part);
		off += part;
		src += part;
	}
}

/* Copy the data of the write; what a torn write does not store is left out. */
static void td_entry_fill(struct td_entry *entry, struct request *rq)
{
	struct req_iterator iter;
	struct bio_vec bv;
	u64 off = 0;
	void *data;

	rq_for_each_segment(bv, rq, iter) {
		if (off >= entry->op.len)
			break;
		data = bvec_kmap_local(&bv);
		td_entry_piece(entry, off, data,
			       min_t(u64, bv.bv_len, entry->op.len - off));
		kunmap_local(data);
		off += bv.bv_len;
	}
}

/* Is the log open for an entry of @pages pages? Seals it when it gets full. */
static bool td_record_room(struct td_dev *td, unsigned int pages)
{
	struct td_record *rec = td->record;
	u64 bytes = sizeof(struct td_entry) + (u64)pages * PAGE_SIZE;

	lockdep_assert_held(&td->lock);
	if (!rec || rec->sealed)
		return false;
	if (rec->bytes + bytes > rec->limit) {
		td_record_seal(td, "overflow");
		return false;
	}
	rec->bytes += bytes;
	return true;
}

/**
 * td_record_submit() - log the arrival of an operation
 * @td: the device
 * @cmd: the operation, faults applied
 */
void td_record_submit(struct td_dev *td, struct td_cmd *cmd)
{
	const struct td_op *op = &cmd->op;
	struct td_record *rec = td->record;
	struct td_entry *entry;
	unsigned int pages = 0;

	if (op->kind == TD_WRITE && op->effect)
		pages = DIV_ROUND_UP_ULL(op->len, PAGE_SIZE);
	if (!td_record_room(td, pages))
		return;
	entry = td_entry_alloc(pages);
	if (!entry) {
		td_record_seal(td, "no memory");
		return;
	}
	entry->no = cmd->no - rec->first;
	entry->arrival = true;
	entry->op = *op;
	if (pages)
		td_entry_fill(entry, blk_mq_rq_from_pdu(cmd));
	list_add_tail(&entry->link, &rec->entries);
	rec->nr = entry->no;
}

/**
 * td_record_complete() - log the completion of an operation
 * @td: the device
 * @cmd: the operation
 */
void td_record_complete(struct td_dev *td, struct td_cmd *cmd)
{
	struct td_record *rec = td->record;
	struct td_entry *entry;

	if (!cmd->no || !td_record_room(td, 0))
		return;
	entry = td_entry_alloc(0);
	if (!entry) {
		td_record_seal(td, "no memory");
		return;
	}
	entry->no = cmd->no - rec->first;
	list_add_tail(&entry->link, &rec->entries);
}

/**
 * td_record_seal() - add nothing to the log from now on
 * @td: the device, with or without a log
 * @why: a constant text
 */
void td_record_seal(struct td_dev *td, const char *why)
{
	lockdep_assert_held(&td->lock);
	if (!td->record || td->record->sealed)
		return;
	td->record->sealed = why;
	pr_info("td_%s: record ends at operation %llu: %s\n", td->name,
		td->record->nr, why);
}

static void td_record_free(struct td_record *rec)
{
	struct td_entry *entry, *next;

	list_for_each_entry_safe(entry, next, &rec->entries, link) {
		td_entry_free(entry);
		cond_resched();
	}
	td_store_destroy(&rec->base);
	kfree(rec);
}

/**
 * td_record_start() - begin a log
 * @td: the device, ctl held
 * @limit: bytes of memory for it
 *
 * Return: 0; -EEXIST when there is one; -EBUSY when requests are in flight or
 * the device has crashed; -ENOMEM
 */
int td_record_start(struct td_dev *td, u64 limit)
{
	struct td_record *rec;
	int err;

	lockdep_assert_held(&td->ctl);
	if (td->record)
		return -EEXIST;
	rec = kzalloc(sizeof(*rec), GFP_KERNEL);
	if (!rec)
		return -ENOMEM;
	INIT_LIST_HEAD(&rec->entries);
	td_store_init(&rec->base, td->store.size, td->store.cache);
	rec->limit = limit;
	spin_lock_bh(&td->lock);
	rec->first = td->ops;
	err = -EBUSY;
	if (!td->nr_inflight && td->state == TD_RUN)
		err = td_store_clone(&rec->base, &td->store, TD_RECORD_GFP);
	if (!err)
		td->record = rec;
	spin_unlock_bh(&td->lock);
	if (err)
		td_record_free(rec);
	return err;
}

/**
 * td_record_stop() - drop the log
 * @td: the device, with or without a log, ctl held
 */
void td_record_stop(struct td_dev *td)
{
	struct td_record *rec;

	lockdep_assert_held(&td->ctl);
	spin_lock_bh(&td->lock);
	rec = td->record;
	td->record = NULL;
	spin_unlock_bh(&td->lock);
	if (rec)
		td_record_free(rec);
}

/**
 * td_record_stat() - print the state of the log
 * @td: the device, lock held
 * @reply: where to
 */
void td_record_stat(struct td_dev *td, struct seq_buf *reply)
{
	struct td_record *rec = td->record;

	seq_buf_printf(reply, "record %s\n",
		       !rec	   ? "off" :
		       rec->sealed ? "sealed" :
				     "on");
	if (!rec)
		return;
	seq_buf_printf(reply, "record_ops %llu\n", rec->nr);
	seq_buf_printf(reply, "record_bytes %llu\n", rec->bytes);
	if (rec->sealed)
		seq_buf_printf(reply, "record_sealed %s\n", rec->sealed);
}

/* Apply an operation that completed, or what a power cut leaves of it. */
static int td_entry_apply(struct td_store *st, struct td_entry *entry,
			  const struct td_keep *keep)
{
	const struct td_op *op = &entry->op;
	unsigned int i, reserved;
	void *data;

	if (op->kind == TD_FLUSH) {
		if (!keep)
			td_store_flush_end(st, entry->flush_seq, op->effect);
		return 0;
	}
	if (!op->effect)
		return 0;
	if (td_store_reserve(st, op, GFP_KERNEL, &reserved))
		return -ENOMEM;
	if (!keep)
		td_op_begin(st);
	for (i = 0; i < entry->nr_pages; i++) {
		data = kmap_local_page(entry->pages[i]);
		if (keep)
			td_op_piece_torn(st, op, (u64)i * PAGE_SIZE, data,
					 PAGE_SIZE, keep);
		else
			td_op_piece(st, op, (u64)i * PAGE_SIZE, data,
				    PAGE_SIZE);
		kunmap_local(data);
	}
	if (!keep)
		td_op_end(st, op);
	else if (op->kind == TD_WRITE)
		td_op_end_torn(st, op, keep);
	else
		td_op_zero_torn(st, op, keep);
	td_store_unreserve(st, reserved);
	return 0;
}

static struct td_entry *td_flight_find(struct list_head *flight, u64 no)
{
	struct td_entry *entry;

	list_for_each_entry(entry, flight, flight) {
		if (entry->no == no)
			return entry;
	}
	return NULL;
}

/* Replay up to and including the arrival of operation @no. */
static int td_replay(struct td_record *rec, struct td_entry *last, u64 no,
		     struct td_store *st, struct list_head *flight)
{
	struct td_entry *entry, *begun;
	int err;

	if (!no)
		return 0;
	list_for_each_entry(entry, &rec->entries, link) {
		if (entry->arrival) {
			if (entry->op.kind == TD_FLUSH)
				entry->flush_seq = td_store_flush_begin(st);
			list_add_tail(&entry->flight, flight);
			if (entry->no == no)
				return 0;
		} else {
			begun = td_flight_find(flight, entry->no);
			if (WARN_ON_ONCE(!begun))
				return -EIO;
			list_del_init(&begun->flight);
			err = td_entry_apply(st, begun, NULL);
			if (err)
				return err;
		}
		if (entry == last)
			break;
		cond_resched();
	}
	return -ERANGE;
}

/**
 * td_record_snapshot() - the content after a power cut in the past
 * @td: the device with a log, ctl held
 * @no: the cut happens when this operation arrives; 0 is when the log began
 * @keep: which sectors survive
 * @st: filled; to be destroyed by the caller, also after a failure
 *
 * Return: 0; -ENODATA without a log; -ERANGE when it is not that long; -ENOMEM
 */
int td_record_snapshot(struct td_dev *td, u64 no, const struct td_keep *keep,
		       struct td_store *st)
{
	struct td_record *rec = td->record;
	struct td_entry *last, *entry, *next;
	LIST_HEAD(flight);
	u64 nr;
	int err;

	lockdep_assert_held(&td->ctl);
	if (!rec)
		return -ENODATA;
	spin_lock_bh(&td->lock);
	nr = rec->nr;
	last = list_empty(&rec->entries) ?
		       NULL :
		       list_last_entry(&rec->entries, struct td_entry, link);
	spin_unlock_bh(&td->lock);
	if (no > nr)
		return -ERANGE;
	td_store_init(st, rec->base.size, rec->base.cache);
	err = td_store_clone(st, &rec->base, GFP_KERNEL);
	if (!err)
		err = td_replay(rec, last, no, st, &flight);
	if (!err)
		td_store_resolve(st, keep);
	list_for_each_entry_safe(entry, next, &flight, flight) {
		list_del_init(&entry->flight);
		if (!err)
			err = td_entry_apply(st, entry, keep);
	}
	if (!err && st->nomem)
		err = -ENOMEM;
	return err;
}
