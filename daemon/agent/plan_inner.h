/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the planner share; plan.h is for everybody else.
 */
#ifndef QBD_AGENT_PLAN_INNER_H
#define QBD_AGENT_PLAN_INNER_H

#include "plan.h"

#define AGENT_IDS 4096 /* cells; half of them at most are used */
#define AGENT_TRY_SAY 0x100 /* kind of a try: this and what is said */

/**
 * struct agent_ids - a set of ids of nodes
 * @cell: ids, 0 = free
 * @nr: how many
 */
struct agent_ids {
	u32 cell[AGENT_IDS];
	u32 nr;
};

/**
 * struct agent_try - something that was asked for, or said
 * @key: QBD_CMD_* or AGENT_TRY_SAY + enum agent_say; id; number
 * @busy: it is under way
 * @done: the last time it ended well
 * @told: its failure was said
 * @fails: in a row
 * @error: of the last one
 * @again_ms: not before
 * @sum: of what was said, or given
 * @reason: of the last failure
 */
struct agent_try {
	struct agent_key key;
	bool busy;
	bool done;
	bool told;
	u32 fails;
	int error;
	u64 again_ms;
	u32 sum;
	char reason[AGENT_REASON_MAX + 1];
};

/**
 * struct agent_volume - a volume that this node holds, held or asks for
 * @key: its id
 * @asked: session under which it last asked for a term, 0 = none
 * @used: a term came with it and was given to the kernel, or given up
 * @repair: @asked is for repair
 * @term: the last one that was given
 * @next: of its attach: the next shard to be named
 * @whole: all were
 * @spoiled: the attach can not become whole
 * @size: under which the attach began
 * @grow: size that the kernel is being told of
 * @grow_next: the next shard to be named
 * @lost: terms in a row that came to nothing
 * @ask_ms: not asked for a term before
 * @stuck_ms: since when an attach of another life makes no progress
 */
struct agent_volume {
	struct agent_key key;
	u64 asked;
	bool used;
	bool repair;
	u64 term;
	u32 next;
	bool whole;
	bool spoiled;
	u64 size;
	u64 grow;
	u32 grow_next;
	u32 lost;
	u64 ask_ms;
	u64 stuck_ms;
};

/**
 * struct agent - a planner
 * @want: what the node has to have
 * @seen: what its kernel has
 * @ops: what is asked
 * @life: random, of this daemon's life
 * @sessions: how many were made
 * @tries: struct agent_try
 * @volumes: struct agent_volume
 * @busy: requests under way
 * @peers: nodes that the kernel has to know
 * @peers_commits: of which want @peers is
 * @used: nodes that the kernel deals with
 */
struct agent {
	const struct want *want;
	struct seen *seen;
	struct agent_ops ops;
	u64 life;
	u64 sessions;
	struct agent_map tries;
	struct agent_map volumes;
	u32 busy;
	struct agent_ids peers;
	u64 peers_commits;
	struct agent_ids used;
};

/**
 * struct plan - a call of agent_plan(), or of agent_reports()
 * @agent: whose
 * @want: of it
 * @seen: of it
 * @me: id of this node
 * @now_ms: the clock
 * @req: where requests go
 * @report: where reports go
 * @max: how many
 * @nr: so far
 */
struct plan {
	struct agent *agent;
	const struct want *want;
	struct seen *seen;
	u32 me;
	u64 now_ms;
	struct agent_request *req;
	struct agent_report *report;
	u32 max;
	u32 nr;
};

/* plan.c */
struct agent_request *plan_ask(struct plan *plan, u8 cmd,
			       struct agent_key object);
struct agent_try *agent_try(const struct agent *agent, u32 kind,
			    struct agent_key object);
bool agent_busy(const struct agent *agent, u32 kind, struct agent_key object);
void agent_ids_add(struct agent_ids *ids, u32 id);
bool agent_ids_has(const struct agent_ids *ids, u32 id);
const struct want_store *plan_store_by_uuid(const struct plan *plan,
					    const u8 uuid[16]);
bool plan_store_open(const struct plan *plan, u32 store);

/* plan_store.c */
void plan_node(struct plan *plan);
bool plan_foreign(const struct plan *plan);
void plan_peers(struct plan *plan);
void plan_stores(struct plan *plan);
void plan_leavers(struct plan *plan);

/* plan_replica.c */
void plan_replicas(struct plan *plan);
const struct seen_replica *plan_replica(const struct plan *plan, u64 id);
bool plan_replica_ready(const struct seen_replica *replica);

/* plan_volume.c */
void plan_volumes(struct plan *plan);
void plan_volume_done(struct agent *agent, const struct agent_request *req,
		      int err, u64 now_ms);
const struct seen_volume *plan_volume(const struct plan *plan, u32 id);
bool plan_repairs(const struct plan *plan, const struct want_volume *volume);
bool plan_holds(const struct plan *plan, const struct want_volume *volume);
bool plan_needs_term(struct plan *plan, const struct want_volume *volume,
		     u64 *session);
bool plan_released(struct plan *plan, const struct want_volume *volume);
u64 plan_size(const struct want_volume *volume);

/* plan_set.c */
void plan_sets(struct plan *plan, const struct want_volume *volume,
	       const struct seen_volume *is);
bool plan_set_same(const struct want_shard *shard, const struct seen_shard *is);

#endif /* QBD_AGENT_PLAN_INNER_H */
