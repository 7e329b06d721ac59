// SPDX-License-Identifier: GPL-2.0-only
/*
 * What has to hold, looked at from outside: before and after each command.
 */
#include "state_sim.h"

/* What the state was before, as far as the command is about it. */
static struct {
	struct state_volume volume;
	struct state_shard shard;
	struct state_token token;
	bool has_volume;
	bool has_shard;
	bool has_token;
	u32 in_use;
	u32 next_node;
	u32 level;
	u64 now_ms;
} old;

/**
 * ss_digest() - a number for the content of a state
 * @s: the state
 *
 * Return: the number; clock, count of commands and clients are left out.
 */
u64 ss_digest(const struct state *s)
{
	static u8 chunk[STATE_CHUNK_BYTES_MAX];
	struct state_cluster cluster = s->cluster;
	struct state_snapshot snap;
	u64 digest;
	int bytes;

	cluster.now_ms = 0;
	cluster.applied = 0;
	cluster.next_client = 0;
	digest = crc32c(~0U, &cluster, sizeof(cluster));
	state_snapshot_begin(&snap, s);
	while (snap.section < STATE_SECTION_CLIENTS) {
		bool head = snap.section == STATE_SECTION_HEAD;

		bytes = state_snapshot_next(&snap, chunk, sizeof(chunk));
		if (!head)
			digest = digest * 31 + crc32c(~0U,
						      chunk + STATE_CHUNK_HEAD,
						      bytes - STATE_CHUNK_HEAD);
	}
	return digest;
}

/* Replicas in sets of volumes that are not being deleted. */
static u32 ss_in_use(const struct state *s)
{
	const struct state_shard *shard;
	u32 slot, volume, nr = 0;

	for (slot = state_next(s, STATE_SHARDS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_SHARDS, slot + 1)) {
		shard = state_shard_at(s, slot);
		volume = state_find(s, STATE_BY_VOLUME_ID, shard->volume);
		if (state_volume_at(s, volume)->state != STATE_VOLUME_DELETING)
			nr += shard->nr;
	}
	return nr;
}

/**
 * ss_before() - look at what a command is about
 * @w: the schedule
 * @cmd: the command
 */
void ss_before(struct ss_world *w, const struct state_cmd *cmd)
{
	const struct state *s = w->a;
	u32 slot = state_find(s, STATE_BY_VOLUME_ID, cmd->volume);

	old.has_volume = slot != STATE_NONE;
	if (old.has_volume)
		old.volume = *state_volume_at(s, slot);
	slot = state_find(s, STATE_BY_SHARD,
			  state_shard_key(cmd->volume, cmd->number));
	old.has_shard = slot != STATE_NONE;
	if (old.has_shard)
		old.shard = *state_shard_at(s, slot);
	slot = state_find(s, STATE_BY_TOKEN, cmd->id);
	old.has_token = slot != STATE_NONE;
	if (old.has_token)
		old.token = *(struct state_token *)state_object(s, STATE_TOKENS,
								slot);
	old.in_use = ss_in_use(s);
	old.next_node = s->cluster.next_node;
	old.level = s->cluster.setting[STATE_SET_FEATURE];
	old.now_ms = max(s->cluster.now_ms, cmd->now_ms);
}

static void ss_terms(struct ss_world *w)
{
	const struct state_volume *volume;
	u32 slot = 0;

	while ((volume = state_volume_walk(w->a, &slot))) {
		if (volume->id >= SS_VOLUMES)
			continue;
		if (volume->term < w->term[volume->id])
			ss_broken(w, "R3", "term of volume %u: %llu after %llu",
				  volume->id, volume->term,
				  w->term[volume->id]);
		w->term[volume->id] = volume->term;
	}
}

static void ss_replica(struct ss_world *w, u64 member, u64 key)
{
	u64 id = STATE_MEMBER_ID(member);

	if (id >= SS_REPLICAS)
		return;
	if (w->owner[id] && w->owner[id] != key + 1)
		ss_broken(w, "R3", "replica %llu is used again", id);
	w->owner[id] = key + 1;
}

static void ss_shards(struct ss_world *w)
{
	const struct state_change *change;
	const struct state_shard *shard;
	u32 slot, i;
	u64 key, *epoch;

	for (slot = state_next(w->a, STATE_SHARDS, 0); slot != STATE_NONE;
	     slot = state_next(w->a, STATE_SHARDS, slot + 1)) {
		shard = state_shard_at(w->a, slot);
		if (shard->volume >= SS_VOLUMES || shard->number >= SS_SHARDS)
			continue;
		epoch = &w->epoch[shard->volume][shard->number];
		if (shard->epoch < *epoch)
			ss_broken(w, "R3", "epoch of shard %u of volume %u",
				  shard->number, shard->volume);
		*epoch = shard->epoch;
		key = state_shard_key(shard->volume, shard->number);
		for (i = 0; i < shard->nr; i++)
			ss_replica(w, state_members(w->a, shard)[i], key);
		change = state_change_of(w->a, slot, NULL);
		for (i = 0; change && i < change->nr; i++)
			ss_replica(w, change->add[i], key);
	}
}

static void ss_opens(struct ss_world *w)
{
	const struct state_store *store;
	u32 slot = 0;

	while ((store = state_store_walk(w->a, &slot))) {
		if (store->id >= SS_STORES)
			continue;
		if (store->opens < w->opens[store->id])
			ss_broken(w, "R8", "store %u", store->id);
		w->opens[store->id] = store->opens;
	}
}

/* What a report says was not less than what was known before it. */
static void ss_reported(struct ss_world *w, const struct state_cmd *cmd)
{
	struct state_in in = { cmd->rest.data, cmd->rest.bytes, false };
	u64 opens;
	u32 id;

	while (in.left && !in.bad) {
		id = state_get(&in, 4);
		opens = state_get(&in, 8);
		state_get(&in, 8);
		if (id < SS_STORES && opens < w->opens[id])
			ss_broken(w, "R8", "store %u: %llu opens after %llu",
				  id, opens, w->opens[id]);
	}
}

static void ss_attached(struct ss_world *w, const struct state_cmd *cmd,
			const struct state_result *res)
{
	bool mine = old.volume.holder == cmd->node;
	bool same = mine && old.volume.session == cmd->session &&
		    res->arg[0] == old.volume.term;
	bool evidence = cmd->flags & STATE_ATTACH_TAKEOVER &&
			cmd->term == old.volume.term;

	if (same)
		return;
	if (res->arg[0] <= old.volume.term)
		ss_broken(w, "R5", "volume %u: term %llu after %llu",
			  cmd->volume, res->arg[0], old.volume.term);
	if (cmd->flags & STATE_ATTACH_AUTO && old.volume.parked)
		ss_broken(w, "R5", "volume %u was parked", cmd->volume);
	if (old.volume.hold == STATE_HOLD_DEVICE && !mine && !evidence &&
	    !(cmd->flags & STATE_ATTACH_FORCE))
		ss_broken(w, "R5", "volume %u was taken from node %u",
			  cmd->volume, old.volume.holder);
}

static void ss_stepped(struct ss_world *w, const struct state_cmd *cmd)
{
	if (!old.has_volume || !old.has_shard || cmd->term != old.volume.term ||
	    cmd->epoch != old.shard.epoch)
		ss_broken(w, "R6", "%s under term %llu, epoch %llu",
			  state_command_name(cmd->kind), cmd->term, cmd->epoch);
}

static void ss_level(struct ss_world *w, const struct state_cmd *cmd,
		     const struct state_result *res)
{
	u32 level = w->a->cluster.setting[STATE_SET_FEATURE];

	if (level < old.level)
		ss_broken(w, "R13", "level %u after %u", level, old.level);
	if (!res->why && old.level &&
	    state_command_level(cmd->kind) > old.level)
		ss_broken(w, "R13", "%s at level %u",
			  state_command_name(cmd->kind), old.level);
}

static void ss_joined(struct ss_world *w, const struct state_cmd *cmd,
		      const struct state_result *res)
{
	if (old.next_node == 1)
		return;
	/* the same one again: its token is good, and is not used */
	if (res->arg[0] < old.next_node) {
		const struct state_token *token =
			state_token_by_id(w->a, cmd->id);

		/* its answer was lost; or it is back, and used it once more */
		if (!token || token->expires_ms <= old.now_ms ||
		    (token->uses != old.token.uses &&
		     token->uses + 1 != old.token.uses))
			ss_broken(w, "R7", "node %s again, token %llu",
				  cmd->name, cmd->id);
		return;
	}
	if (!old.has_token || !old.token.uses ||
	    old.token.expires_ms <= old.now_ms)
		ss_broken(w, "R7", "node %s, token %llu", cmd->name, cmd->id);
}

/* Of one set: are most of its members made, on stores that may be there? */
static bool ss_quorum(const struct state *s,
		      const struct state_shard_view *view, bool follows)
{
	u8 other = follows ? STATE_ROLE_JOINING : STATE_ROLE_LEAVING;
	const struct state_store *store;
	u32 i, nr = 0, left = 0;

	for (i = 0; i < view->nr; i++) {
		if (view->member[i].role != STATE_ROLE_VOTER &&
		    view->member[i].role != other)
			continue;
		store = state_store_by_id(s, view->member[i].store);
		nr++;
		left += view->member[i].made &&
			(store->state == STATE_STORE_ACTIVE ||
			 store->state == STATE_STORE_DRAINING);
	}
	return 2 * left > nr;
}

/* A node was given up: each set that it was in has a quorum without it. */
static void ss_lost(struct ss_world *w, const struct state_cmd *cmd)
{
	const struct state_node *node = state_node_by_id(w->a, cmd->node);
	const struct state_volume *volume;
	const struct state_store *store;
	struct state_shard_view view;
	u32 slot = 0, at;

	if (!state_node_refused(node))
		ss_broken(w, "R14", "node %u is not refused", node->id);
	while ((store = state_store_walk(w->a, &slot))) {
		if (store->node != node->id)
			continue;
		if (store->state == STATE_STORE_ACTIVE ||
		    store->state == STATE_STORE_DRAINING)
			ss_broken(w, "R14", "store %u is there", store->id);
		for (at = 0; at < store->nr; at++) {
			if (state_view_store(w->a, store->id, at, &view))
				continue;
			volume = state_volume_by_id(w->a, view.volume);
			if (volume->state == STATE_VOLUME_DELETING)
				continue;
			if (!ss_quorum(w->a, &view, false) ||
			    (view.stage == STATE_STAGE_JOINT &&
			     !ss_quorum(w->a, &view, true)))
				ss_broken(
					w, "R14",
					"shard %u of volume %u, without node %u",
					view.number, view.volume, node->id);
		}
	}
}

/* A store that never comes back does not, until it is removed. */
static void ss_lost_stores(struct ss_world *w)
{
	const struct state_store *store;
	u32 slot = 0;

	while ((store = state_store_walk(w->a, &slot))) {
		if (store->id >= SS_STORES)
			continue;
		if (w->lost[store->id] && store->state < STATE_STORE_REMOVED)
			ss_broken(w, "R14", "store %u is back", store->id);
		w->lost[store->id] = store->state == STATE_STORE_LOST;
	}
}

/**
 * ss_after() - was a command right to do what it did?
 * @w: the schedule
 * @cmd: the command, one that did not come before
 * @res: its result
 */
void ss_after(struct ss_world *w, const struct state_cmd *cmd,
	      const struct state_result *res)
{
	u64 digest = ss_digest(w->a);

	if (res->why && digest != w->digest)
		ss_broken(w, "R10", "%s was refused and changed something",
			  state_command_name(cmd->kind));
	w->digest = digest;
	if (cmd->kind == STATE_CMD_STORE_REPORT && !res->why)
		ss_reported(w, cmd);
	ss_terms(w);
	ss_shards(w);
	ss_opens(w);
	ss_level(w, cmd, res);
	ss_lost_stores(w);
	if (cmd->kind == STATE_CMD_REPLICA_DELETED &&
	    ss_in_use(w->a) != old.in_use)
		ss_broken(w, "R9", "%u replicas in use, there were %u",
			  ss_in_use(w->a), old.in_use);
	if (res->why)
		return;
	if (cmd->kind == STATE_CMD_ATTACH)
		ss_attached(w, cmd, res);
	if (cmd->kind >= STATE_CMD_SHARD_PROPOSE &&
	    cmd->kind <= STATE_CMD_SHARD_SETTLED)
		ss_stepped(w, cmd);
	if (cmd->kind == STATE_CMD_NODE_ADD)
		ss_joined(w, cmd, res);
	if (cmd->kind == STATE_CMD_NODE_LOST)
		ss_lost(w, cmd);
}
