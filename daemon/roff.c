// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manual pages in roff's man macros; see roff.h.
 */
#include "roff.h"

#include <ctype.h>
#include <string.h>

#include "version.h"

/* Text as text: roff reads '\\' always, '.' and '\'' at the begin of a line. */
static void roff_escape(FILE *file, const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (!i && (text[i] == '.' || text[i] == '\''))
			fputs("\\&", file);
		if (text[i] == '\\')
			fputs("\\e", file);
		else if (text[i] == '-')
			fputs("\\-", file);
		else if (text[i] == '\'')
			fputs("\\(aq", file);
		else
			fputc(text[i], file);
	}
}

static void roff_line(FILE *file, const char *text)
{
	roff_escape(file, text, strlen(text));
	fputc('\n', file);
}

/**
 * roff_begin() - begin a page of section 8
 * @file: where it goes
 * @page: its name
 * @what: what it is about, in few words
 */
void roff_begin(FILE *file, const char *page, const char *what)
{
	const char *at;

	fputs(".TH ", file);
	for (at = page; *at; at++)
		fputc(toupper((unsigned char)*at), file);
	fputs(" 8 \"\" \"qbd " QBD_VERSION "\" \"qbd\"\n.SH NAME\n", file);
	roff_escape(file, page, strlen(page));
	fputs(" \\- ", file);
	roff_line(file, what);
}

/**
 * roff_section() - begin a section
 * @file: where it goes
 * @title: in capitals
 */
void roff_section(FILE *file, const char *title)
{
	fprintf(file, ".SH %s\n", title);
}

/**
 * roff_text() - a paragraph
 * @file: where it goes
 * @text: of it
 */
void roff_text(FILE *file, const char *text)
{
	fputs(".PP\n", file);
	roff_line(file, text);
}

/**
 * roff_lines() - lines that stay lines; an empty one ends a paragraph
 * @file: where they go
 * @text: the lines
 */
void roff_lines(FILE *file, const char *text)
{
	bool first = true;

	fputs(".PP\n", file);
	while (*text) {
		size_t len = strcspn(text, "\n");

		if (!len)
			fputs(".PP\n", file);
		else if (!first)
			fputs(".br\n", file);
		first = !len;
		if (len) {
			roff_escape(file, text, len);
			fputc('\n', file);
		}
		text += len + (text[len] == '\n');
	}
}

/**
 * roff_key() - a key of a file
 * @file: where it goes
 * @section: in the file
 * @name: of the key
 * @help: what it means
 * @must: it may not be left out
 */
void roff_key(FILE *file, const char *section, const char *name,
	      const char *help, bool must)
{
	fputs(".TP\n[", file);
	roff_escape(file, section, strlen(section));
	fputs("] \\fB", file);
	roff_escape(file, name, strlen(name));
	fputs("\\fR\n", file);
	roff_escape(file, help, strlen(help));
	fprintf(file, "%s.\n", must ? " (needed)" : "");
}

/* --name ARG, as it is typed. */
static void roff_option(FILE *file, const struct opt *opt)
{
	const char *arg = opt->use == OPT_WORD ? NULL : opt->kind->arg;

	fputs(opt->use == OPT_WORD ? "\\fI" : "\\fB\\-\\-", file);
	roff_escape(file, opt->name, strlen(opt->name));
	fputs("\\fR", file);
	if (!arg)
		return;
	fputs(" \\fI", file);
	roff_escape(file, arg, strlen(arg));
	fputs("\\fR", file);
}

/**
 * roff_options() - options one by one
 * @file: where they go
 * @opts: the options
 */
void roff_options(FILE *file, const struct opt *opts)
{
	for (; opts->name; opts++) {
		fputs(".TP\n", file);
		roff_option(file, opts);
		fputc('\n', file);
		roff_line(file, opts->help);
	}
}

/* Those with a name, or those without. */
static void roff_synopsis_opts(FILE *file, const struct opt *opt, bool words)
{
	for (; opt->name; opt++) {
		bool word = opt->use == OPT_WORD;

		if (word != words)
			continue;
		fputs(opt->use == OPT_MAY ? " [" : " ", file);
		roff_option(file, opt);
		fputs(opt->use == OPT_MAY ? "]" : "", file);
		fputs(opt->kind->many ? " ..." : "", file);
	}
}

static void roff_synopsis(FILE *file, const struct opt_cmd *cmd,
			  const struct opt *opts)
{
	fputs("\\fB", file);
	roff_escape(file, opt_program(cmd), strlen(opt_program(cmd)));
	if (*cmd->name)
		fputc(' ', file);
	roff_escape(file, cmd->name, strlen(cmd->name));
	fputs("\\fR", file);
	roff_synopsis_opts(file, opts, true);
	roff_synopsis_opts(file, opts, false);
	fputc('\n', file);
}

/**
 * roff_program() - the sections of a program without verbs
 * @file: where they go
 * @cmd: the program
 * @opts: its options
 */
void roff_program(FILE *file, const struct opt_cmd *cmd, const struct opt *opts)
{
	roff_section(file, "SYNOPSIS");
	roff_synopsis(file, cmd, opts);
	roff_section(file, "DESCRIPTION");
	roff_line(file, cmd->help);
	if (cmd->notes)
		roff_lines(file, cmd->notes);
	roff_section(file, "OPTIONS");
	roff_options(file, opts);
}

/**
 * roff_verb() - a verb as a part of a page
 * @visit: whose file is the page
 * @cmd: the verb
 * @opts: its options
 */
void roff_verb(const struct opt_visit *visit, const struct opt_cmd *cmd,
	       const struct opt *opts)
{
	fputs(".SS ", visit->file);
	roff_line(visit->file, cmd->name);
	roff_synopsis(visit->file, cmd, opts);
	fputs(".PP\n", visit->file);
	roff_escape(visit->file, cmd->help, strlen(cmd->help));
	fputs(".\n", visit->file);
	roff_options(visit->file, opts);
}
