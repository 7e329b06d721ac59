// SPDX-License-Identifier: GPL-2.0-only
/*
 * The gate over the shards of a volume; see volume.h.
 */
#include "volume.h"

/**
 * qbd_volume_init() - a volume that is not attached
 * @vol: the volume
 * @nr_shards: number of shards, at least 1
 * @shard: memory, a byte per shard
 */
void qbd_volume_init(struct qbd_volume_core *vol, u32 nr_shards, u8 *shard)
{
	memset(vol, 0, sizeof(*vol));
	vol->nr_shards = nr_shards;
	vol->shard = shard;
	memset(shard, 0, nr_shards);
}

/**
 * qbd_volume_begin() - begin an attach
 * @vol: the volume
 * @term: term granted for it
 * @nonce: random number of this attach, not 0
 *
 * S2: one term, one attach, one life of the kernel. A leader that comes back
 * under its old term assigns indexes again that it had given to other bytes
 * before; replicas that have those would keep them, because (term, index) is
 * the same. Within this life @used_term refuses the term; in the next one the
 * replicas do, for the nonce is another one.
 *
 * Return: 0; -EBUSY if attached; -ESTALE if the term can't be used (any more);
 * -EINVAL.
 */
int qbd_volume_begin(struct qbd_volume_core *vol, u64 term, u64 nonce)
{
	if (vol->state != QBD_VOLUME_DETACHED)
		return -EBUSY;
	if (!term || !nonce)
		return -EINVAL;
	if (term <= vol->used_term)
		return -ESTALE;
	vol->state = QBD_VOLUME_OPENING;
	vol->term = term;
	vol->nonce = nonce;
	vol->used_term = term;
	vol->nr_gated = 0;
	vol->nr_served = 0;
	memset(vol->nr, 0, sizeof(vol->nr));
	memset(vol->shard, 0, vol->nr_shards);
	return 0;
}

/* Note a report; true if it is the one that completes all shards. */
static bool qbd_volume_note(struct qbd_volume_core *vol, u32 shard, u64 term,
			    u8 bit)
{
	u32 *nr = &vol->nr[bit == QBD_VOLUME_PROMISED ? 0 :
			   bit == QBD_VOLUME_SERVING  ? 1 :
							2];

	if (shard >= vol->nr_shards || term != vol->term ||
	    (vol->shard[shard] & bit))
		return false;
	vol->shard[shard] |= bit;
	return ++*nr == vol->nr_shards;
}

/**
 * qbd_volume_promised() - a shard has the promises of a read quorum
 * @vol: the volume
 * @shard: its number
 * @term: term of the leader that says so
 *
 * S7: the gate opens when all have. If each shard served by itself, a new
 * holder could mount, replay the file system's journal from shard 1 and go on
 * while the old holder, cut off from shard 1's replicas only, still completes
 * a late write to shard 2: each shard's history is fine, the file system is
 * corrupt. So no OPEN is put off until the first I/O either.
 *
 * Return: QBD_VOLUME_DO_GATE or 0.
 */
u32 qbd_volume_promised(struct qbd_volume_core *vol, u32 shard, u64 term)
{
	bool all = qbd_volume_note(vol, shard, term, QBD_VOLUME_PROMISED);

	if (QBD_MUTANT(io_before_fenced))
		all = true;
	if (QBD_MUTANT(grown_before_fenced) && vol->state == QBD_VOLUME_OPEN)
		all = true;
	if (!all || vol->nr_gated == vol->nr_shards ||
	    (vol->state != QBD_VOLUME_OPENING && vol->state != QBD_VOLUME_OPEN))
		return 0;
	vol->state = QBD_VOLUME_OPEN;
	vol->nr_gated = vol->nr_shards;
	return QBD_VOLUME_DO_GATE;
}

/**
 * qbd_volume_serving() - a shard serves I/O
 * @vol: the volume
 * @shard: its number
 * @term: term of the leader that says so
 *
 * Return: once all do QBD_VOLUME_DO_SERVED, or QBD_VOLUME_DO_GROWN after a
 * growth; else 0.
 */
u32 qbd_volume_serving(struct qbd_volume_core *vol, u32 shard, u64 term)
{
	bool all = qbd_volume_note(vol, shard, term, QBD_VOLUME_SERVING);
	u32 before = vol->nr_served;

	if (QBD_MUTANT(grown_before_fenced) && before < vol->nr_shards)
		all |= before && shard >= before;
	if (!all || vol->state != QBD_VOLUME_OPEN)
		return 0;
	vol->nr_served = vol->nr_shards;
	return before ? QBD_VOLUME_DO_GROWN : QBD_VOLUME_DO_SERVED;
}

/**
 * qbd_volume_grow() - add shards to a volume that is open
 * @vol: the volume; all its shards serve, or did so before
 * @nr_shards: number of shards from now on
 * @shard: memory, a byte per shard, in place of what there is
 *
 * Their leaders are to be started now, under the same term and nonce: to the
 * replicas of a new shard that is a term like any other. S7: who attaches next
 * has to open the new shards too, whether this growth ends or not. So consensus
 * has the new size before this is called, and whoever calls it knows that the
 * term is still the highest one that was granted: a holder that is deposed and
 * does not know must not begin to serve what its successor does not open.
 *
 * Return: 0; -EBUSY if a growth is under way; -EINVAL if the volume is not open
 * or the number not higher. Then nothing has changed.
 */
int qbd_volume_grow(struct qbd_volume_core *vol, u32 nr_shards, u8 *shard)
{
	if (vol->state != QBD_VOLUME_OPEN || !vol->nr_served ||
	    nr_shards <= vol->nr_shards)
		return -EINVAL;
	if (vol->nr_served < vol->nr_shards)
		return -EBUSY;
	memcpy(shard, vol->shard, vol->nr_shards);
	memset(shard + vol->nr_shards, 0, nr_shards - vol->nr_shards);
	vol->shard = shard;
	vol->nr_shards = nr_shards;
	return 0;
}

/**
 * qbd_volume_growing() - is a growth under way?
 * @vol: the volume
 *
 * Return: true if there are shards that nobody was told of yet.
 */
bool qbd_volume_growing(const struct qbd_volume_core *vol)
{
	return vol->nr_served && vol->nr_served < vol->nr_shards;
}

/**
 * qbd_volume_lost() - a shard learned of a higher term
 * @vol: the volume
 * @term: that term, 0 = unknown
 *
 * S7: all of them stop, without waiting to be told one by one.
 *
 * Return: QBD_VOLUME_DO_STOP the first time, else 0.
 */
u32 qbd_volume_lost(struct qbd_volume_core *vol, u64 term)
{
	vol->used_term = max(vol->used_term, term);
	if (vol->state == QBD_VOLUME_DETACHED || vol->state == QBD_VOLUME_LOST)
		return 0;
	vol->state = QBD_VOLUME_LOST;
	return QBD_VOLUME_DO_STOP;
}

/**
 * qbd_volume_release() - begin a clean detach
 * @vol: the volume
 *
 * A growth that is under way is given up: its shards may be without a quorum
 * for as long as they like, and nobody wrote to them.
 *
 * Return: 0, now QBD_LEADER_RELEASE to the first @nr_shards, QBD_LEADER_STOP to
 * those behind; -EINVAL if there is nothing to release: force it instead.
 */
int qbd_volume_release(struct qbd_volume_core *vol)
{
	if (vol->state != QBD_VOLUME_OPEN)
		return -EINVAL;
	vol->state = QBD_VOLUME_RELEASING;
	if (qbd_volume_growing(vol))
		vol->nr_shards = vol->nr_served;
	return 0;
}

/**
 * qbd_volume_released() - a shard has drained and given up its term
 * @vol: the volume
 * @shard: its number
 * @term: term of the leader that says so
 *
 * Return: QBD_VOLUME_DO_DETACHED once all have, else 0.
 */
u32 qbd_volume_released(struct qbd_volume_core *vol, u32 shard, u64 term)
{
	if (vol->state != QBD_VOLUME_RELEASING)
		return 0;
	return qbd_volume_note(vol, shard, term, QBD_VOLUME_RELEASED) ?
		       QBD_VOLUME_DO_DETACHED :
		       0;
}

/**
 * qbd_volume_end() - the leaders are gone
 * @vol: the volume
 */
void qbd_volume_end(struct qbd_volume_core *vol)
{
	vol->state = QBD_VOLUME_DETACHED;
	vol->nonce = 0;
}

/**
 * qbd_volume_waits_for() - which shard holds things up? (V9)
 * @vol: the volume
 *
 * Return: number of the first shard that has not done what the state waits
 * for, U32_MAX if it waits for none.
 */
u32 qbd_volume_waits_for(const struct qbd_volume_core *vol)
{
	u32 i;
	u8 bit;

	switch (vol->state) {
	case QBD_VOLUME_OPENING:
		bit = QBD_VOLUME_PROMISED;
		break;
	case QBD_VOLUME_OPEN:
		bit = vol->nr_gated < vol->nr_shards ? QBD_VOLUME_PROMISED :
						       QBD_VOLUME_SERVING;
		break;
	case QBD_VOLUME_RELEASING:
		bit = QBD_VOLUME_RELEASED;
		break;
	case QBD_VOLUME_DETACHED:
	case QBD_VOLUME_LOST:
	default:
		return U32_MAX;
	}
	for (i = 0; i < vol->nr_shards; i++)
		if (!(vol->shard[i] & bit))
			return i;
	return U32_MAX;
}
