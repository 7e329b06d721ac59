// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries in memory: two rings, and where the store is (log.h). It knows no
 * rule of Raft but that terms do not fall and indexes have no gaps.
 */
#include "log.h"

static struct raft_slot *raft_log_slot(const struct raft_log *log, u64 index)
{
	return &log->slot[index & (log->slots - 1)];
}

/**
 * raft_log_reset() - an empty log
 * @log: the log; its memory is kept
 * @base: what comes before its first entry
 */
void raft_log_reset(struct raft_log *log, struct raft_pos base)
{
	log->base = base;
	log->last = base.index;
	log->stored = base.index;
	log->durable = base.index;
}

/**
 * raft_log_term() - term of an entry
 * @log: the log
 * @index: from the base to the last one
 *
 * Return: its term; 0: not in memory.
 */
u64 raft_log_term(const struct raft_log *log, u64 index)
{
	if (index == log->base.index)
		return log->base.term;
	if (index < log->base.index || index > log->last)
		return 0;
	return raft_log_slot(log, index)->term;
}

/**
 * raft_log_has() - is this entry in the log?
 * @log: the log
 * @pos: the entry; index 0 is in each log
 *
 * Return: true if so; false if it is below the base, too.
 */
bool raft_log_has(const struct raft_log *log, struct raft_pos pos)
{
	return pos.index >= log->base.index && pos.index <= log->last &&
	       raft_log_term(log, pos.index) == pos.term;
}

/**
 * raft_log_last() - the last entry
 * @log: the log
 *
 * Return: its place.
 */
struct raft_pos raft_log_last(const struct raft_log *log)
{
	return (struct raft_pos){ raft_log_term(log, log->last), log->last };
}

/**
 * raft_log_agree() - where may this log agree with another one?
 * @log: the log
 * @limit: an entry of the other one; they part at or before it
 *
 * Terms do not fall: entries with a higher term, or behind it, are not in both.
 *
 * Return: the last entry that may be in both; the base if all are ruled out.
 */
struct raft_pos raft_log_agree(const struct raft_log *log,
			       struct raft_pos limit)
{
	u64 index = min(limit.index, log->last);

	while (index > log->base.index &&
	       raft_log_term(log, index) > limit.term)
		index--;
	index = max(index, log->base.index);
	return (struct raft_pos){ raft_log_term(log, index), index };
}

/**
 * raft_log_newer() - is this log more complete than one that ends there?
 * @log: the log
 * @last: the last entry of the other one
 *
 * Return: true if so: no vote for that one.
 */
bool raft_log_newer(const struct raft_log *log, struct raft_pos last)
{
	struct raft_pos own = raft_log_last(log);

	if (own.term != last.term)
		return own.term > last.term;
	return own.index > last.index;
}

static u64 raft_log_head(const struct raft_log *log)
{
	const struct raft_slot *slot;

	if (log->last == log->base.index)
		return 0;
	slot = raft_log_slot(log, log->last);
	return slot->at + slot->bytes;
}

/* Where @bytes in one piece go, from @head on. */
static u64 raft_log_place(const struct raft_log *log, u64 head, u32 bytes)
{
	u64 offset = head % log->pool_bytes;

	if (offset + bytes > log->pool_bytes)
		head += log->pool_bytes - offset;
	return head;
}

/**
 * raft_log_append() - one more entry
 * @log: the log
 * @entry: it; data is copied
 *
 * Return: 0; -ENOSPC: no room, nothing changed.
 */
int raft_log_append(struct raft_log *log, const struct raft_entry *entry)
{
	struct raft_slot *slot;
	u64 head = raft_log_head(log), at, tail = 0;

	if (RAFT_BUG(entry->pos.index != log->last + 1) ||
	    RAFT_BUG(entry->pos.term < raft_log_term(log, log->last)))
		return -EUCLEAN;
	if (log->last - log->base.index >= log->slots)
		return -ENOSPC;
	if (log->last != log->base.index)
		tail = raft_log_slot(log, log->base.index + 1)->at;
	at = raft_log_place(log, head, entry->bytes);
	if (at + entry->bytes - tail > log->pool_bytes)
		return -ENOSPC;
	slot = raft_log_slot(log, entry->pos.index);
	slot->term = entry->pos.term;
	slot->at = at;
	slot->bytes = entry->bytes;
	slot->type = entry->type;
	if (entry->bytes)
		memcpy(log->pool + at % log->pool_bytes, entry->data,
		       entry->bytes);
	log->last++;
	return 0;
}

/**
 * raft_log_get() - an entry
 * @log: the log
 * @index: which
 * @entry: it; its data is the log's
 *
 * Return: 0; -ENOENT: not in memory.
 */
int raft_log_get(const struct raft_log *log, u64 index,
		 struct raft_entry *entry)
{
	const struct raft_slot *slot = raft_log_slot(log, index);

	if (index <= log->base.index || index > log->last)
		return -ENOENT;
	entry->pos.term = slot->term;
	entry->pos.index = index;
	entry->type = slot->type;
	entry->bytes = slot->bytes;
	entry->data = log->pool + slot->at % log->pool_bytes;
	return 0;
}

/**
 * raft_log_truncate() - forget entries at the end
 * @log: the log
 * @keep: the last one that stays
 */
void raft_log_truncate(struct raft_log *log, u64 keep)
{
	if (RAFT_BUG(keep < log->base.index))
		return;
	log->last = min(log->last, keep);
	log->stored = min(log->stored, keep);
	log->durable = min(log->durable, keep);
}

/**
 * raft_log_drop() - forget entries at the beginning
 * @log: the log
 * @through: the last one that goes; it is the base then
 */
void raft_log_drop(struct raft_log *log, u64 through)
{
	if (RAFT_BUG(through > log->last) || through <= log->base.index)
		return;
	log->base = (struct raft_pos){ raft_log_term(log, through), through };
	/* what a snapshot has need not be stored as entries */
	log->stored = max(log->stored, through);
	log->durable = max(log->durable, through);
}

/**
 * raft_log_space() - room for data
 * @log: the log
 *
 * Return: bytes that no entry takes; not in one piece.
 */
u64 raft_log_space(const struct raft_log *log)
{
	if (log->last == log->base.index)
		return log->pool_bytes;
	return log->pool_bytes - (raft_log_head(log) -
				  raft_log_slot(log, log->base.index + 1)->at);
}

/**
 * raft_log_room() - room for entries
 * @log: the log
 *
 * Return: how many fit, if their data does.
 */
u64 raft_log_room(const struct raft_log *log)
{
	return log->slots - (log->last - log->base.index);
}
