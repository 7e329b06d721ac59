/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the machines of a shard want done: the queue of its pump, and what of it
 * waits for room in the log.
 */
#ifndef QBD_SHARD_QUEUE_H
#define QBD_SHARD_QUEUE_H

#include <linux/list.h>
#include "core/step.h"
#include "limits.h"

/**
 * struct qbd_act_stamp - on whose behalf an action was queued
 * @life: @life of the shard then
 * @lead_gen: @lead_gen of the shard then
 *
 * A pump may be late: preempted, or waiting for memory. What it finds then may
 * be another replica, in the same store opened again, or the leader of the next
 * attach, and what the former ones wanted or had to say is not for them.
 */
struct qbd_act_stamp {
	u32 life;
	u32 lead_gen;
};

/**
 * struct qbd_pump_block - a part of a shard's queue of actions
 * @entry: in shard->blocks
 * @first: next action to be carried out
 * @nr: actions from there on
 * @stamp: on whose behalf each was queued
 * @act: the actions
 */
struct qbd_pump_block {
	struct list_head entry;
	u16 first;
	u16 nr;
	struct qbd_act_stamp stamp[QBD_PUMP_ACTIONS];
	struct qbd_action act[QBD_PUMP_ACTIONS];
};

/**
 * struct qbd_log_wait - an action for the log that waits for room in the store
 * @entry: in shard->log_waits
 * @life: @life of the shard when it was queued
 * @act: the action, with its reference of the payload
 */
struct qbd_log_wait {
	struct list_head entry;
	u32 life;
	struct qbd_action act;
};

#endif /* QBD_SHARD_QUEUE_H */
