/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Command lines of the control device: words, options and the reply.
 *
 * A line is "VERB [NAME] [WORD...] [key=value...]".  The parser only cuts the
 * line; each command takes the options that it knows and td_args_end() refuses
 * the rest, so a misspelt option never passes silently.
 */
#ifndef QBD_TESTDISK_CTL_H
#define QBD_TESTDISK_CTL_H

#include <linux/seq_buf.h>
#include <linux/types.h>

#define TD_LINE_MAX 9216
#define TD_REPLY_MAX 32768
#define TD_WORDS_MAX 6
#define TD_OPTS_MAX 16

/**
 * struct td_args - a command line cut into pieces
 * @reply: text for the reader: the answer, or the reason of a failure
 * @words: verb, name and the other words
 * @nr_words: length of @words
 * @opts: options key=value; a key is set to NULL once taken
 * @nr_opts: length of @opts
 */
struct td_args {
	struct seq_buf *reply;
	char *words[TD_WORDS_MAX];
	unsigned int nr_words;
	struct {
		char *key;
		char *val;
	} opts[TD_OPTS_MAX];
	unsigned int nr_opts;
};

int td_args_parse(struct td_args *args, char *line);
int td_args_end(struct td_args *args);
char *td_args_text(struct td_args *args, const char *key);
int td_args_u64(struct td_args *args, const char *key, u64 *val);
int td_args_bool(struct td_args *args, const char *key, bool *val);
int td_args_pick(struct td_args *args, const char *key,
		 const char *const *names, unsigned int nr, unsigned int *val);
int td_word_u64(struct td_args *args, unsigned int i, u64 *val);
__printf(3, 4) int td_args_fail(struct td_args *args, int err, const char *fmt,
				...);

int td_ctl_run(char *line, struct seq_buf *reply);

#endif /* QBD_TESTDISK_CTL_H */
