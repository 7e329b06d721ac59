// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who may have how much of a log; see share.h.
 *
 * Context: under the store's lock, or at open.  The number of replicas changes
 * seldom: then all are visited.
 */
#include "env.h"
#include "share.h"
#include "store_core.h"

/**
 * qbd_share_init() - divide among a number of replicas, who hold nothing
 * @share: to be filled in
 * @usable: what there is to divide
 * @nr: how many replicas
 * @least: what each needs
 *
 * Return: true if that is enough for so many.
 */
bool qbd_share_init(struct qbd_share *share, u64 usable, u32 nr, u64 least)
{
	u64 live = usable * 3 / 4;
	u64 each;

	nr = max(nr, 1U);
	share->own = max(div_u64(usable / 4, nr), least);
	each = share->own * nr;
	share->common = live - min(live, each);
	share->most = max(usable / 2, share->own);
	share->over = 0;
	return each <= live;
}

static u64 qbd_share_over(const struct qbd_share *share, u64 held)
{
	return held - min(held, share->own);
}

/**
 * qbd_share_moved() - a replica holds more now, or less
 * @share: how it is divided
 * @from: what it held
 * @to: what it holds
 */
void qbd_share_moved(struct qbd_share *share, u64 from, u64 to)
{
	share->over += qbd_share_over(share, to);
	share->over -= qbd_share_over(share, from);
}

/**
 * qbd_share_allows() - may a replica hold more?
 * @share: how it is divided
 * @held: what it holds
 * @more: what it wants
 *
 * Return: true if so.
 */
bool qbd_share_allows(const struct qbd_share *share, u64 held, u64 more)
{
	struct qbd_share then = *share;

	if (held + more <= share->own)
		return true;
	if (held + more > share->most)
		return false;
	qbd_share_moved(&then, held, held + more);
	return qbd_share_sound(&then) || QBD_MUTANT(share_ignored);
}

/**
 * qbd_share_sound() - could each have its own part now?
 * @share: how it is divided
 *
 * Return: true if so.
 */
bool qbd_share_sound(const struct qbd_share *share)
{
	return share->over <= share->common;
}

/* --- of a store -------------------------------------------------------- */

/* A replica that is being deleted has its records until it is a tombstone. */
static bool qbd_share_counts(const struct qbd_slot *slot)
{
	return slot->state == QBD_SLOT_USED || slot->state == QBD_SLOT_DELETED;
}

/* Blocks that its live records may need when they are logged again. */
static u64 qbd_share_held(const struct qbd_slot *slot)
{
	return slot->live_blocks + slot->live_recs;
}

/* The largest record, and a header of its own. */
static u64 qbd_share_least(const struct qbd_store_core *core)
{
	return min_t(u64, core->ring.payload_max, QBD_REC_BLOCKS_MAX) + 1;
}

/* Divide among those that there are, and some more. */
static bool qbd_share_divide(const struct qbd_store_core *core, u32 more,
			     struct qbd_share *blocks, struct qbd_share *recs)
{
	const struct qbd_ring *ring = &core->ring;
	u32 nr = more;
	bool enough;
	u32 i;

	for (i = 0; i < core->nr_slots; i++)
		nr += qbd_share_counts(&core->slot[i]);
	enough = qbd_share_init(blocks, qbd_ring_usable(ring), nr,
				qbd_share_least(core));
	enough &= qbd_share_init(recs, qbd_rec_usable(&core->index), nr, 1);
	for (i = 0; i < core->nr_slots; i++) {
		const struct qbd_slot *slot = &core->slot[i];

		if (!qbd_share_counts(slot))
			continue;
		qbd_share_moved(blocks, 0, qbd_share_held(slot));
		qbd_share_moved(recs, 0, slot->live_recs);
	}
	return enough;
}

static bool qbd_share_leaving(const struct qbd_store_core *core)
{
	u32 i;

	for (i = 0; i < core->nr_slots; i++)
		if (core->slot[i].state == QBD_SLOT_DELETED)
			return true;
	return false;
}

/**
 * qbd_share_join() - is there a share for one replica more?
 * @core: the store; nothing changes
 *
 * Return: 0; -EAGAIN if others hold it, or if one that has it is being
 * deleted; -ENOSPC if the log is too small.
 */
int qbd_share_join(struct qbd_store_core *core)
{
	struct qbd_share blocks, recs;

	if (!qbd_share_divide(core, 1, &blocks, &recs)) {
		/* Soon those that are deleted will not count any more. */
		if (!qbd_share_leaving(core))
			return -ENOSPC;
		core->want_slot = true;
		return -EAGAIN;
	}
	if (qbd_share_sound(&blocks) && qbd_share_sound(&recs))
		return 0;
	core->starved = true;
	return -EAGAIN;
}

/**
 * qbd_share_recount() - there are more replicas, or fewer
 * @core: the store
 */
void qbd_share_recount(struct qbd_store_core *core)
{
	/* Too small for them: then nothing is common, and some have to wait. */
	(void)qbd_share_divide(core, 0, &core->share_blocks, &core->share_recs);
}

/**
 * qbd_share_more() - a replica has one live record more
 * @core: the store
 * @slot: the replica
 * @payload_blocks: of the record
 */
void qbd_share_more(struct qbd_store_core *core, struct qbd_slot *slot,
		    u32 payload_blocks)
{
	u64 held = qbd_share_held(slot);

	slot->live_recs++;
	slot->live_blocks += payload_blocks;
	core->live_recs++;
	core->live_blocks += payload_blocks;
	qbd_share_moved(&core->share_blocks, held, qbd_share_held(slot));
	qbd_share_moved(&core->share_recs, slot->live_recs - 1,
			slot->live_recs);
}

/**
 * qbd_share_less() - a replica has one live record less
 * @core: the store
 * @slot: the replica
 * @payload_blocks: of the record
 */
void qbd_share_less(struct qbd_store_core *core, struct qbd_slot *slot,
		    u32 payload_blocks)
{
	u64 held = qbd_share_held(slot);

	slot->live_recs--;
	slot->live_blocks -= payload_blocks;
	core->live_recs--;
	core->live_blocks -= payload_blocks;
	qbd_share_moved(&core->share_blocks, held, qbd_share_held(slot));
	qbd_share_moved(&core->share_recs, slot->live_recs + 1,
			slot->live_recs);
}

/**
 * qbd_share_room() - may a replica have one live record more?
 * @core: the store
 * @slot: the replica
 * @payload_blocks: of the record
 *
 * Return: true if so.
 */
bool qbd_share_room(const struct qbd_store_core *core,
		    const struct qbd_slot *slot, u32 payload_blocks)
{
	return qbd_share_allows(&core->share_blocks, qbd_share_held(slot),
				1 + payload_blocks) &&
	       qbd_share_allows(&core->share_recs, slot->live_recs, 1);
}
