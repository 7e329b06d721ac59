/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The leader of a shard on this node: its life, and requests; see shard_lead.c.
 */
#ifndef QBD_SHARD_LEAD_H
#define QBD_SHARD_LEAD_H

#include <linux/types.h>

#include "node.h"

struct qbd_payload;
struct qbd_request;
struct qbd_shard;
struct qbd_volume;
struct request;

/**
 * struct qbd_shard_lead_spec - how a shard is to be led
 * @term: term of the attach
 * @nonce: its session nonce
 * @blocks: size of the shard
 * @set: its replica set
 * @repair: for no device: without a lease, and for no I/O
 * @reads_quorum: reads are confirmed by a round instead of the lease
 */
struct qbd_shard_lead_spec {
	u64 term;
	u64 nonce;
	u32 blocks;
	const struct qbd_set_spec *set;
	bool repair;
	bool reads_quorum;
};

int qbd_shard_lead_prepare(struct qbd_shard *shard,
			   const struct qbd_shard_lead_spec *spec);
void qbd_shard_lead_start(struct qbd_shard *shard, struct qbd_volume *vol);
void qbd_shard_lead_stop(struct qbd_shard *shard, struct qbd_volume *vol);
void qbd_shard_submit(struct qbd_shard *shard, struct qbd_request *req);
void __qbd_shard_held_one(struct qbd_shard *shard);
void qbd_shard_held_retry(struct qbd_shard *shard);
void qbd_shard_complete(struct qbd_shard *shard, struct qbd_request *req,
			int err, struct qbd_payload *payload);
void qbd_shard_read_local(struct qbd_shard *shard, struct qbd_request *req,
			  u64 id);
void qbd_shard_kill(struct qbd_shard *shard, const struct qbd_volume *vol);
bool qbd_shard_steal(struct qbd_shard *shard, struct request *rq, int err);

#endif /* QBD_SHARD_LEAD_H */
