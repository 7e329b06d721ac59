// SPDX-License-Identifier: GPL-2.0-only
/*
 * Command lines of the test disk's control device: cutting and converting.
 *
 * Knows nothing of the commands; see ctl.h for the shape of a line.
 *
 * Context: process, on memory of the caller.
 */
#include <linux/kernel.h>
#include <linux/kstrtox.h>
#include <linux/string.h>

#include "ctl.h"

/**
 * td_args_fail() - tell the reader why a command fails
 * @args: the command
 * @err: negative errno
 * @fmt: the reason
 *
 * Return: @err
 */
int td_args_fail(struct td_args *args, int err, const char *fmt, ...)
{
	struct va_format vaf;
	va_list ap;

	seq_buf_clear(args->reply);
	va_start(ap, fmt);
	vaf.fmt = fmt;
	vaf.va = &ap;
	seq_buf_printf(args->reply, "%pV\n", &vaf);
	va_end(ap);
	return err;
}

/**
 * td_args_parse() - cut a line into words and options
 * @args: filled, except for @reply, which is set
 * @line: without newline; it is cut up in place
 *
 * Return: 0 or a negative errno
 */
int td_args_parse(struct td_args *args, char *line)
{
	char *word, *eq;

	args->nr_words = 0;
	args->nr_opts = 0;
	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		eq = strchr(word, '=');
		if (!eq) {
			if (args->nr_words == TD_WORDS_MAX)
				return td_args_fail(args, -E2BIG,
						    "too many words");
			args->words[args->nr_words++] = word;
			continue;
		}
		if (args->nr_opts == TD_OPTS_MAX)
			return td_args_fail(args, -E2BIG, "too many options");
		*eq = '\0';
		args->opts[args->nr_opts].key = word;
		args->opts[args->nr_opts].val = eq + 1;
		args->nr_opts++;
	}
	return 0;
}

/**
 * td_args_text() - take an option as it is
 * @args: the command
 * @key: its name
 *
 * Return: the value, or NULL when it was not given
 */
char *td_args_text(struct td_args *args, const char *key)
{
	unsigned int i;

	for (i = 0; i < args->nr_opts; i++) {
		if (args->opts[i].key && !strcmp(args->opts[i].key, key)) {
			args->opts[i].key = NULL;
			return args->opts[i].val;
		}
	}
	return NULL;
}

/**
 * td_args_end() - refuse options that nobody took
 * @args: the command
 *
 * Return: 0 or -EINVAL
 */
int td_args_end(struct td_args *args)
{
	unsigned int i;

	for (i = 0; i < args->nr_opts; i++) {
		if (args->opts[i].key)
			return td_args_fail(args, -EINVAL, "bad option '%s'",
					    args->opts[i].key);
	}
	return 0;
}

static int td_number(struct td_args *args, const char *what, const char *text,
		     u64 *val)
{
	char *end;
	u64 num;

	/* memparse() takes anything, so look before and after it */
	if (*text < '0' || *text > '9')
		return td_args_fail(args, -EINVAL, "%s: '%s' is not a number",
				    what, text);
	num = memparse(text, &end);
	if (*end)
		return td_args_fail(args, -EINVAL, "%s: '%s' is not a number",
				    what, text);
	*val = num;
	return 0;
}

/**
 * td_args_u64() - take a number, with a suffix K, M, G, T when wanted
 * @args: the command
 * @key: its name
 * @val: unchanged when it was not given
 *
 * Return: 0 or -EINVAL
 */
int td_args_u64(struct td_args *args, const char *key, u64 *val)
{
	const char *text = td_args_text(args, key);

	return text ? td_number(args, key, text, val) : 0;
}

/**
 * td_word_u64() - a word that is a number
 * @args: the command
 * @i: which word, 0 is the verb
 * @val: the number
 *
 * Return: 0 or -EINVAL
 */
int td_word_u64(struct td_args *args, unsigned int i, u64 *val)
{
	if (i >= args->nr_words)
		return td_args_fail(args, -EINVAL, "%s: a number is missing",
				    args->words[0]);
	return td_number(args, args->words[0], args->words[i], val);
}

/**
 * td_args_pick() - take one of several names
 * @args: the command
 * @key: its name
 * @names: what is allowed
 * @nr: length of @names
 * @val: index of the name, unchanged when it was not given
 *
 * Return: 0 or -EINVAL
 */
int td_args_pick(struct td_args *args, const char *key,
		 const char *const *names, unsigned int nr, unsigned int *val)
{
	const char *text = td_args_text(args, key);
	int i;

	if (!text)
		return 0;
	i = match_string(names, nr, text);
	if (i < 0)
		return td_args_fail(args, -EINVAL, "%s: unknown value '%s'",
				    key, text);
	*val = i;
	return 0;
}

/**
 * td_args_bool() - take on or off
 * @args: the command
 * @key: its name
 * @val: unchanged when it was not given
 *
 * Return: 0 or -EINVAL
 */
int td_args_bool(struct td_args *args, const char *key, bool *val)
{
	const char *text = td_args_text(args, key);

	if (text && kstrtobool(text, val))
		return td_args_fail(args, -EINVAL, "%s: not on or off", key);
	return 0;
}
