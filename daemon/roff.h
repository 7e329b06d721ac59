/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Manual pages, made from the tables of verbs (opt.h): what a page says of an
 * option is what --help says of it.
 */
#ifndef QBD_DAEMON_ROFF_H
#define QBD_DAEMON_ROFF_H

#include <stdbool.h>
#include <stdio.h>

#include "opt.h"

void roff_begin(FILE *file, const char *page, const char *what);
void roff_section(FILE *file, const char *title);
void roff_text(FILE *file, const char *text);
void roff_lines(FILE *file, const char *text);
void roff_key(FILE *file, const char *section, const char *name,
	      const char *help, bool must);
void roff_options(FILE *file, const struct opt *opts);
void roff_program(FILE *file, const struct opt_cmd *cmd,
		  const struct opt *opts);
void roff_verb(const struct opt_visit *visit, const struct opt_cmd *cmd,
	       const struct opt *opts);

#endif /* QBD_DAEMON_ROFF_H */
