/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table of verbs for tests, with every type of argument.
 */
#ifndef QBD_TESTS_ADMIN_VERBS_H
#define QBD_TESTS_ADMIN_VERBS_H

#include "../../daemon/admin/verb.h"

static const char *const test_choice[] = { "red", "green", "blue", NULL };

static const struct verb_arg test_args[] = {
	{ .name = "name",
	  .type = VERB_STRING,
	  .must = true,
	  .min = 1,
	  .max = 8 },
	{ .name = "color",
	  .type = VERB_STRING,
	  .min = 1,
	  .max = 16,
	  .choice = test_choice },
	{ .name = "count", .type = VERB_NUMBER, .min = 2, .max = 10 },
	{ .name = "size", .type = VERB_SIZE, .max = UINT64_MAX },
	{ .name = "force", .type = VERB_FLAG },
	{ .name = "list", .type = VERB_LIST, .min = 1, .max = 3 },
	{ .name = "colors", .type = VERB_LIST, .max = 3, .choice = test_choice },
	{ .name = NULL },
};

static const struct verb test_verbs[] = {
	{ .name = "make thing", .change = true, .args = test_args },
	{ .name = "echo" },
	{ .name = "later" },
	{ .name = "follow", .follow = true },
	{ .name = "large" },
	{ .name = "flood" },
	{ .name = "nobody" },
	{ .name = NULL },
};

#endif /* QBD_TESTS_ADMIN_VERBS_H */
