// SPDX-License-Identifier: GPL-2.0-only
/*
 * The model of a kernel: what it accepts, what becomes of it later, what it
 * shows.
 */
#include "agent_sim.h"

static const u8 as_uuid_tail = 0x5;

/* The replica with that id, NULL: there is none. */
struct as_replica *as_replica(struct as_node *n, u64 id)
{
	u32 i;

	for (i = 0; i < AS_REPLICAS; i++)
		if (n->replica[i].id == id)
			return &n->replica[i];
	return NULL;
}

/* --- peers, stores ----------------------------------------------------- */

static bool as_peer_used(struct as_node *n, u32 peer)
{
	u32 v, s, m, i;

	for (i = 0; i < AS_REPLICAS; i++)
		for (m = 0; n->replica[i].id && m < n->replica[i].nr; m++)
			if (n->replica[i].node[m] == peer)
				return true;
	for (v = 0; v < AS_VOLUMES; v++) {
		struct as_volume *vol = &n->volume[v];

		for (s = 0; vol->there && vol->whole && s < vol->nr; s++)
			for (m = 0; m < vol->shard[s].nr; m++)
				if (vol->shard[s].member[m].node == peer)
					return true;
	}
	return false;
}

static int as_peer_do(struct as_world *w, struct as_node *n,
		      const struct agent_request *req)
{
	if (!req->node || req->node == n->id || req->node > AS_NODES)
		return -EINVAL;
	if (req->cmd == QBD_CMD_PEER_ADD) {
		n->peer[req->node] = 1;
		return 0;
	}
	if (!n->peer[req->node])
		return -ENOENT;
	if (as_peer_used(n, req->node) && n->store == QBD_STORE_STATE_ACTIVE)
		as_broken(w, "R6", "node %u removes peer %u, which it uses",
			  n->id, req->node);
	n->peer[req->node] = 0;
	return 0;
}

static int as_store_do(struct as_world *w, struct as_node *n,
		       const struct agent_request *req)
{
	const struct state_volume *volume;
	u32 id;

	if (req->uuid[0] != n->id || req->uuid[1] != as_uuid_tail)
		return -ENOENT;
	if (req->cmd == QBD_CMD_STORE_REMOVE) {
		if (n->store == U32_MAX)
			return -ENOENT;
		n->store = QBD_STORE_STATE_CLOSING;
		return 0;
	}
	if (n->store != U32_MAX)
		return -EEXIST;
	n->store = QBD_STORE_STATE_OPENING;
	n->opens++;
	for (id = 1; id < AS_VOLUMES; id++) {
		volume = state_volume_by_id(w->s, id);
		n->terms[id] = volume ? volume->term : 0;
	}
	for (id = 0; id < AS_REPLICAS; id++)
		if (n->replica[id].id)
			n->replica[id].floorless = as_odds(w, 30);
	return 0;
}

/* --- replicas ---------------------------------------------------------- */

static int as_replica_create(struct as_world *w, struct as_node *n,
			     const struct as_request *asked)
{
	const struct agent_request *req = &asked->req;
	const struct want_shard *set = &asked->set[0];
	struct as_replica *free = NULL;
	u32 i;

	if (n->store != QBD_STORE_STATE_ACTIVE)
		return -ESHUTDOWN;
	if (req->replica >= AS_REPLICA_IDS)
		return -EINVAL;
	for (i = 0; i < AS_REPLICAS; i++) {
		if (!n->replica[i].id)
			free = &n->replica[i];
		else if (n->replica[i].volume == req->volume &&
			 n->replica[i].shard == req->shard)
			return -EBUSY;
	}
	if (n->had[req->replica])
		return -EEXIST;
	if (w->made[req->replica])
		as_broken(w, "R5", "node %u makes replica %llu again", n->id,
			  req->replica);
	if (!free)
		return -ENOSPC;
	n->had[req->replica] = true;
	*free = (struct as_replica){ .id = req->replica,
				     .volume = req->volume,
				     .shard = req->shard,
				     .epoch = set->epoch,
				     .state = QBD_REPLICA_STATE_OFFLINE };
	for (i = 0; i < set->nr; i++)
		if (set->member[i].role != STATE_ROLE_GONE)
			free->node[free->nr++] = set->member[i].node;
	return 0;
}

static bool as_led_with(struct as_node *n, const struct as_replica *replica)
{
	struct as_volume *vol = &n->volume[replica->volume];
	struct as_shard *shard = &vol->shard[replica->shard];
	u32 i;

	for (i = 0; vol->there && vol->whole && i < shard->nr; i++)
		if (shard->member[i].replica == replica->id)
			return true;
	return false;
}

static int as_replica_delete(struct as_world *w, struct as_node *n,
			     const struct agent_request *req)
{
	struct as_replica *replica = as_replica(n, req->replica);

	if (!replica || n->store != QBD_STORE_STATE_ACTIVE)
		return -ENOENT;
	if (as_led_with(n, replica))
		return -EBUSY;
	if (req->epoch < replica->epoch)
		return -ESTALE;
	if (as_member(w->s, replica->id, replica->volume, replica->shard))
		as_broken(w, "R2", "node %u deletes replica %llu, a member",
			  n->id, replica->id);
	replica->state = QBD_REPLICA_STATE_DELETED;
	return 0;
}

static int as_replica_floor(struct as_world *w, struct as_node *n,
			    const struct agent_request *req)
{
	struct as_replica *replica = as_replica(n, req->replica);

	if (!replica || n->store != QBD_STORE_STATE_ACTIVE)
		return -ENOENT;
	if (req->term < n->terms[replica->volume])
		as_broken(w, "R4", "node %u: floor %llu, but %llu was granted",
			  n->id, req->term, n->terms[replica->volume]);
	replica->floorless = false;
	return 0;
}

/* --- volumes ----------------------------------------------------------- */

static u8 as_role(u8 role)
{
	return role == STATE_ROLE_GONE ? 0 : role;
}

static void as_set_take(struct as_shard *shard, const struct want_shard *set)
{
	u32 i;

	shard->nr = 0;
	for (i = 0; i < set->nr; i++)
		if (set->member[i].role != STATE_ROLE_GONE)
			shard->member[shard->nr++] = (struct seen_member){
				.replica = set->member[i].replica,
				.node = set->member[i].node,
				.role = as_role(set->member[i].role),
				.state = set->member[i].role ==
							 STATE_ROLE_LEARNER ?
						 QBD_REPLICA_STATE_LAGGING :
						 QBD_REPLICA_STATE_IN_SYNC
			};
	shard->epoch = set->epoch;
}

/* The last part came: this is when a term is used. */
static void as_attach_whole(struct as_world *w, struct as_node *n, u32 id)
{
	struct as_volume *vol = &n->volume[id];

	vol->whole = true;
	if (vol->term >= AS_TERMS)
		return;
	if (w->given[id][vol->term])
		as_broken(w, "R1",
			  "term %llu of volume %u is given again, to %u",
			  vol->term, id, n->id);
	if (w->mend.granted[id][vol->term] != vol->repair)
		as_broken(w, "R17",
			  "term %llu of volume %u: %s a device, on node %u",
			  vol->term, id, vol->repair ? "without" : "with",
			  n->id);
	if (w->granted[id][vol->term] != n->id)
		as_broken(w, "R1", "term %llu of volume %u is not node %u's",
			  vol->term, id, n->id);
	w->given[id][vol->term] = true;
}

static int as_volume_attach(struct as_world *w, struct as_node *n,
			    const struct as_request *asked)
{
	const struct agent_request *req = &asked->req;
	struct as_volume *vol = &n->volume[req->volume];
	u32 nr = (req->size + req->shard_bytes - 1) / req->shard_bytes, i;

	if (vol->there && (vol->whole || vol->term != req->term))
		return -EBUSY;
	if (nr > AS_SHARDS || !req->nr_sets || !req->term)
		return -EINVAL;
	for (i = 0; i < req->nr_sets; i++)
		if (asked->set[i].key.number >= (vol->there ? vol->nr : nr) ||
		    (vol->there && vol->shard[asked->set[i].key.number].named))
			return -EEXIST;
	if (!vol->there) {
		memset(vol, 0, sizeof(*vol));
		vol->there = true;
		vol->state = QBD_VOLUME_STATE_OPENING;
		vol->term = req->term;
		vol->repair = req->repair;
		vol->size = req->size;
		vol->nr = nr;
		vol->on_no_quorum = req->on_no_quorum;
		vol->no_quorum_ms = req->no_quorum_ms ?: 30000;
	}
	for (i = 0; i < req->nr_sets; i++) {
		struct as_shard *shard = &vol->shard[asked->set[i].key.number];

		shard->named = true;
		as_set_take(shard, &asked->set[i]);
		shard->committed = shard->epoch;
	}
	if (req->more)
		return 0;
	for (i = 0; i < vol->nr; i++)
		if (!vol->shard[i].named)
			return -EUCLEAN;
	as_attach_whole(w, n, req->volume);
	return 0;
}

/* Somebody is about to take a volume away: may that be? */
static void as_detach_check(struct as_world *w, struct as_node *n, u32 id)
{
	const struct state_volume *volume = state_volume_by_id(w->s, id);
	struct as_volume *vol = &n->volume[id];

	if (!vol->whole || vol->state == QBD_VOLUME_STATE_DEAD ||
	    vol->state == QBD_VOLUME_STATE_DETACHING || !volume ||
	    vol->term >= AS_TERMS)
		return;
	if (volume->term == vol->term && volume->holder == n->id &&
	    volume->hold == STATE_HOLD_DEVICE && volume->want == n->id &&
	    !w->release[id][vol->term])
		as_broken(w, "R3",
			  "node %u detaches volume %u, its own by %llu", n->id,
			  id, vol->term);
}

static int as_volume_detach(struct as_world *w, struct as_node *n,
			    const struct agent_request *req)
{
	struct as_volume *vol = &n->volume[req->volume];

	if (!vol->there)
		return -ENOENT;
	if (!req->force && vol->state == QBD_VOLUME_STATE_DETACHING)
		return -EALREADY;
	if (!req->force && vol->open)
		return -EBUSY;
	as_detach_check(w, n, req->volume);
	if (req->force)
		vol->open = false;
	vol->state = req->force ? QBD_VOLUME_STATE_DEAD :
				  QBD_VOLUME_STATE_DETACHING;
	return 0;
}

static int as_volume_grow(struct as_node *n, const struct as_request *asked)
{
	const struct agent_request *req = &asked->req;
	struct as_volume *vol = &n->volume[req->volume];
	u32 nr = (req->size + (1ULL << STATE_SHIFT_MIN) - 1) >> STATE_SHIFT_MIN,
	    i;

	if (!vol->there || vol->term != req->term)
		return -ESTALE;
	if (vol->repair)
		return -EOPNOTSUPP;
	if (vol->state != QBD_VOLUME_STATE_SERVING)
		return -EAGAIN;
	if (nr > AS_SHARDS || (vol->growing && vol->growing != req->size))
		return -EBUSY;
	for (i = 0; i < req->nr_sets; i++) {
		if (asked->set[i].key.number < vol->nr ||
		    asked->set[i].key.number >= nr)
			return -ERANGE;
		as_set_take(&vol->shard[asked->set[i].key.number],
			    &asked->set[i]);
		vol->shard[asked->set[i].key.number].named = true;
	}
	if (req->more)
		return 0;
	for (i = vol->nr; i < nr; i++)
		if (!vol->shard[i].named)
			return -EUCLEAN;
	vol->growing = req->size;
	return 0;
}

static int as_shard_config(struct as_node *n, const struct as_request *asked)
{
	const struct agent_request *req = &asked->req;
	struct as_volume *vol = &n->volume[req->volume];
	struct as_shard *shard = &vol->shard[req->shard];

	if (!vol->there || vol->term != req->term)
		return -ESTALE;
	if (!vol->whole || req->shard >= vol->nr ||
	    vol->state == QBD_VOLUME_STATE_OPENING)
		return -EAGAIN;
	if (asked->set[0].epoch < shard->epoch ||
	    (shard->pending && asked->set[0].epoch < shard->next.epoch))
		return -ESTALE;
	shard->pending = true;
	shard->next = asked->set[0];
	return 0;
}

static int as_volume_set(struct as_node *n, const struct agent_request *req)
{
	struct as_volume *vol = &n->volume[req->volume];

	if (!vol->there)
		return -ENOENT;
	vol->on_no_quorum = req->on_no_quorum;
	vol->no_quorum_ms = req->no_quorum_ms ?: 30000;
	return 0;
}

/**
 * as_kernel_do() - a request
 * @w: the schedule
 * @n: the node
 * @asked: the request
 *
 * Return: what the kernel answers.
 */
int as_kernel_do(struct as_world *w, struct as_node *n,
		 const struct as_request *asked)
{
	const struct agent_request *req = &asked->req;

	if (req->cmd == QBD_CMD_NODE_START) {
		if (n->node)
			return -EEXIST;
		n->node = true;
		return 0;
	}
	if (!n->node)
		return -ENOENT;
	if (req->volume >= AS_VOLUMES || req->shard >= AS_SHARDS)
		return -EINVAL;
	switch (req->cmd) {
	case QBD_CMD_PEER_ADD:
	case QBD_CMD_PEER_REMOVE:
		return as_peer_do(w, n, req);
	case QBD_CMD_STORE_ADD:
	case QBD_CMD_STORE_REMOVE:
		return as_store_do(w, n, req);
	case QBD_CMD_REPLICA_CREATE:
		return as_replica_create(w, n, asked);
	case QBD_CMD_REPLICA_DELETE:
		return as_replica_delete(w, n, req);
	case QBD_CMD_REPLICA_FLOOR:
		return as_replica_floor(w, n, req);
	case QBD_CMD_VOLUME_ATTACH:
		return as_volume_attach(w, n, asked);
	case QBD_CMD_VOLUME_DETACH:
		return as_volume_detach(w, n, req);
	case QBD_CMD_VOLUME_GROW:
		return as_volume_grow(n, asked);
	case QBD_CMD_VOLUME_SET:
		return as_volume_set(n, req);
	case QBD_CMD_SHARD_CONFIG:
		return as_shard_config(n, asked);
	default:
		return -EOPNOTSUPP;
	}
}

/* --- what happens by itself -------------------------------------------- */

static void as_tick_store(struct as_world *w, struct as_node *n)
{
	u32 i;

	if (n->store == QBD_STORE_STATE_OPENING && as_odds(w, 40)) {
		n->store = QBD_STORE_STATE_ACTIVE;
		for (i = 0; i < AS_REPLICAS; i++)
			if (n->replica[i].id &&
			    n->replica[i].state != QBD_REPLICA_STATE_DELETED)
				n->replica[i].state = QBD_REPLICA_STATE_OFFLINE;
		seen_event(&n->seen, n->seen.seq + 1,
			   QBD_EVENT_KIND_STORE_STATE);
	}
	if (n->store == QBD_STORE_STATE_CLOSING && as_odds(w, 40)) {
		n->store = U32_MAX;
		seen_event(&n->seen, n->seen.seq + 1,
			   QBD_EVENT_KIND_STORE_STATE);
	}
	for (i = 0; i < AS_REPLICAS; i++) {
		struct as_replica *replica = &n->replica[i];
		u32 was = replica->state;

		if (!replica->id || n->store != QBD_STORE_STATE_ACTIVE ||
		    !as_odds(w, 40))
			continue;
		if (replica->state == QBD_REPLICA_STATE_DELETED)
			replica->id = 0;
		else
			replica->state = replica->floorless ?
						 QBD_REPLICA_STATE_RECOVERING :
						 QBD_REPLICA_STATE_IN_SYNC;
		if (!replica->id || replica->state != was)
			seen_event(&n->seen, n->seen.seq + 1,
				   QBD_EVENT_KIND_REPLICA_STATE);
	}
}

/* In a schedule with repair it depends on others who are there. */
static bool as_reached(const struct as_world *w, const struct seen_member *of)
{
	struct as_node *n = (struct as_node *)&w->node[of->node];
	const struct as_replica *replica = as_replica(n, of->replica);

	return !w->mend.on || (n->dead_ms <= w->now_ms && replica &&
			       replica->state == QBD_REPLICA_STATE_IN_SYNC);
}

static bool as_durable(const struct as_world *w, const struct as_shard *shard)
{
	u32 nr[2] = { 0 }, live[2] = { 0 }, i, k;

	for (i = 0; i < shard->nr; i++) {
		u8 role = shard->member[i].role;
		bool in[2] = { role == QBD_MEMBER_ROLE_VOTER ||
				       role == QBD_MEMBER_ROLE_LEAVING,
			       role == QBD_MEMBER_ROLE_VOTER ||
				       role == QBD_MEMBER_ROLE_JOINING };

		for (k = 0; k < 2; k++) {
			nr[k] += in[k];
			live[k] += in[k] && as_reached(w, &shard->member[i]);
		}
	}
	return !w->mend.on || (live[0] * 2 > nr[0] && live[1] * 2 > nr[1]);
}

static void as_fill(struct as_world *w, struct seen_member *member)
{
	if (!as_reached(w, member))
		return;
	member->state = QBD_REPLICA_STATE_IN_SYNC;
	w->mend.filled[member->replica] = true;
}

static void as_tick_shard(struct as_world *w, struct as_node *n,
			  struct as_shard *shard)
{
	u32 i, kind = QBD_EVENT_KIND_SET_COMMITTED;

	/* what is quiet for long is taken for being at rest */
	if (!as_odds(w, w->heal ? 80 : 40))
		return;
	if (shard->pending) {
		shard->pending = false;
		as_set_take(shard, &shard->next);
	} else if (shard->committed != shard->epoch) {
		if (as_durable(w, shard))
			shard->committed = shard->epoch;
	} else {
		kind = QBD_EVENT_KIND_REPLICA_STATE;
		for (i = 0; i < shard->nr; i++)
			as_fill(w, &shard->member[i]);
	}
	seen_event(&n->seen, n->seen.seq + 1, kind);
}

/* Another kernel serves it under a higher term: this one learns it. */
static bool as_fenced(struct as_world *w, u32 id, u64 term)
{
	u32 i;

	for (i = 1; i <= AS_NODES; i++)
		if (w->node[i].volume[id].there &&
		    w->node[i].volume[id].term > term &&
		    w->node[i].volume[id].state == QBD_VOLUME_STATE_SERVING)
			return true;
	return false;
}

static void as_tick_volume(struct as_world *w, struct as_node *n, u32 id)
{
	struct as_volume *vol = &n->volume[id];
	u32 was = vol->state, i;
	u64 size = vol->size;

	if (!vol->there || !as_odds(w, 40))
		return;
	if (vol->state == QBD_VOLUME_STATE_DEAD ||
	    vol->state == QBD_VOLUME_STATE_DETACHING) {
		vol->there = vol->open;
	} else if (vol->whole && as_fenced(w, id, vol->term)) {
		vol->state = QBD_VOLUME_STATE_DEAD;
	} else if (vol->whole && vol->state == QBD_VOLUME_STATE_OPENING) {
		/* now and then it can not succeed in this term */
		vol->state = !w->heal && as_odds(w, 15) ?
				     QBD_VOLUME_STATE_DEAD :
				     QBD_VOLUME_STATE_SERVING;
		vol->open = !w->heal && !vol->repair && as_odds(w, 20);
	} else if (vol->growing) {
		vol->size = vol->growing;
		vol->nr = (vol->size + (1ULL << STATE_SHIFT_MIN) - 1) >>
			  STATE_SHIFT_MIN;
		vol->growing = 0;
		for (i = 0; i < vol->nr; i++)
			vol->shard[i].committed = vol->shard[i].epoch;
	} else if (vol->state == QBD_VOLUME_STATE_SERVING) {
		vol->open = vol->open && !w->heal && as_odds(w, 80);
	}
	for (i = 0; vol->there && vol->whole && i < vol->nr; i++)
		as_tick_shard(w, n, &vol->shard[i]);
	if (!vol->there || vol->state != was || vol->size != size)
		seen_event(&n->seen, n->seen.seq + 1,
			   QBD_EVENT_KIND_VOLUME_STATE);
}

/**
 * as_kernel_tick() - what was started goes on
 * @w: the schedule
 * @n: the node
 */
void as_kernel_tick(struct as_world *w, struct as_node *n)
{
	u32 id;

	if (!n->node)
		return;
	as_tick_store(w, n);
	for (id = 1; id < AS_VOLUMES; id++)
		as_tick_volume(w, n, id);
}

/**
 * as_kernel_lost() - the node is rebooted, or the module loaded anew: what is
 * on its disk stays
 * @n: the node
 */
void as_kernel_lost(struct as_node *n)
{
	u32 i;

	n->node = false;
	n->store = U32_MAX;
	memset(n->volume, 0, sizeof(n->volume));
	memset(n->peer, 0, sizeof(n->peer));
	for (i = 0; i < AS_REPLICAS; i++)
		if (n->replica[i].state == QBD_REPLICA_STATE_DELETED)
			n->replica[i].id = 0;
}

/* --- what it shows ----------------------------------------------------- */

static void as_dump_replicas(struct as_node *n, union seen_object *to)
{
	u32 i;

	for (i = 0; i < AS_REPLICAS; i++) {
		struct as_replica *replica = &n->replica[i];

		if (!replica->id || n->store != QBD_STORE_STATE_ACTIVE)
			continue;
		memset(to, 0, sizeof(*to));
		to->key.id = replica->id;
		to->replica.volume = replica->volume;
		to->replica.shard = replica->shard;
		to->replica.store[0] = n->id;
		to->replica.store[1] = as_uuid_tail;
		to->replica.state = replica->state;
		to->replica.epoch = replica->epoch;
		to->replica.nr = replica->nr;
		memcpy(to->replica.node, replica->node, sizeof(replica->node));
		seen_put(&n->seen, SEEN_REPLICA, to);
	}
}

static void as_dump_volumes(struct as_node *n, union seen_object *to)
{
	u32 id;

	for (id = 1; id < AS_VOLUMES; id++) {
		struct as_volume *vol = &n->volume[id];

		if (!vol->there)
			continue;
		memset(to, 0, sizeof(*to));
		to->key.id = id;
		to->volume.state = vol->state;
		to->volume.term = vol->term;
		to->volume.size = vol->size;
		to->volume.growing = vol->growing;
		to->volume.on_no_quorum = vol->on_no_quorum;
		to->volume.no_quorum_ms = vol->no_quorum_ms;
		to->volume.shards = vol->nr;
		if (!vol->repair)
			snprintf(to->volume.device, sizeof(to->volume.device),
				 "qbd%u", id);
		seen_put(&n->seen, SEEN_VOLUME, to);
	}
}

static void as_dump_shards(struct as_node *n, union seen_object *to)
{
	u32 id, i;

	for (id = 1; id < AS_VOLUMES; id++) {
		struct as_volume *vol = &n->volume[id];

		for (i = 0; vol->there && vol->whole && i < vol->nr; i++) {
			memset(to, 0, sizeof(*to));
			to->key.id = id;
			to->key.number = i;
			to->shard.state = QBD_SHARD_STATE_SERVING;
			to->shard.term = vol->term;
			to->shard.epoch = vol->shard[i].epoch;
			to->shard.committed = vol->shard[i].committed;
			to->shard.nr = vol->shard[i].nr;
			memcpy(to->shard.member, vol->shard[i].member,
			       sizeof(to->shard.member));
			seen_put(&n->seen, SEEN_SHARD, to);
		}
	}
}

static void as_dump_peers(struct as_node *n, union seen_object *to)
{
	u32 id;

	for (id = 1; id <= AS_NODES; id++) {
		if (!n->peer[id])
			continue;
		memset(to, 0, sizeof(*to));
		to->key.id = id;
		to->peer.state = QBD_PEER_STATE_UP;
		seen_put(&n->seen, SEEN_PEER, to);
	}
}

static void as_dump_node(struct as_world *w, struct as_node *n,
			 union seen_object *to)
{
	const struct state_cluster *cluster = state_cluster(w->s);

	if (!n->node)
		return;
	memset(to, 0, sizeof(*to));
	to->node.id = n->id;
	memcpy(to->node.cluster, cluster->uuid, sizeof(to->node.cluster));
	to->node.lineage = cluster->lineage;
	to->node.state = QBD_NODE_STATE_RUNNING;
	seen_put(&n->seen, SEEN_NODE, to);
}

static void as_dump_store(struct as_node *n, union seen_object *to)
{
	if (n->store == U32_MAX)
		return;
	memset(to, 0, sizeof(*to));
	to->store.uuid[0] = n->id;
	to->store.uuid[1] = as_uuid_tail;
	to->key = seen_store_key(to->store.uuid);
	to->store.state = n->store;
	to->store.opens = n->opens;
	to->store.capacity = 64ULL << 30;
	to->store.free = to->store.capacity;
	seen_put(&n->seen, SEEN_STORE, to);
}

/**
 * as_kernel_dump() - show all of a kind
 * @w: the schedule
 * @n: the node
 * @kind: of what
 */
void as_kernel_dump(struct as_world *w, struct as_node *n, enum seen_kind kind)
{
	bool whole = w->heal || !as_odds(w, 5);
	union seen_object object;

	seen_begin(&n->seen, kind, w->now_ms);
	if (whole && kind == SEEN_NODE)
		as_dump_node(w, n, &object);
	else if (whole && n->node && kind == SEEN_STORE)
		as_dump_store(n, &object);
	else if (whole && n->node && kind == SEEN_REPLICA)
		as_dump_replicas(n, &object);
	else if (whole && n->node && kind == SEEN_VOLUME)
		as_dump_volumes(n, &object);
	else if (whole && n->node && kind == SEEN_SHARD)
		as_dump_shards(n, &object);
	else if (whole && n->node && kind == SEEN_PEER)
		as_dump_peers(n, &object);
	seen_end(&n->seen, kind, whole);
}
