// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leader's side: each node is sent what changed (push.h).
 */
#include "push.h"
#include "push_item.h"

/**
 * struct push_said - an item that a node has, or is about to be looked at
 * @key: of the item
 * @sum: of its bytes, never 0; 0: nothing was said yet
 */
struct push_said {
	struct agent_key key;
	u32 sum;
};

/**
 * struct push_node - a node
 * @key: its id
 * @known: it said hello
 * @full: the next message begins a full list
 * @scan: all keys have to be looked at, from the first one
 * @scanning: so it is done
 * @open: something was sent and is not committed
 * @ahead: nothing before this index is of use to it
 * @stream: of the messages
 * @number: of the next one
 * @said: struct push_said
 * @keys: to be looked at
 * @nr_keys: used of it
 * @room: of it
 * @next: the next one
 * @late: of these, that came one by one
 * @volume: whose key was collected last
 * @extra: ids of volumes that it asks for
 * @nr_extra: used of it
 * @count: for push_status()
 */
struct push_node {
	struct agent_key key;
	bool known;
	bool full;
	bool scan;
	bool scanning;
	bool open;
	u64 ahead;
	u64 stream;
	u32 number;
	struct agent_map said;
	struct agent_key *keys;
	u32 nr_keys;
	u32 room;
	u32 next;
	u32 late;
	u64 volume;
	u32 extra[PUSH_EXTRA_MAX];
	u32 nr_extra;
	struct push_status count;
};

/**
 * struct push - all nodes
 * @s: the state
 * @term: of this leader
 * @stream: the last one that was begun
 * @index: last entry that @s reflects
 * @nodes: struct push_node
 * @scans: of these that are @scanning
 * @item: being looked at
 */
struct push {
	const struct state *s;
	u64 term;
	u64 stream;
	u64 index;
	struct agent_map nodes;
	u32 scans;
	union want_item item;
};

/**
 * push_create() - this node leads
 * @made: what keeps track
 * @s: the state; read between two commands
 * @term: of this leader
 * @stream: random: the streams of two leaders are not the same
 *
 * Return: 0 or -ENOMEM. Nothing is sent before the first push_applied().
 */
int push_create(struct push **made, const struct state *s, u64 term, u64 stream)
{
	struct push *push = calloc(1, sizeof(*push));

	if (!push)
		return -ENOMEM;
	push->s = s;
	push->term = term;
	push->stream = stream;
	push->nodes.max = 2 * STATE_NODES_MAX;
	*made = push;
	return 0;
}

static void push_node_drop(struct push *push, struct push_node *node)
{
	push->scans -= node->scanning;
	node->scanning = false;
	agent_map_clear(&node->said);
	free(node->keys);
	node->keys = NULL;
	node->nr_keys = 0;
	node->room = 0;
	node->next = 0;
	node->late = 0;
}

/**
 * push_destroy() - this node leads no more
 * @push: what kept track, or NULL
 */
void push_destroy(struct push *push)
{
	u32 i;

	if (!push)
		return;
	for (i = 0; i < push->nodes.nr; i++)
		push_node_drop(push, push->nodes.at[i]);
	agent_map_clear(&push->nodes);
	free(push);
}

static struct push_node *push_node(const struct push *push, u32 id)
{
	return agent_map_find(&push->nodes, AGENT_KEY(0, id, 0));
}

/* --- keys to be looked at ---------------------------------------------- */

static int push_key_add(struct push_node *node, struct agent_key key)
{
	u32 room = node->room ? node->room * 2 : 64;
	struct agent_key *keys;

	if (node->nr_keys == node->room) {
		keys = room > 2 * PUSH_KEYS_MAX ?
			       NULL :
			       realloc(node->keys, room * sizeof(*keys));
		if (!keys)
			return -ENOMEM;
		node->keys = keys;
		node->room = room;
	}
	node->keys[node->nr_keys++] = key;
	return 0;
}

/* One more key, unless everything is to be looked at anyway. */
static void push_look(struct push_node *node, u32 kind, u64 id, u32 number)
{
	struct agent_key key = AGENT_KEY(kind, id, number);

	if (node->scan)
		return;
	if (node->next < node->nr_keys &&
	    !agent_key_cmp(&node->keys[node->nr_keys - 1], &key))
		return; /* many shards of one volume, one after the other */
	if (node->late++ >= PUSH_DIRTY_MAX || push_key_add(node, key))
		node->scan = true;
}

static bool push_has(const struct push_node *node, u32 kind, u64 id, u32 number)
{
	const struct push_said *said =
		agent_map_find(&node->said, AGENT_KEY(kind, id, number));

	return said && said->sum;
}

/* Look at something that the node has never heard of; once. */
static void push_meet(struct push_node *node, u32 kind, u64 id)
{
	struct agent_key key = AGENT_KEY(kind, id, 0);

	if (agent_map_find(&node->said, key))
		return;
	if (!agent_map_make(&node->said, key, sizeof(struct push_said)))
		node->scan = true;
	else
		push_look(node, kind, id, 0);
}

static int push_key_order(const void *a, const void *b)
{
	return agent_key_cmp(a, b);
}

static void push_key_collect(void *arg, struct agent_key key)
{
	struct push_node *node = arg;

	/* a list without all of it would be taken for whole */
	if (push_key_add(node, key))
		node->scan = true;
	if (key.kind != WANT_SHARD || key.id == node->volume)
		return;
	node->volume = key.id;
	if (push_key_add(node, AGENT_KEY(WANT_VOLUME, key.id, 0)))
		node->scan = true;
}

/* Everything that the node has, or had, in order. */
static int push_scan(struct push *push, struct push_node *node)
{
	const struct push_said *said;
	u32 i, nr = 0;

	if (!node->scanning && push->scans >= PUSH_SCANS_MAX)
		return -EAGAIN;
	push->scans += !node->scanning;
	node->scanning = true;
	node->scan = false;
	node->nr_keys = 0;
	node->next = 0;
	node->late = 0;
	node->volume = 0;
	push_keys(push->s, node->key.id, push_key_collect, node);
	for (i = 0; i < node->said.nr; i++) {
		said = node->said.at[i];
		push_key_collect(node, said->key);
	}
	for (i = 0; i < node->nr_extra; i++)
		push_key_collect(node,
				 AGENT_KEY(WANT_VOLUME, node->extra[i], 0));
	if (node->scan) {
		node->nr_keys = 0;
		return -ENOMEM;
	}
	sort(node->keys, node->nr_keys, sizeof(*node->keys), push_key_order,
	     NULL);
	for (i = 0; i < node->nr_keys; i++)
		if (!nr || agent_key_cmp(&node->keys[nr - 1], &node->keys[i]))
			node->keys[nr++] = node->keys[i];
	node->nr_keys = nr;
	return 0;
}

/* --- what a command changed -------------------------------------------- */

static void push_touch_store(struct push *push, struct push_node *node, u32 id)
{
	const struct state_store *store = state_store_by_id(push->s, id);

	if ((!store || store->node != node->key.id) &&
	    !push_has(node, WANT_STORE, id, 0))
		return;
	push_look(node, WANT_STORE, id, 0);
	push_look(node, WANT_TOMBS, id, 0);
}

/* The node knows as many shards of a volume as there are. */
static bool push_has_shards(const struct push_node *node,
			    const struct state_volume *volume)
{
	u32 from = agent_map_from(&node->said,
				  AGENT_KEY(WANT_SHARD, volume->id, 0));
	struct agent_key last =
		AGENT_KEY(WANT_SHARD, volume->id, volume->shards - 1);

	return volume->shards && from + volume->shards <= node->said.nr &&
	       !agent_key_cmp(node->said.at[from + volume->shards - 1], &last);
}

static void push_touch_volume(struct push *push, struct push_node *node, u32 id)
{
	const struct state_volume *volume = state_volume_by_id(push->s, id);
	u32 own = node->key.id;

	if (!push_has(node, WANT_VOLUME, id, 0) &&
	    (!volume || (volume->holder != own && volume->want != own)))
		return;
	push_look(node, WANT_VOLUME, id, 0);
	if (volume && volume->hold && volume->holder == own &&
	    !push_has_shards(node, volume))
		node->scan = true;
}

static bool push_view_names(const struct state *s,
			    const struct state_shard_view *view, u32 node)
{
	const struct state_volume *volume = state_volume_by_id(s, view->volume);
	u32 i;

	for (i = 0; i < view->nr; i++)
		if (view->member[i].node == node)
			return true;
	return volume && volume->hold && volume->holder == node;
}

static void push_touch_shard(struct push *push, const struct state_item *item)
{
	struct state_shard_view view;
	struct push_node *node;
	bool gone = state_view_shard(push->s, item->id, item->number, &view);
	u32 i;

	for (i = 0; i < push->nodes.nr; i++) {
		node = push->nodes.at[i];
		if (!push_has(node, WANT_SHARD, item->id, item->number) &&
		    (gone || !push_view_names(push->s, &view, node->key.id)))
			continue;
		push_look(node, WANT_SHARD, item->id, item->number);
		/* made, so the volume may be whole */
		push_look(node, WANT_VOLUME, item->id, 0);
	}
}

static void push_touch(struct push *push, struct push_node *node,
		       const struct state_item *item)
{
	switch ((enum state_kind)item->kind) {
	case STATE_KIND_CLUSTER:
		/* its terms have another floor, perhaps */
		node->scan = true;
		break;
	case STATE_KIND_NODE:
		if (item->id == node->key.id)
			push_look(node, WANT_CLUSTER, 0, 0);
		else if (agent_map_find(&node->said,
					AGENT_KEY(WANT_PEER, item->id, 0)))
			push_look(node, WANT_PEER, item->id, 0);
		break;
	case STATE_KIND_STORE:
		push_touch_store(push, node, item->id);
		break;
	case STATE_KIND_VOLUME:
		push_touch_volume(push, node, item->id);
		break;
	case STATE_KIND_HOLDER:
		/* its shards are the node's no more, unless it has copies */
		node->scan |= item->id == node->key.id;
		break;
	case STATE_KIND_SHARD:
	case STATE_KIND_TOKEN:
	case STATE_KIND_JOB:
		break;
	}
}

/**
 * push_applied() - a command was applied
 * @push: all nodes
 * @index: of its entry
 * @delta: what it changed
 *
 * Also at the beginning, with the index up to which the state is, and @all.
 */
void push_applied(struct push *push, u64 index, const struct state_delta *delta)
{
	struct push_node *node;
	u32 i, j;

	push->index = index;
	for (j = 0; !delta->all && j < delta->nr; j++)
		if (delta->item[j].kind == STATE_KIND_SHARD)
			push_touch_shard(push, &delta->item[j]);
	for (i = 0; i < push->nodes.nr; i++) {
		node = push->nodes.at[i];
		node->scan |= delta->all;
		for (j = 0; !delta->all && j < delta->nr; j++)
			push_touch(push, node, &delta->item[j]);
	}
}

static void push_looked(struct push *push, struct push_node *node)
{
	node->nr_keys = 0;
	node->next = 0;
	node->late = 0;
	if (!node->scanning)
		return;
	push->scans--;
	node->scanning = false;
	free(node->keys);
	node->keys = NULL;
	node->room = 0;
}

/* --- nodes ------------------------------------------------------------- */

static void push_begin(struct push *push, struct push_node *node)
{
	push_node_drop(push, node);
	node->said.max = PUSH_KEYS_MAX;
	node->stream = ++push->stream ?: ++push->stream;
	node->number = 0;
	node->full = true;
	node->scan = true;
	node->open = true;
	node->count.index = 0;
}

/**
 * push_hello() - there is a session with a node, and it said how far it is
 * @push: all nodes
 * @id: of the node
 * @hello: what it said
 *
 * Return: 0 or -ENOMEM.
 */
int push_hello(struct push *push, u32 id, const struct want_hello *hello)
{
	struct push_node *node = agent_map_make(
		&push->nodes, AGENT_KEY(0, id, 0), sizeof(*node));

	if (!node)
		return -ENOMEM;
	if (!node->stream || node->open || !hello->number ||
	    hello->stream != node->stream || hello->number != node->number)
		push_begin(push, node);
	node->ahead = hello->index;
	node->known = true;
	return 0;
}

/**
 * push_down() - there is no session with a node any more
 * @push: all nodes
 * @id: of the node
 *
 * What was said is kept: perhaps all of it arrived.
 */
void push_down(struct push *push, u32 id)
{
	struct push_node *node = push_node(push, id);

	if (!node)
		return;
	node->known = false;
	if (!node->scanning)
		return;
	/* others may have its turn */
	push_looked(push, node);
	node->scan = true;
}

/**
 * push_extra() - a node asks what is known of a volume
 * @push: all nodes
 * @id: of the node
 * @volume: id of a volume that its kernel has, and nobody wants there
 *
 * It is told of it from now on, as long as this one leads; of the last
 * PUSH_EXTRA_MAX of them.
 */
void push_extra(struct push *push, u32 id, u32 volume)
{
	struct push_node *node = push_node(push, id);
	u32 i;

	if (!node)
		return;
	for (i = 0; i < node->nr_extra; i++)
		if (node->extra[i] == volume)
			return;
	if (node->nr_extra == PUSH_EXTRA_MAX) {
		push_look(node, WANT_VOLUME, node->extra[0], 0);
		node->nr_extra--;
		memmove(node->extra, node->extra + 1,
			node->nr_extra * sizeof(node->extra[0]));
	}
	node->extra[node->nr_extra++] = volume;
	push_look(node, WANT_VOLUME, volume, 0);
}

/* --- messages ---------------------------------------------------------- */

/* The node has something to do with a volume that it need not hold. */
static bool push_asked(const struct push_node *node, struct agent_key key)
{
	u32 from =
		agent_map_from(&node->said, AGENT_KEY(WANT_SHARD, key.id, 0));
	const struct push_said *said;
	u32 i;

	for (i = 0; i < node->nr_extra; i++)
		if (node->extra[i] == key.id)
			return true;
	if (from == node->said.nr)
		return false;
	said = node->said.at[from];
	return said->key.kind == WANT_SHARD && said->key.id == key.id;
}

/* Whoever is named has to be known. */
static void push_names(struct push_node *node, const union want_item *item)
{
	u32 i;

	if (item->key.kind == WANT_VOLUME && item->volume.holder &&
	    item->volume.holder != node->key.id)
		push_meet(node, WANT_PEER, item->volume.holder);
	if (item->key.kind != WANT_SHARD)
		return;
	for (i = 0; i < item->shard.nr; i++)
		if (item->shard.member[i].node != node->key.id)
			push_meet(node, WANT_PEER, item->shard.member[i].node);
	push_meet(node, WANT_VOLUME, item->key.id);
}

/* It is gone: say so, if the node has it. */
static bool push_gone(struct push_node *node, struct agent_key key,
		      struct state_out *out)
{
	struct state_out was = *out;

	if (!agent_map_find(&node->said, key))
		return true;
	if (push_has(node, key.kind, key.id, key.number))
		want_item_put_gone(out, &key);
	if (out->full) {
		*out = was;
		return false;
	}
	agent_map_del(&node->said, key);
	if (key.kind == WANT_SHARD)
		push_look(node, WANT_VOLUME, key.id, 0);
	return true;
}

/* Look at a key: false: there is no room for what is to be said. */
static bool push_key(struct push *push, struct push_node *node,
		     struct agent_key key, struct state_out *out)
{
	bool asked = key.kind == WANT_VOLUME && push_asked(node, key);
	struct state_out was = *out;
	struct push_said *said;
	u32 sum;

	push->item.key = key;
	if (!push_item(push->s, node->key.id, asked, &push->item))
		return push_gone(node, key, out);
	want_item_put(out, &push->item);
	said = out->full ? NULL :
			   agent_map_make(&node->said, key, sizeof(*said));
	if (!said) {
		*out = was;
		return false;
	}
	sum = crc32c(~0U, was.at, was.left - out->left) ?: 1;
	if (said->sum == sum)
		*out = was;
	else
		push_names(node, &push->item);
	said->sum = sum;
	return true;
}

static void push_head(struct push *push, struct push_node *node, u8 *to,
		      bool commit)
{
	struct state_out out = { .at = to, .left = WANT_HEAD };
	u8 flags = (node->full ? WANT_FULL : 0) | (commit ? WANT_COMMIT : 0);

	state_put(&out, WANT_VERSION, 1);
	state_put(&out, flags, 1);
	state_put(&out, 0, 2);
	state_put(&out, node->number++, 4);
	state_put(&out, node->stream, 8);
	state_put(&out, push->term, 8);
	state_put(&out, commit ? push->index : 0, 8);
	node->count.fulls += node->full;
	node->count.messages++;
	node->full = false;
	node->open = !commit;
	if (commit)
		node->count.index = push->index;
}

/**
 * push_waits() - is there something to be sent?
 * @push: all nodes
 * @id: of the node
 *
 * Return: true if so, or if it has to be looked at.
 */
bool push_waits(const struct push *push, u32 id)
{
	const struct push_node *node = push_node(push, id);

	return node && node->known && push->index &&
	       node->ahead <= push->index &&
	       (node->scan || node->next < node->nr_keys || node->open);
}

/**
 * push_next() - the next message for a node
 * @push: all nodes
 * @id: of the node
 * @to: where it goes
 * @size: room there: WANT_MSG_MAX, or less; for the largest item at least, or
 *	nothing may ever be sent
 *
 * Call it when there is room for one in the session, as what it returns has to
 * be sent; and again as long as push_waits(), but not without going back to the
 * loop in between.
 *
 * Return: its length; 0: nothing this time; -EAGAIN: too many others are being
 * looked at; -ENOMEM: later.
 */
int push_next(struct push *push, u32 id, void *to, u32 size)
{
	struct push_node *node = push_node(push, id);
	struct state_out out = { .at = (u8 *)to + WANT_HEAD,
				 .left = size - WANT_HEAD };
	bool done, room = true;
	u32 looks;
	int err;

	if (!push_waits(push, id))
		return 0;
	if (node->scan) {
		err = push_scan(push, node);
		if (err)
			return err;
	}
	for (looks = 0; room && looks < PUSH_LOOKS_MAX && !node->scan &&
			node->next < node->nr_keys;
	     looks++) {
		room = push_key(push, node, node->keys[node->next], &out);
		node->next += room;
	}
	done = node->next == node->nr_keys && !node->scan;
	if (done)
		push_looked(push, node);
	if (out.left == size - WANT_HEAD && !(done && node->open))
		return 0;
	push_head(push, node, to, done);
	return (int)(size - out.left);
}

/**
 * push_status() - how far a node is
 * @push: all nodes
 * @id: of the node
 * @status: the answer
 */
void push_status(const struct push *push, u32 id, struct push_status *status)
{
	const struct push_node *node = push_node(push, id);

	memset(status, 0, sizeof(*status));
	if (!node)
		return;
	*status = node->count;
	status->known = node->known;
	status->items = node->said.nr;
	status->left = node->nr_keys - node->next;
	status->full = node->open && !status->index;
}
