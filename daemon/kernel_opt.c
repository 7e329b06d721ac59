// SPDX-License-Identifier: GPL-2.0-only
/*
 * Options of the verbs of qbdctl kernel: declared as a table, taken here.
 */
#include "kernel.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

static const char *const kernel_opt_expected[] = {
	[KERNEL_OPT_U32] = "a number",
	[KERNEL_OPT_U64] = "a number",
	[KERNEL_OPT_TERM] = "a term, from 1 to 2^63 - 1",
	[KERNEL_OPT_SIZE] = "a size, as 512M or 10G",
	[KERNEL_OPT_UUID] = "a uuid",
	[KERNEL_OPT_STR] = "a word",
	[KERNEL_OPT_FLAG] = "nothing",
	[KERNEL_OPT_WORDS] = "a word",
};

static bool kernel_opt_word_add(struct kernel_words *words, const char *word)
{
	const char **more =
		realloc(words->word, (words->nr + 1) * sizeof(*more));

	if (!more)
		return false;
	words->word = more;
	words->word[words->nr++] = word;
	return true;
}

static bool kernel_opt_take(const struct kernel_opt *opt, const char *word)
{
	switch (opt->kind) {
	case KERNEL_OPT_U32:
		return parse_u32(word, 0, UINT32_MAX, opt->to);
	case KERNEL_OPT_U64:
		return parse_u64(word, 0, UINT64_MAX, opt->to);
	case KERNEL_OPT_TERM:
		return parse_u64(word, 1, QBD_TERM_MAX, opt->to);
	case KERNEL_OPT_SIZE:
		return parse_size(word, opt->to);
	case KERNEL_OPT_UUID:
		return parse_uuid(word, opt->to);
	case KERNEL_OPT_STR:
		*(const char **)opt->to = word;
		return *word;
	case KERNEL_OPT_FLAG:
		*(bool *)opt->to = true;
		return true;
	case KERNEL_OPT_WORDS:
		return kernel_opt_word_add(opt->to, word);
	}
	return false;
}

static const struct kernel_opt *kernel_opt_find(const struct kernel_opt *opts,
						const char *name, size_t len)
{
	for (; opts->name; opts++)
		if (strlen(opts->name) == len &&
		    !strncmp(opts->name, name, len))
			return opts;
	return NULL;
}

/*
 * Take the option in argv[*at], and its word, which may follow it or stand
 * behind an equal sign.
 */
static int kernel_opt_one(struct kernel_ctx *ctx, int argc, char **argv,
			  int *at, const struct kernel_opt *opts)
{
	const char *name = argv[*at] + 2;
	const char *word = strchr(name, '=');
	const struct kernel_opt *opt;
	char why[128];

	opt = kernel_opt_find(opts, name,
			      word ? (size_t)(word - name) : strlen(name));
	if (!opt) {
		snprintf(why, sizeof(why), "unknown option %.64s", argv[*at]);
		return kernel_usage(ctx, why);
	}
	if (word)
		word++;
	else if (opt->kind == KERNEL_OPT_FLAG)
		word = "";
	else if (*at + 1 < argc)
		word = argv[++*at];
	if (!word || (opt->kind == KERNEL_OPT_FLAG && *word) ||
	    !kernel_opt_take(opt, word))
		return kernel_bad(ctx, opt->name, word ? word : "",
				  kernel_opt_expected[opt->kind]);
	if (opt->given)
		*opt->given = true;
	return KERNEL_OK;
}

/* Options that all verbs have. */
static int kernel_opt_common(struct kernel_ctx *ctx, int argc, char **argv,
			     int *at)
{
	uint32_t seconds = 0;
	struct kernel_opt common[] = {
		{ .name = "json", .kind = KERNEL_OPT_FLAG, .to = &ctx->json },
		{ .name = "no-wait",
		  .kind = KERNEL_OPT_FLAG,
		  .to = &ctx->no_wait },
		{ .name = "timeout", .kind = KERNEL_OPT_U32, .to = &seconds },
		{ .name = NULL },
	};
	int code = kernel_opt_one(ctx, argc, argv, at, common);

	if (code)
		return code;
	if (seconds > 86400)
		return kernel_bad(ctx, "timeout", argv[*at], "at most 86400");
	if (seconds)
		ctx->timeout_ms = (int)seconds * 1000;
	return KERNEL_OK;
}

static bool kernel_opt_is_common(const char *word)
{
	static const char *const names[] = { "--json", "--no-wait",
					     "--timeout" };
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strncmp(word, names[i], strlen(names[i])))
			return true;
	return false;
}

static int kernel_opt_missing(struct kernel_ctx *ctx,
			      const struct kernel_opt *opts)
{
	char why[128];

	for (; opts->name; opts++) {
		if (!opts->needed || *opts->given)
			continue;
		snprintf(why, sizeof(why), "--%s is needed", opts->name);
		return kernel_usage(ctx, why);
	}
	return KERNEL_OK;
}

/**
 * kernel_parse() - take the words of a verb
 * @ctx: the verb
 * @argc: number of words, from the verb on
 * @argv: the words
 * @opts: its options, ends with a NULL name; a needed one has @given
 * @word: takes the one word that is no option; NULL: there is none
 *
 * Return: KERNEL_OK, or KERNEL_USAGE after it said what is wrong.
 */
int kernel_parse(struct kernel_ctx *ctx, int argc, char **argv,
		 const struct kernel_opt *opts, const char **word)
{
	bool has_word = false;
	int code = KERNEL_OK;
	int at;

	for (at = 1; at < argc && !code; at++) {
		if (strncmp(argv[at], "--", 2)) {
			if (!word || has_word)
				return kernel_usage(ctx, "too many words");
			*word = argv[at];
			has_word = true;
		} else if (kernel_opt_is_common(argv[at])) {
			code = kernel_opt_common(ctx, argc, argv, &at);
		} else {
			code = kernel_opt_one(ctx, argc, argv, &at, opts);
		}
	}
	if (code)
		return code;
	if (word && !has_word)
		return kernel_usage(ctx, "a word is missing");
	return kernel_opt_missing(ctx, opts);
}

/* A verb without options of its own. */
int kernel_parse_none(struct kernel_ctx *ctx, int argc, char **argv)
{
	static const struct kernel_opt none[] = { { .name = NULL } };

	return kernel_parse(ctx, argc, argv, none, NULL);
}
