/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The nouns of qbdctl, and what is made from the tables of all their verbs:
 * help is made where the verbs are run, manual pages and completion here.
 */
#ifndef QBD_DAEMON_QBDCTL_H
#define QBD_DAEMON_QBDCTL_H

#include "opt.h"

/**
 * struct qbdctl_noun - a first word
 * @name: the word
 * @run: does the rest; gets the words from this one on
 * @visit: shows all verbs of it
 * @help: one line of help
 */
struct qbdctl_noun {
	const char *name;
	int (*run)(int argc, char **argv);
	void (*visit)(const struct opt_visit *visit);
	const char *help;
};

/* qbdctl.c; ends with a name of NULL */
extern const struct qbdctl_noun qbdctl_nouns[];

/* generate.c */
int generate_man(const char *page);
int generate_bash(void);

#endif /* QBD_DAEMON_QBDCTL_H */
