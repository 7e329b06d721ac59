/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Comparing all copies of a shard that is led here; see shard_verify.c.
 */
#ifndef QBD_SHARD_VERIFY_H
#define QBD_SHARD_VERIFY_H

#include <linux/types.h>

#include "refusal.h"

struct qbd_action;
struct qbd_node;
struct qbd_shard;

/**
 * struct qbd_verify_spec - what netlink wants
 * @volume: volume id
 * @number: of the shard in it
 * @term: term that the volume has to be attached under
 * @what: QBD_VERIFY_*
 */
struct qbd_verify_spec {
	u32 volume;
	u32 number;
	u64 term;
	u8 what;
};

int qbd_shard_verify(struct qbd_node *node, const struct qbd_verify_spec *spec,
		     struct qbd_refusal *why);
void qbd_shard_differs(struct qbd_shard *shard, struct qbd_action *act);
void qbd_shard_verified(struct qbd_shard *shard, struct qbd_action *act);

#endif /* QBD_SHARD_VERIFY_H */
