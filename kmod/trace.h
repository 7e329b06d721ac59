/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints: a stable interface for the BPF tools. Times are the trace's own.
 *
 * A WRITE, in its stages. What names it: (volume, shard, id) from queued to
 * completed; (volume, shard, term, index) from assigned on; a store's log
 * knows (replica, term, index).
 *
 *	qbd_request_queued	the block layer gave it to us
 *	qbd_write_assigned	copied, checksummed, has its place in history
 *	qbd_wal_submit, _done	in a segment of a store's log
 *	qbd_msg_sent, _received	to and from another node: a record, an answer
 *	qbd_record_durable	on stable media on a replica of this node
 *	qbd_request_done	a quorum has it: ended
 *
 * A READ: queued, qbd_read_local (a read of the store begins), done.
 * CATCH-UP of target: qbd_fetch_asked, its leader asks another replica for what
 * follows index; qbd_fetch_sent, that one sent what is up to index, or not.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM qbd

#if !defined(_QBD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _QBD_TRACE_H

#include <linux/tracepoint.h>
#include <linux/types.h>

#include "core/msg.h"

/* --- requests (blk.c, shard_lead.c) ------------------------------------ */

TRACE_EVENT(qbd_request_queued,
	TP_PROTO(u32 volume, u32 shard, u64 id, u8 op, u32 block, u32 blocks),
	TP_ARGS(volume, shard, id, op, block, blocks),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, volume)
		__field(u32, shard)
		__field(u32, block)
		__field(u32, blocks)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->block = block;
		__entry->blocks = blocks;
		__entry->op = op;
	),
	TP_printk("volume=%u shard=%u id=%llu op=%u block=%u blocks=%u",
		  __entry->volume, __entry->shard, __entry->id, __entry->op,
		  __entry->block, __entry->blocks)
);

TRACE_EVENT(qbd_request_held,
	TP_PROTO(u32 volume, u32 shard, u64 id),
	TP_ARGS(volume, shard, id),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, volume)
		__field(u32, shard)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->volume = volume;
		__entry->shard = shard;
	),
	TP_printk("volume=%u shard=%u id=%llu", __entry->volume,
		  __entry->shard, __entry->id)
);

TRACE_EVENT(qbd_write_assigned,
	TP_PROTO(u32 volume, u32 shard, u64 id, u64 term, u64 index,
		 u32 blocks),
	TP_ARGS(volume, shard, id, term, index, blocks),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, term)
		__field(u64, index)
		__field(u32, volume)
		__field(u32, shard)
		__field(u32, blocks)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->term = term;
		__entry->index = index;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->blocks = blocks;
	),
	TP_printk("volume=%u shard=%u id=%llu term=%llu index=%llu blocks=%u",
		  __entry->volume, __entry->shard, __entry->id, __entry->term,
		  __entry->index, __entry->blocks)
);

TRACE_EVENT(qbd_read_local,
	TP_PROTO(u32 volume, u32 shard, u64 id, u32 block, u32 blocks),
	TP_ARGS(volume, shard, id, block, blocks),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u32, volume)
		__field(u32, shard)
		__field(u32, block)
		__field(u32, blocks)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->block = block;
		__entry->blocks = blocks;
	),
	TP_printk("volume=%u shard=%u id=%llu block=%u blocks=%u",
		  __entry->volume, __entry->shard, __entry->id,
		  __entry->block, __entry->blocks)
);

TRACE_EVENT(qbd_request_done,
	TP_PROTO(u32 volume, u32 shard, u64 id, u64 index, u8 op, int err,
		 u64 latency_ns),
	TP_ARGS(volume, shard, id, index, op, err, latency_ns),
	TP_STRUCT__entry(
		__field(u64, id)
		__field(u64, index)
		__field(u64, latency_ns)
		__field(u32, volume)
		__field(u32, shard)
		__field(int, err)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->id = id;
		__entry->index = index;
		__entry->latency_ns = latency_ns;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->err = err;
		__entry->op = op;
	),
	TP_printk("volume=%u shard=%u id=%llu index=%llu op=%u err=%d ns=%llu",
		  __entry->volume, __entry->shard, __entry->id, __entry->index,
		  __entry->op, __entry->err, __entry->latency_ns)
);

/* --- replicas, shards, volumes (shard_log.c, shard_act.c, volume_life.c) - */

DECLARE_EVENT_CLASS(qbd_record,
	TP_PROTO(u32 volume, u32 shard, u64 replica, u64 term, u64 index,
		 u8 op),
	TP_ARGS(volume, shard, replica, term, index, op),
	TP_STRUCT__entry(
		__field(u64, replica)
		__field(u64, term)
		__field(u64, index)
		__field(u32, volume)
		__field(u32, shard)
		__field(u8, op)
	),
	TP_fast_assign(
		__entry->replica = replica;
		__entry->term = term;
		__entry->index = index;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->op = op;
	),
	TP_printk("volume=%u shard=%u replica=%llu term=%llu index=%llu op=%u",
		  __entry->volume, __entry->shard, __entry->replica,
		  __entry->term, __entry->index, __entry->op)
);

DEFINE_EVENT(qbd_record, qbd_record_logged,
	TP_PROTO(u32 volume, u32 shard, u64 replica, u64 term, u64 index,
		 u8 op),
	TP_ARGS(volume, shard, replica, term, index, op)
);

DEFINE_EVENT(qbd_record, qbd_record_durable,
	TP_PROTO(u32 volume, u32 shard, u64 replica, u64 term, u64 index,
		 u8 op),
	TP_ARGS(volume, shard, replica, term, index, op)
);

DEFINE_EVENT_PRINT(qbd_record, qbd_fetch_asked,
	TP_PROTO(u32 volume, u32 shard, u64 target, u64 term, u64 index, u8 op),
	TP_ARGS(volume, shard, target, term, index, op),
	TP_printk("volume=%u shard=%u target=%llu term=%llu index=%llu",
		  __entry->volume, __entry->shard, __entry->replica,
		  __entry->term, __entry->index)
);

DEFINE_EVENT_PRINT(qbd_record, qbd_fetch_sent,
	TP_PROTO(u32 volume, u32 shard, u64 target, u64 term, u64 index, u8 op),
	TP_ARGS(volume, shard, target, term, index, op),
	TP_printk("volume=%u shard=%u target=%llu term=%llu index=%llu status=%u",
		  __entry->volume, __entry->shard, __entry->replica,
		  __entry->term, __entry->index, __entry->op)
);

TRACE_EVENT(qbd_log_wait,
	TP_PROTO(u32 volume, u32 shard, u64 replica, int err),
	TP_ARGS(volume, shard, replica, err),
	TP_STRUCT__entry(
		__field(u64, replica)
		__field(u32, volume)
		__field(u32, shard)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->replica = replica;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->err = err;
	),
	TP_printk("volume=%u shard=%u replica=%llu err=%d", __entry->volume,
		  __entry->shard, __entry->replica, __entry->err)
);

TRACE_EVENT(qbd_term_promised,
	TP_PROTO(u32 volume, u32 shard, u64 replica, u64 term, u32 node),
	TP_ARGS(volume, shard, replica, term, node),
	TP_STRUCT__entry(
		__field(u64, replica)
		__field(u64, term)
		__field(u32, volume)
		__field(u32, shard)
		__field(u32, node)
	),
	TP_fast_assign(
		__entry->replica = replica;
		__entry->term = term;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->node = node;
	),
	TP_printk("volume=%u shard=%u replica=%llu term=%llu node=%u",
		  __entry->volume, __entry->shard, __entry->replica,
		  __entry->term, __entry->node)
);

TRACE_EVENT(qbd_shard_state,
	TP_PROTO(u32 volume, u32 shard, u64 term, u32 from, u32 to),
	TP_ARGS(volume, shard, term, from, to),
	TP_STRUCT__entry(
		__field(u64, term)
		__field(u32, volume)
		__field(u32, shard)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->term = term;
		__entry->volume = volume;
		__entry->shard = shard;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("volume=%u shard=%u term=%llu from=%u to=%u",
		  __entry->volume, __entry->shard, __entry->term,
		  __entry->from, __entry->to)
);

TRACE_EVENT(qbd_volume_state,
	TP_PROTO(u32 volume, u64 term, u32 from, u32 to),
	TP_ARGS(volume, term, from, to),
	TP_STRUCT__entry(
		__field(u64, term)
		__field(u32, volume)
		__field(u32, from)
		__field(u32, to)
	),
	TP_fast_assign(
		__entry->term = term;
		__entry->volume = volume;
		__entry->from = from;
		__entry->to = to;
	),
	TP_printk("volume=%u term=%llu from=%u to=%u", __entry->volume,
		  __entry->term, __entry->from, __entry->to)
);

/* --- stores (store.c, wal.c, apply.c, recover.c, pages.c) -------------- */

TRACE_EVENT(qbd_store_state,
	TP_PROTO(u32 store, u32 from, u32 to, int err),
	TP_ARGS(store, from, to, err),
	TP_STRUCT__entry(
		__field(u32, store)
		__field(u32, from)
		__field(u32, to)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->from = from;
		__entry->to = to;
		__entry->err = err;
	),
	TP_printk("store=%u from=%u to=%u err=%d", __entry->store,
		  __entry->from, __entry->to, __entry->err)
);

TRACE_EVENT(qbd_store_replay,
	TP_PROTO(u32 store, u64 segments, u64 records, u64 lpos),
	TP_ARGS(store, segments, records, lpos),
	TP_STRUCT__entry(
		__field(u64, segments)
		__field(u64, records)
		__field(u64, lpos)
		__field(u32, store)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->segments = segments;
		__entry->records = records;
		__entry->lpos = lpos;
	),
	TP_printk("store=%u segments=%llu records=%llu lpos=%llu",
		  __entry->store, __entry->segments, __entry->records,
		  __entry->lpos)
);

TRACE_EVENT(qbd_wal_submit,
	TP_PROTO(u32 store, u64 seq, u32 records, u32 blocks),
	TP_ARGS(store, seq, records, blocks),
	TP_STRUCT__entry(
		__field(u64, seq)
		__field(u32, store)
		__field(u32, records)
		__field(u32, blocks)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->seq = seq;
		__entry->records = records;
		__entry->blocks = blocks;
	),
	TP_printk("store=%u seq=%llu records=%u blocks=%u", __entry->store,
		  __entry->seq, __entry->records, __entry->blocks)
);

TRACE_EVENT(qbd_wal_done,
	TP_PROTO(u32 store, u64 seq, int err, u64 latency_ns),
	TP_ARGS(store, seq, err, latency_ns),
	TP_STRUCT__entry(
		__field(u64, seq)
		__field(u64, latency_ns)
		__field(u32, store)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->seq = seq;
		__entry->err = err;
		__entry->latency_ns = latency_ns;
	),
	TP_printk("store=%u seq=%llu err=%d ns=%llu", __entry->store,
		  __entry->seq, __entry->err, __entry->latency_ns)
);

TRACE_EVENT(qbd_ckpt_begin,
	TP_PROTO(u32 store, bool close),
	TP_ARGS(store, close),
	TP_STRUCT__entry(
		__field(u32, store)
		__field(bool, close)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->close = close;
	),
	TP_printk("store=%u close=%d", __entry->store, __entry->close)
);

TRACE_EVENT(qbd_ckpt_phase,
	TP_PROTO(u32 store, u32 kind, u32 ios, u64 blocks, int err,
		 u64 time_ns),
	TP_ARGS(store, kind, ios, blocks, err, time_ns),
	TP_STRUCT__entry(
		__field(u64, blocks)
		__field(u64, time_ns)
		__field(u32, store)
		__field(u32, kind)
		__field(u32, ios)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->kind = kind;
		__entry->ios = ios;
		__entry->blocks = blocks;
		__entry->err = err;
		__entry->time_ns = time_ns;
	),
	TP_printk("store=%u kind=%u ios=%u blocks=%llu err=%d ns=%llu",
		  __entry->store, __entry->kind, __entry->ios, __entry->blocks,
		  __entry->err, __entry->time_ns)
);

TRACE_EVENT(qbd_ckpt_end,
	TP_PROTO(u32 store, int err, u64 time_ns),
	TP_ARGS(store, err, time_ns),
	TP_STRUCT__entry(
		__field(u64, time_ns)
		__field(u32, store)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->store = store;
		__entry->err = err;
		__entry->time_ns = time_ns;
	),
	TP_printk("store=%u err=%d ns=%llu", __entry->store, __entry->err,
		  __entry->time_ns)
);

TRACE_EVENT(qbd_pool_exhausted,
	TP_PROTO(u32 wanted, u32 owned, u32 free),
	TP_ARGS(wanted, owned, free),
	TP_STRUCT__entry(
		__field(u32, wanted)
		__field(u32, owned)
		__field(u32, free)
	),
	TP_fast_assign(
		__entry->wanted = wanted;
		__entry->owned = owned;
		__entry->free = free;
	),
	TP_printk("wanted=%u owned=%u free=%u", __entry->wanted,
		  __entry->owned, __entry->free)
);

/* --- connections (conn.c) ---------------------------------------------- */

TRACE_EVENT(qbd_link_state,
	TP_PROTO(u32 peer, u32 link, u32 state, int err),
	TP_ARGS(peer, link, state, err),
	TP_STRUCT__entry(
		__field(u32, peer)
		__field(u32, link)
		__field(u32, state)
		__field(int, err)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->link = link;
		__entry->state = state;
		__entry->err = err;
	),
	TP_printk("peer=%u link=%u state=%u err=%d", __entry->peer,
		  __entry->link, __entry->state, __entry->err)
);

DECLARE_EVENT_CLASS(qbd_msg,
	TP_PROTO(u32 peer, u32 link, const struct qbd_msg *msg),
	TP_ARGS(peer, link, msg),
	TP_STRUCT__entry(
		__field(u64, term)
		__field(u64, index)
		__field(u32, peer)
		__field(u32, link)
		__field(u32, volume)
		__field(u32, shard)
		__field(u16, type)
	),
	TP_fast_assign(
		__entry->peer = peer;
		__entry->link = link;
		__entry->type = msg->type;
		__entry->volume = msg->key.volume;
		__entry->shard = msg->key.shard;
		__entry->term = msg->term;
		__entry->index = qbd_msg_index(msg);
	),
	TP_printk("peer=%u link=%u type=%u volume=%u shard=%u term=%llu index=%llu",
		  __entry->peer, __entry->link, __entry->type, __entry->volume,
		  __entry->shard, __entry->term, __entry->index)
);

DEFINE_EVENT(qbd_msg, qbd_msg_sent,
	TP_PROTO(u32 peer, u32 link, const struct qbd_msg *msg),
	TP_ARGS(peer, link, msg)
);

DEFINE_EVENT(qbd_msg, qbd_msg_received,
	TP_PROTO(u32 peer, u32 link, const struct qbd_msg *msg),
	TP_ARGS(peer, link, msg)
);

#endif /* _QBD_TRACE_H */
#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
