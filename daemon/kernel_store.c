// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel store: add, list, remove.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/qbd_wal.h>

#include "parse.h"

static const char *const kernel_store_states[] = {
	[QBD_STORE_STATE_OPENING] = "opening",
	[QBD_STORE_STATE_ACTIVE] = "active",
	[QBD_STORE_STATE_CLOSING] = "closing",
	[QBD_STORE_STATE_CLOSED] = "closed",
	[QBD_STORE_STATE_FAILED] = "failed",
};

static const char *kernel_store_state(uint32_t state)
{
	if (state >= sizeof(kernel_store_states) / sizeof(char *))
		return "unknown";
	return kernel_store_states[state];
}

/* Less than a fifth is low, a twentieth scarce; better again 2 % above. */
static const char *const kernel_store_spaces[] = {
	[QBD_STORE_SPACE_PLENTY] = "plenty",
	[QBD_STORE_SPACE_LOW] = "low",
	[QBD_STORE_SPACE_SCARCE] = "scarce",
	[QBD_STORE_SPACE_FULL] = "full",
};

static const char *kernel_store_space(uint32_t space)
{
	if (space >= sizeof(kernel_store_spaces) / sizeof(char *))
		return "unknown";
	return kernel_store_spaces[space];
}

/**
 * struct kernel_store_look - a store that is waited for
 * @path: of that path; NULL: of that uuid
 * @uuid: its uuid
 * @seen: it is there
 * @state: its state
 * @reason: why it failed
 * @last_words: the same, by its last event: a store that failed before its uuid
 *	was known, or while it was closed, is gone at once
 */
struct kernel_store_look {
	const char *path;
	uint8_t uuid[QBD_UUID_LEN];
	bool seen;
	uint32_t state;
	char reason[256];
	char last_words[256];
};

static int kernel_store_match(struct nlattr **attrs, void *arg)
{
	struct kernel_store_look *look = arg;
	const uint8_t *uuid = knl_uuid(attrs, QBD_A_STORE_UUID);

	if (look->path ? strcmp(knl_str(attrs, QBD_A_STORE_PATH), look->path) :
			 memcmp(uuid, look->uuid, QBD_UUID_LEN))
		return 0;
	look->seen = true;
	look->state = knl_u32(attrs, QBD_A_STORE_STATE);
	snprintf(look->reason, sizeof(look->reason), "%s",
		 knl_str(attrs, QBD_A_STORE_REASON));
	return 0;
}

static int kernel_store_find(struct knl *knl, struct kernel_store_look *look)
{
	const struct knl_dump dump = { .cmd = QBD_CMD_STORE_GET,
				       .attr_max = QBD_A_STORE_MAX,
				       .object = kernel_store_match,
				       .arg = look };

	look->seen = false;
	return knl_dump(knl, &dump);
}

/* The event of a store without a uuid says "PATH: REASON". */
static int kernel_store_event(struct nlattr **attrs, void *arg)
{
	struct kernel_store_look *look = arg;
	const char *reason = knl_str(attrs, QBD_A_EVENT_REASON);
	size_t len = strlen(look->path);

	if (knl_u32(attrs, QBD_A_EVENT_KIND) == QBD_EVENT_KIND_STORE_STATE &&
	    !strncmp(reason, look->path, len) &&
	    !strncmp(reason + len, ": ", 2))
		snprintf(look->last_words, sizeof(look->last_words), "%s",
			 reason + len + 2);
	return 0;
}

static int kernel_store_failed(struct knl *knl, struct kernel_store_look *look)
{
	const char *reason = look->reason;

	if (look->path && (!look->seen || !*reason)) {
		int err = knl_events_drain(knl, kernel_store_event, look);

		if (err)
			return err;
		reason = look->last_words;
	}
	snprintf(knl->error, sizeof(knl->error), "the store failed: %s",
		 *reason ? reason : "see dmesg");
	return -EIO;
}

static int kernel_store_active(struct knl *knl, void *arg)
{
	struct kernel_store_look *look = arg;
	int err = kernel_store_find(knl, look);

	if (err)
		return err;
	if (look->seen && look->state == QBD_STORE_STATE_ACTIVE)
		return 1;
	if (!look->seen || look->state == QBD_STORE_STATE_FAILED ||
	    look->state == QBD_STORE_STATE_CLOSED)
		return kernel_store_failed(knl, look);
	return 0;
}

/* It failed only now, while it was closed: what failed before says no more. */
static int kernel_store_closing(struct nlattr **attrs, void *arg)
{
	struct kernel_store_look *look = arg;
	const char *reason = knl_str(attrs, QBD_A_EVENT_REASON);

	if (knl_u32(attrs, QBD_A_EVENT_KIND) == QBD_EVENT_KIND_STORE_STATE &&
	    knl_u32(attrs, QBD_A_EVENT_STATE) == QBD_STORE_STATE_FAILED &&
	    !memcmp(knl_uuid(attrs, QBD_A_EVENT_STORE), look->uuid,
		    QBD_UUID_LEN))
		snprintf(look->last_words, sizeof(look->last_words), "%s",
			 *reason ? reason : "see dmesg");
	return 0;
}

/*
 * A store that has failed is closed as well, and then it is gone. It is closed
 * a moment before: its device can be a store again when it is gone.
 */
static int kernel_store_gone(struct knl *knl, void *arg)
{
	struct kernel_store_look *look = arg;
	int err = kernel_store_find(knl, look);

	if (err)
		return err;
	if (look->seen)
		return 0;
	err = knl_events_drain(knl, kernel_store_closing, look);
	if (err)
		return err;
	if (!*look->last_words)
		return 1;
	snprintf(knl->error, sizeof(knl->error),
		 "the store is closed, but it failed before: %s",
		 look->last_words);
	return -EIO;
}

/* Send @msg, then wait until @done says that it is over. */
static int kernel_store_send(struct kernel_ctx *ctx, struct nl_msg *msg,
			     knl_done_fn done, struct kernel_store_look *look)
{
	int err = knl_events_join(&ctx->knl);

	if (err) {
		nlmsg_free(msg);
		return kernel_end(ctx, err);
	}
	err = knl_send(&ctx->knl, msg);
	if (!err && !ctx->no_wait)
		err = knl_wait(&ctx->knl, ctx->timeout_ms, done, look);
	return kernel_end(ctx, err);
}

static bool store_take_opens(const char *word, void *to)
{
	return parse_u64(word, 0, QBD_OPENS_MAX, to);
}

static const struct opt_kind store_opt_opens = { "N", "a number up to 2^60",
						 store_take_opens, false };

int kernel_store_add(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_store_look look = { 0 };
	uint8_t uuid[QBD_UUID_LEN];
	bool has_uuid = false;
	uint64_t opens_min = 0;
	const struct opt opts[] = {
		{ "PATH", &opt_name, OPT_WORD, &look.path, NULL,
		  "of the block device" },
		{ "uuid", &opt_uuid, OPT_MAY, uuid, &has_uuid,
		  "refuse any other store" },
		{ "opens-min", &store_opt_opens, OPT_MAY, &opens_min, NULL,
		  "opened less often, it is an old copy: no vote before 'replica floor'" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_STORE_ADD);
	if (!msg || nla_put_string(msg, QBD_A_STORE_PATH, look.path) ||
	    (has_uuid && nla_put(msg, QBD_A_STORE_UUID, QBD_UUID_LEN, uuid)) ||
	    (opens_min && nla_put_u64(msg, QBD_A_STORE_OPENS_MIN, opens_min))) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	ctx->knl.event = kernel_store_event;
	ctx->knl.event_arg = &look;
	return kernel_store_send(ctx, msg, kernel_store_active, &look);
}

int kernel_store_remove(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_store_look look = { 0 };
	const struct opt opts[] = {
		{ "UUID", &opt_uuid, OPT_WORD, look.uuid, NULL,
		  "of the store; 'store list' shows it" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_STORE_REMOVE);
	if (!msg || nla_put(msg, QBD_A_STORE_UUID, QBD_UUID_LEN, look.uuid)) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	ctx->knl.event = kernel_store_closing;
	ctx->knl.event_arg = &look;
	return kernel_store_send(ctx, msg, kernel_store_gone, &look);
}

static int kernel_store_row(struct nlattr **attrs, void *arg)
{
	uint64_t total = knl_u64(attrs, QBD_A_STORE_DATA_BYTES);
	uint64_t free = knl_u64(attrs, QBD_A_STORE_DATA_FREE_BYTES);
	uint64_t reserved = knl_u64(attrs, QBD_A_STORE_DATA_RESERVED_BYTES);
	struct out *out = arg;

	out_uuid(out, knl_uuid(attrs, QBD_A_STORE_UUID));
	out_str(out, knl_str(attrs, QBD_A_STORE_PATH));
	out_str(out, kernel_store_state(knl_u32(attrs, QBD_A_STORE_STATE)));
	out_bytes(out, total);
	out_bytes(out, total - free - reserved);
	out_bytes(out, reserved);
	out_bytes(out, free);
	out_str(out, kernel_store_space(knl_u32(attrs, QBD_A_STORE_SPACE)));
	out_bytes(out, knl_u64(attrs, QBD_A_STORE_WAL_BYTES));
	out_bytes(out, knl_u64(attrs, QBD_A_STORE_WAL_USED_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_LOG_RECORDS));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_LOG_RECORDS_MAX));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_WAL_WRITES));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_CHECKPOINTS));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_RELOGGED));
	out_bytes(out, knl_u64(attrs, QBD_A_STORE_HOME_BYTES));
	out_bytes(out, knl_u64(attrs, QBD_A_STORE_PAYLOAD_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_INCARNATION));
	out_u64(out, knl_u64(attrs, QBD_A_STORE_OPENS));
	out_s64(out, (int32_t)knl_u32(attrs, QBD_A_STORE_ERROR));
	out_str(out, knl_str(attrs, QBD_A_STORE_REASON));
	return 0;
}

int kernel_store_list(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "uuid", "STORE", false },
		{ "path", "PATH", false },
		{ "state", "STATE", false },
		{ "data_bytes", "DATA", true },
		{ "data_used_bytes", "USED", true },
		{ "data_reserved_bytes", "RESERVED", true },
		{ "data_free_bytes", "FREE", true },
		{ "space", "SPACE", false },
		{ "wal_bytes", "LOG", true },
		{ "wal_used_bytes", "LOGGED", true },
		{ "log_records", "RECORDS", true },
		{ "log_records_max", NULL, true },
		{ "wal_writes", NULL, true },
		{ "checkpoints", NULL, true },
		{ "relogged", NULL, true },
		{ "home_bytes", NULL, true },
		{ "payload_bytes", "MEMORY", true },
		{ "incarnation", NULL, true },
		{ "opens", "OPENS", true },
		{ "error", NULL, true },
		{ "reason", "REASON", false },
	};
	struct out out;
	const struct knl_dump dump = { .cmd = QBD_CMD_STORE_GET,
				       .attr_max = QBD_A_STORE_MAX,
				       .object = kernel_store_row,
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
