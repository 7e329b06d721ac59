// SPDX-License-Identifier: GPL-2.0-only
/*
 * Manual pages and completion, from the tables of all verbs; see qbdctl.h.
 */
#include "qbdctl.h"

#include <stdio.h>
#include <string.h>

#include "roff.h"

#define GENERATE_PAGE "qbdctl-" /* and the noun */

/* --- manual pages ------------------------------------------------------------
 */

/*
 * What all verbs of a noun have is in the table of each: the first is asked.
 * Behind those that qbdctl does itself may be some that the daemon does.
 */
static const char *generate_noted;

static void generate_common(const struct opt_visit *visit,
			    const struct opt_cmd *cmd, const struct opt *opts)
{
	bool first = !generate_noted;

	if (!cmd->notes || cmd->notes == generate_noted)
		return;
	generate_noted = cmd->notes;
	if (cmd->common) {
		roff_section(visit->file,
			     first ? "OPTIONS OF EVERY VERB" :
				     "OPTIONS OF VERBS THAT THE DAEMON DOES");
		roff_options(visit->file, cmd->common);
	}
	roff_section(visit->file,
		     first ? "NOTES" : "NOTES ON VERBS THAT THE DAEMON DOES");
	roff_lines(visit->file, cmd->notes);
}

static void generate_noun(const struct qbdctl_noun *noun)
{
	const struct opt_visit verbs = { roff_verb, stdout };
	const struct opt_visit common = { generate_common, stdout };
	char name[64];

	snprintf(name, sizeof(name), GENERATE_PAGE "%s", noun->name);
	roff_begin(stdout, name, noun->help);
	roff_section(stdout, "VERBS");
	noun->visit(&verbs);
	generate_noted = NULL;
	noun->visit(&common);
	roff_section(stdout, "SEE ALSO");
	fputs("qbdctl(8)\n", stdout);
}

static void generate_overview(void)
{
	const struct qbdctl_noun *noun;

	roff_begin(stdout, "qbdctl", "administer a qbd node");
	roff_section(stdout, "SYNOPSIS");
	fputs("\\fBqbdctl\\fR \\fINOUN VERB\\fR [\\fIOPTION\\fR...]\n", stdout);
	roff_section(stdout, "NOUNS");
	for (noun = qbdctl_nouns; noun->name; noun++)
		fprintf(stdout, ".TP\n\\fB%s\\fR\n%s; see qbdctl\\-%s(8).\n",
			noun->name, noun->help, noun->name);
	roff_section(stdout, "SEE ALSO");
	for (noun = qbdctl_nouns; noun->name; noun++)
		fprintf(stdout, "qbdctl\\-%s(8),\n", noun->name);
	fputs("qbdd(8)\n", stdout);
}

/**
 * generate_man() - print a manual page
 * @page: its name; NULL: print the names of all
 *
 * Return: exit code.
 */
int generate_man(const char *page)
{
	const struct qbdctl_noun *noun;
	size_t len = strlen(GENERATE_PAGE);

	if (!page)
		puts("qbdctl");
	else if (!strcmp(page, "qbdctl"))
		generate_overview();
	for (noun = qbdctl_nouns; noun->name; noun++) {
		if (!page) {
			printf(GENERATE_PAGE "%s\n", noun->name);
		} else if (!strncmp(page, GENERATE_PAGE, len) &&
			   !strcmp(page + len, noun->name)) {
			generate_noun(noun);
			return 0;
		}
	}
	if (!page || !strcmp(page, "qbdctl"))
		return 0;
	fprintf(stderr, "qbdctl: no such page: %s; 'qbdctl --man' lists them\n",
		page);
	return OPT_USAGE;
}

/* --- completion --------------------------------------------------------------
 */

/*
 * The path of a verb is walked word by word; its first words are keys of
 * _qbdctl_next with a dot before, for there is no empty key. Behind the verb:
 * what follows an option, or the option itself.
 */
static const char generate_head[] =
	"# Completion of qbdctl for bash, made by 'qbdctl --complete bash'.\n"
	"declare -gA _qbdctl_next=() _qbdctl_opts=() _qbdctl_arg=()\n"
	"\n"
	"_qbdctl_verb()\n"
	"{\n"
	"\tlocal path='' word\n"
	"\t_qbdctl_opts[$1]=$2\n"
	"\tfor word in $1; do\n"
	"\t\t[[ \" ${_qbdctl_next[.$path]-} \" == *\" $word \"* ]] ||\n"
	"\t\t\t_qbdctl_next[.$path]+=\"$word \"\n"
	"\t\tpath+=\"${path:+ }$word\"\n"
	"\tdone\n"
	"}\n"
	"\n"
	"# What may stand for a value: a|b|c, a file, or nothing that is known.\n"
	"_qbdctl_value()\n"
	"{\n"
	"\tcase $1 in\n"
	"\tFILE | DIR | PATH | DEVICE)\n"
	"\t\tcompopt -o filenames 2>/dev/null || true\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -f -- \"$2\") ;;\n"
	"\t*\\|*) mapfile -t COMPREPLY < <(compgen -W \"${1//|/ }\" -- \"$2\") ;;\n"
	"\tesac\n"
	"}\n"
	"\n"
	"_qbdctl()\n"
	"{\n"
	"\tlocal cur=${COMP_WORDS[COMP_CWORD]} path='' prev i\n"
	"\tCOMPREPLY=()\n"
	"\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	"\t\t[[ \" ${_qbdctl_next[.$path]-} \" == *\" ${COMP_WORDS[i]} \"* ]] ||\n"
	"\t\t\tbreak\n"
	"\t\tpath+=\"${path:+ }${COMP_WORDS[i]}\"\n"
	"\tdone\n"
	"\tprev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	"\t# --option=value is three words\n"
	"\tif [[ $cur == = ]]; then\n"
	"\t\tcur=\n"
	"\telif [[ $prev == = ]]; then\n"
	"\t\tprev=${COMP_WORDS[COMP_CWORD - 2]}\n"
	"\tfi\n"
	"\tif [[ $prev == --* && -n ${_qbdctl_arg[$path $prev]-} ]]; then\n"
	"\t\t_qbdctl_value \"${_qbdctl_arg[$path $prev]}\" \"$cur\"\n"
	"\telif [[ $cur == -* ]]; then\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \\\n"
	"\t\t\t\"${_qbdctl_opts[${path:-.}]-} --help\" -- \"$cur\")\n"
	"\telif [[ -n ${_qbdctl_next[.$path]-} ]]; then\n"
	"\t\t[[ $i == \"$COMP_CWORD\" ]] || return 0 # no such verb\n"
	"\t\tmapfile -t COMPREPLY < <(compgen -W \\\n"
	"\t\t\t\"${_qbdctl_next[.$path]}\" -- \"$cur\")\n"
	"\telse\n"
	"\t\t_qbdctl_value \"${_qbdctl_arg[${path:-.}]-}\" \"$cur\"\n"
	"\tfi\n"
	"}\n"
	"\n";

static void generate_bash_opts(const struct opt_visit *visit,
			       const struct opt *opts)
{
	for (; opts && opts->name; opts++)
		if (opts->use != OPT_WORD)
			fprintf(visit->file, " --%s", opts->name);
}

static void generate_bash_args(const struct opt_visit *visit,
			       const struct opt_cmd *cmd,
			       const struct opt *opts)
{
	for (; opts && opts->name; opts++) {
		const char *arg = opts->kind->arg;
		bool word = opts->use == OPT_WORD;

		if (!arg)
			continue;
		/* a word is known by its own name, unless it is a choice */
		if (word && !strchr(arg, '|'))
			arg = opts->name;
		fprintf(visit->file, "_qbdctl_arg['%s%s%s']='%s'\n", cmd->name,
			word ? "" : " --", word ? "" : opts->name, arg);
	}
}

static void generate_bash_verb(const struct opt_visit *visit,
			       const struct opt_cmd *cmd,
			       const struct opt *opts)
{
	fprintf(visit->file, "_qbdctl_verb '%s' '", cmd->name);
	generate_bash_opts(visit, opts);
	generate_bash_opts(visit, cmd->common);
	fputs("'\n", visit->file);
	generate_bash_args(visit, cmd, opts);
	generate_bash_args(visit, cmd, cmd->common);
}

/**
 * generate_bash() - print the completion for bash
 *
 * Return: exit code.
 */
int generate_bash(void)
{
	const struct opt_visit visit = { generate_bash_verb, stdout };
	const struct qbdctl_noun *noun;

	fputs(generate_head, stdout);
	for (noun = qbdctl_nouns; noun->name; noun++)
		noun->visit(&visit);
	fputs("\ncomplete -F _qbdctl qbdctl\n", stdout);
	return 0;
}
