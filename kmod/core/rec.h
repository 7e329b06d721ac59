/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log index: what a store knows of the records in its log.
 *
 * Records sit in one ring of fixed size in the order of the log, from the
 * oldest one kept to the newest one that waits to be written.  The id of a
 * record is its place in that ring; it is good until the record leaves the
 * log at its tail.  Records with an index of their own (data, TERM, CONFIG)
 * are also in a list of their replica, in the order of the index, and in a
 * hash by (slot, index).
 *
 * A record that is no longer part of its history (truncated, or its copy was
 * re-logged) is dead: it keeps its place in the ring, because it keeps its
 * place in the log, and is in no list.
 *
 * PAYLOADS are the caller's: the core keeps a cookie.  A cookie is in exactly
 * one record, and when the core needs it no more it comes out of
 * qbd_store_release_next(), once.
 *
 * Under the store's lock.
 */
#ifndef QBD_CORE_REC_H
#define QBD_CORE_REC_H

#include "pos.h"
#include "wal_format.h"

#define QBD_REC_NONE U32_MAX

/**
 * enum qbd_rec_state - how far a record has come
 * @QBD_REC_FREE: the entry holds no record
 * @QBD_REC_WAITING: accepted, not yet in a segment
 * @QBD_REC_WRITING: in the segment under way
 * @QBD_REC_LOGGED: on stable media; its payload can be read from the log
 */
enum qbd_rec_state {
	QBD_REC_FREE,
	QBD_REC_WAITING,
	QBD_REC_WRITING,
	QBD_REC_LOGGED,
};

/**
 * struct qbd_rec - one record
 * @desc: what it is; @desc.replica is the replica's id
 * @payload: caller's cookie of the payload in memory, NULL if it is only in
 *	the log or if there is none
 * @lpos: log position of its first payload block; of the header if it has
 *	none; valid from QBD_REC_WRITING on
 * @prev: record before it in the replica's list
 * @next: record after it in the replica's list
 * @hash: next record of its hash chain
 * @slot: slot of its replica
 * @state: enum qbd_rec_state
 * @dead: no part of a history any more, see above
 * @pend_first: a DISCARD or ZERO that counts as pending for its first chunk,
 *	of which it covers a part only
 * @pend_last: likewise, for its last chunk
 *
 * Read-only outside of the core; @payload is changed by the two
 * qbd_store_payload_*() calls only.
 */
struct qbd_rec {
	struct qbd_desc desc;
	void *payload;
	u64 lpos;
	u32 prev;
	u32 next;
	u32 hash;
	u16 slot;
	u8 state;
	bool dead : 1;
	bool pend_first : 1;
	bool pend_last : 1;
};

/**
 * struct qbd_rec_list - records of a replica that have an index, by index
 * @first: oldest one kept
 * @last: newest one
 * @nr: how many
 */
struct qbd_rec_list {
	u32 first;
	u32 last;
	u32 nr;
};

/**
 * struct qbd_rec_index - all records of a store
 * @rec: the ring, @mask + 1 entries
 * @hash: heads of the hash chains, as many
 * @mask: size of the ring, a power of two, less one
 * @first: counts records that left at the tail; oldest one is at its place
 * @wait: counts records that went into a segment; first waiting one
 * @end: counts records that came in; next one goes to its place
 */
struct qbd_rec_index {
	struct qbd_rec *rec;
	u32 *hash;
	u32 mask;
	u64 first;
	u64 wait;
	u64 end;
};

/**
 * qbd_rec_at() - record at a place in the order of the log
 * @index: all records
 * @count: as in @index->first, ->wait, ->end
 *
 * Return: the record's id.
 */
static inline u32 qbd_rec_at(const struct qbd_rec_index *index, u64 count)
{
	return (u32)count & index->mask;
}

/**
 * qbd_rec_used() - records in the index
 * @index: all records
 *
 * Return: how many, from the tail to the newest.
 */
static inline u32 qbd_rec_used(const struct qbd_rec_index *index)
{
	return (u32)(index->end - index->first);
}

/**
 * qbd_rec_room() - room for further records
 * @index: all records
 *
 * Return: how many fit.
 */
static inline u32 qbd_rec_room(const struct qbd_rec_index *index)
{
	return index->mask + 1 - qbd_rec_used(index);
}

/**
 * qbd_rec_usable() - records of users that the index can have
 * @index: all records
 *
 * Return: how many; a segment of re-logged ones and a segment of control
 * records fit beside them.
 */
static inline u32 qbd_rec_usable(const struct qbd_rec_index *index)
{
	return index->mask + 1 - 2 * QBD_SEG_DESCS;
}

size_t qbd_rec_mem_bytes(u32 nr_recs);
void qbd_rec_init(struct qbd_rec_index *index, u32 nr_recs, void *mem);
void qbd_rec_list_init(struct qbd_rec_list *list);

u32 qbd_rec_push(struct qbd_rec_index *index, u16 slot,
		 const struct qbd_desc *desc, void *payload);
void qbd_rec_link(struct qbd_rec_index *index, struct qbd_rec_list *list,
		  u32 id);
void qbd_rec_unlink(struct qbd_rec_index *index, struct qbd_rec_list *list,
		    u32 id);
void qbd_rec_replace(struct qbd_rec_index *index, struct qbd_rec_list *list,
		     u32 old, u32 id);
u32 qbd_rec_find(const struct qbd_rec_index *index, u16 slot, u64 rec_index);
void qbd_rec_pop(struct qbd_rec_index *index);

#endif /* QBD_CORE_REC_H */
