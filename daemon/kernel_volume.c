// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel volume: attach, detach, list, set.
 *
 * A volume of many shards does not fit one netlink message: its shards are
 * sent in parts of the same id and term, all but the last marked "more".
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

/* Shards in one request: 7 members of 28 bytes each fit 4 KiB 16 times. */
#define KERNEL_SHARDS_PER_MSG 16

static const char *const kernel_volume_states[] = {
	[QBD_VOLUME_STATE_OPENING] = "opening",
	[QBD_VOLUME_STATE_SERVING] = "serving",
	[QBD_VOLUME_STATE_SUSPENDED] = "suspended",
	[QBD_VOLUME_STATE_DETACHING] = "detaching",
	[QBD_VOLUME_STATE_DEAD] = "dead",
	[QBD_VOLUME_STATE_DETACHED] = "detached",
};

static const char *kernel_volume_state(uint32_t state)
{
	if (state >= sizeof(kernel_volume_states) / sizeof(char *))
		return "unknown";
	return kernel_volume_states[state];
}

/**
 * struct kernel_volume_look - a volume that is waited for
 * @id: its id
 * @term: term of the attach
 * @seen: it is there
 * @state: its state
 * @device: name of its device
 * @reason: why it does not serve
 * @last_words: the same, by its last event: a volume whose attach failed is
 *	gone at once
 */
struct kernel_volume_look {
	uint32_t id;
	uint64_t term;
	bool seen;
	uint32_t state;
	char device[64];
	char reason[256];
	char last_words[256];
};

static int kernel_volume_match(struct nlattr **attrs, void *arg)
{
	struct kernel_volume_look *look = arg;

	if (knl_u32(attrs, QBD_A_VOLUME_ID) != look->id)
		return 0;
	look->seen = true;
	look->state = knl_u32(attrs, QBD_A_VOLUME_STATE);
	snprintf(look->device, sizeof(look->device), "%s",
		 knl_str(attrs, QBD_A_VOLUME_DEVICE));
	snprintf(look->reason, sizeof(look->reason), "%s",
		 knl_str(attrs, QBD_A_VOLUME_REASON));
	return 0;
}

static int kernel_volume_find(struct knl *knl, struct kernel_volume_look *look)
{
	const struct knl_dump dump = { .cmd = QBD_CMD_VOLUME_GET,
				       .attr_max = QBD_A_VOLUME_MAX,
				       .object = kernel_volume_match,
				       .arg = look };

	look->seen = false;
	return knl_dump(knl, &dump);
}

static int kernel_volume_event(struct nlattr **attrs, void *arg)
{
	struct kernel_volume_look *look = arg;
	const char *reason = knl_str(attrs, QBD_A_EVENT_REASON);

	if (knl_u32(attrs, QBD_A_EVENT_KIND) == QBD_EVENT_KIND_VOLUME_STATE &&
	    knl_u32(attrs, QBD_A_EVENT_VOLUME) == look->id &&
	    knl_u64(attrs, QBD_A_EVENT_TERM) == look->term && *reason)
		snprintf(look->last_words, sizeof(look->last_words), "%s",
			 reason);
	return 0;
}

static int kernel_volume_failed(struct knl *knl,
				struct kernel_volume_look *look)
{
	const char *reason = look->reason;

	if (!look->seen || !*reason) {
		int err = knl_events_drain(knl, kernel_volume_event, look);

		if (err)
			return err;
		reason = look->last_words;
	}
	snprintf(knl->error, sizeof(knl->error),
		 "the volume was not attached: %s",
		 *reason ? reason : "see dmesg");
	return -EIO;
}

static int kernel_volume_serves(struct knl *knl, void *arg)
{
	struct kernel_volume_look *look = arg;
	int err = kernel_volume_find(knl, look);

	if (err)
		return err;
	if (look->seen && look->state == QBD_VOLUME_STATE_SERVING)
		return 1;
	if (look->seen && look->state < QBD_VOLUME_STATE_DETACHING)
		return 0;
	return kernel_volume_failed(knl, look);
}

static int kernel_volume_gone(struct knl *knl, void *arg)
{
	struct kernel_volume_look *look = arg;
	int err = kernel_volume_find(knl, look);

	if (err)
		return err;
	return !look->seen || look->state == QBD_VOLUME_STATE_DETACHED;
}

/**
 * struct kernel_volume_args - what volume attach and set take
 * @id: --id
 * @size: --size, in bytes
 * @shard_size: --shard-size, in bytes
 * @term: --term
 * @name: --name
 * @on_no_quorum: --on-no-quorum
 * @reads: --reads
 * @no_quorum_ms: --no-quorum-ms
 * @has_no_quorum_ms: it was given
 * @shards: --shard, each NO:EPOCH:NODE:REPLICA,...
 */
struct kernel_volume_args {
	uint32_t id;
	uint64_t size;
	uint64_t shard_size;
	uint64_t term;
	const char *name;
	const char *on_no_quorum;
	const char *reads;
	uint32_t no_quorum_ms;
	bool has_no_quorum_ms;
	struct kernel_words shards;
};

static int kernel_volume_policy_put(struct kernel_ctx *ctx, struct nl_msg *msg,
				    const struct kernel_volume_args *args)
{
	uint32_t policy;

	if (args->on_no_quorum) {
		policy = !strcmp(args->on_no_quorum, "error");
		if (!policy && strcmp(args->on_no_quorum, "suspend"))
			return kernel_bad(ctx, "--on-no-quorum",
					  args->on_no_quorum,
					  "suspend or error");
		nla_put_u32(msg, QBD_A_VOLUME_ON_NO_QUORUM, policy);
	}
	if (args->reads) {
		policy = !strcmp(args->reads, "quorum");
		if (!policy && strcmp(args->reads, "lease"))
			return kernel_bad(ctx, "--reads", args->reads,
					  "lease or quorum");
		nla_put_u32(msg, QBD_A_VOLUME_READ_POLICY, policy);
	}
	if (args->has_no_quorum_ms)
		nla_put_u32(msg, QBD_A_VOLUME_NO_QUORUM_MS, args->no_quorum_ms);
	return KERNEL_OK;
}

/* NO:EPOCH:NODE:REPLICA,... */
static int kernel_volume_shard_put(struct nl_msg *msg, const char *word)
{
	struct nlattr *nest;
	uint64_t epoch;
	uint32_t number;
	char head[64];
	const char *members = strchr(word, ':');
	char *colon;

	members = members ? strchr(members + 1, ':') : NULL;
	if (!members || (size_t)(members - word) >= sizeof(head))
		return -EINVAL;
	memcpy(head, word, (size_t)(members - word));
	head[members - word] = '\0';
	colon = strchr(head, ':');
	*colon = '\0';
	if (!parse_u32(head, 0, QBD_VOLUME_SHARDS_MAX - 1, &number) ||
	    !parse_u64(colon + 1, 1, UINT64_MAX, &epoch))
		return -EINVAL;
	nest = nla_nest_start(msg, QBD_A_VOLUME_SHARD | NLA_F_NESTED);
	if (!nest || nla_put_u32(msg, QBD_A_SHARD_SET_NUMBER, number) ||
	    nla_put_u64(msg, QBD_A_SHARD_SET_EPOCH, epoch) ||
	    kernel_members_put(msg, QBD_A_SHARD_SET_MEMBER, members + 1))
		return -EINVAL;
	nla_nest_end(msg, nest);
	return 0;
}

static int kernel_volume_shards_put(struct kernel_ctx *ctx, struct nl_msg *msg,
				    const struct kernel_words *shards,
				    size_t from)
{
	size_t i;

	for (i = from; i < shards->nr && i < from + KERNEL_SHARDS_PER_MSG; i++)
		if (kernel_volume_shard_put(msg, shards->word[i]))
			return kernel_bad(ctx, "--shard", shards->word[i],
					  "NO:EPOCH:NODE:REPLICA,...");
	if (i < shards->nr)
		nla_put_flag(msg, QBD_A_VOLUME_MORE);
	return KERNEL_OK;
}

static int kernel_volume_attach_part(struct kernel_ctx *ctx,
				     const struct kernel_volume_args *args,
				     size_t from)
{
	struct nl_msg *msg = knl_request(&ctx->knl, QBD_CMD_VOLUME_ATTACH);
	int code;

	if (!msg)
		return kernel_end(ctx, -ENOMEM);
	nla_put_u32(msg, QBD_A_VOLUME_ID, args->id);
	nla_put_string(msg, QBD_A_VOLUME_NAME, args->name);
	nla_put_u64(msg, QBD_A_VOLUME_SIZE_BYTES, args->size);
	if (args->shard_size)
		nla_put_u64(msg, QBD_A_VOLUME_SHARD_BYTES, args->shard_size);
	nla_put_u64(msg, QBD_A_VOLUME_TERM, args->term);
	code = kernel_volume_policy_put(ctx, msg, args);
	if (!code)
		code = kernel_volume_shards_put(ctx, msg, &args->shards, from);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}

static int kernel_volume_attach_wait(struct kernel_ctx *ctx, uint32_t id,
				     uint64_t term)
{
	struct kernel_volume_look look = { .id = id, .term = term };
	int err;

	if (ctx->no_wait)
		return KERNEL_OK;
	ctx->knl.event = kernel_volume_event;
	ctx->knl.event_arg = &look;
	err = knl_wait(&ctx->knl, ctx->timeout_ms, kernel_volume_serves, &look);
	if (err == -ETIMEDOUT && *look.reason)
		snprintf(ctx->knl.error, sizeof(ctx->knl.error),
			 "it goes on, but after %d s: %s",
			 ctx->timeout_ms / 1000, look.reason);
	if (err)
		return kernel_end(ctx, err);
	if (ctx->json) {
		fputs("{\"device\": ", stdout);
		out_json_string(stdout, look.device);
		fputs("}\n", stdout);
	} else {
		printf("/dev/%s\n", look.device);
	}
	return KERNEL_OK;
}

int kernel_volume_attach(struct kernel_ctx *ctx, int argc, char **argv)
{
	bool given[5] = { false };
	struct kernel_volume_args args = { 0 };
	const struct kernel_opt opts[] = {
		{ "id", KERNEL_OPT_U32, true, &args.id, &given[0] },
		{ "name", KERNEL_OPT_STR, true, &args.name, &given[1] },
		{ "size", KERNEL_OPT_SIZE, true, &args.size, &given[2] },
		{ "term", KERNEL_OPT_TERM, true, &args.term, &given[3] },
		{ "shard", KERNEL_OPT_WORDS, true, &args.shards, &given[4] },
		{ "shard-size", KERNEL_OPT_SIZE, false, &args.shard_size,
		  NULL },
		{ "on-no-quorum", KERNEL_OPT_STR, false, &args.on_no_quorum,
		  NULL },
		{ "reads", KERNEL_OPT_STR, false, &args.reads, NULL },
		{ "no-quorum-ms", KERNEL_OPT_U32, false, &args.no_quorum_ms,
		  &args.has_no_quorum_ms },
		{ NULL, KERNEL_OPT_FLAG, false, NULL, NULL },
	};
	size_t from;
	int code = kernel_parse(ctx, argc, argv, opts, NULL);

	if (!code && knl_events_join(&ctx->knl))
		code = kernel_end(ctx, -EPERM);
	for (from = 0; from < args.shards.nr && !code;
	     from += KERNEL_SHARDS_PER_MSG)
		code = kernel_volume_attach_part(ctx, &args, from);
	free(args.shards.word);
	return code ? code : kernel_volume_attach_wait(ctx, args.id, args.term);
}

int kernel_volume_detach(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_volume_look look = { 0 };
	bool has_id = false;
	bool force = false;
	const struct kernel_opt opts[] = {
		{ "id", KERNEL_OPT_U32, true, &look.id, &has_id },
		{ "force", KERNEL_OPT_FLAG, false, &force, NULL },
		{ NULL, KERNEL_OPT_FLAG, false, NULL, NULL },
	};
	struct nl_msg *msg;
	int code = kernel_parse(ctx, argc, argv, opts, NULL);
	int err;

	if (code)
		return code;
	err = knl_events_join(&ctx->knl);
	if (err)
		return kernel_end(ctx, err);
	msg = knl_request(&ctx->knl, QBD_CMD_VOLUME_DETACH);
	if (!msg || nla_put_u32(msg, QBD_A_VOLUME_ID, look.id) ||
	    (force && nla_put_flag(msg, QBD_A_VOLUME_FORCE))) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	err = knl_send(&ctx->knl, msg);
	if (!err && !ctx->no_wait)
		err = knl_wait(&ctx->knl, ctx->timeout_ms, kernel_volume_gone,
			       &look);
	return kernel_end(ctx, err);
}

int kernel_volume_set(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_volume_args args = { 0 };
	bool has_id = false;
	const struct kernel_opt opts[] = {
		{ "id", KERNEL_OPT_U32, true, &args.id, &has_id },
		{ "on-no-quorum", KERNEL_OPT_STR, false, &args.on_no_quorum,
		  NULL },
		{ "no-quorum-ms", KERNEL_OPT_U32, false, &args.no_quorum_ms,
		  &args.has_no_quorum_ms },
		{ NULL, KERNEL_OPT_FLAG, false, NULL, NULL },
	};
	struct nl_msg *msg;
	int code = kernel_parse(ctx, argc, argv, opts, NULL);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_VOLUME_SET);
	if (!msg)
		return kernel_end(ctx, -ENOMEM);
	nla_put_u32(msg, QBD_A_VOLUME_ID, args.id);
	code = kernel_volume_policy_put(ctx, msg, &args);
	if (code) {
		nlmsg_free(msg);
		return code;
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}

static int kernel_volume_row(struct nlattr **attrs, void *arg)
{
	bool error = knl_u32(attrs, QBD_A_VOLUME_ON_NO_QUORUM) ==
		     QBD_ON_NO_QUORUM_ERROR;
	bool quorum = knl_u32(attrs, QBD_A_VOLUME_READ_POLICY) ==
		      QBD_READ_POLICY_QUORUM;
	struct out *out = arg;

	out_u64(out, knl_u32(attrs, QBD_A_VOLUME_ID));
	out_str(out, knl_str(attrs, QBD_A_VOLUME_NAME));
	out_str(out, kernel_volume_state(knl_u32(attrs, QBD_A_VOLUME_STATE)));
	out_str(out, knl_str(attrs, QBD_A_VOLUME_DEVICE));
	out_bytes(out, knl_u64(attrs, QBD_A_VOLUME_SIZE_BYTES));
	out_bytes(out, knl_u64(attrs, QBD_A_VOLUME_SHARD_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_VOLUME_TERM));
	out_u64(out, knl_u32(attrs, QBD_A_VOLUME_SHARDS));
	out_u64(out, knl_u32(attrs, QBD_A_VOLUME_SHARDS_SERVING));
	out_u64(out, knl_u32(attrs, QBD_A_VOLUME_INFLIGHT));
	out_u64(out, knl_u32(attrs, QBD_A_VOLUME_HELD));
	out_u64(out, knl_u64(attrs, QBD_A_VOLUME_READS));
	out_u64(out, knl_u64(attrs, QBD_A_VOLUME_WRITES));
	out_str(out, error ? "error" : "suspend");
	out_u64(out, knl_u32(attrs, QBD_A_VOLUME_NO_QUORUM_MS));
	out_str(out, quorum ? "quorum" : "lease");
	out_str(out, knl_str(attrs, QBD_A_VOLUME_REASON));
	return 0;
}

int kernel_volume_list(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "id", "VOLUME", true },
		{ "name", "NAME", false },
		{ "state", "STATE", false },
		{ "device", "DEVICE", false },
		{ "size_bytes", "SIZE", true },
		{ "shard_bytes", "SHARD", true },
		{ "term", "TERM", true },
		{ "shards", "SHARDS", true },
		{ "shards_serving", "SERVING", true },
		{ "inflight", "INFLIGHT", true },
		{ "held", "HELD", true },
		{ "reads", "READS", true },
		{ "writes", "WRITES", true },
		{ "on_no_quorum", "NO-QUORUM", false },
		{ "no_quorum_ms", NULL, true },
		{ "read_policy", NULL, false },
		{ "reason", "REASON", false },
	};
	struct out out;
	const struct knl_dump dump = { .cmd = QBD_CMD_VOLUME_GET,
				       .attr_max = QBD_A_VOLUME_MAX,
				       .object = kernel_volume_row,
				       .arg = &out };
	int code = kernel_parse_none(ctx, argc, argv);
	int err;

	if (code)
		return code;
	out_begin(&out, cols, sizeof(cols) / sizeof(cols[0]), ctx->json);
	err = knl_dump(&ctx->knl, &dump);
	out_end(&out);
	return kernel_end(ctx, err);
}
