// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words of the command line: a number that was understood is one of its range
 * and means the same when it is written again; what is refused changes nothing.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/links_conf.h"
#include "../../daemon/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MARK 0x5a5a5a5a5a5a5a5aULL
#define WORD_MAX 128

static void fuzz_number(const char *word)
{
	uint64_t value = MARK, again = 0, small = MARK;
	char text[32];

	if (!parse_u64(word, 0, UINT64_MAX, &value)) {
		if (value != MARK || parse_u64(word, 1, 9, &small))
			abort();
		return;
	}
	snprintf(text, sizeof(text), "%" PRIu64, value);
	if (!parse_u64(text, value, value, &again) || again != value)
		abort();
	if (parse_u64(word, 1, 9, &small) != (value >= 1 && value <= 9) ||
	    (small != MARK && small != value))
		abort();
	if (!parse_size(word, &again) || again != value)
		abort();
}

static void fuzz_uuid(const char *word)
{
	uint8_t uuid[16], again[16];
	char text[40];
	int i, at = 0;

	memset(uuid, 0x5a, sizeof(uuid));
	if (!parse_uuid(word, uuid)) {
		for (i = 0; i < 16; i++)
			if (uuid[i] != 0x5a)
				abort();
		return;
	}
	for (i = 0; i < 16; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, "%s%02x",
			       i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "",
			       uuid[i]);
	if (!parse_uuid(text, again) || memcmp(uuid, again, sizeof(uuid)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *word;
	union links_addr addr;
	uint64_t bytes = MARK;
	uint32_t value;

	if (size > WORD_MAX)
		return 0;
	/* exactly so long: reading on is seen by ASan */
	word = malloc(size + 1);
	memcpy(word, data, size);
	word[size] = '\0';
	fuzz_number(word);
	fuzz_uuid(word);
	if (!parse_size(word, &bytes) && bytes != MARK)
		abort();
	if (parse_u32(word, 5, 6, &value) && (value < 5 || value > 6))
		abort();
	links_addr_parse(word, &addr);
	free(word);
	return 0;
}
