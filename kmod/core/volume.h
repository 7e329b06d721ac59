/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate over the shards of an attached volume (protocol S2, S7).
 *
 * A term belongs to a volume, a history to a shard.  What must hold over all
 * shards together is decided here: no I/O on any shard before each of them is
 * promised to the term by a read quorum; all shards stop when one of them
 * learns of a higher term; a term is used by one attach in one life of the
 * kernel (the session nonce), and a detach is done when all shards are.
 *
 * GROWTH.  A volume that is open may get more shards, under its term and nonce.
 * What it has goes on meanwhile.  To the new ones the same applies: no I/O on
 * any of them before each of them is promised, and nobody is told of them
 * before all serve.  A detach before that gives them up.
 *
 * No actions: each call returns what the shell has to do next.  Under the
 * volume's lock; shards report to it without their own lock held.
 */
#ifndef QBD_CORE_VOLUME_H
#define QBD_CORE_VOLUME_H

#include "env.h"

/**
 * enum qbd_volume_gate - where an attach is
 * @QBD_VOLUME_DETACHED: no leaders
 * @QBD_VOLUME_OPENING: shards ask for promises, no I/O
 * @QBD_VOLUME_OPEN: the gate is open: each shard serves once it is recovered
 * @QBD_VOLUME_RELEASING: clean detach: no new I/O, shards drain
 * @QBD_VOLUME_LOST: fenced by a higher term, all shards stop
 */
enum qbd_volume_gate {
	QBD_VOLUME_DETACHED,
	QBD_VOLUME_OPENING,
	QBD_VOLUME_OPEN,
	QBD_VOLUME_RELEASING,
	QBD_VOLUME_LOST,
};

/* What the shell has to do after a call */
#define QBD_VOLUME_DO_GATE BIT(0) /* QBD_LEADER_GATE to the first @nr_gated */
#define QBD_VOLUME_DO_STOP BIT(1) /* QBD_LEADER_STOP to every shard */
#define QBD_VOLUME_DO_SERVED BIT(2) /* all shards serve, for the first time */
#define QBD_VOLUME_DO_DETACHED BIT(3) /* all shards are released */
#define QBD_VOLUME_DO_GROWN BIT(4) /* the new ones serve too */

/* What a shard has reported */
#define QBD_VOLUME_PROMISED BIT(0)
#define QBD_VOLUME_SERVING BIT(1)
#define QBD_VOLUME_RELEASED BIT(2)

/**
 * struct qbd_volume_core - state of one volume on this node
 * @state: enum qbd_volume_gate
 * @term: term of the attach
 * @nonce: its session nonce
 * @used_term: highest term that an attach here ever used or lost to
 * @nr_shards: number of shards, with those that a growth adds
 * @nr_gated: the gate is open for so many, from the first on
 * @nr_served: so many serve, or did before they lost their quorum; more than
 *	these nobody is told of
 * @nr: how many of them reported PROMISED, SERVING, RELEASED
 * @shard: QBD_VOLUME_* bits per shard, handed over, @nr_shards bytes
 */
struct qbd_volume_core {
	enum qbd_volume_gate state;
	u64 term;
	u64 nonce;
	u64 used_term;
	u32 nr_shards;
	u32 nr_gated;
	u32 nr_served;
	u32 nr[3];
	u8 *shard;
};

void qbd_volume_init(struct qbd_volume_core *vol, u32 nr_shards, u8 *shard);
int qbd_volume_begin(struct qbd_volume_core *vol, u64 term, u64 nonce);
u32 qbd_volume_promised(struct qbd_volume_core *vol, u32 shard, u64 term);
u32 qbd_volume_serving(struct qbd_volume_core *vol, u32 shard, u64 term);
int qbd_volume_grow(struct qbd_volume_core *vol, u32 nr_shards, u8 *shard);
bool qbd_volume_growing(const struct qbd_volume_core *vol);
u32 qbd_volume_lost(struct qbd_volume_core *vol, u64 term);
int qbd_volume_release(struct qbd_volume_core *vol);
u32 qbd_volume_released(struct qbd_volume_core *vol, u32 shard, u64 term);
void qbd_volume_end(struct qbd_volume_core *vol);
u32 qbd_volume_waits_for(const struct qbd_volume_core *vol);

#endif /* QBD_CORE_VOLUME_H */
