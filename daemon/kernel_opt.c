// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options of the verbs of qbdctl kernel: the kinds that several of them have,
 * and the options that all of them have.
 */
#include "kernel.h"

#include <stdio.h>
#include <string.h>

#include "parse.h"

#define KERNEL_TIMEOUT_MAX 86400 /* seconds: a day */

static bool kernel_take_term(const char *word, void *to)
{
	return parse_u64(word, 1, QBD_TERM_MAX, to);
}

static bool kernel_take_floor(const char *word, void *to)
{
	return parse_u64(word, 0, QBD_TERM_MAX, to);
}

static bool kernel_take_links(const char *word, void *to)
{
	return parse_u32(word, 1, QBD_PEER_LINKS_MAX, to);
}

static bool kernel_take_members(const char *word, void *to)
{
	*(const char **)to = word;
	return !kernel_members_put(NULL, 0, word);
}

static bool kernel_take_timeout(const char *word, void *to)
{
	uint32_t seconds;

	if (!parse_u32(word, 1, KERNEL_TIMEOUT_MAX, &seconds))
		return false;
	*(int *)to = (int)seconds * 1000;
	return true;
}

const struct opt_kind kernel_opt_term = { "N", "a term, from 1 to 2^63 - 1",
					  kernel_take_term, false };
const struct opt_kind kernel_opt_floor = { "N", "a term up to 2^63 - 1, or 0",
					   kernel_take_floor, false };
const struct opt_kind kernel_opt_links = { "N", "a number from 1 to 8",
					   kernel_take_links, false };
const struct opt_kind kernel_opt_members = { "NODE:REPLICA[:ROLE],...",
					     "NODE:REPLICA[:ROLE],...",
					     kernel_take_members, false };
static const struct opt_kind kernel_opt_timeout = {
	"S", "seconds from 1 to 86400 (--no-wait: do not wait)",
	kernel_take_timeout, false
};

/**
 * kernel_opt_common() - make the options that all verbs have
 * @ctx: the verb
 */
void kernel_opt_common(struct kernel_ctx *ctx)
{
	const struct opt common[] = {
		{ "json", &opt_flag, OPT_MAY, &ctx->json, NULL,
		  "one JSON document instead of a table; {} if there is nothing to say" },
		{ "no-wait", &opt_flag, OPT_MAY, &ctx->no_wait, NULL,
		  "do not wait for the end of what was started" },
		{ "timeout", &kernel_opt_timeout, OPT_MAY, &ctx->timeout_ms,
		  NULL, "how long to wait, in seconds (default 60)" },
		OPT_END,
	};

	memcpy(ctx->common, common, sizeof(common));
	ctx->cmd.common = ctx->common;
}

/**
 * kernel_open() - look for the module
 * @ctx: the verb, whose words are good
 *
 * Return: KERNEL_OK with @ctx->knl open; KERNEL_FAILED after it said why not.
 */
int kernel_open(struct kernel_ctx *ctx)
{
	if (!knl_open(&ctx->knl))
		return KERNEL_OK;
	fprintf(stderr, "qbdctl: %s\n", ctx->knl.error);
	return KERNEL_FAILED;
}

/**
 * kernel_begin() - take the words of a verb, then look for the module
 * @ctx: the verb
 * @argc: number of words, from the verb on
 * @argv: the words
 * @opts: its options
 *
 * Return: KERNEL_OK with @ctx->knl open; else what the verb returns at once.
 */
int kernel_begin(struct kernel_ctx *ctx, int argc, char **argv,
		 const struct opt *opts)
{
	int code = opt_parse(&ctx->cmd, argc, argv, opts);

	return code ? code : kernel_open(ctx);
}

/* A verb without options of its own. */
int kernel_begin_bare(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct opt none[] = { OPT_END };

	return kernel_begin(ctx, argc, argv, none);
}
