/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One replica of a resync, target or source, with a shell that says what it is
 * told to say, and that counts what it is asked for. What a step wanted done is
 * kept until the next one.
 */
#ifndef QBD_TESTS_RESYNC_WORLD_H
#define QBD_TESTS_RESYNC_WORLD_H

#include "harness.h"
#include "replica_world.h"
#include "resync.h"

#define RW_ACTS 128
#define RW_RETRY_NS (100 * (u64)NSEC_PER_MSEC)
#define RW_TERM 6
#define RW_NONCE 66
#define RW_LEADER 1 /* node; of the target too */

/* What the shell answers; results of the ops are 0 unless told otherwise. */
static struct {
	int pin;
	struct qbd_pin_info pin_info;
	int map; /* entries */
	u32 map_next;
	struct qbd_map_entry entry[QBD_MAP_MAX];
	int shadow;
	int look[64]; /* by chunk */
	int make_switch;
	int state;
	int drop;
	struct qbd_pos switched;
	/* what it was asked */
	u32 pins, unpins, shadows, looks, looked[64], switches, drops;
	struct qbd_pin_info shadow_info;
	const void *shadow_config;
	u64 map_seq, map_have;
} shell;

static inline int rw_pin(void *ctx, struct qbd_pin_info *info)
{
	shell.pins++;
	if (!shell.pin)
		*info = shell.pin_info;
	return shell.pin;
}

static inline int rw_pin_map(void *ctx, u64 seq, u64 have, u32 *from,
			     struct qbd_map_entry entry[QBD_MAP_MAX])
{
	shell.map_seq = seq;
	shell.map_have = have;
	if (shell.map < 0)
		return shell.map;
	memcpy(entry, shell.entry, shell.map * sizeof(*entry));
	*from = shell.map_next;
	return shell.map;
}

static inline void rw_unpin(void *ctx)
{
	shell.unpins++;
}

static inline int rw_shadow(void *ctx, const struct qbd_pin_info *info,
			    const void *config, u64 *seq)
{
	shell.shadows++;
	shell.shadow_info = *info;
	shell.shadow_config = config;
	*seq = 500;
	return shell.shadow;
}

static inline int rw_look(void *ctx, const struct qbd_map_entry *entry)
{
	shell.looks++;
	shell.looked[entry->chunk % 64]++;
	return shell.look[entry->chunk % 64];
}

static inline int rw_switch(void *ctx)
{
	shell.switches++;
	return shell.make_switch;
}

static inline int rw_state(void *ctx)
{
	return shell.state;
}

static inline int rw_drop(void *ctx)
{
	shell.drops++;
	return shell.drop;
}

static inline struct qbd_pos rw_switched(void *ctx)
{
	return shell.switched;
}

static const struct qbd_resync_ops rw_ops = {
	.pin = rw_pin,
	.pin_map = rw_pin_map,
	.unpin = rw_unpin,
	.shadow = rw_shadow,
	.shadow_look = rw_look,
	.shadow_switch = rw_switch,
	.shadow_state = rw_state,
	.shadow_drop = rw_drop,
	.switched = rw_switched,
};

/* --- steps -------------------------------------------------------------- */

static struct {
	struct qbd_action act[RW_ACTS];
	u32 nr;
} did;

/* Return: true if what waits for the log is to be forgotten. */
static inline bool rw_steps(struct qbd_replica_event *event)
{
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	bool forget = false;
	u32 i;

	event->now_ns = world.now_ns;
	do {
		acts.nr = 0;
		qbd_replica_step(&world.rep, event, &acts);
		for (i = 0; i < acts.nr; i++) {
			if (act[i].kind == QBD_ACT_LOG_FORGET) {
				forget = true;
				continue;
			}
			ASSERT_LT(did.nr, RW_ACTS);
			did.act[did.nr++] = act[i];
			world_store(&act[i]);
		}
		event->kind = QBD_REPLICA_MORE;
	} while (acts.more);
	return forget;
}

/* Nothing ever waits for the log here. */
static inline void rw_step(struct qbd_replica_event *event)
{
	did.nr = 0;
	if (rw_steps(event))
		rw_steps(&(struct qbd_replica_event){
			.kind = QBD_REPLICA_FORGOT, .pos = world.rep.last });
}

static inline void rw_event(enum qbd_replica_event_kind kind)
{
	rw_step(&(struct qbd_replica_event){ .kind = kind });
}

/* Time goes by. */
static inline void rw_tick(u64 ns)
{
	world.now_ns += ns;
	rw_event(QBD_REPLICA_TICK);
}

static inline void rw_msg(u32 node, const struct qbd_msg *msg)
{
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_MSG,
		.node = node,
		.msg = msg,
	});
}

/* How many actions of a kind, with a message of a type (0 = any)? */
static inline u32 rw_count(enum qbd_action_kind kind, u16 type)
{
	u32 i, nr = 0;

	for (i = 0; i < did.nr; i++)
		nr += did.act[i].kind == kind &&
		      (!type || did.act[i].msg.type == type);
	return nr;
}

/* The one action of a kind, with a message of a type. */
static inline const struct qbd_action *rw_act(enum qbd_action_kind kind,
					      u16 type)
{
	u32 i;

	ASSERT_EQ(1, rw_count(kind, type));
	for (i = 0; i < did.nr; i++)
		if (did.act[i].kind == kind &&
		    (!type || did.act[i].msg.type == type))
			return &did.act[i];
	return NULL;
}

static inline const struct qbd_msg *rw_sent(u16 type)
{
	return &rw_act(QBD_ACT_SEND, type)->msg;
}

static inline bool rw_quiet(void)
{
	return !did.nr;
}

/* --- messages of the leader --------------------------------------------- */

static inline struct qbd_msg rw_make(u16 type, u64 replica, u64 session)
{
	return (struct qbd_msg){
		.type = type,
		.key = { .volume = 1, .shard = 2 },
		.replica = replica,
		.term = RW_TERM,
		.nonce = RW_NONCE,
		.epoch = 1,
		.session = session,
	};
}

/* The replica obeys a leader of this term from now on. */
static inline void rw_open(u64 term)
{
	struct qbd_msg msg = rw_make(QBD_MSG_OPEN, 101, 1);

	msg.term = term;
	msg.nonce = term * 11;
	msg.open.node = RW_LEADER;
	msg.open.lease_ms = 1500;
	msg.open.blocks = world.rep.cfg.blocks;
	rw_msg(RW_LEADER, &msg);
	rw_act(QBD_ACT_LOG_PROMISE, 0);
	rw_step(&(struct qbd_replica_event){
		.kind = QBD_REPLICA_PROMISED,
		.term = msg.term,
		.nonce = msg.nonce,
	});
	rw_sent(QBD_MSG_OPEN_REPLY);
}

/* A replica as @line says (see world_init()), that obeys RW_TERM. */
static inline void rw_start(const char *line)
{
	memset(&shell, 0, sizeof(shell));
	world_init(line);
	world.rep.cfg.resync = &rw_ops;
	world.rep.cfg.retry_ns = RW_RETRY_NS;
	rw_open(RW_TERM);
}

#endif /* QBD_TESTS_RESYNC_WORLD_H */
