// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel volume: attach, detach, list, set. Growing is in kernel_grow.c.
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

/* The kernel takes sizes of shards from here ... */
#define KERNEL_SHARD_MIN (64ULL << 20)
/* ... to here. */
#define KERNEL_SHARD_MAX (64ULL << 30)

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
 * @has_on_no_quorum: it was given
 * @has_reads: likewise
 * @has_no_quorum_ms: likewise
 * @repair: --repair
 * @shards: --shard
 */
struct kernel_volume_args {
	uint32_t id;
	uint64_t size;
	uint64_t shard_size;
	uint64_t term;
	const char *name;
	uint32_t on_no_quorum;
	uint32_t reads;
	uint32_t no_quorum_ms;
	bool has_on_no_quorum;
	bool has_reads;
	bool has_no_quorum_ms;
	bool repair;
	struct kernel_shards shards;
};

static bool kernel_take_on_no_quorum(const char *word, void *to)
{
	bool error = !strcmp(word, "error");

	*(uint32_t *)to = error ? QBD_ON_NO_QUORUM_ERROR :
				  QBD_ON_NO_QUORUM_SUSPEND;
	return error || !strcmp(word, "suspend");
}

static bool kernel_take_reads(const char *word, void *to)
{
	bool quorum = !strcmp(word, "quorum");

	*(uint32_t *)to = quorum ? QBD_READ_POLICY_QUORUM :
				   QBD_READ_POLICY_LEASE;
	return quorum || !strcmp(word, "lease");
}

static const struct opt_kind kernel_opt_on_no_quorum = {
	"suspend|error", "suspend or error", kernel_take_on_no_quorum, false
};

static const struct opt_kind kernel_opt_reads = { "lease|quorum",
						  "lease or quorum",
						  kernel_take_reads, false };

static void kernel_volume_policy_put(struct nl_msg *msg,
				     const struct kernel_volume_args *args)
{
	if (args->has_on_no_quorum)
		nla_put_u32(msg, QBD_A_VOLUME_ON_NO_QUORUM, args->on_no_quorum);
	if (args->has_reads)
		nla_put_u32(msg, QBD_A_VOLUME_READ_POLICY, args->reads);
	if (args->has_no_quorum_ms)
		nla_put_u32(msg, QBD_A_VOLUME_NO_QUORUM_MS, args->no_quorum_ms);
}

/*
 * NO:EPOCH:NODE:REPLICA[:ROLE],...; -EINVAL: not of that form. Without @msg it
 * only looks at the form.
 */
int kernel_shard_put(struct nl_msg *msg, const char *word)
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
	if (!msg)
		return kernel_members_put(NULL, 0, members + 1);
	nest = nla_nest_start(msg, QBD_A_VOLUME_SHARD | NLA_F_NESTED);
	if (!nest || nla_put_u32(msg, QBD_A_SHARD_SET_NUMBER, number) ||
	    nla_put_u64(msg, QBD_A_SHARD_SET_EPOCH, epoch) ||
	    kernel_members_put(msg, QBD_A_SHARD_SET_MEMBER, members + 1))
		return -EINVAL;
	nla_nest_end(msg, nest);
	return 0;
}

static bool kernel_take_shard(const char *word, void *to)
{
	struct kernel_shards *shards = to;
	const char **more;

	if (kernel_shard_put(NULL, word))
		return false;
	more = realloc(shards->word, (shards->nr + 1) * sizeof(*more));
	if (!more)
		return false;
	shards->word = more;
	shards->word[shards->nr++] = word;
	return true;
}

const struct opt_kind kernel_opt_shard = { "NO:EPOCH:NODE:REPLICA,...",
					   "NO:EPOCH:NODE:REPLICA,...",
					   kernel_take_shard, true };

/* A part of the shards, from that one on; more will follow if it says so. */
int kernel_shards_put(struct nl_msg *msg, const struct kernel_shards *shards,
		      size_t from)
{
	int err = 0;
	size_t i;

	for (i = from; i < shards->nr && i < from + KERNEL_SHARDS_PER_MSG; i++)
		err = err ? err : kernel_shard_put(msg, shards->word[i]);
	if (i < shards->nr)
		nla_put_flag(msg, QBD_A_VOLUME_MORE);
	return err;
}

static int kernel_volume_attach_part(struct kernel_ctx *ctx,
				     const struct kernel_volume_args *args,
				     size_t from)
{
	struct nl_msg *msg = knl_request(&ctx->knl, QBD_CMD_VOLUME_ATTACH);
	int err;

	if (!msg)
		return kernel_end(ctx, -ENOMEM);
	nla_put_u32(msg, QBD_A_VOLUME_ID, args->id);
	nla_put_string(msg, QBD_A_VOLUME_NAME, args->name);
	nla_put_u64(msg, QBD_A_VOLUME_SIZE_BYTES, args->size);
	nla_put_u64(msg, QBD_A_VOLUME_SHARD_BYTES, args->shard_size);
	nla_put_u64(msg, QBD_A_VOLUME_TERM, args->term);
	if (args->repair)
		nla_put_flag(msg, QBD_A_VOLUME_REPAIR);
	kernel_volume_policy_put(msg, args);
	err = kernel_shards_put(msg, &args->shards, from);
	if (err) {
		nlmsg_free(msg);
		return kernel_end(ctx, err);
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
	ctx->said = true;
	if (ctx->json) {
		fputs("{\"device\": ", stdout);
		out_json_string(stdout, look.device);
		fputs("}\n", stdout);
	} else if (*look.device) {
		printf("/dev/%s\n", look.device);
	}
	return KERNEL_OK;
}

/* One shard that is large enough, unless it was said how large they are. */
static bool kernel_volume_shard_size(struct kernel_volume_args *args)
{
	if (args->shard_size)
		return true;
	args->shard_size = KERNEL_SHARD_MIN;
	while (args->shard_size < args->size &&
	       args->shard_size < KERNEL_SHARD_MAX)
		args->shard_size <<= 1;
	return args->shards.nr == 1 && args->size <= args->shard_size;
}

/* Options that attach and set share. */
#define KERNEL_ON_NO_QUORUM(args)                                                  \
	{                                                                          \
		"on-no-quorum", &kernel_opt_on_no_quorum, OPT_MAY,                 \
			&(args)->on_no_quorum, &(args)->has_on_no_quorum,          \
			"what becomes of I/O without a majority (default suspend)" \
	}
#define KERNEL_NO_QUORUM_MS(args)                                              \
	{                                                                      \
		"no-quorum-ms", &opt_ms, OPT_MAY, &(args)->no_quorum_ms,       \
			&(args)->has_no_quorum_ms,                             \
			"how long I/O waits before that error (default 30000)" \
	}

int kernel_volume_attach(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_volume_args args = { 0 };
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &args.id, NULL, "its number" },
		{ "name", &opt_name, OPT_MUST, &args.name, NULL,
		  "its device is /dev/qbd/by-name/NAME" },
		{ "size", &opt_size, OPT_MUST, &args.size, NULL,
		  "of the volume" },
		{ "term", &kernel_opt_term, OPT_MUST, &args.term, NULL,
		  "higher than all that were given out for this volume" },
		{ "shard-size", &opt_size, OPT_MAY, &args.shard_size, NULL,
		  "of each, a power of two from 64M to 64G (default: one shard)" },
		{ "shard", &kernel_opt_shard, OPT_MUST, &args.shards, NULL,
		  "a shard (the first is 0), the epoch of its set, the set" },
		KERNEL_ON_NO_QUORUM(&args),
		KERNEL_NO_QUORUM_MS(&args),
		{ "reads", &kernel_opt_reads, OPT_MAY, &args.reads,
		  &args.has_reads,
		  "from the leader while it has a lease (the default), or from a majority" },
		{ "repair", &opt_flag, OPT_MAY, &args.repair, NULL,
		  "without a device, so that copies can be filled and changed" },
		OPT_END,
	};
	size_t from;
	int code = opt_parse(&ctx->cmd, argc, argv, opts);

	if (!code && !kernel_volume_shard_size(&args))
		code = opt_usage(
			&ctx->cmd, opts,
			"--shard-size is needed: without it there is one shard, of 64G at most");
	if (!code)
		code = kernel_open(ctx);
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
	bool force = false;
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &look.id, NULL, "the volume" },
		{ "force", &opt_flag, OPT_MAY, &force, NULL,
		  "although it is open; fails what hangs, within 10 s" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);
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
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &args.id, NULL, "the volume" },
		KERNEL_ON_NO_QUORUM(&args),
		KERNEL_NO_QUORUM_MS(&args),
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_VOLUME_SET);
	if (!msg)
		return kernel_end(ctx, -ENOMEM);
	nla_put_u32(msg, QBD_A_VOLUME_ID, args.id);
	kernel_volume_policy_put(msg, &args);
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
	if (attrs[QBD_A_VOLUME_GROWING_BYTES])
		out_bytes(out, knl_u64(attrs, QBD_A_VOLUME_GROWING_BYTES));
	else
		out_none(out);
	out_str(out, knl_str(attrs, QBD_A_VOLUME_GROWING_REASON));
	if (attrs[QBD_A_VOLUME_GROWING_ERROR])
		out_s64(out,
			(int32_t)knl_u32(attrs, QBD_A_VOLUME_GROWING_ERROR));
	else
		out_none(out);
	out_str(out, attrs[QBD_A_VOLUME_REPAIR] ? "repair" : "device");
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
		{ "growing_bytes", "GROWING", true },
		{ "growing_reason", "WAITS-FOR", false },
		{ "growing_error", "STUCK", true },
		{ "led_for", "FOR", false },
	};
	struct out out;
	const struct knl_dump dump = { .cmd = QBD_CMD_VOLUME_GET,
				       .attr_max = QBD_A_VOLUME_MAX,
				       .object = kernel_volume_row,
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
