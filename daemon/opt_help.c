// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the table of a verb's options says, for people; see opt.h.
 */
#include "opt.h"

#include <string.h>

#define OPT_HELP_WIDTH 80
#define OPT_HELP_NAMES 22 /* columns for the names of options */

/**
 * struct opt_page - text being laid out
 * @file: where it goes
 * @col: columns of the line that are used
 * @indent: where the next line begins
 * @begun: there is something that a blank is to follow
 */
struct opt_page {
	FILE *file;
	int col;
	int indent;
	bool begun;
};

/* Something that is not broken, and a blank before it. */
static void opt_page_put(struct opt_page *page, const char *text, int len)
{
	if (page->begun && page->col + 1 + len > OPT_HELP_WIDTH) {
		fprintf(page->file, "\n%*s", page->indent, "");
		page->col = page->indent;
	} else if (page->begun) {
		fputc(' ', page->file);
		page->col++;
	}
	page->begun = true;
	fprintf(page->file, "%.*s", len, text);
	page->col += len;
}

/* Words, from the page's indent on, and the end of the line. */
static void opt_page_text(struct opt_page *page, const char *text)
{
	while (*text) {
		int len = (int)strcspn(text, "\n ");

		opt_page_put(page, text, len);
		text += len;
		if (*text == '\n')
			page->col = OPT_HELP_WIDTH; /* full */
		text += strspn(text, "\n ");
	}
	fputc('\n', page->file);
}

static void opt_page_option(struct opt_page *page, const struct opt *opt)
{
	bool may = opt->use == OPT_MAY;
	const char *arg = opt->kind->arg;
	char text[128];

	if (opt->use == OPT_WORD)
		snprintf(text, sizeof(text), "%s", opt->name);
	else
		snprintf(text, sizeof(text), "%s--%s%s%s%s", may ? "[" : "",
			 opt->name, arg ? " " : "", arg ? arg : "",
			 may ? "]" : "");
	opt_page_put(page, text, (int)strlen(text));
	if (!opt->kind->many)
		return;
	snprintf(text, sizeof(text), "[--%s ...]", opt->name);
	opt_page_put(page, text, (int)strlen(text));
}

/* The options in a line, behind what is on the page. */
static void opt_page_options(struct opt_page *page, const struct opt *opts)
{
	const struct opt *opt;

	for (opt = opts; opt->name; opt++)
		if (opt->use == OPT_WORD)
			opt_page_option(page, opt);
	for (opt = opts; opt->name; opt++)
		if (opt->use != OPT_WORD)
			opt_page_option(page, opt);
	fputc('\n', page->file);
}

/**
 * opt_program() - the name of a verb's program
 * @cmd: the verb
 *
 * Return: the name.
 */
const char *opt_program(const struct opt_cmd *cmd)
{
	return cmd->program ? cmd->program : "qbdctl";
}

/**
 * opt_help_usage() - print the usage line of a verb
 * @file: where it goes
 * @cmd: the verb
 * @opts: its options
 */
void opt_help_usage(FILE *file, const struct opt_cmd *cmd,
		    const struct opt *opts)
{
	struct opt_page page = { .file = file, .indent = 8, .begun = true };

	page.col = fprintf(file, "usage: %s%s%s", opt_program(cmd),
			   *cmd->name ? " " : "", cmd->name);
	opt_page_options(&page, opts);
}

/**
 * opt_help_list() - add a verb to a list of verbs
 * @visit: whose file is the list
 * @cmd: the verb
 * @opts: its options
 */
void opt_help_list(const struct opt_visit *visit, const struct opt_cmd *cmd,
		   const struct opt *opts)
{
	struct opt_page page = { .file = visit->file,
				 .indent = 10,
				 .begun = true };
	const char *blank = strchr(cmd->name, ' ');

	/* all verbs of the list have the first word */
	page.col = fprintf(page.file, "  %s", blank ? blank + 1 : cmd->name);
	opt_page_options(&page, opts);
	page.indent = 8;
	page.begun = false;
	page.col = fprintf(page.file, "%*s", page.indent, "");
	opt_page_text(&page, cmd->help);
}

/**
 * opt_help_table() - print options one by one
 * @file: where they go
 * @opts: the options
 */
void opt_help_table(FILE *file, const struct opt *opts)
{
	for (; opts->name; opts++) {
		struct opt_page page = { .file = file,
					 .indent = OPT_HELP_NAMES };
		const char *arg = opts->kind->arg;

		if (opts->use == OPT_WORD)
			arg = NULL;
		page.col = fprintf(file, "  %s%s%s%s",
				   opts->use == OPT_WORD ? "" : "--",
				   opts->name, arg ? " " : "", arg ? arg : "");
		if (page.col >= OPT_HELP_NAMES) {
			fputc('\n', file);
			page.col = 0;
		}
		fprintf(file, "%*s", OPT_HELP_NAMES - page.col, "");
		page.col = OPT_HELP_NAMES;
		opt_page_text(&page, opts->help);
	}
}

/**
 * opt_help_verb() - print all that there is to know of a verb
 * @cmd: the verb
 * @opts: its options
 */
void opt_help_verb(const struct opt_cmd *cmd, const struct opt *opts)
{
	struct opt_page page = { .file = stdout };

	opt_help_usage(stdout, cmd, opts);
	fputc('\n', stdout);
	opt_page_text(&page, cmd->help);
	if (opts->name)
		fputs("\nOptions:\n", stdout);
	opt_help_table(stdout, opts);
	if (cmd->common) {
		fputs("\nOptions of every verb:\n", stdout);
		opt_help_table(stdout, cmd->common);
	}
	if (cmd->notes)
		printf("\n%s\n", cmd->notes);
}

/* Is that how people ask for help where a noun or a verb is expected? */
bool opt_help_asked(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "help");
}
