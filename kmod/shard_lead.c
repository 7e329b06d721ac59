// SPDX-License-Identifier: GPL-2.0-only
/*
 * The leader of a shard: preparing, starting and stopping it, requests on their
 * way in and out, and stealing them.
 *
 * A request joins shard->reqs under the same lock under which the leader takes
 * it, or refuses it for now; then it is in shard->held too, and tried again
 * when the leader says that there is room. Stealing takes all it can see in
 * these lists, under the same lock, after shard->dead was set under it: so
 * none can slip through. Here nothing waits, neither for memory nor for I/O,
 * while a forced detach needs it (see qbd_shard_kill()).
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include "event.h"
#include "fault.h"
#include "request.h"
#include "shard.h"
#include "shard_set.h"
#include "trace.h"
#include "volume.h"

static struct qbd_lease_view qbd_lead_lease(void *ctx, u32 node)
{
	struct qbd_shard *shard = ctx;
	struct qbd_peer *peer = qbd_node_peer(shard->node, node);
	struct qbd_lease_view none = {};

	return peer ? qbd_peer_view(peer) : none;
}

static const struct qbd_leader_ops qbd_lead_ops = {
	.lease = qbd_lead_lease,
};

/* One piece of memory: the leader, its ring, its reads. */
static struct qbd_leader_core *qbd_lead_alloc(struct qbd_leader_config *cfg)
{
	size_t core = ALIGN(qbd_leader_size(), 8);
	size_t ring = sizeof(*cfg->ring) * QBD_LEADER_RECORDS;
	size_t reads = sizeof(*cfg->read) * QBD_LEADER_READS;
	void *mem;

	if (qbd_fault(QBD_FAULT_LEAD_NOMEM))
		return NULL;
	mem = kvzalloc(core + ring + reads, GFP_KERNEL);
	if (!mem)
		return NULL;
	cfg->ring = mem + core;
	cfg->ring_records = QBD_LEADER_RECORDS;
	cfg->read = mem + core + ring;
	cfg->nr_reads = QBD_LEADER_READS;
	return mem;
}

/* The leader's first events: begin, and which ways are open. */
static void qbd_lead_begin(struct qbd_shard *shard, const struct qbd_set *set)
{
	struct qbd_leader_event start = { .kind = QBD_LEADER_START };
	struct qbd_leader_event up = {
		.kind = QBD_LEADER_UP,
		.node = shard->node->spec.id,
	};
	u32 i;

	qbd_peer_loopback(&shard->node->self, ktime_get_boottime_ns());
	qbd_shard_lead_step(shard, &start);
	qbd_shard_lead_step(shard, &up);
	for (i = 0; i < set->nr; i++)
		qbd_shard_links_update(shard, set->member[i].node);
}

/**
 * qbd_shard_lead_prepare() - all that a leader needs, before it begins
 * @shard: the shard; not led yet
 * @spec: how it will be led
 *
 * A leader that began has used its term up (S2). So what may fail is done for
 * all shards of an attach or a growth before the first of them begins.
 *
 * To be followed by qbd_shard_lead_start() or qbd_shard_lead_stop().
 *
 * Context: life_work of the volume; may allocate.
 * Return: 0; -EBUSY if it is led; -ENOMEM; -EINVAL.
 */
int qbd_shard_lead_prepare(struct qbd_shard *shard,
			   const struct qbd_shard_lead_spec *spec)
{
	u64 lease_ms = shard->node->spec.lease_ms;
	struct qbd_leader_config cfg = {
		.ops = &qbd_lead_ops,
		.ctx = shard,
		.key = shard->key,
		.node = shard->node->spec.id,
		.blocks = spec->blocks,
		.term = spec->term,
		.nonce = spec->nonce,
		.lease_ns = lease_ms * NSEC_PER_MSEC,
		.retry_ns = (u64)QBD_LEADER_RETRY_MS * NSEC_PER_MSEC,
		.recover_ns = (u64)QBD_LEADER_RECOVER_MS * NSEC_PER_MSEC,
		.window_bytes = QBD_LEADER_BYTES,
		.resync = true,
		.reads_quorum = spec->reads_quorum,
		.repair = spec->repair,
	};
	struct qbd_leader_core *lead;
	int err;

	if (READ_ONCE(shard->vol) || shard->lead_next)
		return -EBUSY;
	err = qbd_set_spec_make(&cfg.set, spec->set);
	if (err)
		return err;
	lead = qbd_lead_alloc(&cfg);
	if (!lead)
		return -ENOMEM;
	err = qbd_leader_init(lead, &cfg);
	if (err)
		kvfree(lead);
	else
		shard->lead_next = lead;
	return err;
}

/**
 * qbd_shard_lead_start() - lead a shard
 * @shard: the shard, prepared
 * @vol: for this volume
 *
 * Can't fail.
 *
 * Context: life_work of the volume.
 */
void qbd_shard_lead_start(struct qbd_shard *shard, struct qbd_volume *vol)
{
	struct qbd_leader_core *lead = shard->lead_next;
	struct qbd_set set = *qbd_leader_set(lead);

	shard->lead_next = NULL;
	spin_lock(&shard->lock);
	shard->lead = lead;
	shard->lead_gen++;
	shard->vol = vol;
	shard->term = vol->term;
	memset(shard->link, 0, sizeof(shard->link));
	shard->set_due = true;
	shard->dead = false;
	shard->nr_reads = 0;
	shard->nr_writes = 0;
	__qbd_shard_state_update(shard);
	spin_unlock(&shard->lock);
	qbd_lead_begin(shard, &set);
}

/**
 * qbd_shard_lead_stop() - lead it no more
 * @shard: the shard, prepared or led or neither
 * @vol: for this volume; what is led for another one stays
 *
 * All requests have ended before, or end here with an error. The leader goes
 * when it has said what it has to say of them, whoever carries that out: each
 * request and payload that it keeps silent about would stay for ever.
 */
void qbd_shard_lead_stop(struct qbd_shard *shard, struct qbd_volume *vol)
{
	struct qbd_leader_event event = {
		.kind = QBD_LEADER_STOP,
		.err = -EIO,
	};
	struct qbd_leader_core *lead;

	kvfree(shard->lead_next);
	shard->lead_next = NULL;
	if (READ_ONCE(shard->vol) != vol)
		return;
	qbd_shard_kill(shard, vol);
	qbd_shard_lock(shard);
	__qbd_shard_lead_step(shard, &event);
	event.kind = QBD_LEADER_MORE;
	while (shard->lead_more) {
		qbd_shard_unlock(shard);
		qbd_shard_lock(shard);
		__qbd_shard_lead_step(shard, &event);
	}
	lead = shard->lead;
	shard->lead = NULL;
	shard->lead_more = false;
	shard->vol = NULL;
	__qbd_shard_state_update(shard);
	qbd_shard_unlock(shard);
	kvfree(lead);
}

/* --- in ---------------------------------------------------------------- */

/* Offer a request to the leader; one step. */
static int __qbd_lead_try(struct qbd_shard *shard, struct qbd_request *req)
{
	struct qbd_leader_event event = {
		.kind = req->op ? QBD_LEADER_WRITE : QBD_LEADER_READ,
		.op = req->op,
		.rec_flags = req->rec_flags,
		.block = req->block,
		.blocks = req->blocks,
		.crc = req->crc,
		.req = req,
		.payload = req->op ? req->payload : NULL,
	};
	struct qbd_leader_info info;
	int err;

	qbd_assert_shard_locked(shard);
	req->lead_gen = shard->lead_gen;
	err = __qbd_shard_lead_step(shard, &event);
	if (err || !req->op)
		return err;
	/* the bytes are the leader's now, until its PUT */
	req->payload = NULL;
	qbd_leader_info(shard->lead, &info);
	req->index = info.last;
	trace_qbd_write_assigned(shard->key.volume, shard->key.shard, req->id,
				 shard->term, req->index, req->blocks);
	return 0;
}

static void __qbd_lead_add(struct qbd_shard *shard, struct qbd_request *req,
			   bool held)
{
	qbd_assert_shard_locked(shard);
	list_add_tail(&req->entry, &shard->reqs);
	shard->nr_reqs++;
	if (!held)
		return;
	list_add_tail(&req->held_entry, &shard->held);
	shard->nr_held++;
	trace_qbd_request_held(shard->key.volume, shard->key.shard, req->id);
}

/* Out of the lists; the one who held it has to put it if this says so. */
static bool __qbd_lead_del(struct qbd_shard *shard, struct qbd_request *req)
{
	bool held = !list_empty(&req->held_entry);

	qbd_assert_shard_locked(shard);
	if (!list_empty(&req->entry)) {
		list_del_init(&req->entry);
		shard->nr_reqs--;
	}
	if (held) {
		list_del_init(&req->held_entry);
		shard->nr_held--;
	}
	return held;
}

/* End a request that is in no list any more. */
static void qbd_lead_end(struct qbd_shard *shard, struct qbd_request *req,
			 struct request *rq, int err)
{
	trace_qbd_request_done(shard->key.volume, shard->key.shard, req->id,
			       req->index, req->op, err,
			       ktime_get_boottime_ns() - req->queued_ns);
	qbd_request_part_end(rq, err);
}

/**
 * qbd_shard_submit() - a request for this shard
 * @shard: the shard
 * @req: the request; the caller's reference is used up
 *
 * Context: process; may wait for memory.
 */
void qbd_shard_submit(struct qbd_shard *shard, struct qbd_request *req)
{
	struct request *rq = NULL;
	int err = -EIO;

	qbd_shard_lock(shard);
	if (!shard->dead && list_empty(&shard->held))
		err = __qbd_lead_try(shard, req);
	else if (!shard->dead)
		err = -EAGAIN;
	if (!err || err == -EAGAIN)
		__qbd_lead_add(shard, req, err);
	else
		rq = qbd_request_take(req);
	qbd_shard_unlock(shard);
	if (!rq)
		return;
	qbd_lead_end(shard, req, rq, err);
	qbd_request_put(req);
}

/**
 * __qbd_shard_held_one() - offer the first request that is held to the leader
 * @shard: locked, with room for a step; the caller is its pump. The lock is
 *	dropped in between
 *
 * If it is taken the next one is offered when what came of it is carried out.
 */
void __qbd_shard_held_one(struct qbd_shard *shard) __must_hold(&shard->lock)
{
	struct request *rq = NULL;
	struct qbd_request *req;
	int err = -EAGAIN;

	qbd_assert_shard_locked(shard);
	shard->held_more = false;
	req = list_first_entry_or_null(&shard->held, struct qbd_request,
				       held_entry);
	if (req)
		err = __qbd_lead_try(shard, req);
	if (err != -EAGAIN) {
		list_del_init(&req->held_entry);
		shard->nr_held--;
		shard->held_more = true;
	}
	if (err && err != -EAGAIN) {
		__qbd_lead_del(shard, req);
		rq = qbd_request_take(req);
	}
	if (!err || err == -EAGAIN)
		return;
	spin_unlock(&shard->lock);
	if (rq)
		qbd_lead_end(shard, req, rq, err);
	qbd_request_put(req);
	spin_lock(&shard->lock);
}

/* --- out --------------------------------------------------------------- */

/**
 * qbd_shard_complete() - the leader is done with a request
 * @shard: the shard
 * @req: the request; the leader's reference is used up
 * @err: how it ended
 * @payload: bytes of a read that another node has served, else NULL
 */
void qbd_shard_complete(struct qbd_shard *shard, struct qbd_request *req,
			int err, struct qbd_payload *payload)
{
	struct request *rq;

	spin_lock(&shard->lock);
	__qbd_lead_del(shard, req);
	if (req->op)
		shard->nr_writes++;
	else
		shard->nr_reads++;
	rq = qbd_request_take(req);
	spin_unlock(&shard->lock);
	if (rq) {
		if (!req->op && !err)
			qbd_request_read_back(rq, payload ?: req->payload);
		qbd_lead_end(shard, req, rq, err);
	}
	qbd_request_put(req);
}

/*
 * Is the leader that took this request still there? A read of the store goes
 * on when it has stopped, and may end under the next one, whose reads have ids
 * that begin anew.
 */
static bool __qbd_lead_has(const struct qbd_shard *shard,
			   const struct qbd_request *req)
{
	qbd_assert_shard_locked(shard);
	return shard->lead && shard->lead_gen == req->lead_gen;
}

static void qbd_lead_read_done(struct qbd_store_read *read)
{
	struct qbd_request *req = container_of(read, struct qbd_request, read);
	struct qbd_shard *shard = req->shard;
	struct qbd_leader_event event = {
		.kind = QBD_LEADER_READ_DONE,
		.id = req->read_id,
		.err = read->error,
		.first = read->first,
		.index = read->index,
	};
	bool has;

	qbd_shard_lock(shard);
	has = __qbd_lead_has(shard, req);
	if (has)
		__qbd_shard_lead_step(shard, &event);
	qbd_shard_unlock(shard);
	/* the leader's reference: it stopped before it could use it up */
	if (!has)
		qbd_request_put(req);
	qbd_request_put(req);
}

/* What a read of the store needs; false if the leader has stopped. */
static bool qbd_lead_read_begin(struct qbd_shard *shard,
				struct qbd_request *req,
				struct qbd_store_read *read)
{
	bool has;

	spin_lock(&shard->lock);
	has = __qbd_lead_has(shard, req);
	if (has && shard->store)
		read->store = qbd_kstore_get(shard->store);
	read->slot = shard->slot;
	spin_unlock(&shard->lock);
	return has;
}

/**
 * qbd_shard_read_local() - read from the replica on this node
 * @shard: the shard
 * @req: the read, of which this may be a second try
 * @id: what READ_DONE shall say
 */
void qbd_shard_read_local(struct qbd_shard *shard, struct qbd_request *req,
			  u64 id)
{
	struct qbd_store_read *read = &req->read;
	struct qbd_store *store;

	*read = (struct qbd_store_read){
		.block = req->block,
		.blocks = req->blocks,
		.bvec = req->bvec,
		.done = qbd_lead_read_done,
		.error = -ESHUTDOWN,
	};
	req->read_id = id;
	if (!qbd_lead_read_begin(shard, req, read)) {
		qbd_request_put(req);
		return;
	}
	qbd_request_get(req);
	trace_qbd_read_local(shard->key.volume, shard->key.shard, req->id,
			     req->block, req->blocks);
	store = read->store;
	if (!store) {
		qbd_lead_read_done(read);
		return;
	}
	qbd_kstore_read(read);
	qbd_kstore_put(store);
}

/* --- stolen ------------------------------------------------------------ */

/**
 * qbd_shard_kill() - end all requests now, take no more
 * @shard: the shard
 * @vol: the volume that is dead; nothing happens if the shard is led for
 *	another one by now, or not at all: then it has no requests of @vol
 *
 * Takes shard->lock alone and waits for nothing: a frozen queue, a stuck disk
 * and a pump that is busy with something else do not matter. The leader keeps
 * its references and finds out when it is stopped.
 */
void qbd_shard_kill(struct qbd_shard *shard, const struct qbd_volume *vol)
{
	struct qbd_request *req;
	struct request *rq;
	bool held;

	for (;;) {
		spin_lock(&shard->lock);
		if (shard->vol != vol) {
			spin_unlock(&shard->lock);
			return;
		}
		shard->dead = true;
		req = list_first_entry_or_null(&shard->reqs, struct qbd_request,
					       entry);
		if (!req) {
			spin_unlock(&shard->lock);
			return;
		}
		qbd_request_get(req);
		held = __qbd_lead_del(shard, req);
		rq = qbd_request_take(req);
		spin_unlock(&shard->lock);
		if (rq)
			qbd_lead_end(shard, req, rq, -EIO);
		if (held)
			qbd_request_put(req);
		qbd_request_put(req);
	}
}

/**
 * qbd_shard_steal() - end one request now
 * @shard: the shard
 * @rq: the block layer's request; it does not end while we look
 * @err: with this error
 *
 * Return: true if a part of it was found here and ended.
 */
bool qbd_shard_steal(struct qbd_shard *shard, struct request *rq, int err)
{
	struct qbd_request *req, *found = NULL;
	bool held = false;

	spin_lock(&shard->lock);
	list_for_each_entry(req, &shard->reqs, entry) {
		if (READ_ONCE(req->rq) != rq || !qbd_request_take(req))
			continue;
		found = req;
		qbd_request_get(found);
		held = __qbd_lead_del(shard, found);
		break;
	}
	spin_unlock(&shard->lock);
	if (!found)
		return false;
	qbd_lead_end(shard, found, rq, err);
	if (held)
		qbd_request_put(found);
	qbd_request_put(found);
	return true;
}
