// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes of the simulated cluster that get more shards while they are in use.
 *
 * Consensus decides first: from then on whoever attaches opens all shards. Then
 * it tells the holder of the term in force, which may be another one, or none,
 * by the time that it hears of it; and tells it again until it has done so.
 * What the term can't finish a new attach does (cluster_daemon.c). Replicas of
 * all shards are there from the start; until a shard is decided on nobody leads
 * it.
 */
#include "cluster.h"

/* How many shards a volume begins with, and how many it may come to. */
void cl_grow_layout(struct cl_world *w, u32 volume)
{
	struct cl_volume *vol = &w->volume[volume];

	vol->size = vol->nr;
	if (w->nr_volumes > 1 || !cl_chance(w, 50))
		return;
	vol->nr = cl_chance(w, 75) ? 3 : CL_SHARDS;
	vol->size = 1 + (u32)cl_rand(w, vol->nr - 1);
}

/* At the end there is all that there may be. */
static void cl_grow_decide(struct cl_world *w, u32 volume)
{
	struct cl_volume *vol = &w->volume[volume];

	if (vol->size == vol->nr || (!w->healing && !cl_chance(w, 4)))
		return;
	vol->size += w->healing ? vol->nr - vol->size :
				  1 + (u32)cl_rand(w, vol->nr - vol->size);
	cl_trace(w, "consensus: volume %u has %u shards\n", volume, vol->size);
}

/* Tell the holder, sooner or later, and now and then again. */
void cl_grow_run(struct cl_world *w, u32 volume)
{
	const struct cl_volume *vol = &w->volume[volume];
	const struct cl_attach *att = &w->node[vol->holder].vol[volume];

	cl_grow_decide(w, volume);
	if (!vol->holder || !w->node[vol->holder].up ||
	    att->core.term != vol->term || att->led == vol->size ||
	    !cl_chance(w, 30))
		return;
	cl_at(w, cl_rand(w, (cl_chance(w, 20) ? 800 : 60) * CL_MS),
	      &(struct cl_event){ .kind = CL_EV_GROW,
				  .a = (u8)volume,
				  .b = (u8)vol->holder,
				  .c = (u8)vol->size,
				  .arg = (u32)vol->term,
				  .life = U32_MAX });
}

/* A node hears that the volume has @nr shards, if @term is its own. */
void cl_grow_told(struct cl_world *w, u32 volume, u32 id, u64 term, u32 nr)
{
	struct cl_attach *att = &w->node[id].vol[volume];
	u32 from = att->core.nr_shards;
	int err = -ESTALE;

	if (w->node[id].up && !att->stopping && att->core.term == term)
		err = qbd_volume_grow(
			&att->core, nr,
			att->bits[att->core.shard == att->bits[0]]);
	cl_trace(w, "node %u: volume %u grows to %u shards, term %llu: %d\n",
		 id, volume, nr, term, err);
	if (err)
		return;
	w->counts.grows++;
	att->grow_ns = w->now_ns;
	cl_leaders_start(w, volume, id, from, nr);
}
