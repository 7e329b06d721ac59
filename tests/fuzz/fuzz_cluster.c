// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of a node, and messages between daemons of a cluster. The first
 * byte says which. What is taken says the same when it is written again.
 */
#include <stdlib.h>

#include "../../daemon/cluster/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_must(bool good)
{
	if (!good)
		abort();
}

static void fuzz_life(const uint8_t *data, size_t size)
{
	uint8_t again[MSG_LIFE_BYTES];
	struct msg_life life;

	if (!msg_life_get(data, size, &life))
		fuzz_must(msg_life_put(&life, again, sizeof(again)) ==
				  (int)size &&
			  !memcmp(again, data, size));
}

/* As it is, and with the end that it ought to have. */
static void fuzz_record(const uint8_t *data, size_t size)
{
	static char text[RECORD_BYTES_MAX], again[2 * RECORD_BYTES_MAX];
	static char third[2 * RECORD_BYTES_MAX];
	char why[RECORD_WHY_MAX];
	struct record record, back;
	int len;

	record_parse(&record, (const char *)data, size, why);
	if (size > sizeof(text) - 16)
		return;
	memcpy(text, data, size);
	len = size +
	      snprintf(text + size, 16, "end %08x\n", crc32c(~0U, data, size));
	if (record_parse(&record, text, len, why))
		return;
	len = record_print(&record, again, sizeof(again));
	fuzz_must(len > 0 && !record_parse(&back, again, len, why));
	fuzz_must(record_print(&back, third, sizeof(third)) == len &&
		  !memcmp(again, third, len));
}

static void fuzz_members(const uint8_t *data, size_t size)
{
	static uint8_t again[MSG_MEMBERS_MAX];
	struct msg_members members;

	if (msg_members_get(data, size, &members))
		return;
	fuzz_must(msg_members_put(&members, again, sizeof(again)) ==
			  (int)size &&
		  !memcmp(again, data, size));
}

static void fuzz_texts(const uint8_t *data, size_t size)
{
	static uint8_t again[MSG_ASK_HEAD + MSG_TEXT_MAX];
	struct msg_text text;

	if (!msg_ask_get(data, size, &text))
		fuzz_must(msg_ask_put(&text, again, sizeof(again)) ==
				  (int)size &&
			  !memcmp(again, data, size));
	if (!msg_answer_get(data, size, &text))
		fuzz_must(msg_answer_put(&text, again, sizeof(again)) ==
				  (int)size &&
			  !memcmp(again, data, size));
}

static void fuzz_server(const uint8_t *data, size_t size)
{
	struct msg_server_is is;
	uint8_t again[16];
	int report;

	for (report = 0; report < 2; report++)
		if (!msg_server_get(data, size, report, &is))
			fuzz_must(msg_server_put(&is, report, again, 16) ==
					  (int)size &&
				  !memcmp(again, data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(const uint8_t *data, size_t size) = {
		fuzz_record, fuzz_members, fuzz_texts, fuzz_server, fuzz_life
	};
	uint8_t *copy;

	if (!size)
		return 0;
	copy = malloc(size);
	if (!copy)
		return 0;
	memcpy(copy, data + 1, size - 1);
	what[data[0] % ARRAY_SIZE(what)](copy, size - 1);
	free(copy);
	return 0;
}
