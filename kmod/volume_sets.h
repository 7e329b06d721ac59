/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The replica sets of shards that are to be led, as they come in parts; see
 * volume_sets.c. And a growth, of which they are the most; see volume_grow.c.
 */
#ifndef QBD_VOLUME_SETS_H
#define QBD_VOLUME_SETS_H

#include <linux/types.h>

#include "node.h"
#include "refusal.h"

struct qbd_volume;
struct qbd_volume_spec;

/**
 * struct qbd_volume_sets - sets of shards with numbers that follow each other
 * @set: one for each shard; those without members are not known yet
 * @first: number of the first shard
 * @nr: how many shards
 * @known: how many of their sets are known
 */
struct qbd_volume_sets {
	struct qbd_set_spec *set;
	u32 first;
	u32 nr;
	u32 known;
};

/**
 * struct qbd_volume_growth - a growth of a volume
 * @size_bytes: the size to be, 0 = none [config_mutex, and lock if @complete]
 * @sets: of the new shards [config_mutex, then life_work]
 * @complete: the last part has come, and it is not done [lock]
 * @started: leaders were started, or none is needed [owner: life_work]
 * @nr_suspended: new shards without quorum [lock]
 * @why_shard: with @why [lock]
 * @why: this term does not get anywhere with that shard; NULL [lock]
 * @error: and it never will; 0 if it may pass [lock]
 */
struct qbd_volume_growth {
	u64 size_bytes;
	struct qbd_volume_sets sets;
	bool complete;
	bool started;
	u32 nr_suspended;
	u32 why_shard;
	const char *why;
	int error;
};

int qbd_volume_sets_init(struct qbd_volume_sets *sets, u32 first, u32 end);
void qbd_volume_sets_free(struct qbd_volume_sets *sets);
bool qbd_volume_sets_has(const struct qbd_volume_sets *sets,
			 const struct qbd_volume_spec *part);
int qbd_volume_sets_add(const struct qbd_volume *vol,
			struct qbd_volume_sets *sets,
			const struct qbd_volume_spec *part,
			struct qbd_refusal *why);

#endif /* QBD_VOLUME_SETS_H */
