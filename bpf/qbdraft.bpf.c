// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdraft, kernel half: follows consensus by the probes of qbdd.
 *
 * A command is known by (process, index) until it is applied; a batch by the
 * thread that writes it. The maps are bounded, and what finds them full is
 * simply not timed.
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/usdt.bpf.h>

#include "hist.bpf.h"
#include "qbdraft.h"

char LICENSE[] SEC("license") = "GPL";

struct raft_key {
	u32 pid;
	u32 reserved;
	u64 index;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QBDRAFT_INFLIGHT_MAX);
	__type(key, struct raft_key);
	__type(value, u64);
} proposed SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QBDRAFT_DAEMONS_MAX);
	__type(key, u32);
	__type(value, u64);
} storing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, QBDRAFT_DAEMONS_MAX);
	__type(key, u32);
	__type(value, struct qbdraft_server);
} servers SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, QBDRAFT_STAGES);
	__type(key, u32);
	__type(value, struct hist);
} hists SEC(".maps");

static __always_inline u32 this_pid(void)
{
	return bpf_get_current_pid_tgid() >> 32;
}

static __always_inline struct qbdraft_server *server_of(u32 pid)
{
	struct qbdraft_server none = { 0 };
	struct qbdraft_server *server = bpf_map_lookup_elem(&servers, &pid);

	if (server)
		return server;
	bpf_map_update_elem(&servers, &pid, &none, BPF_NOEXIST);
	return bpf_map_lookup_elem(&servers, &pid);
}

SEC("usdt")
int BPF_USDT(on_step, u64 id, u64 term, u32 role, u64 leader)
{
	struct qbdraft_server *server = server_of(this_pid());

	if (!server)
		return 0;
	if (server->term && (server->term != term || server->role != role ||
			     server->leader != leader))
		server->changes++;
	server->id = id;
	server->term = term;
	server->role = role;
	server->leader = leader;
	return 0;
}

SEC("usdt")
int BPF_USDT(on_propose, u64 id, u64 index)
{
	struct raft_key key = { .pid = this_pid(), .index = index };
	u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&proposed, &key, &now, BPF_ANY);
	return 0;
}

struct apply_walk {
	struct raft_key key;
	u64 now;
};

static long apply_one(u32 i, void *arg)
{
	struct apply_walk *walk = arg;
	u64 *began = bpf_map_lookup_elem(&proposed, &walk->key);

	if (began) {
		hist_take(&hists, QBDRAFT_COMMIT, walk->now - *began);
		bpf_map_delete_elem(&proposed, &walk->key);
	}
	walk->key.index++;
	return 0;
}

SEC("usdt")
int BPF_USDT(on_apply, u64 id, u64 first, u64 last)
{
	struct apply_walk walk = { .key.pid = this_pid() };
	struct qbdraft_server *server = server_of(walk.key.pid);
	u64 nr = last - first + 1;

	if (server) {
		server->id = id;
		server->applied = last;
	}
	walk.key.index = first;
	walk.now = bpf_ktime_get_ns();
	/* a server that starts applies what nobody here has seen proposed */
	if (nr <= QBDRAFT_INFLIGHT_MAX)
		bpf_loop(nr, apply_one, &walk, 0);
	return 0;
}

SEC("usdt")
int BPF_USDT(on_store_begin)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	u64 now = bpf_ktime_get_ns();

	bpf_map_update_elem(&storing, &tid, &now, BPF_ANY);
	return 0;
}

SEC("usdt")
int BPF_USDT(on_store_end, int err)
{
	u32 tid = (u32)bpf_get_current_pid_tgid();
	u64 *began = bpf_map_lookup_elem(&storing, &tid);
	struct qbdraft_server *server;

	if (!began)
		return 0;
	hist_take(&hists, QBDRAFT_STORE, bpf_ktime_get_ns() - *began);
	bpf_map_delete_elem(&storing, &tid);
	server = err ? server_of(this_pid()) : NULL;
	if (server)
		server->failed++;
	return 0;
}

SEC("usdt")
int BPF_USDT(on_loop, const char *name, u64 took_ns)
{
	hist_take(&hists, QBDRAFT_LOOP, took_ns);
	return 0;
}
