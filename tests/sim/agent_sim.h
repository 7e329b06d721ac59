/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Simulation of the agents: a cluster whose consensus decides, agents that hear
 * of it late, and kernels that do what they are asked for.
 *
 * A schedule is some hundred steps.  In each the administrator or who leads
 * changes the replicated state (which is one, as consensus makes it), messages
 * arrive or are lost, requests are carried out by the model kernels, which end
 * what they started later.  Sessions are cut, daemons and nodes restarted,
 * requests left without an answer, leaders changed; and some nodes speak with
 * an old leader, who does not know that it is none and has an old state.  Then
 * all faults end, and everything has to come to rest.
 *
 * RULES
 *
 *   R1 A term of a volume is given to one kernel once, to a node that it was
 *	granted to.
 *   R2 No replica is deleted that is in a set, or in a change of one.
 *   R3 No volume is detached that runs under the term in force, on the node
 *	that shall hold it, unless that node was once asked to release it under
 *	that term.
 *   R4 A floor is not below any term granted before the store was opened.
 *   R5 No replica is made a second time under its id once consensus has it as
 *	made; nor is that asked for by a node that knows it.
 *   R6 No peer is removed that the kernel deals with.
 *   R7 A set is reported as durable only if the kernel has committed it.
 *   R8 At the end each kernel has what consensus says, all was heard, and
 *	nothing more is asked for or said. A replica that an old leader had made
 *	of what was already gone may be left: it has been said. (It can be in
 *	the way of another one of its shard; who administers deletes it.)
 *   R9 Nothing is asked for that is under way.
 *   R10 Without anything wanted nothing is asked for.
 *   R11 What a node has to have never goes back; if it is of the newest entry,
 *	it is what consensus says.
 * R12 and on are in agent_repair.h.
 */
#ifndef QBD_SIM_AGENT_SIM_H
#define QBD_SIM_AGENT_SIM_H

#include "agent/push.h"
#include "agent_repair.h"
#include "rng.h"
#include "state/inner.h"

#define AS_NODES 5
#define AS_STEPS 500
#define AS_SHARDS 20 /* of a volume */
#define AS_REPLICAS 96 /* on one node */
#define AS_QUEUE 64 /* messages in one direction of a session */
#define AS_REQUESTS 64

/**
 * struct as_replica - a replica in a store
 * @id: 0 = none
 * @volume: of which
 * @shard: number
 * @epoch: that it knows
 * @state: enum qbd_replica_state
 * @floorless: it may have lost a promise
 * @nr: used of @node
 * @node: of the members
 */
struct as_replica {
	u64 id;
	u32 volume;
	u32 shard;
	u64 epoch;
	u32 state;
	bool floorless;
	u32 nr;
	u32 node[SEEN_MEMBERS_MAX];
};

/**
 * struct as_shard - a shard that is led
 * @named: it was in some part
 * @epoch: of the set in force
 * @committed: of the last one committed
 * @nr: used of @member
 * @member: the set
 * @pending: another one waits for its time
 * @next: it
 */
struct as_shard {
	bool named;
	u64 epoch;
	u64 committed;
	u32 nr;
	struct seen_member member[SEEN_MEMBERS_MAX];
	bool pending;
	struct want_shard next;
};

/**
 * struct as_volume - a volume in a kernel
 * @there: it is
 * @whole: the last part came
 * @repair: it has no device
 * @state: enum qbd_volume_state
 * @term: of the attach
 * @size: bytes
 * @growing: to that
 * @grow_more: parts of it come
 * @on_no_quorum: policy
 * @no_quorum_ms: policy
 * @nr: shards
 * @open: the device is in use
 * @shard: they
 */
struct as_volume {
	bool there;
	bool whole;
	bool repair;
	u32 state;
	u64 term;
	u64 size;
	u64 growing;
	u64 grow_more;
	u32 on_no_quorum;
	u32 no_quorum_ms;
	u32 nr;
	bool open;
	struct as_shard shard[AS_SHARDS];
};

/**
 * struct as_request - asked of a kernel
 * @req: what
 * @set: copies of the sets
 * @life: of the daemon that asked
 * @done: it was carried out
 * @err: with that
 */
struct as_request {
	struct agent_request req;
	struct want_shard set[AGENT_SETS_MAX];
	u64 life;
	bool done;
	int err;
};

/**
 * struct as_message - bytes on their way
 * @bytes: of it
 * @data: they
 */
struct as_message {
	u32 bytes;
	u8 *data;
};

/**
 * struct as_node - a node
 * @id: its id
 * @node: its kernel has one
 * @store: enum qbd_store_state, U32_MAX: not added
 * @opens: of its store
 * @terms: highest granted when that was opened, by volume
 * @had: replicas that the store ever had
 * @replica: those it has
 * @volume: by id
 * @peer: by id: 0 none, 1 there
 * @want: its daemon's, so all below
 * @seen: see @want
 * @agent: see @want
 * @life: of the daemon
 * @req: requests under way, in order
 * @nr_req: used of it
 * @leader: with whom it has a session: 0 nobody, 1 who leads, 2 the old one
 * @down: messages to the node
 * @nr_down: used of it
 * @up: reports on their way
 * @nr_up: used of it
 * @said: its hello arrived
 * @hello: it
 * @asked: requests in all
 * @reported: reports in all
 * @dead_ms: it is dead until then
 * @heard_ms: when who leads heard it last
 */
struct as_node {
	u32 id;
	bool node;
	u32 store;
	u64 opens;
	u64 terms[AS_VOLUMES];
	bool had[AS_REPLICA_IDS];
	struct as_replica replica[AS_REPLICAS];
	struct as_volume volume[AS_VOLUMES];
	u8 peer[AS_NODES + 1];
	struct want want;
	struct seen seen;
	struct agent *agent;
	u64 life;
	struct as_request req[AS_REQUESTS];
	u32 nr_req;
	u32 leader;
	struct as_message down[AS_QUEUE];
	u32 nr_down;
	struct agent_report up[AS_QUEUE];
	u32 nr_up;
	bool said;
	struct want_hello hello;
	u64 asked;
	u64 reported;
	u64 dead_ms;
	u64 heard_ms;
};

/**
 * struct as_world - a schedule
 * @rng: its random numbers
 * @trace: print what happens
 * @rule: that was broken, NULL = none
 * @why: how
 * @heal: no more faults
 * @now_ms: the clock
 * @bytes: of a state
 * @s: the state
 * @index: of its last entry
 * @client: who asks
 * @seq: his last request
 * @old: the state of the old leader
 * @old_index: of that
 * @push: who leads, the old leader
 * @term: of who leads
 * @stream: begins with that
 * @node: nodes, from 1
 * @granted: node that a term was granted to, by volume and term
 * @given: it was given to a kernel
 * @release: it was once to be released
 * @made: consensus has the replica as made
 * @unknown: somebody said that he has a replica that nobody knows
 * @done: by command: how often a kernel did it
 * @said: by enum agent_say: how often it was heard
 * @mend: the repair
 * @hash: of all that happened
 */
struct as_world {
	struct qbd_rng rng;
	bool trace;
	const char *rule;
	char why[200];
	bool heal;
	u64 now_ms;
	u64 bytes;
	struct state *s;
	u64 index;
	u64 client;
	u64 seq;
	struct state *old;
	u64 old_index;
	struct push *push[2];
	u64 term;
	u64 stream;
	struct as_node node[AS_NODES + 1];
	u32 granted[AS_VOLUMES][AS_TERMS];
	bool given[AS_VOLUMES][AS_TERMS];
	bool release[AS_VOLUMES][AS_TERMS];
	bool made[AS_REPLICA_IDS];
	bool unknown[AS_REPLICA_IDS];
	u64 done[__QBD_CMD_MAX];
	u64 said[AGENT_SAY_UNKNOWN + 1];
	struct as_mend mend;
	u64 hash;
};

/* agent_world.c */
struct as_world *as_world_new(void);
void as_world_end(struct as_world *w);
void as_world_run(struct as_world *w, u64 seed, bool trace);
void as_broken(struct as_world *w, const char *rule, const char *fmt, ...)
	__printf(3, 4);
void as_trace(struct as_world *w, const char *fmt, ...) __printf(2, 3);
bool as_odds(struct as_world *w, u32 percent);
u32 as_rnd(struct as_world *w, u32 n);

/* agent_kernel.c */
int as_kernel_do(struct as_world *w, struct as_node *n,
		 const struct as_request *req);
void as_kernel_tick(struct as_world *w, struct as_node *n);
void as_kernel_dump(struct as_world *w, struct as_node *n, enum seen_kind kind);
void as_kernel_lost(struct as_node *n);
struct as_replica *as_replica(struct as_node *n, u64 id);

/* agent_lead.c */
u32 as_cmd(struct as_world *w, struct state_cmd cmd, struct state_result *res);
void as_lead_init(struct as_world *w);
void as_lead_act(struct as_world *w);
void as_lead_finish(struct as_world *w);
void as_lead_heard(struct as_world *w, u32 node,
		   const struct agent_report *report);

/* agent_oracle.c */
bool as_member(const struct state *s, u64 replica, u32 volume, u32 shard);
void as_note(struct as_world *w);
void as_check_want(struct as_world *w, struct as_node *n, u64 index);
void as_check_rest(struct as_world *w);

#endif /* QBD_SIM_AGENT_SIM_H */
