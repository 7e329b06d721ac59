// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log index; see rec.h for what it holds.
 *
 * Entries, list and hash are changed here and nowhere else.  What a record
 * means (positions, overlays, reservations) is for slot.c; when it may leave
 * the log is for the checkpoint.  Every call is O(1) but qbd_rec_link() of a
 * record out of order, which only replay does.
 */
#include "env.h"
#include "rec.h"

/**
 * qbd_rec_mem_bytes() - memory of a log index
 * @nr_recs: records, a power of two
 *
 * Return: bytes.
 */
size_t qbd_rec_mem_bytes(u32 nr_recs)
{
	return array_size(nr_recs, sizeof(struct qbd_rec) + sizeof(u32));
}

/**
 * qbd_rec_init() - start with an empty index
 * @index: to be filled in
 * @nr_recs: records, a power of two
 * @mem: as qbd_rec_mem_bytes() says, zero-filled
 */
void qbd_rec_init(struct qbd_rec_index *index, u32 nr_recs, void *mem)
{
	u32 i;

	memset(index, 0, sizeof(*index));
	index->rec = mem;
	index->hash = (u32 *)(index->rec + nr_recs);
	index->mask = nr_recs - 1;
	for (i = 0; i < nr_recs; i++)
		index->hash[i] = QBD_REC_NONE;
}

/**
 * qbd_rec_list_init() - start with an empty list
 * @list: to be filled in
 */
void qbd_rec_list_init(struct qbd_rec_list *list)
{
	list->first = QBD_REC_NONE;
	list->last = QBD_REC_NONE;
	list->nr = 0;
}

/*
 * Indexes of a replica are contiguous, so they spread evenly by themselves;
 * the slot only has to move each replica's run to another place.
 */
static u32 *qbd_rec_chain(const struct qbd_rec_index *index, u16 slot,
			  u64 rec_index)
{
	u32 key = (u32)rec_index + slot * 0x9e3779b1U;

	return &index->hash[key & index->mask];
}

/**
 * qbd_rec_push() - a record joins the log
 * @index: all records; there is room
 * @slot: slot of its replica
 * @desc: what it is
 * @payload: cookie, or NULL
 *
 * Return: its id.
 */
u32 qbd_rec_push(struct qbd_rec_index *index, u16 slot,
		 const struct qbd_desc *desc, void *payload)
{
	u32 id = qbd_rec_at(index, index->end);
	struct qbd_rec *rec = &index->rec[id];

	if (QBD_CORE_BUG(!qbd_rec_room(index)))
		return QBD_REC_NONE;
	index->end++;
	rec->desc = *desc;
	rec->payload = payload;
	rec->lpos = 0;
	rec->prev = QBD_REC_NONE;
	rec->next = QBD_REC_NONE;
	rec->hash = QBD_REC_NONE;
	rec->slot = slot;
	rec->state = QBD_REC_WAITING;
	rec->dead = false;
	rec->pend_first = false;
	rec->pend_last = false;
	return id;
}

/* The record of @list after which one with @rec_index belongs. */
static u32 qbd_rec_before(const struct qbd_rec_index *index,
			  const struct qbd_rec_list *list, u16 slot,
			  u64 rec_index)
{
	u32 id = list->last;

	if (id == QBD_REC_NONE || index->rec[id].desc.index < rec_index)
		return id;
	if (index->rec[list->first].desc.index > rec_index)
		return QBD_REC_NONE;
	/* Re-logged records come in runs: the one before is there. */
	id = qbd_rec_find(index, slot, rec_index - 1);
	if (id != QBD_REC_NONE)
		return id;
	for (id = list->last; index->rec[id].desc.index > rec_index;)
		id = index->rec[id].prev;
	return id;
}

/**
 * qbd_rec_link() - a record becomes part of its replica's history
 * @index: all records
 * @list: the replica's records
 * @id: the record; no other one of the list has its index
 */
void qbd_rec_link(struct qbd_rec_index *index, struct qbd_rec_list *list,
		  u32 id)
{
	struct qbd_rec *rec = &index->rec[id];
	u32 *chain = qbd_rec_chain(index, rec->slot, rec->desc.index);

	rec->prev = qbd_rec_before(index, list, rec->slot, rec->desc.index);
	if (rec->prev == QBD_REC_NONE) {
		rec->next = list->first;
		list->first = id;
	} else {
		rec->next = index->rec[rec->prev].next;
		index->rec[rec->prev].next = id;
	}
	if (rec->next == QBD_REC_NONE)
		list->last = id;
	else
		index->rec[rec->next].prev = id;
	rec->hash = *chain;
	*chain = id;
	list->nr++;
}

static void qbd_rec_unhash(struct qbd_rec_index *index, u32 id)
{
	struct qbd_rec *rec = &index->rec[id];
	u32 *at = qbd_rec_chain(index, rec->slot, rec->desc.index);

	while (*at != QBD_REC_NONE && *at != id)
		at = &index->rec[*at].hash;
	if (QBD_CORE_BUG(*at == QBD_REC_NONE))
		return;
	*at = rec->hash;
	rec->hash = QBD_REC_NONE;
}

/**
 * qbd_rec_unlink() - a record is no longer part of its replica's history
 * @index: all records
 * @list: the replica's records
 * @id: the record
 */
void qbd_rec_unlink(struct qbd_rec_index *index, struct qbd_rec_list *list,
		    u32 id)
{
	struct qbd_rec *rec = &index->rec[id];

	qbd_rec_unhash(index, id);
	if (rec->prev == QBD_REC_NONE)
		list->first = rec->next;
	else
		index->rec[rec->prev].next = rec->next;
	if (rec->next == QBD_REC_NONE)
		list->last = rec->prev;
	else
		index->rec[rec->next].prev = rec->prev;
	rec->prev = QBD_REC_NONE;
	rec->next = QBD_REC_NONE;
	list->nr--;
}

/**
 * qbd_rec_replace() - a copy takes the place of a record
 * @index: all records
 * @list: the replica's records
 * @old: the record, part of @list
 * @id: its copy in the log, same slot and index
 */
void qbd_rec_replace(struct qbd_rec_index *index, struct qbd_rec_list *list,
		     u32 old, u32 id)
{
	index->rec[id].pend_first = index->rec[old].pend_first;
	index->rec[id].pend_last = index->rec[old].pend_last;
	qbd_rec_unlink(index, list, old);
	qbd_rec_link(index, list, id);
}

/**
 * qbd_rec_find() - record of a replica with an index
 * @index: all records
 * @slot: slot of the replica
 * @rec_index: the index
 *
 * Return: its id, QBD_REC_NONE if the log has it not.
 */
u32 qbd_rec_find(const struct qbd_rec_index *index, u16 slot, u64 rec_index)
{
	u32 id = *qbd_rec_chain(index, slot, rec_index);

	while (id != QBD_REC_NONE) {
		const struct qbd_rec *rec = &index->rec[id];

		if (rec->slot == slot && rec->desc.index == rec_index)
			break;
		id = rec->hash;
	}
	return id;
}

/**
 * qbd_rec_pop() - the oldest record leaves the log
 * @index: all records
 *
 * It is in no list any more, and its payload was released.
 */
void qbd_rec_pop(struct qbd_rec_index *index)
{
	struct qbd_rec *rec = &index->rec[qbd_rec_at(index, index->first)];

	if (QBD_CORE_BUG(rec->payload || index->first == index->end))
		return;
	rec->state = QBD_REC_FREE;
	index->first++;
}
