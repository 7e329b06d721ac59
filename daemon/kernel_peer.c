// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel peer and link: whom this node knows, and how they are reached.
 *
 * What makes connections is in links.c.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>

static const char *const kernel_peer_states[] = {
	[QBD_PEER_STATE_DOWN] = "down",
	[QBD_PEER_STATE_PARTIAL] = "partial",
	[QBD_PEER_STATE_UP] = "up",
	[QBD_PEER_STATE_REMOVED] = "removed",
};

static const char *kernel_peer_state(uint32_t state)
{
	if (state >= sizeof(kernel_peer_states) / sizeof(char *))
		return "unknown";
	return kernel_peer_states[state];
}

static const char *const kernel_link_states[] = {
	[QBD_LINK_STATE_DOWN] = "down",
	[QBD_LINK_STATE_CONNECTING] = "connecting",
	[QBD_LINK_STATE_UP] = "up",
};

const char *kernel_link_state(uint32_t state)
{
	if (state >= sizeof(kernel_link_states) / sizeof(char *))
		return "unknown";
	return kernel_link_states[state];
}

int kernel_peer_add(struct kernel_ctx *ctx, int argc, char **argv)
{
	bool has_links = false;
	uint32_t id = 0, links = 0;
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &id, NULL, "the peer's node" },
		{ "links", &kernel_opt_links, OPT_MAY, &links, &has_links,
		  "how many to it (default 2), the same on both nodes" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_PEER_ADD);
	if (!msg || nla_put_u32(msg, QBD_A_PEER_ID, id) ||
	    (has_links && nla_put_u32(msg, QBD_A_PEER_LINKS, links))) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}

int kernel_peer_remove(struct kernel_ctx *ctx, int argc, char **argv)
{
	uint32_t id = 0;
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &id, NULL, "the peer's node" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_PEER_REMOVE);
	if (!msg || nla_put_u32(msg, QBD_A_PEER_ID, id)) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}

static int kernel_peer_row(struct nlattr **attrs, void *arg)
{
	struct out *out = arg;

	out_u64(out, knl_u32(attrs, QBD_A_PEER_ID));
	out_str(out, kernel_peer_state(knl_u32(attrs, QBD_A_PEER_STATE)));
	out_u64(out, knl_u32(attrs, QBD_A_PEER_LINKS));
	out_u64(out, knl_u32(attrs, QBD_A_PEER_LINKS_UP));
	if (attrs[QBD_A_PEER_HEARD_MS])
		out_u64(out, knl_u32(attrs, QBD_A_PEER_HEARD_MS));
	else
		out_none(out);
	out_u64(out, knl_u32(attrs, QBD_A_PEER_HELD_MS));
	out_u64(out, knl_u32(attrs, QBD_A_PEER_GRANTED_MS));
	return 0;
}

static int kernel_peer_one(struct kernel_ctx *ctx, uint32_t id, struct out *out)
{
	struct nl_msg *msg = knl_request(&ctx->knl, QBD_CMD_PEER_GET);

	if (!msg || nla_put_u32(msg, QBD_A_PEER_ID, id)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return knl_ask(&ctx->knl, msg, QBD_A_PEER_MAX, kernel_peer_row, out);
}

int kernel_peer_show(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "peer", "PEER", true },	   { "state", "STATE", false },
		{ "links", "LINKS", true },	   { "links_up", "UP", true },
		{ "heard_ms", "HEARD", true },	   { "held_ms", "HELD", true },
		{ "granted_ms", "GRANTED", true },
	};
	bool has_id = false;
	uint32_t id = 0;
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MAY, &id, &has_id, "only this one" },
		OPT_END,
	};
	struct out out;
	const struct knl_dump dump = { .cmd = QBD_CMD_PEER_GET,
				       .attr_max = QBD_A_PEER_MAX,
				       .object = kernel_peer_row,
				       .arg = &out };
	int code = kernel_begin(ctx, argc, argv, opts);
	int err;

	if (code)
		return code;
	kernel_list(ctx, &out, cols, sizeof(cols) / sizeof(cols[0]));
	err = has_id ? kernel_peer_one(ctx, id, &out) :
		       knl_dump(&ctx->knl, &dump);
	out_end(&out);
	return kernel_end(ctx, err);
}

static int kernel_link_row(struct nlattr **attrs, void *arg)
{
	struct out *out = arg;

	out_u64(out, knl_u32(attrs, QBD_A_LINK_PEER));
	out_u64(out, knl_u32(attrs, QBD_A_LINK_LINK));
	out_str(out, kernel_link_state(knl_u32(attrs, QBD_A_LINK_STATE)));
	out_str(out, knl_str(attrs, QBD_A_LINK_TRANSPORT));
	out_u64(out, knl_u64(attrs, QBD_A_LINK_UPS));
	out_u64(out, knl_u32(attrs, QBD_A_LINK_SINCE_MS));
	out_u64(out, knl_u32(attrs, QBD_A_LINK_QUEUE_MSGS));
	out_bytes(out, knl_u64(attrs, QBD_A_LINK_QUEUE_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_LINK_TX_MSGS));
	out_bytes(out, knl_u64(attrs, QBD_A_LINK_TX_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_LINK_RX_MSGS));
	out_bytes(out, knl_u64(attrs, QBD_A_LINK_RX_BYTES));
	out_u64(out, knl_u64(attrs, QBD_A_LINK_RX_BAD));
	out_u64(out, knl_u64(attrs, QBD_A_LINK_RX_STALE));
	out_s64(out, (int32_t)knl_u32(attrs, QBD_A_LINK_ERROR));
	out_str(out, knl_str(attrs, QBD_A_LINK_REASON));
	return 0;
}

int kernel_link_show(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct out_col cols[] = {
		{ "peer", "PEER", true },
		{ "link", "LINK", true },
		{ "state", "STATE", false },
		{ "transport", "TRANSPORT", false },
		{ "ups", "UPS", true },
		{ "since_ms", "SINCE", true },
		{ "queue_msgs", "QUEUED", true },
		{ "queue_bytes", NULL, true },
		{ "tx_msgs", "SENT", true },
		{ "tx_bytes", "BYTES", true },
		{ "rx_msgs", "RECEIVED", true },
		{ "rx_bytes", "BYTES", true },
		{ "rx_bad", "BAD", true },
		{ "rx_stale", "STALE", true },
		{ "error", NULL, true },
		{ "reason", "LAST END", false },
	};
	bool has_peer = false;
	uint32_t peer = 0;
	const struct opt opts[] = {
		{ "peer", &opt_u32, OPT_MAY, &peer, &has_peer,
		  "only those to this one" },
		OPT_END,
	};
	struct out out;
	struct knl_dump dump = { .cmd = QBD_CMD_LINK_GET,
				 .attr_max = QBD_A_LINK_MAX,
				 .object = kernel_link_row,
				 .arg = &out };
	int code = kernel_begin(ctx, argc, argv, opts);
	int err;

	if (code)
		return code;
	dump.filter = knl_request(&ctx->knl, QBD_CMD_LINK_GET);
	if (!dump.filter ||
	    (has_peer && nla_put_u32(dump.filter, QBD_A_LINK_PEER, peer))) {
		nlmsg_free(dump.filter);
		return kernel_end(ctx, -ENOMEM);
	}
	kernel_list(ctx, &out, cols, sizeof(cols) / sizeof(cols[0]));
	err = knl_dump(&ctx->knl, &dump);
	out_end(&out);
	return kernel_end(ctx, err);
}

int kernel_link_add(struct kernel_ctx *ctx, int argc, char **argv)
{
	uint32_t peer = 0, link = 0, fd = 0;
	bool accept = false;
	const struct opt opts[] = {
		{ "peer", &opt_u32, OPT_MUST, &peer, NULL, "to whom" },
		{ "link", &opt_u32, OPT_MUST, &link, NULL,
		  "which of the links to it, the first is 0" },
		{ "fd", &opt_u32, OPT_MUST, &fd, NULL,
		  "the socket's descriptor in this process" },
		{ "accept", &opt_flag, OPT_MAY, &accept, NULL,
		  "the peer is the one that connected" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_LINK_ADD);
	if (!msg || nla_put_u32(msg, QBD_A_LINK_PEER, peer) ||
	    nla_put_u32(msg, QBD_A_LINK_LINK, link) ||
	    nla_put_u32(msg, QBD_A_LINK_FD, fd) ||
	    (accept && nla_put_flag(msg, QBD_A_LINK_ACCEPT))) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}

int kernel_link_remove(struct kernel_ctx *ctx, int argc, char **argv)
{
	uint32_t peer = 0, link = 0;
	const struct opt opts[] = {
		{ "peer", &opt_u32, OPT_MUST, &peer, NULL, "to whom" },
		{ "link", &opt_u32, OPT_MUST, &link, NULL,
		  "which of the links to it, the first is 0" },
		OPT_END,
	};
	struct nl_msg *msg;
	int code = kernel_begin(ctx, argc, argv, opts);

	if (code)
		return code;
	msg = knl_request(&ctx->knl, QBD_CMD_LINK_REMOVE);
	if (!msg || nla_put_u32(msg, QBD_A_LINK_PEER, peer) ||
	    nla_put_u32(msg, QBD_A_LINK_LINK, link)) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	return kernel_end(ctx, knl_send(&ctx->knl, msg));
}
