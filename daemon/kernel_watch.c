// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel shard list, and events: what the shards led here are doing,
 * and everything that changes, as it changes.
 */
#include "kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

static const char *const kernel_shard_states[] = {
	[QBD_SHARD_STATE_IDLE] = "idle",
	[QBD_SHARD_STATE_OPENING] = "opening",
	[QBD_SHARD_STATE_RECOVERING] = "recovering",
	[QBD_SHARD_STATE_SERVING] = "serving",
	[QBD_SHARD_STATE_SUSPENDED] = "suspended",
	[QBD_SHARD_STATE_FENCED] = "fenced",
};

static const char *kernel_shard_state(uint32_t state)
{
	if (state >= sizeof(kernel_shard_states) / sizeof(char *))
		return "unknown";
	return kernel_shard_states[state];
}

static const char *const kernel_event_kinds[] = {
	[QBD_EVENT_KIND_NODE_STATE] = "node-state",
	[QBD_EVENT_KIND_STORE_STATE] = "store-state",
	[QBD_EVENT_KIND_REPLICA_STATE] = "replica-state",
	[QBD_EVENT_KIND_VOLUME_STATE] = "volume-state",
	[QBD_EVENT_KIND_SHARD_STATE] = "shard-state",
	[QBD_EVENT_KIND_TERM_LOST] = "term-lost",
	[QBD_EVENT_KIND_TERM_NEEDED] = "term-needed",
	[QBD_EVENT_KIND_CORRUPTION] = "corruption",
	[QBD_EVENT_KIND_LINK_STATE] = "link-state",
	[QBD_EVENT_KIND_SET_COMMITTED] = "set-committed",
	[QBD_EVENT_KIND_STORE_SPACE] = "store-space",
	[QBD_EVENT_KIND_COPY_DIFFERS] = "copy-differs",
	[QBD_EVENT_KIND_VERIFIED] = "verified",
	[QBD_EVENT_KIND_VOLUME_SIZE] = "volume-size",
};

static const char *kernel_event_kind(uint32_t kind)
{
	if (kind >= sizeof(kernel_event_kinds) / sizeof(char *))
		return "unknown";
	return kernel_event_kinds[kind];
}

/* One row for each member, the shard's own cells repeated. */
static int kernel_shard_member_row(struct nlattr **shard, struct nlattr *nest,
				   struct out *out)
{
	struct nlattr *attrs[QBD_A_SHARD_MEMBER_MAX + 1] = { NULL };

	if (nla_parse_nested(attrs, QBD_A_SHARD_MEMBER_MAX, nest, NULL))
		return -EBADMSG;
	out_u64(out, knl_u32(shard, QBD_A_SHARD_VOLUME));
	out_u64(out, knl_u32(shard, QBD_A_SHARD_NUMBER));
	out_str(out, kernel_shard_state(knl_u32(shard, QBD_A_SHARD_STATE)));
	out_u64(out, knl_u64(shard, QBD_A_SHARD_TERM));
	out_u64(out, knl_u64(shard, QBD_A_SHARD_EPOCH));
	out_u64(out, knl_u64(shard, QBD_A_SHARD_COMMITTED_EPOCH));
	out_u64(out, knl_u64(shard, QBD_A_SHARD_LAST_INDEX));
	out_u64(out, knl_u64(shard, QBD_A_SHARD_COMPLETED_INDEX));
	out_u64(out, knl_u64(shard, QBD_A_SHARD_COMMIT_INDEX));
	out_u64(out, knl_u32(shard, QBD_A_SHARD_LEASE_MS));
	out_u64(out, knl_u32(attrs, QBD_A_SHARD_MEMBER_NODE));
	out_u64(out, knl_u64(attrs, QBD_A_SHARD_MEMBER_REPLICA));
	out_str(out, kernel_role(knl_u32(attrs, QBD_A_SHARD_MEMBER_ROLE)));
	out_str(out,
		kernel_replica_state(knl_u32(attrs, QBD_A_SHARD_MEMBER_STATE)));
	out_u64(out, knl_u64(attrs, QBD_A_SHARD_MEMBER_MATCHED_INDEX));
	out_u64(out, knl_u64(attrs, QBD_A_SHARD_MEMBER_RECEIVED_INDEX));
	out_u64(out, knl_u64(attrs, QBD_A_SHARD_MEMBER_DURABLE_INDEX));
	out_str(out, knl_str(attrs, QBD_A_SHARD_MEMBER_REASON));
	return 0;
}

/**
 * struct kernel_shard_rows - shards being listed
 * @out: where the rows go
 * @knl: has the message of the shard
 */
struct kernel_shard_rows {
	struct out out;
	struct knl *knl;
};

/* A member is an attribute that stands in the message once for each. */
static int kernel_shard_row(struct nlattr **attrs, void *arg)
{
	struct kernel_shard_rows *rows = arg;
	struct genlmsghdr *head = nlmsg_data(rows->knl->object);
	struct nlattr *attr;
	int err = 0;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(head, 0),
			  genlmsg_attrlen(head, 0), rest) {
		if (nla_type(attr) == QBD_A_SHARD_MEMBER && !err)
			err = kernel_shard_member_row(attrs, attr, &rows->out);
	}
	return err;
}

int kernel_shard_list(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "volume", "VOLUME", true },
		{ "shard", "SHARD", true },
		{ "state", "STATE", false },
		{ "term", "TERM", true },
		{ "epoch", "EPOCH", true },
		{ "committed_epoch", NULL, true },
		{ "last_index", "LAST", true },
		{ "completed_index", "COMPLETED", true },
		{ "commit_index", "COMMIT", true },
		{ "lease_ms", NULL, true },
		{ "node", "NODE", true },
		{ "replica", "REPLICA", true },
		{ "role", "ROLE", false },
		{ "replica_state", "COPY", false },
		{ "matched_index", "MATCHED", true },
		{ "received_index", NULL, true },
		{ "durable_index", "DURABLE", true },
		{ "reason", "REASON", false },
	};
	bool has_volume = false;
	uint32_t volume = 0;
	const struct opt opts[] = {
		{ "volume", &opt_u32, OPT_MAY, &volume, &has_volume,
		  "only those of this one" },
		OPT_END,
	};
	struct kernel_shard_rows rows = { .knl = &ctx->knl };
	struct knl_dump dump = { .cmd = QBD_CMD_SHARD_GET,
				 .attr_max = QBD_A_SHARD_MAX,
				 .object = kernel_shard_row,
				 .arg = &rows };
	int code = kernel_begin(ctx, argc, argv, opts);
	int err;

	if (code)
		return code;
	dump.filter = knl_request(&ctx->knl, QBD_CMD_SHARD_GET);
	if (!dump.filter ||
	    (has_volume &&
	     nla_put_u32(dump.filter, QBD_A_SHARD_VOLUME, volume))) {
		nlmsg_free(dump.filter);
		return kernel_end(ctx, -ENOMEM);
	}
	kernel_list(ctx, &rows.out, cols, sizeof(cols) / sizeof(cols[0]));
	err = knl_dump(&ctx->knl, &dump);
	out_end(&rows.out);
	return kernel_end(ctx, err);
}

/**
 * struct kernel_watch - events being printed
 * @json: one JSON object a line
 * @left: how many more, if @counted
 * @counted: stop after that many
 * @seq: number of the newest one
 */
struct kernel_watch {
	bool json;
	bool counted;
	uint64_t left;
	uint64_t seq;
};

static void kernel_event_number(struct nlattr **attrs, int attr,
				const char *key, bool json)
{
	uint64_t value;

	if (!attrs[attr])
		return;
	value = nla_len(attrs[attr]) == sizeof(uint32_t) ?
			knl_u32(attrs, attr) :
			knl_u64(attrs, attr);
	printf(json ? ", \"%s\": %" PRIu64 : " %s=%" PRIu64, key, value);
}

static void kernel_event_text(struct nlattr **attrs, int attr, const char *key,
			      bool json)
{
	const char *text = knl_str(attrs, attr);

	if (!*text)
		return;
	printf(json ? ", \"%s\": " : " %s=", key);
	out_json_string(stdout, text);
}

static int kernel_event_print(struct nlattr **attrs, void *arg)
{
	uint64_t seq = knl_u64(attrs, QBD_A_EVENT_SEQ);
	uint64_t time_ns = knl_u64(attrs, QBD_A_EVENT_TIME_NS);
	const char *kind = kernel_event_kind(knl_u32(attrs, QBD_A_EVENT_KIND));
	struct kernel_watch *watch = arg;
	bool json = watch->json;

	if (watch->counted && !watch->left)
		return 0;
	if (watch->seq && seq > watch->seq + 1 && !json)
		printf("(%" PRIu64 " events lost)\n", seq - watch->seq - 1);
	watch->seq = seq;
	if (json)
		printf("{\"seq\": %" PRIu64 ", \"time_ns\": %" PRIu64
		       ", \"kind\": \"%s\"",
		       seq, time_ns, kind);
	else
		printf("%6" PRIu64 ".%03u  %-14s", time_ns / 1000000000,
		       (unsigned int)(time_ns / 1000000 % 1000), kind);
	kernel_event_number(attrs, QBD_A_EVENT_NODE, "node", json);
	if (attrs[QBD_A_EVENT_STORE]) {
		char uuid[37];

		out_uuid_format(uuid, knl_uuid(attrs, QBD_A_EVENT_STORE));
		printf(json ? ", \"store\": \"%s\"" : " store=%s", uuid);
	}
	kernel_event_number(attrs, QBD_A_EVENT_REPLICA, "replica", json);
	kernel_event_number(attrs, QBD_A_EVENT_VOLUME, "volume", json);
	kernel_event_number(attrs, QBD_A_EVENT_SHARD, "shard", json);
	kernel_event_number(attrs, QBD_A_EVENT_PEER, "peer", json);
	kernel_event_number(attrs, QBD_A_EVENT_LINK, "link", json);
	kernel_event_number(attrs, QBD_A_EVENT_STATE, "state", json);
	kernel_event_number(attrs, QBD_A_EVENT_TERM, "term", json);
	kernel_event_number(attrs, QBD_A_EVENT_EPOCH, "epoch", json);
	kernel_event_number(attrs, QBD_A_EVENT_OFFSET, "offset", json);
	kernel_event_number(attrs, QBD_A_EVENT_SIZE_BYTES, "size_bytes", json);
	kernel_event_text(attrs, QBD_A_EVENT_REASON, "reason", json);
	puts(json ? "}" : "");
	fflush(stdout);
	watch->left--;
	return 0;
}

int kernel_events(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_watch watch = { 0 };
	const struct opt opts[] = {
		{ "count", &opt_u64, OPT_MAY, &watch.left, &watch.counted,
		  "end after so many" },
		OPT_END,
	};
	int code = kernel_begin(ctx, argc, argv, opts);
	int err;

	if (code)
		return code;
	watch.json = ctx->json;
	ctx->said = true;
	err = knl_events_join(&ctx->knl);
	while (!err && (!watch.counted || watch.left)) {
		err = knl_event_wait(&ctx->knl, 60000);
		if (err > 0)
			err = knl_events_read(&ctx->knl, kernel_event_print,
					      &watch);
	}
	return kernel_end(ctx, err);
}
