/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replica sets: between netlink, core and store, and changes of the set of a
 * shard that is led here; see shard_set.c.
 */
#ifndef QBD_SHARD_SET_H
#define QBD_SHARD_SET_H

#include "core/quorum.h"
#include "core/table.h"
#include "node.h"

struct qbd_action;
struct qbd_shard;
struct qbd_volume;

int qbd_set_spec_make(struct qbd_set *set, const struct qbd_set_spec *spec);
enum qbd_member_role qbd_set_role(const struct qbd_set *set, u32 member);
void qbd_set_config(const struct qbd_set *set, struct qbd_config *config);
void qbd_set_spec_fill(struct qbd_set_spec *spec,
		       const struct qbd_config *config);
void qbd_shard_set_log(struct qbd_shard *shard);
int qbd_shard_config(struct qbd_shard *shard, const struct qbd_volume *vol,
		     const struct qbd_set_spec *spec, struct qbd_refusal *why);
void qbd_shard_set_committed(struct qbd_shard *shard, struct qbd_action *act);

#endif /* QBD_SHARD_SET_H */
