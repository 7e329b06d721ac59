/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the cluster share; cluster.h is for everybody else.
 */
#ifndef QBD_CLUSTER_INNER_H
#define QBD_CLUSTER_INNER_H

#include "group/group.h"
#include "state/command.h"
#include "state/snapshot.h"
#include "state/view.h"
#include "../session/session.h"
#include "../work.h"
#include "beside.h"
#include "cluster.h"
#include "known.h"
#include "msg.h"
#include "record.h"

#define CLUSTER_PATH_MAX 512
#define EXEC_MAX 128 /* being done, here, as who leads */

/**
 * enum cluster_phase - what a node is
 * @CLUSTER_ALONE: in no cluster
 * @CLUSTER_JOINING: it asks to be taken in
 * @CLUSTER_IN: it has a record
 */
enum cluster_phase {
	CLUSTER_ALONE,
	CLUSTER_JOINING,
	CLUSTER_IN,
};

struct exec;
struct peers_job;
struct server_job;

/**
 * struct cluster - a daemon's part
 * @loop: it runs there
 * @work: waits for the disk
 * @opt: options
 * @beside: is told of all; or NULL
 * @phase: enum cluster_phase
 * @identity: the node's key; good if @has_key
 * @has_key: there is one
 * @record: the node's record, IN
 * @record_path: of its file
 * @peers_path: of the list of peers; see record.h
 * @key_path: of its file
 * @raft_path: directory of the log, IN
 * @net: sessions, IN
 * @peer: nodes that are peers of @net
 * @nr_peers: used of @peer
 * @env: of the log store, open if @has_env
 * @has_env: see @env
 * @beginning: the directory is made, or found, or NULL
 * @reading: its log is being read, or NULL
 * @begin_err: why the server could not begin, 0 = it could, or may yet
 * @begin_why: the same in words
 * @ordered_by: who is to be told of it, 0 = nobody yet
 * @disowning: it is lost, but its directory does not say so yet
 * @peers_job: the list of peers is being written, or NULL
 * @group: the server; NULL = no member
 * @lost: the server of @record can never take part again
 * @newer: its log has a feature level that is not known here
 * @s: the replicated state, of a member; else it is empty
 * @init_name: of the cluster that is being made; "" = none
 * @leader: node that leads, as was heard of; a member asks its group
 * @leader_term: in which term
 * @leader_said: who leads, as the log was told last
 * @members_term: of the last entry of the log that says who the peers are
 * @members_index: and its index
 * @changed: the state, or the group, is another
 * @tick: looks for what is due
 * @asks: not answered, oldest first
 * @asks_last: where the next goes
 * @nr_asks: how many
 * @ask_id: of the last one
 * @client: of this daemon, 0 = none yet
 * @seq: its last
 * @opening: asks for @client
 * @opening_out: it is under way
 * @open_ns: not again before
 * @execs: being done here
 * @nr_execs: how many
 * @led_ns: since when this node leads, 0 = it does not
 * @duty: a command of the duties is under way
 * @duty_ask: it
 * @duty_args: its arguments
 * @duty_id: of the object it is about
 * @duty_look: there may be something to be done about a volume
 * @duty_slot: the volume that had the last duty, or is to be looked at first
 * @duty_left: slots of volumes that this round has not come to
 * @skip: duties that were refused
 * @nr_skips: used of it
 * @ready: servers of which is known how they are
 * @nr_ready: used of it
 * @life: how far servers were
 * @nr_lives: used of it
 * @again: volumes that needed another term
 * @members_bytes: of @members
 * @members: sent last
 * @join: asks to be taken in, or NULL
 * @join_done: told of it
 * @join_arg: for it
 * @text: a message that is being made
 */
struct cluster {
	struct loop *loop;
	struct work *work;
	struct cluster_options opt;
	struct cluster_beside *beside;
	enum cluster_phase phase;
	struct identity identity;
	bool has_key;
	struct record record;
	char record_path[CLUSTER_PATH_MAX];
	char peers_path[CLUSTER_PATH_MAX];
	char key_path[CLUSTER_PATH_MAX];
	char raft_path[CLUSTER_PATH_MAX];
	struct session_net *net;
	u32 peer[SESSION_PEERS_MAX];
	u32 nr_peers;
	struct raftlog_env env;
	bool has_env;
	struct server_job *beginning;
	struct group *reading;
	int begin_err;
	char begin_why[CLUSTER_WHY_MAX];
	u32 ordered_by;
	bool disowning;
	struct peers_job *peers_job;
	struct group *group;
	bool lost;
	bool newer;
	struct state *s;
	char init_name[STATE_NAME_MAX + 1];
	u32 leader;
	u64 leader_term;
	u32 leader_said;
	u64 members_term;
	u64 members_index;
	struct loop_call changed;
	struct loop_timer tick;
	struct cluster_ask *asks;
	struct cluster_ask **asks_last;
	u32 nr_asks;
	u64 ask_id;
	u64 client;
	u64 seq;
	struct cluster_ask opening;
	bool opening_out;
	u64 open_ns;
	struct exec *execs;
	u32 nr_execs;
	u64 led_ns;
	bool duty;
	struct cluster_ask duty_ask;
	struct json_object *duty_args;
	u64 duty_id;
	bool duty_look;
	u32 duty_slot;
	u32 duty_left;
	struct cluster_skip skip[CLUSTER_SKIPS_MAX];
	u32 nr_skips;
	struct cluster_ready ready[CLUSTER_READY_MAX];
	u32 nr_ready;
	struct cluster_life life[CLUSTER_LIVES_MAX];
	u32 nr_lives;
	struct cluster_again again[CLUSTER_AGAINS_MAX];
	int members_bytes;
	u8 members[MSG_MEMBERS_MAX];
	struct session_join *join;
	void (*join_done)(void *arg, int err, const char *why);
	void *join_arg;
	u8 text[MSG_ASK_HEAD + MSG_TEXT_MAX];
};

/* cluster.c */
int cluster_begin(struct cluster *c, char why[CLUSTER_WHY_MAX]);
void cluster_changed(struct cluster *c);
u32 cluster_leader(struct cluster *c);
bool cluster_member(struct cluster *c);
bool cluster_leads(const struct cluster *c);
bool cluster_reaches(struct cluster *c, u32 node);
const char *cluster_heard(const struct cluster *c, u32 node);
u64 cluster_wall_ms(void);
int cluster_send(struct cluster *c, u32 node, enum session_class class,
		 enum msg_type type, const void *data, size_t bytes);

/* machine.c */
extern const struct group_ops machine_ops;

int machine_make(struct cluster *c);
void machine_free(struct cluster *c);

/* server.c */
int server_begin(struct cluster *c, char why[CLUSTER_WHY_MAX]);
int server_settle(struct cluster *c, char why[CLUSTER_WHY_MAX]);
void server_opened(void *arg, int err, const struct raftlog_report *report);
void server_end(struct cluster *c);
void server_ordered(struct cluster *c, u32 from, u64 server);
void server_report(struct cluster *c, u32 to);
void server_rolled_back(struct cluster *c, u32 from, u64 generation);
bool server_failed(const struct cluster *c);
u32 server_node(u64 server);

/* server_disk.c */
int server_disk_begin(struct cluster *c);
void server_disk_forget(struct cluster *c);
void server_disk_leave(struct cluster *c, bool disown);
void server_disk_ready(struct cluster *c, int err, const char *why);
void peers_save(struct cluster *c);

/* life.c */
void life_up(struct cluster *c, u32 node);
void life_down(struct cluster *c, u32 node);
void life_begin(struct cluster *c);
void life_tick(struct cluster *c);
u64 life_known(struct cluster *c, u32 node);
bool life_vouches(struct cluster *c, u32 node);
void life_heard(struct cluster *c, u32 from, const struct msg_life *said);

/* ask.c */
void ask_answered(struct cluster *c, u32 from, const struct msg_text *text);
void ask_done(struct cluster *c, struct cluster_ask *ask,
	      const struct cluster_answer *answer);
void asks_look(struct cluster *c);
void asks_lost(struct cluster *c, u32 node);
void asks_fail(struct cluster *c);

/* exec.c */
bool exec_changes(const char *verb);
void exec_begin(struct cluster *c, u32 from, const struct msg_text *ask);
bool exec_local(struct cluster *c, struct cluster_ask *ask);
void execs_forget(struct cluster *c);
void exec_applied(struct group_wait *wait, const struct state_result *res);

/* lead.c */
void lead_look(struct cluster *c);
u32 lead_level(struct cluster *c, bool away, u32 *node);
bool lead_skips(struct cluster *c, const char *verb, u64 id);
void lead_do(struct cluster *c, const char *verb, u64 id,
	     struct json_object *args);
void lead_down(struct cluster *c, u32 node);
void lead_ready(struct cluster *c, u32 node, const struct msg_server_is *is);

/* duty.c */
bool duty_volumes(struct cluster *c);

/* join.c */
struct json_object *join_request(const struct cluster *c);
void join_asked(void *arg, uint64_t joiner, uint64_t token, const void *data,
		size_t bytes);

/* members.c */
void members_now(struct cluster *c, struct msg_members *members);
void members_push(struct cluster *c, u32 node);
void members_heard(struct cluster *c, u32 from,
		   const struct msg_members *members);
bool members_outside(const struct cluster *c, const struct group_info *info);
void peers_refresh(struct cluster *c);
void addr_of_state(const struct state_addr *from, union links_addr *to);
void addr_to_state(const union links_addr *from, u8 use, struct state_addr *to);

#endif /* QBD_CLUSTER_INNER_H */
