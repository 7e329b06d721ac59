// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel volume grow: more of a volume while it is in use.
 *
 * What is asked for is the size to be, so that asking again does no harm. If
 * the kernel says that this term will not get there nothing is waited for: the
 * way on is an attach with the new size.
 */
#include "kernel.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/**
 * struct kernel_grow - a growth that is waited for
 * @id: of the volume
 * @term: that it is attached under
 * @want: size to be
 * @shards: --shard
 * @seen: it is there
 * @dead: it is, but of no use any more
 * @size: that it has
 * @growing: size that it is growing to, 0 = it is not
 * @reason: what the growth waits for
 * @stuck: this term will not get there
 * @last_words: why a growth did not begin, by an event
 */
struct kernel_grow {
	uint32_t id;
	uint64_t term;
	uint64_t want;
	struct kernel_shards shards;
	bool seen;
	bool dead;
	uint64_t size;
	uint64_t growing;
	char reason[256];
	bool stuck;
	char last_words[256];
};

static int kernel_grow_match(struct nlattr **attrs, void *arg)
{
	struct kernel_grow *grow = arg;

	if (knl_u32(attrs, QBD_A_VOLUME_ID) != grow->id ||
	    knl_u64(attrs, QBD_A_VOLUME_TERM) != grow->term)
		return 0;
	grow->seen = true;
	grow->dead = knl_u32(attrs, QBD_A_VOLUME_STATE) >=
		     QBD_VOLUME_STATE_DETACHING;
	grow->size = knl_u64(attrs, QBD_A_VOLUME_SIZE_BYTES);
	grow->growing = knl_u64(attrs, QBD_A_VOLUME_GROWING_BYTES);
	snprintf(grow->reason, sizeof(grow->reason), "%s",
		 knl_str(attrs, QBD_A_VOLUME_GROWING_REASON));
	grow->stuck = attrs[QBD_A_VOLUME_GROWING_ERROR];
	return 0;
}

/*
 * What a growth waits for, and that it is stuck, is in the dump: whoever asks
 * again has not heard the event. That it did not begin is said once.
 */
static int kernel_grow_event(struct nlattr **attrs, void *arg)
{
	struct kernel_grow *grow = arg;

	if (knl_u32(attrs, QBD_A_EVENT_VOLUME) != grow->id ||
	    knl_u32(attrs, QBD_A_EVENT_KIND) != QBD_EVENT_KIND_VOLUME_SIZE ||
	    !attrs[QBD_A_EVENT_ERROR])
		return 0;
	snprintf(grow->last_words, sizeof(grow->last_words), "%s",
		 knl_str(attrs, QBD_A_EVENT_REASON));
	return 0;
}

static int kernel_grow_failed(struct knl *knl, const struct kernel_grow *grow)
{
	if (!grow->seen || grow->dead)
		snprintf(knl->error, sizeof(knl->error),
			 "it did not grow: the volume %s",
			 grow->seen ? "is not served here any more" :
				      "has gone");
	else if (grow->stuck)
		snprintf(
			knl->error, sizeof(knl->error),
			"it will not grow under this term: %s; put that right, then attach it with the new size and a higher term",
			grow->reason);
	else
		snprintf(knl->error, sizeof(knl->error), "it did not grow: %s",
			 *grow->last_words ? grow->last_words : "ask again");
	return -EIO;
}

static int kernel_grow_done(struct knl *knl, void *arg)
{
	const struct knl_dump dump = { .cmd = QBD_CMD_VOLUME_GET,
				       .attr_max = QBD_A_VOLUME_MAX,
				       .object = kernel_grow_match,
				       .arg = arg };
	struct kernel_grow *grow = arg;
	int err;

	grow->seen = false;
	grow->dead = false;
	grow->growing = 0;
	grow->stuck = false;
	grow->reason[0] = '\0';
	err = knl_dump(knl, &dump);
	if (err)
		return err;
	if (grow->seen && grow->size >= grow->want)
		return 1;
	if (grow->seen && !grow->dead && grow->growing >= grow->want &&
	    !grow->stuck)
		return 0;
	err = knl_events_drain(knl, kernel_grow_event, grow);
	return err ? err : kernel_grow_failed(knl, grow);
}

static int kernel_grow_part(struct kernel_ctx *ctx,
			    const struct kernel_grow *grow, size_t from)
{
	struct nl_msg *msg = knl_request(&ctx->knl, QBD_CMD_VOLUME_GROW);

	if (!msg || nla_put_u32(msg, QBD_A_VOLUME_ID, grow->id) ||
	    nla_put_u64(msg, QBD_A_VOLUME_SIZE_BYTES, grow->want) ||
	    nla_put_u64(msg, QBD_A_VOLUME_TERM, grow->term) ||
	    kernel_shards_put(msg, &grow->shards, from)) {
		nlmsg_free(msg);
		return -ENOMEM;
	}
	return knl_send(&ctx->knl, msg);
}

static int kernel_grow_run(struct kernel_ctx *ctx, struct kernel_grow *grow)
{
	size_t from = 0;
	int err = knl_events_join(&ctx->knl);

	if (err)
		return err;
	ctx->knl.event = kernel_grow_event;
	ctx->knl.event_arg = grow;
	do {
		err = kernel_grow_part(ctx, grow, from);
		from += KERNEL_SHARDS_PER_MSG;
	} while (!err && from < grow->shards.nr);
	if (err || ctx->no_wait)
		return err;
	err = knl_wait(&ctx->knl, ctx->timeout_ms, kernel_grow_done, grow);
	if (err == -ETIMEDOUT)
		snprintf(ctx->knl.error, sizeof(ctx->knl.error),
			 "it goes on, but after %d s: %s",
			 ctx->timeout_ms / 1000, grow->reason);
	return err;
}

int kernel_volume_grow(struct kernel_ctx *ctx, int argc, char **argv)
{
	struct kernel_grow grow = { 0 };
	const struct opt opts[] = {
		{ "id", &opt_u32, OPT_MUST, &grow.id, NULL, "the volume" },
		{ "size", &opt_size, OPT_MUST, &grow.want, NULL,
		  "that it shall have; in the middle of a shard is fine" },
		{ "term", &kernel_opt_term, OPT_MUST, &grow.term, NULL,
		  "the one that it is attached under" },
		{ "shard", &kernel_opt_shard, OPT_MAY, &grow.shards, NULL,
		  "each shard that is new with that size, with the epoch of its set, the set" },
		OPT_END,
	};
	int code = opt_parse(&ctx->cmd, argc, argv, opts);

	if (!code)
		code = kernel_open(ctx);
	if (!code)
		code = kernel_end(ctx, kernel_grow_run(ctx, &grow));
	free(grow.shards.word);
	return code;
}
