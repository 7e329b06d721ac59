// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdlat, kernel half: times the stages of each request by qbd's tracepoints.
 *
 * A request is known by (volume, shard, id) while it is ours, and by (volume,
 * shard, index) while its record is on its way; both maps are bounded, and a
 * request that finds them full is simply not timed.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "hist.bpf.h"
#include "qbdlat.h"

char LICENSE[] SEC("license") = "GPL";

const volatile unsigned int only_volume;

#define OP_READ 0
#define OP_WRITE 1

struct lat_key {
	u32 volume;
	u32 shard;
	u64 id;
};

struct lat_request {
	u64 queued_ns;
	u64 assigned_ns;
	u64 index;
	u32 op;
	u32 reserved;
};

struct lat_record {
	u64 assigned_ns;
	u64 durable_ns;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, QBDLAT_INFLIGHT_MAX);
	__type(key, struct lat_key);
	__type(value, struct lat_request);
} requests SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QBDLAT_INFLIGHT_MAX);
	__type(key, struct lat_key);
	__type(value, struct lat_record);
} records SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, QBDLAT_STAGES);
	__type(key, u32);
	__type(value, struct hist);
} hists SEC(".maps");

static __always_inline void hist_add(u32 stage, u64 ns)
{
	hist_take(&hists, stage, ns);
}

static __always_inline bool is_filtered(u32 volume)
{
	return only_volume && only_volume != volume;
}

SEC("tp_btf/qbd_request_queued")
int BPF_PROG(on_queued, u32 volume, u32 shard, u64 id, u8 op)
{
	struct lat_key key = { .volume = volume, .shard = shard, .id = id };
	struct lat_request request = { .op = op };

	if (is_filtered(volume))
		return 0;
	request.queued_ns = bpf_ktime_get_ns();
	bpf_map_update_elem(&requests, &key, &request, BPF_ANY);
	return 0;
}

SEC("tp_btf/qbd_write_assigned")
int BPF_PROG(on_assigned, u32 volume, u32 shard, u64 id, u64 term, u64 index)
{
	struct lat_key key = { .volume = volume, .shard = shard, .id = id };
	struct lat_request *request = bpf_map_lookup_elem(&requests, &key);
	struct lat_record record = { 0 };

	if (!request)
		return 0;
	record.assigned_ns = bpf_ktime_get_ns();
	request->assigned_ns = record.assigned_ns;
	request->index = index;
	key.id = index;
	bpf_map_update_elem(&records, &key, &record, BPF_ANY);
	return 0;
}

SEC("tp_btf/qbd_record_durable")
int BPF_PROG(on_durable, u32 volume, u32 shard, u64 replica, u64 term,
	     u64 index)
{
	struct lat_key key = { .volume = volume, .shard = shard, .id = index };
	struct lat_record *record = bpf_map_lookup_elem(&records, &key);

	if (record)
		record->durable_ns = bpf_ktime_get_ns();
	return 0;
}

/* A write whose quorum was elsewhere may be done before it is durable here. */
static __always_inline void
write_done(struct lat_key key, const struct lat_request *request, u64 now)
{
	struct lat_record *record;
	u64 durable_ns;

	hist_add(QBDLAT_WRITE, now - request->queued_ns);
	if (!request->assigned_ns)
		return;
	hist_add(QBDLAT_PREPARE, request->assigned_ns - request->queued_ns);
	key.id = request->index;
	record = bpf_map_lookup_elem(&records, &key);
	if (!record)
		return;
	durable_ns = record->durable_ns;
	if (durable_ns) {
		hist_add(QBDLAT_LOG, durable_ns - request->assigned_ns);
		hist_add(QBDLAT_QUORUM, now - durable_ns);
	} else {
		hist_add(QBDLAT_QUORUM, now - request->assigned_ns);
	}
	bpf_map_delete_elem(&records, &key);
}

SEC("tp_btf/qbd_request_done")
int BPF_PROG(on_done, u32 volume, u32 shard, u64 id)
{
	struct lat_key key = { .volume = volume, .shard = shard, .id = id };
	struct lat_request *request = bpf_map_lookup_elem(&requests, &key);
	u64 now = bpf_ktime_get_ns();

	if (!request)
		return 0;
	if (request->op == OP_WRITE)
		write_done(key, request, now);
	else if (request->op == OP_READ)
		hist_add(QBDLAT_READ, now - request->queued_ns);
	else
		hist_add(QBDLAT_OTHER, now - request->queued_ns);
	bpf_map_delete_elem(&requests, &key);
	return 0;
}

SEC("tp_btf/qbd_wal_done")
int BPF_PROG(on_wal_done, u32 store, u64 seq, int err, u64 latency_ns)
{
	if (!err)
		hist_add(QBDLAT_WAL, latency_ns);
	return 0;
}
