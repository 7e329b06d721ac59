// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel replica: create, list, delete, floor.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kernel_replica_states[] = {
	[QBD_REPLICA_STATE_IN_SYNC] = "in-sync",
	[QBD_REPLICA_STATE_LAGGING] = "lagging",
	[QBD_REPLICA_STATE_RECOVERING] = "recovering",
	[QBD_REPLICA_STATE_OFFLINE] = "offline",
	[QBD_REPLICA_STATE_FAILED] = "failed",
	[QBD_REPLICA_STATE_DELETED] = "deleted",
	[QBD_REPLICA_STATE_RESYNC] = "resync",
	[QBD_REPLICA_STATE_FULL] = "full",
};

/**
 * kernel_replica_state() - name of a replica state
 * @state: enum qbd_replica_state
 *
 * Return: its name.
 */
const char *kernel_replica_state(uint32_t state)
{
	if (state >= sizeof(kernel_replica_states) / sizeof(char *))
		return "unknown";
	return kernel_replica_states[state];
}

/**
 * struct kernel_replica_look - a replica that is waited for
 * @id: its id
 * @seen: it is there
 * @state: its state
 * @reason: why it failed
 */
struct kernel_replica_look {
	uint64_t id;
	bool seen;
	uint32_t state;
	char reason[256];
};

static int kernel_replica_match(struct nlattr **attrs, void *arg)
{
	struct kernel_replica_look *look = arg;

	if (knl_u64(attrs, QBD_A_REPLICA_ID) != look->id)
		return 0;
	look->seen = true;
	look->state = knl_u32(attrs, QBD_A_REPLICA_STATE);
	snprintf(look->reason, sizeof(look->reason), "%s",
		 knl_str(attrs, QBD_A_REPLICA_REASON));
	return 0;
}

static int kernel_replica_find(struct knl *knl,
			       struct kernel_replica_look *look)
{
	const struct knl_dump dump = { .cmd = QBD_CMD_REPLICA_GET,
				       .attr_max = QBD_A_REPLICA_MAX,
				       .object = kernel_replica_match,
				       .arg = look };

	look->seen = false;
	return knl_dump(knl, &dump);
}

static int kernel_replica_made(struct knl *knl, void *arg)
{
	struct kernel_replica_look *look = arg;
	int err = kernel_replica_find(knl, look);

	if (err)
		return err;
	if (!look->seen || look->state == QBD_REPLICA_STATE_FAILED) {
		snprintf(knl->error, sizeof(knl->error),
			 "the replica was not made: %s",
			 *look->reason ? look->reason : "see dmesg");
		return -EIO;
	}
	/* offline: its record is not on stable media yet */
	return look->state != QBD_REPLICA_STATE_OFFLINE;
}

static int kernel_replica_gone(struct knl *knl, void *arg)
{
	struct kernel_replica_look *look = arg;
	int err = kernel_replica_find(knl, look);

	if (err)
		return err;
	return !look->seen || look->state == QBD_REPLICA_STATE_DELETED;
}

static int kernel_replica_send(struct kernel_ctx *ctx, struct nl_msg *msg,
			       knl_done_fn done, uint64_t id)
{
	struct kernel_replica_look look = { .id = id };
	int err = knl_events_join(&ctx->knl);

	if (err) {
		nlmsg_free(msg);
		return kernel_end(ctx, err);
	}
	err = knl_send(&ctx->knl, msg);
	if (!err && !ctx->no_wait)
		err = knl_wait(&ctx->knl, ctx->timeout_ms, done, &look);
	return kernel_end(ctx, err);
}

/**
 * struct kernel_replica_args - what replica create takes
 * @id: --id
 * @epoch: --epoch
 * @size: --size, in bytes
 * @volume: --volume
 * @shard: --shard
 * @store: --store
 * @members: --members
 */
struct kernel_replica_args {
	uint64_t id;
	uint64_t epoch;
	uint64_t size;
	uint32_t volume;
	uint32_t shard;
	uint8_t store[QBD_UUID_LEN];
	const char *members;
};

static struct nl_msg *
kernel_replica_create_msg(struct kernel_ctx *ctx,
			  const struct kernel_replica_args *args)
{
	struct nl_msg *msg = knl_request(&ctx->knl, QBD_CMD_REPLICA_CREATE);

	if (!msg)
		return NULL;
	if (nla_put_u64(msg, QBD_A_REPLICA_ID, args->id) ||
	    nla_put_u32(msg, QBD_A_REPLICA_VOLUME, args->volume) ||
	    nla_put_u32(msg, QBD_A_REPLICA_SHARD, args->shard) ||
	    nla_put(msg, QBD_A_REPLICA_STORE, QBD_UUID_LEN, args->store) ||
	    nla_put_u64(msg, QBD_A_REPLICA_SIZE_BYTES, args->size) ||
	    nla_put_u64(msg, QBD_A_REPLICA_EPOCH, args->epoch)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

int kernel_replica_create(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_replica_args args = { 0 };
	const struct opt opts[] = {
		{ "id", &opt_u64, OPT_MUST, &args.id, NULL,
		  "its number, which no other replica has or had" },
		{ "volume", &opt_u32, OPT_MUST, &args.volume, NULL,
		  "of that volume" },
		{ "shard", &opt_u32, OPT_MUST, &args.shard, NULL,
		  "of that shard, the first is 0" },
		{ "store", &opt_uuid, OPT_MUST, args.store, NULL,
		  "where it is kept; 'store list' shows it" },
		{ "size", &opt_size, OPT_MUST, &args.size, NULL,
		  "of a shard of the volume, not of the volume: its --shard-size" },
		{ "epoch", &opt_u64, OPT_MUST, &args.epoch, NULL,
		  "of the set of replicas; the first is 1" },
		{ "members", &kernel_opt_members, OPT_MUST, &args.members, NULL,
		  "the set: all replicas of the shard, this one too" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);
	int err;

	if (code)
		return code;
	msg = kernel_replica_create_msg(ctx, &args);
	if (!msg)
		return kernel_end(ctx, -ENOMEM);
	err = kernel_members_put(msg, QBD_A_REPLICA_MEMBER, args.members);
	if (err) {
		nlmsg_free(msg);
		return kernel_end(ctx, err);
	}
	return kernel_replica_send(ctx, msg, kernel_replica_made, args.id);
}

/* A command about a replica that is there: --id, and one number more. */
static int kernel_replica_do(struct kernel_ctx *ctx, int argc, char **argv,
			     uint8_t cmd, const struct opt *more, int more_attr,
			     knl_done_fn done)
{
	uint64_t id = 0;
	const struct opt opts[] = {
		{ "id", &opt_u64, OPT_MUST, &id, NULL, "the replica" },
		*more,
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, cmd);
	if (!msg || nla_put_u64(msg, QBD_A_REPLICA_ID, id) ||
	    nla_put_u64(msg, more_attr, *(uint64_t *)more->to)) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	if (!done)
		return kernel_end(ctx, knl_send(&ctx->knl, msg));
	return kernel_replica_send(ctx, msg, done, id);
}

int kernel_replica_delete(struct kernel_ctx *ctx, int argc, char **argv)
{
	uint64_t epoch = 0;
	const struct opt opt = {
		"epoch", &opt_u64, OPT_MUST,
		&epoch,	 NULL,	   "not below the newest one that it knows"
	};

	return kernel_replica_do(ctx, argc, argv, QBD_CMD_REPLICA_DELETE, &opt,
				 QBD_A_REPLICA_EPOCH, kernel_replica_gone);
}

int kernel_replica_floor(struct kernel_ctx *ctx, int argc, char **argv)
{
	uint64_t term = 0;
	const struct opt opt = {
		"term",
		&kernel_opt_floor,
		OPT_MUST,
		&term,
		NULL,
		"the highest that was ever given out for its volume, 0: none was"
	};

	return kernel_replica_do(ctx, argc, argv, QBD_CMD_REPLICA_FLOOR, &opt,
				 QBD_A_REPLICA_FLOOR_TERM, NULL);
}

static int kernel_replica_row(struct nlattr **attrs, void *arg)
{
	struct out *out = arg;
	uint32_t state = knl_u32(attrs, QBD_A_REPLICA_STATE);

	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_ID));
	out_u64(out, knl_u32(attrs, QBD_A_REPLICA_VOLUME));
	out_u64(out, knl_u32(attrs, QBD_A_REPLICA_SHARD));
	out_str(out, kernel_replica_state(state));
	out_bytes(out, knl_u64(attrs, QBD_A_REPLICA_SIZE_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_EPOCH));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_PROMISED_TERM));
	out_u64(out, knl_u32(attrs, QBD_A_REPLICA_PROMISED_NODE));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_LAST_TERM));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_LAST_INDEX));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_DURABLE_INDEX));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_COMMIT_INDEX));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_APPLIED_INDEX));
	out_u64(out, knl_u64(attrs, QBD_A_REPLICA_LOG_FIRST_INDEX));
	out_uuid(out, knl_uuid(attrs, QBD_A_REPLICA_STORE));
	out_str(out, knl_str(attrs, QBD_A_REPLICA_REASON));
	return 0;
}

int kernel_replica_list(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "id", "REPLICA", true },
		{ "volume", "VOLUME", true },
		{ "shard", "SHARD", true },
		{ "state", "STATE", false },
		{ "size_bytes", "SIZE", true },
		{ "epoch", "EPOCH", true },
		{ "promised_term", "TERM", true },
		{ "promised_node", "HOLDER", true },
		{ "last_term", NULL, true },
		{ "last_index", "LAST", true },
		{ "durable_index", "DURABLE", true },
		{ "commit_index", "COMMIT", true },
		{ "applied_index", "APPLIED", true },
		{ "log_first_index", NULL, true },
		{ "store", NULL, false },
		{ "reason", "REASON", false },
	};
	struct out out;
	const struct knl_dump dump = { .cmd = QBD_CMD_REPLICA_GET,
				       .attr_max = QBD_A_REPLICA_MAX,
				       .object = kernel_replica_row,
				       .arg = &out };
	int code = kernel_begin_bare(ctx, argc, argv);
	int err;

	if (code)
		return code;
	kernel_list(ctx, &out, cols, sizeof(cols) / sizeof(cols[0]));
	err = knl_dump(&ctx->knl, &dump);
	out_end(&out);
	return kernel_end(ctx, err);
}
