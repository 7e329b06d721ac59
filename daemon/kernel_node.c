// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel node: start, show, stop, crash.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static const char *const kernel_node_states[] = {
	[QBD_NODE_STATE_RUNNING] = "running",
	[QBD_NODE_STATE_STOPPING] = "stopping",
	[QBD_NODE_STATE_STOPPED] = "stopped",
	[QBD_NODE_STATE_CRASHED] = "crashed",
};

static const char *kernel_node_state(uint32_t state)
{
	if (state >= sizeof(kernel_node_states) / sizeof(char *))
		return "unknown";
	return kernel_node_states[state];
}

int kernel_node_start(struct kernel_ctx *ctx, int argc, char **argv)
{
	uint8_t cluster[QBD_UUID_LEN];
	const char *name = NULL;
	uint32_t lease_ms = 0;
	uint32_t id = 0;
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &id, NULL,
		  "its number: the peers know it by that" },
		{ "name", &opt_name, OPT_MUST, &name, NULL, "for people" },
		{ "cluster", &opt_uuid, OPT_MUST, cluster, NULL,
		  "the same on all nodes, and as its stores were formatted" },
		{ "lease-ms", &opt_ms, OPT_MAY, &lease_ms, NULL,
		  "longest lease that it grants to a leader (default 1500)" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_NODE_START);
	if (!msg)
		return kernel_end(ctx, -ENOMEM);
	if (nla_put_u32(msg, QBD_A_NODE_ID, id) ||
	    nla_put_string(msg, QBD_A_NODE_NAME, name) ||
	    nla_put(msg, QBD_A_NODE_CLUSTER, QBD_UUID_LEN, cluster) ||
	    (lease_ms && nla_put_u32(msg, QBD_A_NODE_LEASE_MS, lease_ms))) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}

static int kernel_node_row(struct nlattr **attrs, void *arg)
{
	struct out *out = arg;

	out_u64(out, knl_u32(attrs, QBD_A_NODE_ID));
	out_str(out, knl_str(attrs, QBD_A_NODE_NAME));
	out_str(out, kernel_node_state(knl_u32(attrs, QBD_A_NODE_STATE)));
	out_uuid(out, knl_uuid(attrs, QBD_A_NODE_CLUSTER));
	out_u64(out, knl_u32(attrs, QBD_A_NODE_LEASE_MS));
	out_u64(out, knl_u32(attrs, QBD_A_NODE_STORES));
	out_u64(out, knl_u32(attrs, QBD_A_NODE_REPLICAS));
	out_u64(out, knl_u32(attrs, QBD_A_NODE_VOLUMES));
	out_u64(out, knl_u64(attrs, QBD_A_NODE_EVENT_SEQ));
	return 0;
}

int kernel_node_show(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "id", "NODE", true },
		{ "name", "NAME", false },
		{ "state", "STATE", false },
		{ "cluster", "CLUSTER", false },
		{ "lease_ms", NULL, true },
		{ "stores", "STORES", true },
		{ "replicas", "REPLICAS", true },
		{ "volumes", "VOLUMES", true },
		{ "event_seq", "EVENTS", true },
	};
	struct out out;
	int code = kernel_begin_bare(ctx, argc, argv);
	int err;

	if (code)
		return code;
	kernel_list(ctx, &out, cols, sizeof(cols) / sizeof(cols[0]));
	err = knl_get(&ctx->knl, QBD_CMD_NODE_GET, QBD_A_NODE_MAX,
		      kernel_node_row, &out);
	if (!err || ctx->json)
		out_end(&out);
	return kernel_end(ctx, err);
}

/**
 * struct kernel_node_end - is the node gone?
 * @seen: it was there
 * @state: its state then
 */
struct kernel_node_end {
	bool seen;
	uint32_t state;
};

static int kernel_node_look(struct nlattr **attrs, void *arg)
{
	struct kernel_node_end *end = arg;

	end->seen = true;
	end->state = knl_u32(attrs, QBD_A_NODE_STATE);
	return 0;
}

static int kernel_node_gone(struct knl *knl, void *arg)
{
	struct kernel_node_end end = { 0 };
	int err;

	(void)arg;
	err = knl_get(knl, QBD_CMD_NODE_GET, QBD_A_NODE_MAX, kernel_node_look,
		      &end);
	if (err == -ENOENT || err == -ENODEV)
		return 1;
	return err;
}

static int kernel_node_end_by(struct kernel_ctx *ctx, int argc, char **argv,
			      uint8_t cmd)
{
	uint32_t id = 0;
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &id, NULL,
		  "of the node: not to end another one" },
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
	msg = knl_request(&ctx->knl, cmd);
	if (!msg || nla_put_u32(msg, QBD_A_NODE_ID, id)) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	err = knl_send(&ctx->knl, msg);
	if (!err && !ctx->no_wait)
		err = knl_wait(&ctx->knl, ctx->timeout_ms, kernel_node_gone,
			       NULL);
	return kernel_end(ctx, err);
}

int kernel_node_stop(struct kernel_ctx *ctx, int argc, char **argv)
{
	return kernel_node_end_by(ctx, argc, argv, QBD_CMD_NODE_STOP);
}

int kernel_node_crash(struct kernel_ctx *ctx, int argc, char **argv)
{
	return kernel_node_end_by(ctx, argc, argv, QBD_CMD_NODE_CRASH);
}
