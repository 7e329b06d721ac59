/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Golden byte vectors: a block as text, compared with what is checked in
 * below tests/data/. Lines are "offset: 16 bytes"; lines of zeroes are left
 * out. A format that changes by accident changes these, for everybody to see.
 */
#ifndef QBD_TESTS_GOLDEN_H
#define QBD_TESTS_GOLDEN_H

#include "env.h"

#define GOLDEN_LINE 16

static inline char *golden_text(const void *data, size_t bytes)
{
	static char text[32768];
	const u8 *at = data;
	char *to = text;
	size_t i, j;

	*to = 0;
	for (i = 0; i < bytes; i += GOLDEN_LINE) {
		if (mem_is_zero(at + i, GOLDEN_LINE))
			continue;
		to += sprintf(to, "%04zx:", i);
		for (j = 0; j < GOLDEN_LINE; j++)
			to += sprintf(to, " %02x", at[i + j]);
		to += sprintf(to, "\n");
	}
	return text;
}

/* Line by line, so that a difference is readable. */
#define EXPECT_GOLDEN(golden, data, bytes)                               \
	do {                                                             \
		const char *gold_want = (golden);                        \
		const char *gold_seen = golden_text(data, bytes);        \
		if (strcmp(gold_want, gold_seen)) {                      \
			printf("# %s:%d: seen:\n%s", __FILE__, __LINE__, \
			       gold_seen);                               \
			EXPECT_STREQ(gold_want, gold_seen);              \
		}                                                        \
	} while (0)

#endif /* QBD_TESTS_GOLDEN_H */
