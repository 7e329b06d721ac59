// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel shard config: change the replica set of a shard that is led
 * here, one step at a time. What the steps are is the caller's business: the
 * kernel refuses what does not follow, and takes its time with what does.
 */
#include "kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

/**
 * struct kernel_shard_look - a set that is waited for
 * @knl: has the message of the shard
 * @volume: volume of the shard
 * @number: of the shard in it
 * @epoch: config epoch of the set
 * @members: how many it has
 * @led: the shard is led here
 * @past: a set with a higher epoch is in force, this is it; else 0
 * @done: the set is in force, and committed
 */
struct kernel_shard_look {
	struct knl *knl;
	uint32_t volume;
	uint32_t number;
	uint64_t epoch;
	uint32_t members;
	bool led;
	uint64_t past;
	bool done;
};

/* Members of the shard in the message that came last. */
static uint32_t kernel_shard_members(const struct knl *knl)
{
	struct genlmsghdr *head = nlmsg_data(knl->object);
	struct nlattr *attr;
	uint32_t nr = 0;
	int rest;

	nla_for_each_attr(attr, genlmsg_attrdata(head, 0),
			  genlmsg_attrlen(head, 0), rest)
		nr += nla_type(attr) == QBD_A_SHARD_MEMBER;
	return nr;
}

static int kernel_shard_match(struct nlattr **attrs, void *arg)
{
	struct kernel_shard_look *look = arg;

	if (knl_u32(attrs, QBD_A_SHARD_VOLUME) != look->volume ||
	    knl_u32(attrs, QBD_A_SHARD_NUMBER) != look->number)
		return 0;
	look->led = true;
	if (knl_u64(attrs, QBD_A_SHARD_EPOCH) > look->epoch)
		look->past = knl_u64(attrs, QBD_A_SHARD_EPOCH);
	look->done = knl_u64(attrs, QBD_A_SHARD_COMMITTED_EPOCH) ==
			     look->epoch &&
		     kernel_shard_members(look->knl) == look->members;
	return 0;
}

static int kernel_shard_configured(struct knl *knl, void *arg)
{
	struct kernel_shard_look *look = arg;
	const struct knl_dump dump = { .cmd = QBD_CMD_SHARD_GET,
				       .attr_max = QBD_A_SHARD_MAX,
				       .object = kernel_shard_match,
				       .arg = look };
	int err;

	look->led = false;
	look->past = 0;
	look->done = false;
	err = knl_dump(knl, &dump);
	if (err)
		return err;
	if (!look->led) {
		snprintf(knl->error, sizeof(knl->error),
			 "the shard is not led here any more");
		return -ESHUTDOWN;
	}
	if (look->past) {
		snprintf(knl->error, sizeof(knl->error),
			 "another set took its place: epoch %" PRIu64
			 " is in force",
			 look->past);
		return -ESTALE;
	}
	return look->done;
}

/* A word of the form that the option has looked at already. */
static void kernel_shard_word(const char *word, struct kernel_shard_look *look)
{
	const char *at;
	char *end;

	look->number = (uint32_t)strtoul(word, &end, 10);
	look->epoch = strtoull(end + 1, &end, 10);
	look->members = 1;
	for (at = word; *at; at++)
		look->members += *at == ',';
}

static bool kernel_take_set(const char *word, void *to)
{
	*(const char **)to = word;
	return !kernel_shard_put(NULL, word);
}

int kernel_shard_config(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct opt_kind kind = {
		"NO:EPOCH:NODE:REPLICA[:ROLE],...",
		"NO:EPOCH:NODE:REPLICA[:ROLE],... with the roles voter, "
		"learner, joining, leaving",
		kernel_take_set, false
	};
	struct kernel_shard_look look = { .knl = &ctx->knl };
	const char *set = NULL;
	uint64_t term = 0;
	const struct opt opts[] = {
		{ "volume", &opt_u32, OPT_MUST, &look.volume, NULL,
		  "of that volume, which is attached here" },
		{ "term", &kernel_opt_term, OPT_MUST, &term, NULL,
		  "the one that it is attached under" },
		{ "set", &kind, OPT_MUST, &set, NULL,
		  "the whole set that is to follow the one in force" },
		OPT_END,
	};
	int code = kernel_begin(ctx, argc, argv, opts);
	struct nl_msg *msg;
	int err;

	if (code)
		return code;
	kernel_shard_word(set, &look);
	msg = knl_request(&ctx->knl, QBD_CMD_SHARD_CONFIG);
	if (!msg || nla_put_u32(msg, QBD_A_VOLUME_ID, look.volume) ||
	    nla_put_u64(msg, QBD_A_VOLUME_TERM, term) ||
	    kernel_shard_put(msg, set)) {
		nlmsg_free(msg);
		return kernel_end(ctx, -ENOMEM);
	}
	err = ctx->no_wait ? 0 : knl_events_join(&ctx->knl);
	if (err) {
		nlmsg_free(msg);
		return kernel_end(ctx, err);
	}
	err = knl_send(&ctx->knl, msg);
	if (!err && !ctx->no_wait)
		err = knl_wait(&ctx->knl, ctx->timeout_ms,
			       kernel_shard_configured, &look);
	if (err == -ETIMEDOUT)
		snprintf(ctx->knl.error, sizeof(ctx->knl.error),
			 "it goes on, but after %d s the set is not committed: "
			 "'shard list' shows which copies are not in sync",
			 ctx->timeout_ms / 1000);
	return kernel_end(ctx, err);
}
