/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node in its cluster: the replicated state (state/), its group of Raft
 * servers (group/), and the sessions that carry both (session/).
 *
 * WHAT A NODE IS.  Alone, without a record: `cluster init` makes a cluster,
 * `cluster join` joins one.  Then it has a record, and sessions to the members
 * of the group.  A member has a Raft server, and with it the whole state.
 *
 * Who leads turns nodes into members and back: an order (MSG_SERVER) names the
 * server that a node has to be, the node makes an empty log for it and says so,
 * and only then does it become a learner, later a voter (state/voters.h).  A
 * node whose log is damaged, or gone, says that, gets another server id, and
 * begins anew; the old id is never heard again (raft.h, rule 9).
 *
 * ROLLED BACK.  A log that was put back from a copy is as good as it was then,
 * and has forgotten votes and acknowledgements since.  (B, of A, B and C,
 * acknowledges what A commits; B's disk is put back; A dies; B and C elect B,
 * which never had it.)  The directory can not tell, others can: members tell
 * each other the generation of their hard state, which only goes up, all
 * LEAD_TICK_NS and when a session begins, with the highest that they heard of
 * the other (MSG_LIFE).  Nothing of the group is said to a node, or heard from
 * it, before it has said that in this session.  A server that hears of a higher
 * generation than it has is lost (rule 9), and says so to who leads.
 *
 * What nobody knows: what was written in the last LEAD_TICK_NS before the copy
 * came, as far as the one that it is put back for had no session since; what
 * was heard by daemons that all ended since; and a start of the older copy that
 * nobody hears counts two generations.
 *
 * ASKING.  Whatever concerns the state is an ask: a verb and its arguments.
 * Anybody may be asked, and passes it on to who leads, who does it, or looks
 * (behind a round that shows that it still leads).  An ask that changes
 * something has a client and a sequence number of the daemon that was asked
 * first; it is sent again, under the same numbers, until there is an answer or
 * its deadline: a leader that dies in between has done it or not, and it is not
 * done twice (state/command.h).  What has to be random, as the secret of a
 * token, is made before it is asked, or a second try would not be the same.
 *
 * DUTIES of who leads, LEAD_TICK_NS apart and after each change, one command at
 * a time, each derived from the state, so that the next leader goes on with
 * them: take in who joined, give servers, change the group, and place shards of
 * volumes (volume.h).
 *
 * One thread, the loop's.  What waits for the disk is done beside it (work.h):
 * a server begins and ends there, is saved and loaded, and the list of peers is
 * written.  Meanwhile the node has no server, or the one before; nobody hears
 * of one before it is on stable media, or that it is lost before that is.
 *
 * Files: record.c (the file of a node), msg.c (bytes), cluster.c (begin, what
 * sessions say), machine.c (the state in the group), server.c (the life of
 * a server), server_disk.c (its files), life.c (is its log what it was), ask.c,
 * exec.c (asking, doing), verbs.c, verbs_store.c, verbs_volume.c,
 * verbs_repair.c, verbs_lost.c, show_volume.c, report.c, args.c (what can be
 * asked), lead.c, duty.c (duties), members.c (the group, and peers), join.c
 * (init and join), status.c.
 */
#ifndef QBD_CLUSTER_CLUSTER_H
#define QBD_CLUSTER_CLUSTER_H

#include "../links_conf.h"
#include "../loop.h"

#define CLUSTER_WHY_MAX 320
#define CLUSTER_ASKS_MAX \
	256 /* not answered yet, of all clients of this daemon */
#define CLUSTER_ADDRS_MAX 4 /* of each kind */
#define LEAD_TICK_NS 500000000ULL

struct cluster;
struct json_object;

/**
 * struct cluster_options - a daemon
 * @state_dir: where it keeps what it must not forget
 * @name: of the node
 * @zone: failure domain, "" = none; so the two below
 * @rack: failure domain
 * @host: failure domain
 * @nr_listens: used of @listen
 * @listen: where its control plane listens
 * @nr_control: used of @control
 * @control: where others reach that
 * @nr_data: used of @data
 * @data: where others reach its kernel
 * @election_ns: see struct group_options; 0: 1 s
 * @beat_ns: likewise; 0: 200 ms
 * @ready_ns: how long a node has to make its server; 0: 15 s
 * @knock_ms: see session.h
 * @duty_slice: volumes that a turn of the loop may look at; 0: 4096
 */
struct cluster_options {
	const char *state_dir;
	const char *name;
	const char *zone;
	const char *rack;
	const char *host;
	unsigned int nr_listens;
	union links_addr listen[CLUSTER_ADDRS_MAX];
	unsigned int nr_control;
	union links_addr control[CLUSTER_ADDRS_MAX];
	unsigned int nr_data;
	union links_addr data[CLUSTER_ADDRS_MAX];
	uint64_t election_ns;
	uint64_t beat_ns;
	uint64_t ready_ns;
	uint32_t knock_ms;
	uint32_t duty_slice;
};

/**
 * struct cluster_answer - what became of an ask
 * @code: NULL: done; else a KEY
 * @error: errno that goes with it
 * @text: a sentence: what is wrong, and what to do
 * @ok: done: an object; good until done() returns, or taken with a reference
 */
struct cluster_answer {
	const char *code;
	int error;
	const char *text;
	struct json_object *ok;
};

/**
 * struct cluster_ask - something that is asked of the cluster
 * @verb: what
 * @args: with these, an object or NULL; they stay until done()
 * @timeout_ms: how long to try
 * @done: called once, from the loop or before cluster_ask() returns
 * @next: the cluster's, as all below
 * @id: in messages
 * @seq: with the daemon's client; 0: it changes nothing
 * @client: under which it was sent first
 * @node: who was asked, 0 = nobody yet
 * @due_ns: its deadline
 * @again_ns: not sent again before
 */
struct cluster_ask {
	const char *verb;
	struct json_object *args;
	unsigned int timeout_ms;
	void (*done)(struct cluster_ask *ask,
		     const struct cluster_answer *answer);
	struct cluster_ask *next;
	uint64_t id;
	uint64_t seq;
	uint64_t client;
	uint32_t node;
	uint64_t due_ns;
	uint64_t again_ns;
};

/* cluster.c */
int cluster_open(struct cluster **made, struct loop *loop,
		 const struct cluster_options *options,
		 char why[CLUSTER_WHY_MAX]);
void cluster_close(struct cluster *c);

/* ask.c */
void cluster_ask(struct cluster *c, struct cluster_ask *ask);
void cluster_forget(struct cluster *c, struct cluster_ask *ask);

/* join.c */
int cluster_init(struct cluster *c, const char *name,
		 char why[CLUSTER_WHY_MAX]);
int cluster_join(struct cluster *c, const char *token,
		 const union links_addr *addr, unsigned int nr,
		 void (*done)(void *arg, int err, const char *why), void *arg,
		 char why[CLUSTER_WHY_MAX]);
void cluster_join_cancel(struct cluster *c);
bool cluster_ready(struct cluster *c);

/* args.c */
struct json_object *json_hex(const uint8_t *from, unsigned int bytes);
struct json_object *json_uuid(const uint8_t *uuid);

/* status.c */
struct json_object *cluster_status(struct cluster *c);

#endif /* QBD_CLUSTER_CLUSTER_H */
