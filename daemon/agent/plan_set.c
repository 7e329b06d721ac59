// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planner: sets, size and policies of a volume that runs here (plan.h).
 */
#include "plan_inner.h"

static u8 plan_role(u8 role)
{
	static const u8 roles[] = {
		[STATE_ROLE_VOTER] = QBD_MEMBER_ROLE_VOTER,
		[STATE_ROLE_LEARNER] = QBD_MEMBER_ROLE_LEARNER,
		[STATE_ROLE_JOINING] = QBD_MEMBER_ROLE_JOINING,
		[STATE_ROLE_LEAVING] = QBD_MEMBER_ROLE_LEAVING,
	};

	return roles[role];
}

/**
 * plan_set_same() - has the kernel the set that consensus has?
 * @shard: as consensus has it
 * @is: as the kernel has it
 *
 * Return: true if so.
 */
bool plan_set_same(const struct want_shard *shard, const struct seen_shard *is)
{
	const struct want_member *member = shard->member;
	u32 i, j, nr = 0;

	if (shard->epoch != is->epoch)
		return false;
	for (i = 0; i < shard->nr; i++) {
		if (member[i].role == STATE_ROLE_GONE)
			continue;
		nr++;
		for (j = 0; j < is->nr; j++)
			if (is->member[j].replica == member[i].replica &&
			    is->member[j].role == plan_role(member[i].role))
				break;
		if (j == is->nr)
			return false;
	}
	return nr == is->nr;
}

/* A learner that nobody has made can not be filled. */
static bool plan_set_ready(const struct want_shard *shard)
{
	u32 i;

	for (i = 0; i < shard->nr; i++)
		if (shard->member[i].role == STATE_ROLE_LEARNER &&
		    !shard->member[i].made)
			return false;
	return true;
}

static u32 plan_set_sum(const struct want_shard *shard, u64 term)
{
	u32 sum = crc32c(~0U, &term, sizeof(term)), i;

	sum = crc32c(sum, &shard->epoch, sizeof(shard->epoch));
	for (i = 0; i < shard->nr; i++) {
		sum = crc32c(sum, &shard->member[i].replica,
			     sizeof(shard->member[i].replica));
		sum = crc32c(sum, &shard->member[i].role,
			     sizeof(shard->member[i].role));
	}
	return sum ?: 1;
}

/*
 * The leader keeps what it was told until its time has come, so it is told once
 * under each term; it shows another set only then.
 */
static void plan_config(struct plan *plan, const struct want_shard *shard,
			u64 term)
{
	struct agent_key object =
		AGENT_KEY(0, shard->key.id, shard->key.number);
	struct agent_try *try =
		agent_try(plan->agent, QBD_CMD_SHARD_CONFIG, object);
	u32 sum = plan_set_sum(shard, term);
	struct agent_request *req;

	if (try && try->done && try->sum == sum)
		return;
	/* what failed was another set */
	if (try && !try->busy && try->sum != sum)
		try->again_ms = 0;
	req = plan_ask(plan, QBD_CMD_SHARD_CONFIG, object);
	if (!req)
		return;
	agent_try(plan->agent, QBD_CMD_SHARD_CONFIG, object)->sum = sum;
	req->volume = shard->key.id;
	req->shard = shard->key.number;
	req->term = term;
	req->nr_sets = 1;
	req->set[0] = shard;
}

static void plan_configs(struct plan *plan, const struct want_volume *volume,
			 const struct seen_volume *is)
{
	const struct agent_map *map = &plan->want->now;
	u32 at = agent_map_from(map, AGENT_KEY(WANT_SHARD, volume->key.id, 0));
	const struct want_shard *shard;
	const struct seen_shard *led;

	for (; at < map->nr; at++) {
		shard = map->at[at];
		if (shard->key.kind != WANT_SHARD ||
		    shard->key.id != volume->key.id)
			break;
		led = seen_shard(plan->seen, shard->key.id, shard->key.number);
		/* a higher epoch in the kernel: what is wanted is older */
		if (led && led->term == is->term &&
		    led->epoch <= shard->epoch && !plan_set_same(shard, led) &&
		    plan_set_ready(shard))
			plan_config(plan, shard, is->term);
	}
}

static void plan_grow(struct plan *plan, const struct want_volume *volume,
		      const struct seen_volume *is)
{
	struct agent_volume *av =
		agent_map_make(&plan->agent->volumes,
			       AGENT_KEY(0, volume->key.id, 0), sizeof(*av));
	u64 size = plan_size(volume), shard = 1ULL << volume->shift;
	u32 nr = (size + shard - 1) >> volume->shift;
	struct agent_request *req;

	if (!av || size <= is->size || size == is->growing ||
	    !want_whole(plan->want, volume, nr))
		return;
	req = plan_ask(plan, QBD_CMD_VOLUME_GROW,
		       AGENT_KEY(0, volume->key.id, 0));
	if (!req)
		return;
	if (av->grow != size) {
		av->grow = size;
		av->grow_next = (is->size + shard - 1) >> volume->shift;
	}
	req->volume = volume->key.id;
	req->term = is->term;
	req->size = size;
	while (req->nr_sets < AGENT_SETS_MAX &&
	       av->grow_next + req->nr_sets < nr) {
		req->set[req->nr_sets] =
			want_shard(plan->want, volume->key.id,
				   av->grow_next + req->nr_sets);
		req->nr_sets++;
	}
	req->more = av->grow_next + req->nr_sets < nr;
}

static void plan_policies(struct plan *plan, const struct want_volume *volume,
			  const struct seen_volume *is)
{
	struct agent_request *req;

	/* 0 is whatever the kernel takes for it */
	if (volume->on_no_quorum == is->on_no_quorum &&
	    (!volume->no_quorum_ms || volume->no_quorum_ms == is->no_quorum_ms))
		return;
	req = plan_ask(plan, QBD_CMD_VOLUME_SET,
		       AGENT_KEY(0, volume->key.id, 0));
	if (!req)
		return;
	req->volume = volume->key.id;
	req->on_no_quorum = volume->on_no_quorum;
	req->no_quorum_ms = volume->no_quorum_ms;
}

/**
 * plan_sets() - what may change while a volume runs here
 * @plan: the call
 * @volume: as consensus has it, under the same term
 * @is: as the kernel has it
 */
void plan_sets(struct plan *plan, const struct want_volume *volume,
	       const struct seen_volume *is)
{
	plan_policies(plan, volume, is);
	if (seen_fresh(plan->seen, SEEN_SHARD))
		plan_configs(plan, volume, is);
	if (is->state == QBD_VOLUME_STATE_SERVING ||
	    is->state == QBD_VOLUME_STATE_SUSPENDED)
		plan_grow(plan, volume, is);
}
