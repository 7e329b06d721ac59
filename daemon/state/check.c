// SPDX-License-Identifier: GPL-2.0-only
/*
 * Does a state keep its rules?  After a restore, in the tests after every
 * command, and whenever an administrator asks.  What it says is the first rule
 * that is broken.
 */
#include "inner.h"
#include "view.h"

#define CHECK(cond, why)            \
	do {                        \
		if (!(cond))        \
			return why; \
	} while (0)

static const char *check_cluster(const struct state *s)
{
	const struct state_cluster *cluster = &s->cluster;
	struct state_cluster none = s->cluster;
	u32 i;

	if (!cluster->made) {
		/* an INIT that was refused counts, and has a clock */
		none.now_ms = 0;
		none.applied = 0;
		CHECK(mem_is_zero(&none, sizeof(none)),
		      "what is no cluster yet has something");
		for (i = 0; i < STATE_TABLES; i++)
			CHECK(!s->pool[i].nr, "objects without a cluster");
		return NULL;
	}
	CHECK(cluster->made == 1 && state_name_good(cluster->name),
	      "the cluster's name");
	CHECK(cluster->lineage && !mem_is_zero(cluster->uuid, 16),
	      "the cluster's id");
	CHECK(cluster->next_node && cluster->next_store &&
		      cluster->next_volume && cluster->next_replica &&
		      cluster->next_raft && cluster->next_client &&
		      cluster->next_job,
	      "a counter is 0");
	CHECK(cluster->next_replica <= STATE_REPLICA_ID_MAX + 1 &&
		      cluster->term_floor <= STATE_TERM_MAX &&
		      cluster->now_ms <= STATE_NUMBER_MAX,
	      "a counter is too high");
	for (i = 0; i < STATE_SETTINGS_NR; i++)
		CHECK(i == STATE_SET_FEATURE ?
			      cluster->setting[i] &&
				      cluster->setting[i] <= STATE_LEVEL_MAX :
			      state_setting_good(i, cluster->setting[i]),
		      "a setting is out of bounds");
	return NULL;
}

/* The volumes that a node holds, both ways. */
static const char *check_held(const struct state *s,
			      const struct state_node *node)
{
	const struct state_volume *volume;
	u32 slot = node->held, prev = STATE_NONE, nr = 0;

	while (slot != STATE_NONE) {
		CHECK(state_used(s, STATE_VOLUMES, slot) &&
			      nr++ < s->limits.volumes,
		      "a list of volumes held is broken");
		volume = state_volume_at(s, slot);
		CHECK(volume->hold && volume->holder == node->id &&
			      volume->held_prev == prev,
		      "a list of volumes held is wrong");
		prev = slot;
		slot = volume->held_next;
	}
	return NULL;
}

static const char *check_node(const struct state *s, u32 slot)
{
	const struct state_node *node = state_node_at(s, slot);
	const struct state_store *store;
	bool live = node->state != STATE_NODE_REMOVED;
	u32 i, bad;

	CHECK(node->id && node->id < s->cluster.next_node &&
		      state_find(s, STATE_BY_NODE_ID, node->id) == slot,
	      "a node's id");
	CHECK(state_name_good(node->name), "a node's name");
	CHECK(!live || state_find_bytes(s, STATE_BY_NODE_NAME, node->name) ==
			       slot,
	      "two nodes have one name");
	CHECK(!mem_is_zero(node->key, sizeof(node->key)) &&
		      state_find_bytes(s, STATE_BY_NODE_KEY, node->key) == slot,
	      "two nodes have one key");
	CHECK(node->state >= STATE_NODE_JOINING &&
		      node->state <= STATE_NODE_REMOVED &&
		      node->wish <= STATE_WISH_VOTER,
	      "a node's state");
	CHECK(state_addrs_good(node->addr, node->nr_addrs, &bad),
	      "a node's address");
	CHECK(state_labels_good(node->label, node->nr_labels, &bad),
	      "a node's label");
	CHECK(!node->raft || (live && node->raft >> 32 == node->id &&
			      (u32)node->raft &&
			      (u32)node->raft < s->cluster.next_raft),
	      "a node's Raft server");
	CHECK(live || (!node->nr_stores && node->held == STATE_NONE),
	      "a removed node has something");
	for (i = 0; i < node->nr_stores; i++) {
		CHECK(state_used(s, STATE_STORES, node->store[i]),
		      "a node's store is none");
		store = state_store_at(s, node->store[i]);
		CHECK(store->node == node->id &&
			      store->state != STATE_STORE_REMOVED,
		      "a node's store is not its own");
	}
	return check_held(s, node);
}

/* On a store are the shards that its list has, each once. */
static const char *check_store_list(const struct state *s, u32 slot)
{
	const struct state_store *store = state_store_at(s, slot);
	const u32 *list =
		s->store_shard + (size_t)slot * s->limits.store_replicas;
	const struct state_change *change;
	const struct state_shard *shard;
	const u64 *member;
	u32 i, j, here;

	for (i = 0; i < store->nr; i++) {
		CHECK(state_used(s, STATE_SHARDS, list[i]),
		      "a store has a shard that is none");
		shard = state_shard_at(s, list[i]);
		member = state_members(s, shard);
		for (j = 0, here = 0; j < shard->nr; j++)
			here += STATE_MEMBER_STORE(member[j]) == slot;
		change = state_change_of(s, list[i], NULL);
		for (j = 0; change && j < change->nr; j++)
			here += STATE_MEMBER_STORE(change->add[j]) == slot;
		CHECK(here == 1, "a store has a shard that is not there");
	}
	return NULL;
}

static const char *check_tombs(const struct state *s, u32 slot)
{
	const struct state_store *store = state_store_at(s, slot);
	const struct state_tomb *tomb;
	u32 at = store->tomb, prev = STATE_NONE, nr = 0;

	while (at != STATE_NONE) {
		CHECK(state_used(s, STATE_TOMBS, at) && nr < store->nr_tombs,
		      "a list of tombstones is broken");
		tomb = state_object(s, STATE_TOMBS, at);
		CHECK(tomb->store == slot && tomb->prev == prev,
		      "a list of tombstones is wrong");
		CHECK(tomb->replica && tomb->epoch &&
			      tomb->replica < s->cluster.next_replica &&
			      tomb->volume < s->cluster.next_volume,
		      "a tombstone of what never was");
		nr++;
		prev = at;
		at = tomb->next;
	}
	CHECK(nr == store->nr_tombs && store->tomb_last == prev,
	      "a store's number of tombstones");
	return NULL;
}

static const char *check_store(const struct state *s, u32 slot)
{
	const struct state_store *store = state_store_at(s, slot);
	bool live = store->state != STATE_STORE_REMOVED;
	bool away = state_store_failed(store) ||
		    store->state == STATE_STORE_GONE;
	u32 node;

	CHECK(store->id && store->id < s->cluster.next_store &&
		      state_find(s, STATE_BY_STORE_ID, store->id) == slot,
	      "a store's id");
	CHECK(!mem_is_zero(store->uuid, 16) &&
		      state_find_bytes(s, STATE_BY_STORE_UUID, store->uuid) ==
			      slot,
	      "two stores have one uuid");
	CHECK(store->state >= STATE_STORE_ACTIVE &&
		      store->state <= STATE_STORE_LOST,
	      "a store's state");
	CHECK(store->state != STATE_STORE_LOST ||
		      s->cluster.setting[STATE_SET_FEATURE] >= 2,
	      "a store is lost before its feature level");
	CHECK(store->capacity && store->capacity <= STATE_NUMBER_MAX &&
		      store->free <= store->capacity &&
		      store->opens <= STATE_NUMBER_MAX,
	      "a store's size");
	CHECK(!live || away || !store->gone_ms, "a store is gone and is not");
	CHECK(store->gone_ms <= s->cluster.now_ms, "a store will be gone");
	CHECK(live || (!store->nr && !store->nr_tombs),
	      "a removed store has something");
	CHECK(store->nr + store->nr_tombs <= s->limits.store_replicas,
	      "a store has too much");
	node = state_find(s, STATE_BY_NODE_ID, store->node);
	CHECK(!live || (node != STATE_NONE &&
			state_node_at(s, node)->state != STATE_NODE_REMOVED),
	      "a store has no node");
	return check_tombs(s, slot) ?: check_store_list(s, slot);
}

static const char *check_volume_nodes(const struct state *s,
				      const struct state_volume *volume)
{
	struct state_result res = { 0 };
	u32 i;

	CHECK(!volume->want || state_node_live(s, volume->want, &res),
	      "a volume is wanted where there is no node");
	for (i = 0; i < volume->nr_autos; i++)
		CHECK(state_node_live(s, volume->autos[i], &res),
		      "a volume may be attached where there is no node");
	CHECK(volume->parked <= 1 && (!volume->parked || !volume->want),
	      "a volume is parked and wanted");
	CHECK(volume->hold <= STATE_HOLD_REPAIR, "how a volume is held");
	CHECK(volume->serve <= STATE_SERVE_FAILED &&
		      (!volume->serve || volume->hold),
	      "what a device does");
	CHECK(!volume->device[0] || volume->hold == STATE_HOLD_DEVICE,
	      "a device of a volume that nobody has");
	if (!volume->hold) {
		CHECK(!volume->holder && !volume->session,
		      "a volume is held and is not");
		return NULL;
	}
	CHECK(volume->session && volume->term, "a holder without a term");
	CHECK(volume->state == STATE_VOLUME_READY,
	      "a volume is held that is not ready");
	CHECK(state_node_live(s, volume->holder, &res), "a holder is no node");
	return NULL;
}

static const char *check_volume(const struct state *s, u32 slot)
{
	const struct state_volume *volume = state_volume_at(s, slot);
	u32 bad, wanted = state_shards_wanted(volume);
	bool whole = volume->shards == wanted && !volume->unmade;

	CHECK(volume->id && volume->id < s->cluster.next_volume &&
		      state_find(s, STATE_BY_VOLUME_ID, volume->id) == slot,
	      "a volume's id");
	CHECK(state_name_good(volume->name) &&
		      state_find_bytes(s, STATE_BY_VOLUME_NAME, volume->name) ==
			      slot,
	      "two volumes have one name");
	CHECK(volume->state >= STATE_VOLUME_CREATING &&
		      volume->state <= STATE_VOLUME_DELETING,
	      "a volume's state");
	CHECK(volume->shift >= STATE_SHIFT_MIN &&
		      volume->shift <= STATE_SHIFT_MAX && volume->size &&
		      volume->size % STATE_BLOCK == 0 &&
		      volume->grow % STATE_BLOCK == 0 &&
		      (!volume->grow || volume->grow > volume->size) &&
		      wanted <= STATE_VOLUME_SHARDS_MAX,
	      "a volume's size");
	CHECK(volume->copies && volume->copies <= STATE_COPIES_MAX,
	      "a volume's copies");
	CHECK(state_policy_good(volume, &bad), "a volume's policy");
	CHECK(volume->term <= STATE_TERM_MAX, "a volume's term");
	CHECK(volume->left <= volume->shards && volume->shards <= wanted,
	      "a volume's shards");
	CHECK(volume->state == STATE_VOLUME_DELETING ?
		      volume->left != 0 :
		      volume->left == volume->shards,
	      "a volume has lost shards");
	CHECK(volume->state != STATE_VOLUME_CREATING || !whole,
	      "a volume is whole and not ready");
	CHECK(volume->state != STATE_VOLUME_READY || volume->grow || whole,
	      "a volume is ready and not whole");
	return check_volume_nodes(s, volume);
}

static const char *check_members(const struct state *s, const u64 *member,
				 u32 nr, u32 *node, u32 *nodes)
{
	const struct state_store *store;
	u32 i, j;

	for (i = 0; i < nr; i++) {
		CHECK(STATE_MEMBER_ID(member[i]) &&
			      STATE_MEMBER_ID(member[i]) <
				      s->cluster.next_replica,
		      "a replica's id");
		CHECK(state_used(s, STATE_STORES,
				 STATE_MEMBER_STORE(member[i])),
		      "a replica has no store");
		store = state_store_at(s, STATE_MEMBER_STORE(member[i]));
		for (j = 0; j < *nodes; j++)
			CHECK(node[j] != store->node,
			      "two replicas of a shard are on one node");
		node[(*nodes)++] = store->node;
	}
	return NULL;
}

static const char *check_change(const struct state *s,
				const struct state_shard *shard,
				const struct state_change *change,
				bool deleting)
{
	u32 after = shard->nr + change->nr - hweight32(change->leave);

	CHECK(change->stage >= STATE_STAGE_LEARN &&
		      change->stage <= STATE_STAGE_SETTLE,
	      "a change's stage");
	CHECK(change->leave < 1U << shard->nr &&
		      change->made < 1U << change->nr,
	      "a change of who is no member");
	if (deleting)
		return NULL;
	if (change->stage == STATE_STAGE_SETTLE)
		CHECK(!change->leave && !change->made,
		      "a change that is decided goes on");
	else
		CHECK(after && after <= STATE_COPIES_MAX &&
			      (change->nr || change->leave),
		      "a change to what is no set");
	CHECK(change->stage != STATE_STAGE_JOINT ||
		      change->made == (1U << change->nr) - 1,
	      "a joint set with a replica that is not made");
	return NULL;
}

static const char *check_shard(const struct state *s, u32 slot)
{
	const struct state_shard *shard = state_shard_at(s, slot);
	const struct state_change *change;
	const struct state_volume *volume;
	u32 node[2 * STATE_COPIES_MAX], nodes = 0, at;
	const char *why;
	bool deleting;

	at = state_find(s, STATE_BY_VOLUME_ID, shard->volume);
	CHECK(at != STATE_NONE, "a shard has no volume");
	volume = state_volume_at(s, at);
	deleting = volume->state == STATE_VOLUME_DELETING;
	CHECK(shard->number < volume->shards &&
		      state_find(s, STATE_BY_SHARD,
				 state_shard_key(shard->volume,
						 shard->number)) == slot,
	      "a shard's number");
	CHECK(shard->epoch && shard->epoch <= STATE_NUMBER_MAX,
	      "a shard's epoch");
	CHECK(shard->nr <= STATE_COPIES_MAX && (shard->nr || deleting),
	      "a shard's copies");
	CHECK((shard->flags & ~STATE_SHARD_CHANGE) < 1U << shard->nr,
	      "a replica was made that is none");
	why = check_members(s, state_members(s, shard), shard->nr, node,
			    &nodes);
	if (why || !(shard->flags & STATE_SHARD_CHANGE))
		return why;
	change = state_change_of(s, slot, NULL);
	CHECK(change->nr <= STATE_COPIES_MAX, "a change of too many");
	return check_change(s, shard, change, deleting) ?:
		       check_members(s, change->add, change->nr, node, &nodes);
}

static const char *check_small(const struct state *s)
{
	const struct state_client *client;
	const struct state_token *token;
	const struct state_job *job;
	u32 slot, i;

	for (slot = state_next(s, STATE_TOKENS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_TOKENS, slot + 1)) {
		token = state_object(s, STATE_TOKENS, slot);
		CHECK(token->id &&
			      state_find(s, STATE_BY_TOKEN, token->id) == slot,
		      "a token's id");
	}
	for (slot = state_next(s, STATE_JOBS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_JOBS, slot + 1)) {
		job = state_object(s, STATE_JOBS, slot);
		CHECK(job->id && job->id < s->cluster.next_job &&
			      state_find(s, STATE_BY_JOB, job->id) == slot,
		      "a job's id");
		CHECK(job->kind && job->kind <= STATE_JOB_CREATE &&
			      job->state && job->state <= STATE_JOB_FAILED,
		      "a job's state");
	}
	for (slot = state_next(s, STATE_CLIENTS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_CLIENTS, slot + 1)) {
		client = state_object(s, STATE_CLIENTS, slot);
		CHECK(client->id && client->id < s->cluster.next_client &&
			      state_find(s, STATE_BY_CLIENT, client->id) ==
				      slot,
		      "a client's id");
		CHECK(client->used <= s->cluster.applied, "a client's use");
		for (i = 0; i < STATE_WINDOW; i++)
			CHECK(!client->seq[i] ||
				      (client->seq[i] % STATE_WINDOW == i &&
				       client->seq[i] <= client->last &&
				       client->seq[i] + STATE_WINDOW >
					       client->last &&
				       client->result[i].why < STATE_WHYS_NR),
			      "a client's window");
	}
	return NULL;
}

/* What is counted, counted again. */
static const char *check_counts(const struct state *s)
{
	u64 on_stores = 0, members = 0, tombs = 0, owed = 0, unmade = 0;
	u64 counted = 0;
	u32 slot, nodes = 0, stores = 0, changes = 0, wides = 0, held = 0;

	for (slot = state_next(s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_NODES, slot + 1)) {
		const struct state_node *node = state_node_at(s, slot);

		nodes += node->state != STATE_NODE_REMOVED;
		stores += node->nr_stores;
		for (held = node->held; held != STATE_NONE;
		     held = state_volume_at(s, held)->held_next)
			counted++;
	}
	for (slot = state_next(s, STATE_STORES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_STORES, slot + 1)) {
		on_stores += state_store_at(s, slot)->nr;
		tombs += state_store_at(s, slot)->nr_tombs;
	}
	for (slot = state_next(s, STATE_VOLUMES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_VOLUMES, slot + 1)) {
		const struct state_volume *volume = state_volume_at(s, slot);

		counted -= !!volume->hold;
		unmade += volume->unmade;
		if (volume->state != STATE_VOLUME_DELETING)
			owed += state_shards_wanted(volume) - volume->shards;
	}
	for (slot = state_next(s, STATE_SHARDS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_SHARDS, slot + 1)) {
		const struct state_shard *shard = state_shard_at(s, slot);
		const struct state_change *change =
			state_change_of(s, slot, NULL);

		members += shard->nr + (change ? change->nr : 0);
		unmade -= shard->nr -
			  hweight32(shard->flags & ~STATE_SHARD_CHANGE);
		changes += !!change;
		wides += shard->nr > STATE_SHARD_INLINE;
	}
	CHECK(nodes == s->nodes && nodes <= s->limits.nodes, "number of nodes");
	CHECK(stores == s->stores && stores <= s->limits.stores,
	      "number of stores");
	CHECK(!counted, "number of volumes that are held");
	CHECK(!unmade, "number of replicas that are not made");
	CHECK(on_stores == members, "number of replicas");
	CHECK(tombs == s->pool[STATE_TOMBS].nr, "number of tombstones");
	CHECK(owed == s->shards_owed &&
		      owed + s->pool[STATE_SHARDS].nr <= s->limits.shards,
	      "number of shards");
	CHECK(changes == s->pool[STATE_CHANGES].nr, "number of changes");
	CHECK(wides == s->pool[STATE_WIDES].nr, "number of wide sets");
	return NULL;
}

/**
 * state_check() - does a state keep its rules?
 * @s: the state
 *
 * Return: NULL; or what is wrong.
 */
const char *state_check(const struct state *s)
{
	static const struct {
		enum state_table table;
		const char *(*check)(const struct state *s, u32 slot);
	} each[] = {
		{ STATE_NODES, check_node },
		{ STATE_VOLUMES, check_volume },
		{ STATE_SHARDS, check_shard },
		{ STATE_STORES, check_store },
	};
	const char *why = check_cluster(s);
	u32 i, slot;

	for (i = 0; i < ARRAY_SIZE(each) && !why; i++)
		for (slot = state_next(s, each[i].table, 0);
		     slot != STATE_NONE && !why;
		     slot = state_next(s, each[i].table, slot + 1))
			why = each[i].check(s, slot);
	why = why ?: check_small(s);
	return why ?: check_counts(s);
}
