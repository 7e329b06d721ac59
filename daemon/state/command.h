/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Commands: entries of the Raft log, as bytes and as a struct.
 *
 *	0 version 1	1 kind	2 zero, 2 bytes	4 zero, 4 bytes
 *	8 client	16 sequence		24 clock of the proposer, ms
 *	32 fields of the kind, as the table in command.c lists them
 *
 * REQUEST ID.  Raft may log a command twice: a leader dies, the client asks the
 * next one, and both entries are committed.  So each command has the id of a
 * client, which consensus gave out (CLIENT_OPEN), and a sequence number; the
 * results of its last STATE_WINDOW requests are remembered, and a second one
 * gets the first one's answer.  Whatever is older than the window, or of a
 * client that was forgotten, is refused, never done: "create volume" after a
 * lost answer would else make two.  CLIENT_OPEN itself may be done twice, for a
 * client that nobody uses harms nobody; CLUSTER_INIT is refused the second
 * time.  CLUSTER_RESTORE has no client either: nobody was there to give it one.
 *
 * A client is one of a node: who asks for another node's client is refused by
 * who leads, before anything is logged.  (A node that is mad takes the numbers
 * that others are about to use, and gets, or spoils, their answers.)
 *
 * VERSIONS.  Two servers of different software must not differ in what they do
 * with a command.  So a kind that is new has a feature level, and is refused,
 * as if it were unknown, until the cluster's setting says that everybody knows
 * it.  The meaning of a kind never changes: it gets a new number instead.
 */
#ifndef QBD_STATE_COMMAND_H
#define QBD_STATE_COMMAND_H

#include "field.h"
#include "object.h"

#define STATE_COMMAND_HEAD 32

/* Name, feature level, table of fields in command.c */
#define STATE_COMMANDS(X)     \
	X(CLUSTER_INIT, 1)    \
	X(CLUSTER_SET, 1)     \
	X(CLUSTER_RESTORE, 1) \
	X(CLIENT_OPEN, 1)     \
	X(NODE_ADD, 1)        \
	X(NODE_SET, 1)        \
	X(NODE_STATE, 1)      \
	X(NODE_RAFT, 1)       \
	X(NODE_REMOVE, 1)     \
	X(TOKEN_CREATE, 1)    \
	X(TOKEN_REVOKE, 1)    \
	X(STORE_ADD, 1)       \
	X(STORE_STATE, 1)     \
	X(STORE_REPORT, 1)    \
	X(STORE_REMOVE, 1)    \
	X(VOLUME_CREATE, 1)   \
	X(VOLUME_SHARDS, 1)   \
	X(VOLUME_SET, 1)      \
	X(VOLUME_RESIZE, 1)   \
	X(VOLUME_GROWN, 1)    \
	X(VOLUME_DELETE, 1)   \
	X(ATTACH, 1)          \
	X(DETACH, 1)          \
	X(FENCE, 1)           \
	X(SHARD_PROPOSE, 1)   \
	X(SHARD_JOINT, 1)     \
	X(SHARD_ADOPT, 1)     \
	X(SHARD_ABORT, 1)     \
	X(SHARD_SETTLED, 1)   \
	X(REPLICA_CREATED, 1) \
	X(REPLICA_DELETED, 1) \
	X(JOB_ADD, 1)         \
	X(JOB_SET, 1)         \
	X(SERVES, 1)          \
	X(NODE_REKEY, 1)      \
	X(NODE_LOST, 2)

#define STATE_COMMAND_ENUM(name, level) STATE_CMD_##name,

/* What a command does; STATE_CMD_NR is one more than the last. */
enum state_cmd_kind {
	STATE_CMD_NONE,
	STATE_COMMANDS(STATE_COMMAND_ENUM) STATE_CMD_NR
};

#define STATE_ATTACH_FORCE 0x01 /* the holder is fenced, whoever it is */
#define STATE_ATTACH_TAKEOVER 0x02 /* V3 holds for the term in @term */
#define STATE_ATTACH_REPAIR 0x04 /* without a device */
#define STATE_ATTACH_AUTO 0x08 /* nobody said so: it fails over by itself */
#define STATE_ATTACH_ALL 0x0f

/*
 * What NODE_SET changes; the rest of the node stays.  (It has all fields, and A
 * wrote the zone while B, who had read the node before, wrote the rack: the one
 * that comes second takes back the first.)
 */
#define STATE_NODE_SET_ADDRS 0x01
#define STATE_NODE_SET_LABELS 0x02
#define STATE_NODE_SET_ZONE 0x04
#define STATE_NODE_SET_RACK 0x08
#define STATE_NODE_SET_HOST 0x10
#define STATE_NODE_SET_WISH 0x20
#define STATE_NODE_SET_ALL 0x3f

/* The same of VOLUME_SET */
#define STATE_VOLUME_SET_QUORUM 0x01 /* @on_no_quorum, and @value */
#define STATE_VOLUME_SET_READS 0x02
#define STATE_VOLUME_SET_ACK 0x04
#define STATE_VOLUME_SET_WANT 0x08 /* @node */
#define STATE_VOLUME_SET_AUTOS 0x10
#define STATE_VOLUME_SET_RUN 0x20
#define STATE_VOLUME_SET_ALL 0x3f
#define STATE_VOLUME_SET_AUTO 0x40 /* nobody said so; with WANT alone */

/**
 * struct state_cmd - a command; which fields count depends on its kind
 * @kind: enum state_cmd_kind
 * @client: who asks
 * @seq: its how manieth request
 * @now_ms: the proposer's clock
 * @id: token, job, or Raft server (CLUSTER_RESTORE: the one that goes on)
 * @node: id; CLIENT_OPEN: whose client it is
 * @store: id
 * @volume: id
 * @number: of a shard
 * @term: that of the volume, as the proposer knows it
 * @epoch: that of the shard, as the proposer knows it
 * @session: attach session, or lineage (CLUSTER_RESTORE: of the group)
 * @size: bytes
 * @count: of opens, uses, progress
 * @total: of progress
 * @value: of a setting, milliseconds
 * @what: setting, kind of a job
 * @state: new state; SERVES: enum state_serve
 * @wish: enum state_wish
 * @flags: STATE_ATTACH_*, STATE_NODE_SET_*, STATE_VOLUME_SET_*
 * @shift: of a shard's size
 * @copies: of a shard
 * @on_no_quorum: policy
 * @reads: policy
 * @ack: policy
 * @uuid: cluster, store
 * @key: public key, PSK; NODE_REKEY: one that nobody has
 * @name: name; SERVES: of the device
 * @zone: failure domain
 * @rack: failure domain
 * @host: failure domain
 * @run: unit or command
 * @reason: of a job; SERVES: why it does not
 * @nr_addrs: used of @addr
 * @addr: addresses
 * @nr_labels: used of @label
 * @label: labels
 * @nr_autos: used of @autos
 * @autos: nodes
 * @nr_add: used of @add
 * @add: stores of copies that join
 * @nr_del: used of @del
 * @del: replicas that leave
 * @rest: VOLUME_SHARDS: ids of stores, u32 each, @copies for each shard;
 *	REPLICA_CREATED and _DELETED: volume u32, shard u16, replica u64 each;
 *	STORE_REPORT: store u32, opens u64, free u64 each
 */
struct state_cmd {
	u8 kind;
	u64 client;
	u64 seq;
	u64 now_ms;
	u64 id;
	u32 node;
	u32 store;
	u32 volume;
	u32 number;
	u64 term;
	u64 epoch;
	u64 session;
	u64 size;
	u64 count;
	u64 total;
	u32 value;
	u8 what;
	u8 state;
	u8 wish;
	u8 flags;
	u8 shift;
	u8 copies;
	u8 on_no_quorum;
	u8 reads;
	u8 ack;
	u8 uuid[16];
	u8 key[32];
	char name[STATE_NAME_MAX + 1];
	char zone[STATE_LABEL_MAX + 1];
	char rack[STATE_LABEL_MAX + 1];
	char host[STATE_LABEL_MAX + 1];
	char run[STATE_RUN_MAX + 1];
	char reason[STATE_REASON_MAX + 1];
	u16 nr_addrs;
	struct state_addr addr[STATE_ADDRS_MAX];
	u16 nr_labels;
	struct state_label label[STATE_LABELS_MAX];
	u16 nr_autos;
	u32 autos[STATE_AUTOS_MAX];
	u16 nr_add;
	u32 add[STATE_COPIES_MAX];
	u16 nr_del;
	u64 del[STATE_COPIES_MAX];
	struct state_rest rest;
};

extern const struct state_field state_addr_fields[];
extern const struct state_field state_label_fields[];
extern const struct state_field state_u32_fields[];
extern const struct state_field state_u64_fields[];

int state_command_encode(const struct state_cmd *cmd, void *buf, u32 size);
int state_command_decode(const void *data, u32 bytes, struct state_cmd *cmd);
const char *state_command_name(u8 kind);
u16 state_command_level(u8 kind);

#endif /* QBD_STATE_COMMAND_H */
