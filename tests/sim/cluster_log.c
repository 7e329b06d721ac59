// SPDX-License-Identifier: GPL-2.0-only
/*
 * The plain log of a node's replicas; see cluster_log.h. It does what store.h
 * promises in the least code: records in memory, a copy of those that are
 * durable, one queue of writes for all replicas of the node.
 *
 * Each function hands over to the real store in a schedule that has one.
 */
#include <stdlib.h>

#include "cluster.h"
#include "cluster_log.h"

#define CL_LOG 1024 /* records of a shard */
#define CL_SLOTS 256 /* reads under way */

struct cl_mrec {
	struct qbd_log_rec rec;
	u32 op;
	u32 epoch; /* CONFIG */
};

struct cl_mlog {
	struct cl_mrec rec[CL_LOG]; /* by index */
	u64 last;
	u64 bound;
	struct qbd_promise promise;
};

struct cl_log {
	struct cl_mlog mem[CL_SHARDS];
	struct cl_mlog disk[CL_SHARDS];
	struct cl_fifo queue;
	u64 due_ns;
	u64 incarnation;
	u64 opens;
};

struct cl_slot {
	bool used;
	u32 node;
	struct cl_read got;
};

static struct cl_slot cl_slots[CL_SLOTS];

void cl_log_new(struct cl_world *w)
{
	u32 i;

	for (i = 1; i <= CL_NODES; i++) {
		w->node[i].log = calloc(1, sizeof(struct cl_log));
		if (!w->node[i].log)
			abort();
	}
}

static void cl_mlog_clear(struct cl_mlog *log)
{
	log->last = 0;
	log->bound = 0;
	memset(&log->promise, 0, sizeof(log->promise));
}

void cl_log_format(struct cl_world *w)
{
	u32 i, k;

	for (i = 0; i < CL_SLOTS; i++)
		cl_slots[i].used = false;
	if (w->real) {
		cl_store_format(w);
		return;
	}
	for (i = 1; i <= w->nr_nodes; i++) {
		struct cl_log *log = w->node[i].log;

		for (k = 0; k < CL_SHARDS; k++)
			cl_mlog_clear(&log->disk[k]);
		log->opens = 0;
	}
}

int cl_log_open(struct cl_world *w, u32 node)
{
	struct cl_log *log = w->node[node].log;
	u32 i;

	if (w->real)
		return cl_store_open(w, node);
	log->due_ns = 0;
	log->incarnation = qbd_rng_next(&w->rng) | 1;
	log->opens++;
	for (i = 0; i < w->nr_shards; i++) {
		const struct cl_mlog *disk = &log->disk[i];
		struct cl_mlog *mem = &log->mem[i];

		memcpy(mem->rec, disk->rec,
		       (disk->last + 1) * sizeof(mem->rec[0]));
		mem->last = disk->last;
		mem->bound = disk->bound;
		mem->promise = disk->promise;
	}
	return 0;
}

void cl_log_close(struct cl_world *w, u32 node, bool crash)
{
	struct cl_log *log = w->node[node].log;
	struct cl_item *item;
	u32 i;

	for (i = 0; i < CL_SLOTS && crash; i++)
		if (cl_slots[i].node == node)
			cl_slots[i].used = false;
	if (!w->node[node].open)
		return;
	if (w->real) {
		cl_store_close(w, node, crash);
		return;
	}
	while ((item = cl_pop(&log->queue))) {
		cl_act_drop(item);
		cl_item_free(item);
	}
}

/* Epoch of the newest replica set. */
static u64 cl_mlog_epoch(const struct cl_mlog *log)
{
	u64 index;

	for (index = log->last; index; index--)
		if (log->rec[index].rec.op == QBD_OP_CONFIG)
			return log->rec[index].epoch;
	return 1;
}

int cl_log_have(struct cl_world *w, u32 node, u32 shard, struct cl_have *have)
{
	const struct cl_log *log = w->node[node].log;
	const struct cl_mlog *mem = &log->mem[shard];

	if (w->real)
		return cl_store_have(w, node, shard, have);
	memset(have, 0, sizeof(*have));
	have->config_epoch = cl_mlog_epoch(mem);
	have->promise = mem->promise;
	if (mem->last)
		have->last = mem->rec[mem->last].rec.pos;
	have->durable = log->disk[shard].last;
	have->commit = mem->bound;
	have->applied = mem->bound;
	have->incarnation = log->incarnation;
	have->opens = log->opens;
	return 0;
}

/* --- writing ------------------------------------------------------------ */

static int cl_mlog_append(struct cl_mlog *log, const struct qbd_action *act)
{
	const struct qbd_msg_append *append = &act->msg.append;
	const struct cl_payload *payload = act->msg.payload;
	struct cl_mrec *rec;

	if (append->pos.index != log->last + 1 || log->last + 1 >= CL_LOG)
		return -EINVAL;
	if (log->last && append->pos.term < log->rec[log->last].rec.pos.term)
		return -EINVAL;
	rec = &log->rec[++log->last];
	rec->op = payload ? payload->op : 0;
	rec->epoch =
		payload && append->op == QBD_OP_CONFIG ? payload->value[0] : 0;
	rec->rec = (struct qbd_log_rec){
		.pos = append->pos,
		.op = append->op,
		.rec_flags = append->rec_flags,
		.payload_blocks = act->msg.payload_bytes / QBD_BLOCK_SIZE,
		.block = append->block,
		.blocks = append->blocks,
		.crc = append->crc,
	};
	return 0;
}

int cl_log_put(struct cl_world *w, u32 node, u32 shard, struct qbd_action *act)
{
	struct cl_log *log = w->node[node].log;
	struct cl_mlog *mem = &log->mem[shard];
	struct cl_item *item;
	int err = 0;

	if (w->real)
		return cl_store_put(w, node, shard, act);
	if (act->kind == QBD_ACT_LOG_APPEND)
		err = cl_mlog_append(mem, act);
	else if (act->kind == QBD_ACT_LOG_TRUNCATE)
		mem->last = min(mem->last, act->index);
	else
		mem->promise = act->promise;
	if (err)
		return err;
	if (act->kind == QBD_ACT_LOG_TRUNCATE)
		cl_saw_truncate(w, node, shard, act->index);
	item = cl_item_new();
	item->act = *act;
	item->act.req = (void *)(uintptr_t)shard;
	if (act->kind == QBD_ACT_LOG_APPEND)
		cl_payload_get(act->msg.payload);
	cl_push(&log->queue, item);
	log->due_ns = max(log->due_ns,
			  w->now_ns + 1000 + cl_rand(w, w->node[node].disk_ns));
	cl_at(w, log->due_ns - w->now_ns,
	      &(struct cl_event){ .kind = CL_EV_LOG,
				  .a = (u8)node,
				  .life = w->node[node].life });
	return 0;
}

/* All that there is of a replica goes, and what is under way too. */
int cl_log_delete(struct cl_world *w, u32 node, u32 shard, u64 epoch)
{
	struct cl_log *log = w->node[node].log;
	struct cl_fifo left = { 0 };
	struct cl_item *item;

	if (w->real)
		return cl_store_delete(w, node, shard, epoch);
	while ((item = cl_pop(&log->queue))) {
		if ((uintptr_t)item->act.req != shard) {
			cl_push(&left, item);
			continue;
		}
		cl_act_drop(item);
		cl_item_free(item);
	}
	log->queue = left;
	cl_mlog_clear(&log->mem[shard]);
	cl_mlog_clear(&log->disk[shard]);
	return 0;
}

/* The oldest write of the node is on the medium. */
void cl_log_step(struct cl_world *w, u32 node)
{
	struct cl_log *log = w->node[node].log;
	struct cl_item *item;
	struct qbd_action act;
	u32 shard;

	if (!w->node[node].open)
		return;
	item = cl_pop(&log->queue);
	if (!item)
		return;
	act = item->act;
	cl_item_free(item);
	shard = (u32)(uintptr_t)act.req;
	if (w->node[node].write_eio) {
		cl_payload_put(act.kind == QBD_ACT_LOG_APPEND ?
				       act.msg.payload :
				       NULL);
		cl_node_fail_store(w, node, -EIO);
		return;
	}
	if (act.kind == QBD_ACT_LOG_APPEND) {
		if (cl_mlog_append(&log->disk[shard], &act))
			abort();
		cl_payload_put(act.msg.payload);
		cl_log_logged(w, node, shard, act.msg.append.pos);
	} else if (act.kind == QBD_ACT_LOG_PROMISE) {
		log->disk[shard].promise = act.promise;
		cl_log_promised(w, node, shard, act.promise.term,
				act.promise.nonce);
	} else {
		log->disk[shard].last = min(log->disk[shard].last, act.index);
		cl_log_truncated(w, node, shard);
	}
}

void cl_log_logged(struct cl_world *w, u32 node, u32 shard, struct qbd_pos pos)
{
	const struct qbd_replica_core *rep = &w->node[node].rep[shard].core;
	u64 index = rep->truncates ? min(pos.index, rep->keep) : pos.index;

	/* What is void by now is not looked at. */
	if (index < pos.index ||
	    cl_log_term_at(&w->node[node], shard, index) == pos.term)
		cl_saw_durable(w, node, shard, index);
	cl_rep_step(w, node, shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_LOGGED,
						 .pos = pos });
}

void cl_log_promised(struct cl_world *w, u32 node, u32 shard, u64 term,
		     u64 nonce)
{
	cl_rep_step(w, node, shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_PROMISED,
						 .term = term,
						 .nonce = nonce });
}

void cl_log_truncated(struct cl_world *w, u32 node, u32 shard)
{
	cl_rep_step(
		w, node, shard,
		&(struct qbd_replica_event){ .kind = QBD_REPLICA_TRUNCATED });
}

/* Some of what may go home is there after a restart. */
void cl_log_bound(struct cl_world *w, u32 node, u32 shard, u64 index)
{
	struct cl_log *log = w->node[node].log;
	struct cl_mlog *disk = &log->disk[shard];

	if (!w->node[node].open)
		return;
	if (w->real) {
		cl_store_bound(w, node, shard, index);
		return;
	}
	log->mem[shard].bound = max(log->mem[shard].bound, index);
	if (cl_chance(w, 30))
		disk->bound = min(log->mem[shard].bound, disk->last);
}

void cl_log_flags(struct cl_world *w, u32 node, u32 shard, u32 flags)
{
	if (w->real && w->node[node].open)
		cl_store_flags(w, node, shard, flags);
}

/* --- reading ------------------------------------------------------------ */

u64 cl_log_term_at(const struct cl_node *node, u32 shard, u64 index)
{
	const struct cl_mlog *mem = &node->log->mem[shard];

	if (!node->open)
		return 0;
	if (node->real)
		return cl_store_term_at(node, shard, index);
	return index && index <= mem->last ? mem->rec[index].rec.pos.term : 0;
}

bool cl_log_get(const struct cl_node *node, u32 shard, u64 index,
		struct qbd_log_rec *rec)
{
	const struct cl_mlog *mem = &node->log->mem[shard];

	if (!node->open)
		return false;
	if (node->real)
		return cl_store_get(node, shard, index, rec);
	if (!index || index > mem->last)
		return false;
	*rec = mem->rec[index].rec;
	return true;
}

/* Does the disk fail this read? */
static int cl_log_read_err(struct cl_world *w, u32 node)
{
	if (!w->node[node].open)
		return -EIO;
	if (w->node[node].read_eio && cl_chance(w, 50))
		return -EIO;
	return w->node[node].read_bad && cl_chance(w, 50) ? -EILSEQ : 0;
}

/* Payload of a record; a reference of the caller's. */
struct cl_fetched cl_log_fetch(struct cl_world *w, u32 node, u32 shard,
			       u64 index)
{
	const struct cl_mrec *rec = &w->node[node].log->mem[shard].rec[index];
	struct cl_fetched got = { 0 };
	u32 i;

	got.err = cl_log_read_err(w, node);
	if (got.err)
		return got;
	if (w->real)
		return cl_store_fetch(w, node, shard, index);
	if (!rec->rec.payload_blocks)
		return got;
	got.payload = cl_payload_new(w, rec->rec.payload_blocks);
	got.payload->op = rec->op;
	got.payload->crc = rec->rec.crc;
	for (i = 0; i < got.payload->blocks; i++)
		got.payload->value[i] = rec->op;
	if (rec->rec.op == QBD_OP_CONFIG)
		got.payload->value[0] = rec->epoch;
	return got;
}

/* Newest version of a block. */
static u32 cl_mlog_value(const struct cl_mlog *log, u32 block)
{
	u64 index;

	for (index = log->last; index; index--) {
		const struct qbd_log_rec *rec = &log->rec[index].rec;

		if (block >= rec->block && block - rec->block < rec->blocks &&
		    rec->op != QBD_OP_TERM)
			return rec->op == QBD_OP_WRITE ? log->rec[index].op :
							 CL_ZERO;
	}
	return CL_ZERO;
}

static struct cl_slot *cl_slot_new(void)
{
	u32 i;

	for (i = 0; i < CL_SLOTS; i++)
		if (!cl_slots[i].used)
			return &cl_slots[i];
	abort();
}

/* Begin to do what READ or READ_LOCAL asks for. */
void cl_log_read(struct cl_world *w, u32 node, u32 shard,
		 const struct qbd_action *act)
{
	const struct cl_mlog *mem = &w->node[node].log->mem[shard];
	bool local = act->kind == QBD_ACT_READ_LOCAL;
	u32 block = local ? act->block : act->msg.read.block;
	u32 blocks = local ? act->blocks : act->msg.read.blocks;
	struct cl_slot *slot;
	u32 i;

	if (w->real && w->node[node].open) {
		cl_store_read(w, node, shard, act);
		return;
	}
	slot = cl_slot_new();
	slot->used = true;
	slot->node = node;
	slot->got.shard = shard;
	slot->got.act = *act;
	slot->got.err = cl_log_read_err(w, node);
	slot->got.index = mem->last;
	slot->got.first = mem->last;
	for (i = 0; i < blocks; i++)
		slot->got.value[i] =
			slot->got.err ? CL_BAD : cl_mlog_value(mem, block + i);
	cl_at(w, cl_rand(w, w->node[node].disk_ns) / 2 + 1,
	      &(struct cl_event){ .kind = CL_EV_READ,
				  .a = (u8)node,
				  .arg = (u32)(slot - cl_slots),
				  .life = w->node[node].life });
}

void cl_log_read_end(struct cl_world *w, u32 no)
{
	struct cl_slot *slot = &cl_slots[no];

	if (!slot->used)
		return;
	slot->used = false;
	cl_read_done(w, slot->node, &slot->got);
}

/* --- at rest ------------------------------------------------------------ */

void cl_log_tick(struct cl_world *w, u32 node)
{
	if (w->real)
		cl_store_tick(w, node);
}

bool cl_log_idle(struct cl_world *w, u32 node)
{
	if (w->real)
		return cl_store_idle(w, node);
	return !w->node[node].log->queue.head;
}

/* What all blocks of a shard are. */
void cl_log_values(struct cl_world *w, u32 node, u32 shard, u32 *value)
{
	u32 i;

	if (w->real) {
		cl_store_values(w, node, shard, value);
		return;
	}
	for (i = 0; i < CL_BLOCKS; i++)
		value[i] = cl_mlog_value(&w->node[node].log->mem[shard], i);
}
