// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where copies go (place.h): spread over failure domains, least loaded first.
 */
#include "inner.h"
#include "place.h"

#define PLACE_FREE_MIN 20 /* a store with less than 1/20 free has no room */

/* Copies of one shard so far, by the nodes that they are on. */
struct place_taken {
	const struct state_node *node[2 * STATE_COPIES_MAX];
	u32 nr;
};

/* How good a store is; less is better, in this order. */
struct place_score {
	u32 zones;
	u32 racks;
	u64 load;
	u32 id;
};

static const struct state_node *place_node(const struct state *s, u32 slot)
{
	return state_node_at(s, state_find(s, STATE_BY_NODE_ID,
					   state_store_at(s, slot)->node));
}

static bool place_same_text(const char *a, const char *b)
{
	return *a && !strcmp(a, b);
}

/* Are two nodes in one domain?  What has no label is as small as a node. */
static bool place_same(const struct state_node *a, const struct state_node *b,
		       u8 level)
{
	if (a == b)
		return true;
	if (level >= PLACE_HOST && place_same_text(a->host, b->host))
		return true;
	if (level >= PLACE_RACK && place_same_text(a->rack, b->rack) &&
	    !strcmp(a->zone, b->zone))
		return true;
	return level >= PLACE_ZONE && place_same_text(a->zone, b->zone);
}

static bool place_node_wanted(const struct state_node *node,
			      const struct place_want *want)
{
	u32 i;

	if (*want->zone && strcmp(node->zone, want->zone))
		return false;
	if (!*want->label.key)
		return true;
	for (i = 0; i < node->nr_labels; i++)
		if (!strcmp(node->label[i].key, want->label.key))
			return !strcmp(node->label[i].value, want->label.value);
	return false;
}

static bool place_room(const struct state *s, u32 slot, u32 planned)
{
	const struct state_store *store = state_store_at(s, slot);

	return store->nr + store->nr_tombs + planned <
		       s->limits.store_replicas &&
	       store->free >= store->capacity / PLACE_FREE_MIN;
}

/**
 * place_begin() - which stores may be used
 * @s: the state
 * @want: what is to be placed
 * @work: memory
 *
 * Return: 0 or -EINVAL.
 */
int place_begin(const struct state *s, const struct place_want *want,
		struct place_work *work)
{
	const struct state_node *node;
	u32 slot;

	work->nr = 0;
	if (!want->copies || want->copies > STATE_COPIES_MAX ||
	    want->level > PLACE_ZONE)
		return -EINVAL;
	for (slot = state_next(s, STATE_STORES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_STORES, slot + 1)) {
		if (state_store_at(s, slot)->state != STATE_STORE_ACTIVE)
			continue;
		node = place_node(s, slot);
		if (node->state != STATE_NODE_ACTIVE ||
		    !place_node_wanted(node, want) || !place_room(s, slot, 0))
			continue;
		work->store[work->nr++] = slot;
		work->planned[slot] = 0;
	}
	return 0;
}

/**
 * place_only() - fewer stores may be used
 * @s: the state
 * @work: as place_begin() left it
 * @may: may this one?
 * @arg: passed to it
 *
 * For what the state does not know: whether anybody is there, say.
 */
void place_only(const struct state *s, struct place_work *work,
		bool (*may)(void *arg, const struct state_store *store),
		void *arg)
{
	u32 i, to = 0;

	for (i = 0; i < work->nr; i++)
		if (may(arg, state_store_at(s, work->store[i])))
			work->store[to++] = work->store[i];
	work->nr = to;
}

static bool place_fits(const struct place_taken *taken,
		       const struct state_node *node, u8 level)
{
	u32 i;

	for (i = 0; i < taken->nr; i++)
		if (place_same(taken->node[i], node, level))
			return false;
	return true;
}

static struct place_score place_score(const struct state *s,
				      const struct place_work *work, u32 slot,
				      const struct state_node *node,
				      const struct place_taken *taken)
{
	const struct state_store *store = state_store_at(s, slot);
	struct place_score score = { .id = store->id };
	u32 i;

	for (i = 0; i < taken->nr; i++) {
		score.zones += place_same(taken->node[i], node, PLACE_ZONE);
		score.racks += place_same(taken->node[i], node, PLACE_RACK);
	}
	score.load = ((u64)(store->nr + work->planned[slot]) << 32) /
		     ((store->capacity >> STATE_SHIFT_MIN) + 1);
	return score;
}

static bool place_better(const struct place_score *a,
			 const struct place_score *b)
{
	if (a->zones != b->zones)
		return a->zones < b->zones;
	if (a->racks != b->racks)
		return a->racks < b->racks;
	if (a->load != b->load)
		return a->load < b->load;
	return a->id < b->id;
}

/* The best of @nr stores from @from on, as a slot. */
static u32 place_best(const struct state *s, const struct place_want *want,
		      const struct place_work *work, u64 from, u32 nr,
		      const struct place_taken *taken)
{
	struct place_score score, best = { 0 };
	const struct state_node *node;
	u32 found = STATE_NONE, i, slot;

	for (i = 0; i < nr; i++) {
		slot = work->store[(from + i) % work->nr];
		node = place_node(s, slot);
		if (!place_room(s, slot, work->planned[slot]) ||
		    !place_fits(taken, node, want->level))
			continue;
		score = place_score(s, work, slot, node, taken);
		if (found != STATE_NONE && !place_better(&score, &best))
			continue;
		found = slot;
		best = score;
	}
	return found;
}

static u32 place_one(const struct state *s, const struct place_want *want,
		     struct place_work *work, u32 number,
		     struct place_taken *taken)
{
	u64 from = (u64)want->volume * 7919 + (u64)number * PLACE_WINDOW;
	u32 slot;

	slot = place_best(s, want, work, from, min(work->nr, PLACE_WINDOW),
			  taken);
	if (slot == STATE_NONE && work->nr > PLACE_WINDOW)
		slot = place_best(s, want, work, 0, work->nr, taken);
	if (slot == STATE_NONE)
		return slot;
	work->planned[slot]++;
	taken->node[taken->nr++] = place_node(s, slot);
	return slot;
}

/*
 * How many domains have a store with room: taken greedily, as copies are.  What
 * is more than a set can have is not counted.
 */
static void place_explain(const struct state *s, const struct place_want *want,
			  const struct place_work *work, struct place_why *why)
{
	struct place_taken taken = { .nr = 0 };
	const struct state_node *node;
	u32 i;

	*why = (struct place_why){ .copies = want->copies,
				   .level = want->level,
				   .stores = work->nr };
	for (i = 0; i < work->nr && taken.nr < STATE_COPIES_MAX; i++) {
		node = place_node(s, work->store[i]);
		if (place_room(s, work->store[i],
			       work->planned[work->store[i]]) &&
		    place_fits(&taken, node, want->level))
			taken.node[taken.nr++] = node;
	}
	why->have = taken.nr;
}

/**
 * place_shards() - stores for the copies of some shards
 * @s: the state
 * @want: what is to be placed
 * @work: as place_begin() left it, or the call before
 * @first: number of the first shard
 * @nr: how many
 * @store: ids of stores, @want->copies for each shard, as VOLUME_SHARDS has
 * them
 * @why: why there is no place
 *
 * Return: 0; -ENOSPC: @why.
 */
int place_shards(const struct state *s, const struct place_want *want,
		 struct place_work *work, u32 first, u32 nr, u32 *store,
		 struct place_why *why)
{
	struct place_taken taken;
	u32 i, j, slot;

	for (i = 0; i < nr; i++) {
		taken.nr = 0;
		for (j = 0; j < want->copies; j++) {
			slot = STATE_NONE;
			if (work->nr)
				slot = place_one(s, want, work, first + i,
						 &taken);
			if (slot == STATE_NONE) {
				place_explain(s, want, work, why);
				return -ENOSPC;
			}
			*store++ = state_store_at(s, slot)->id;
		}
	}
	return 0;
}

/**
 * place_replace() - a store for a copy that takes the place of another one
 * @s: the state
 * @want: what is to be placed; @volume is that of the shard
 * @work: as place_begin() left it, or the call before
 * @number: the shard
 * @replica: id of the copy that leaves, 0 = none: one more
 * @store: id of the store
 * @why: why there is no place
 *
 * Return: 0; -ENOENT: there is no such shard or copy; -EBUSY: its set is
 * changing; -ENOSPC: @why.
 */
int place_replace(const struct state *s, const struct place_want *want,
		  struct place_work *work, u32 number, u64 replica, u32 *store,
		  struct place_why *why)
{
	u32 slot = state_find(s, STATE_BY_SHARD,
			      state_shard_key(want->volume, number));
	struct place_taken taken = { .nr = 0 };
	const struct state_shard *shard;
	const struct state_node *leaver = NULL;
	const u64 *member;
	u32 i;

	if (slot == STATE_NONE)
		return -ENOENT;
	shard = state_shard_at(s, slot);
	if (shard->flags & STATE_SHARD_CHANGE)
		return -EBUSY;
	member = state_members(s, shard);
	for (i = 0; i < shard->nr; i++) {
		const struct state_node *node =
			place_node(s, STATE_MEMBER_STORE(member[i]));

		if (STATE_MEMBER_ID(member[i]) == replica)
			leaver = node;
		else
			taken.node[taken.nr++] = node;
	}
	if (replica && !leaver)
		return -ENOENT;
	/* the set may not have two on one node, not even for a while */
	for (i = 0, slot = STATE_NONE; i < work->nr && leaver; i++)
		if (place_node(s, work->store[i]) == leaver)
			work->planned[work->store[i]] += U16_MAX;
	if (work->nr)
		slot = place_one(s, want, work, number, &taken);
	if (slot == STATE_NONE)
		place_explain(s, want, work, why);
	for (i = 0; i < work->nr && leaver; i++)
		if (place_node(s, work->store[i]) == leaver)
			work->planned[work->store[i]] -= U16_MAX;
	if (slot == STATE_NONE)
		return -ENOSPC;
	*store = state_store_at(s, slot)->id;
	return 0;
}

/**
 * place_why_text() - why there is no place, as a sentence
 * @why: the reason
 * @text: for it
 * @size: of @text
 */
void place_why_text(const struct place_why *why, char *text, u32 size)
{
	static const char *const domain[] = { "node", "host", "rack", "zone" };
	const char *word = domain[min_t(u32, why->level, PLACE_ZONE)];
	bool one = why->copies == 1;

	if (!why->stores)
		snprintf(text, size, "no store that may be used has room");
	else
		snprintf(text, size,
			 "%u cop%s need%s %u %s%s with a store that has room: "
			 "there %s %u",
			 why->copies, one ? "y" : "ies", one ? "s" : "",
			 why->copies, word, one ? "" : "s",
			 why->have == 1 ? "is" : "are", why->have);
}
