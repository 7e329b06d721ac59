/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects as bytes, in snapshots: tables of their fields.  What is derived is
 * left out.  The sets of shards have code of their own, for there are millions.
 */
#ifndef QBD_STATE_RECORD_H
#define QBD_STATE_RECORD_H

#include "field.h"
#include "table.h"

extern const struct state_field state_limits_fields[];
extern const struct state_field state_cluster_fields[];

const struct state_field *state_record_fields(enum state_table table);
void state_shard_put(struct state_out *out, const struct state *s, u32 slot);

#endif /* QBD_STATE_RECORD_H */
