/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the hands share; hands.h is for everybody else.
 */
#ifndef QBD_HANDS_INNER_H
#define QBD_HANDS_INNER_H

#include "../agent/plan.h"
#include "../agent/push.h"
#include "../agent/seen.h"
#include "../agent/want.h"
#include "../cluster/beside.h"
#include "../kport/kport.h"
#include "../link/link.h"
#include "../promote/duty.h"
#include "../promote/runner.h"
#include "../repair/why.h"
#include "hands.h"

#define HANDS_REQUESTS 32 /* of the kernel, under way */
#define HANDS_ASKS 16 /* reports under way */
#define HANDS_DUTIES 8 /* of the promoter, under way */
#define HANDS_MENDS 8 /* of the repair, under way */
#define HANDS_STUCK_MAX 16
#define HANDS_FAILED_NS 100000000ULL /* after a dump that failed */
#define HANDS_STORES_MAX 64 /* devices: more than a kernel takes */

#define HANDS_OF(member_ptr, member) \
	((struct hands *)((char *)(member_ptr)-offsetof(struct hands, member)))

/**
 * struct hands_dump - dumps, in rounds
 * @request: the kernel's
 * @hands: whose
 * @kind: of what
 * @running: one runs
 * @from_ns: since when
 * @left: kinds that are left of the round, as bits
 * @took_ns: what the dumps of the round took so far
 * @told: an event has said when the next round begins
 * @next_ns: no round begins before that
 */
struct hands_dump {
	struct kport_request request;
	struct hands *hands;
	enum seen_kind kind;
	bool running;
	u64 from_ns;
	u32 left;
	u64 took_ns;
	bool told;
	u64 next_ns;
};

/**
 * struct hands_request - something that the kernel was asked for
 * @request: the kernel's
 * @hands: whose
 * @busy: it is under way
 * @what: what it is
 */
struct hands_request {
	struct kport_request request;
	struct hands *hands;
	bool busy;
	struct agent_request what;
};

/**
 * struct hands_ask - a report under way
 * @ask: the cluster's
 * @hands: whose
 * @busy: it is under way
 */
struct hands_ask {
	struct cluster_ask ask;
	struct hands *hands;
	bool busy;
};

/**
 * struct hands_duty - what the promoter found due, under way
 * @ask: the cluster's
 * @hands: whose
 * @busy: it is under way
 * @volume: about that volume
 */
struct hands_duty {
	struct cluster_ask ask;
	struct hands *hands;
	bool busy;
	u32 volume;
};

/**
 * struct hands_mend - what the repair found due, under way
 * @ask: the cluster's
 * @hands: whose
 * @busy: it is under way
 * @cmd: what it is
 */
struct hands_mend {
	struct cluster_ask ask;
	struct hands *hands;
	bool busy;
	struct state_cmd cmd;
};

/**
 * struct hands_store - a device with a store
 * @path: of the device
 * @found: it had one when it was looked at last
 * @uuid: that one, if @found
 */
struct hands_store {
	char path[HANDS_PATH_MAX + 1];
	bool found;
	u8 uuid[16];
};

struct stores_job;

/**
 * struct hands - all of it
 * @loop: it runs there
 * @cluster: this node in it
 * @beside: what the cluster tells
 * @opt: options
 * @port: the kernel
 * @watch: what it tells
 * @links: connections; NULL = not yet
 * @nr_linked: used of @linked
 * @linked: nodes that @links knows
 * @linked_commits: of @want, which @links is told of
 * @want: what the node has to have
 * @seen: what its kernel has
 * @agent: the planner
 * @look: looks at all
 * @due: when to look again
 * @dump: the dump
 * @peers_ns: when peers are to be dumped again
 * @request: what the kernel is asked for
 * @ask: what is reported
 * @hello_to: node that was told how far this one is, 0 = none
 * @hello_ns: when that was, or when it said something last
 * @push: what the nodes are sent, of who leads
 * @push_term: under which
 * @pump: goes on with that
 * @runner: what runs where volumes are attached
 * @nr_running: used of @running
 * @running: volumes that it was told of
 * @nr_stuck: how many there were that could not be ended
 * @stuck: volumes of the last of these
 * @fault_ns: faults are said again then
 * @settled: it was told of all that there were at the start
 * @duty: the promoter, of who leads
 * @duties: what it found due
 * @duty_due: when it is to be asked
 * @repair: the repair, of who leads
 * @mend: what it found due
 * @mend_due: when it is to be asked
 * @mend_nodes_ms: when it is to be told who is there
 * @silent_volume: the log was told that its holder is not heard
 * @silent_term: which holder
 * @nr_stores: used of @store
 * @store: devices
 * @stores_path: file with these
 * @work: waits for devices, and for that file
 * @looking: which stores are on them, or NULL
 * @looked_ns: when that was known last
 * @msg: a message that is being made
 */
struct hands {
	struct loop *loop;
	struct cluster *cluster;
	struct cluster_beside beside;
	struct hands_options opt;
	struct kport *port;
	struct kport_watch watch;
	struct link_net *links;
	u32 nr_linked;
	u32 linked[LINK_PEERS_MAX];
	u64 linked_commits;
	struct want want;
	struct seen seen;
	struct agent *agent;
	struct loop_call look;
	struct loop_timer due;
	struct hands_dump dump;
	u64 peers_ns;
	struct hands_request request[HANDS_REQUESTS];
	struct hands_ask ask[HANDS_ASKS];
	u32 hello_to;
	u64 hello_ns;
	struct push *push;
	u64 push_term;
	struct loop_timer pump;
	struct runner *runner;
	u32 nr_running;
	u32 running[RUNNER_VOLUMES_MAX];
	u32 nr_stuck;
	u32 stuck[HANDS_STUCK_MAX];
	u64 fault_ns;
	bool settled;
	struct duty *duty;
	struct hands_duty duties[HANDS_DUTIES];
	struct loop_timer duty_due;
	struct repair *repair;
	struct hands_mend mend[HANDS_MENDS];
	struct loop_timer mend_due;
	u64 mend_nodes_ms;
	u32 silent_volume;
	u64 silent_term;
	u32 nr_stores;
	struct hands_store store[HANDS_STORES_MAX];
	char stores_path[HANDS_PATH_MAX + 1];
	struct work *work;
	struct stores_job *looking;
	u64 looked_ns;
	u8 msg[WANT_MSG_MAX];
};

static inline u64 hands_now_ms(const struct hands *h)
{
	return loop_now(h->loop) / 1000000;
}

/* hands.c */
void hands_look_later(struct hands *h);

/* dump.c */
bool dump_next(struct hands *h, u64 *again_ns);
void dump_soon(struct hands *h);

/* request.c */
void requests_send(struct hands *h);

/* say.c */
void reports_send(struct hands *h);

/* failover.c */
void failover_begin(struct hands *h);
void failover_end(struct hands *h);
void failover_changed(struct hands *h, const struct state_delta *delta);
void failover_due(struct loop_timer *timer);
void failover_say(struct hands *h, const struct agent_report *report);
int failover_word(struct hands *h, u32 from, const u8 *data, size_t bytes);

/* repair.c */
void mend_begin(struct hands *h);
void mend_end(struct hands *h);
void mend_changed(struct hands *h, const struct state_delta *delta);
void mend_look(struct loop_timer *timer);
void mend_say(struct hands *h, const struct agent_report *report, u32 word);
void mend_unknown(struct hands *h, const struct agent_report *report);
struct json_object *mend_status(struct hands *h);
struct json_object *mend_why(struct hands *h, u32 volume);
int mend_take(struct hands *h, u32 from, const u8 *data, size_t bytes);

/* run.c */
int fault_take(struct hands *h, u32 from, const u8 *data, size_t bytes);
void fault_say(struct hands *h, u32 volume, u64 term, enum duty_fault fault);
int run_begin(struct hands *h, char why[HANDS_WHY_MAX]);
void run_end(struct hands *h);
void run_look(struct hands *h);
bool run_lets_go(struct hands *h, u32 volume);

/* tell.c */
extern const struct cluster_beside_ops tell_ops;

void tell_look(struct hands *h);
void tell_pumped(struct loop_timer *timer);
int tell_link(void *arg, u32 node, const void *data, size_t bytes);

/* store.c */
int stores_load(struct hands *h, char why[HANDS_WHY_MAX]);
void stores_look(struct hands *h);
const char *stores_path_of(void *arg, const u8 uuid[16]);

#endif /* QBD_HANDS_INNER_H */
