// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a peer or a person says to a daemon: records of frames, HELLO, tokens,
 * names of tokens, public keys. The first byte says which.
 *
 * What is taken is in bounds and says the same when it is written again; frames
 * that our own queues make are all taken, and come out as they went in.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/session/box.h"
#include "../../daemon/session/identity.h"
#include "../../daemon/session/token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* All frames of a record, as a session looks at them. */
static bool fuzz_record(struct inbox *box, const uint8_t *at, size_t left)
{
	struct session_frame frame;
	struct inbox_msg msg;
	uint8_t head[SESSION_FRAME_HEAD];

	while (left) {
		int len = session_frame_get(at, left, &frame);
		int whole;

		if (len < 0)
			return false;
		if (len < SESSION_FRAME_HEAD || (size_t)len > left)
			abort();
		session_frame_head(head, &frame);
		if (memcmp(head, at, sizeof(head)))
			abort();
		whole = inbox_take(box, &frame, &msg);
		if (whole < 0)
			return false;
		if (whole) {
			if (msg.bytes > SESSION_MSG_MAX ||
			    msg.class >= SESSION_CLASSES)
				abort();
			inbox_done(box, &msg);
		}
		at += len;
		left -= (size_t)len;
	}
	return true;
}

/* Records of any length, each in memory of its own: reading on is seen. */
static void fuzz_records(const uint8_t *data, size_t size)
{
	struct inbox box = { 0 };
	bool good = true;

	while (good && size >= 2) {
		size_t len = data[0] | (size_t)data[1] << 8;
		uint8_t *record;

		data += 2;
		size -= 2;
		if (len > size)
			len = size;
		record = malloc(len ? len : 1);
		memcpy(record, data, len);
		good = fuzz_record(&box, record, len);
		free(record);
		data += len;
		size -= len;
	}
	inbox_free(&box);
}

static void fuzz_hello(const uint8_t *data, size_t size)
{
	static const struct session_hello mine = {
		.version = 1, .least = 1, .from = 2, .to = 1, .cluster = "c"
	};
	uint8_t again[SESSION_HELLO_BYTES];
	struct session_hello hello;
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	if (!session_hello_get(copy, size, &hello)) {
		session_hello_put(again, &hello);
		if (memcmp(again, copy, sizeof(again)))
			abort();
		if (!session_hello_check(&hello, &mine) &&
		    (hello.from != 1 || hello.to != 2))
			abort();
	}
	free(copy);
}

static void fuzz_token(const uint8_t *data, size_t size)
{
	char *word = malloc(size + 1);
	char again[TOKEN_TEXT];
	struct token token, seen;

	memcpy(word, data, size);
	word[size] = '\0';
	if (!token_parse(word, &token)) {
		token_format(again, &token);
		if (token.id > TOKEN_ID_MAX || strlen(again) != strlen(word) ||
		    token_parse(again, &seen) || seen.id != token.id ||
		    memcmp(seen.secret, token.secret, TOKEN_SECRET))
			abort();
	}
	free(word);
}

static void fuzz_name(const uint8_t *data, size_t size)
{
	char again[TOKEN_NAME];
	uint64_t id;

	if (token_name_parse(data, size, &id))
		return;
	token_name(again, id);
	if (id > TOKEN_ID_MAX || strlen(again) != size ||
	    memcmp(again, data, size))
		abort();
}

static void fuzz_key(const uint8_t *data, size_t size)
{
	uint8_t key[IDENTITY_KEY];
	uint8_t again[IDENTITY_SPKI];

	if (identity_spki_parse(data, size, key))
		return;
	identity_spki(again, key);
	if (size != IDENTITY_SPKI || memcmp(again, data, size))
		abort();
}

/* Each 3 bytes: a class, and the length of a message; then all over. */
static void fuzz_queue(const uint8_t *data, size_t size)
{
	static uint8_t record[SESSION_FRAME_MAX];
	static uint8_t much[3 * SESSION_FRAME_MAX];
	struct outbox out;
	struct inbox in = { 0 };
	size_t len;

	outbox_init(&out);
	for (; size >= 3; data += 3, size -= 3) {
		enum session_class class = data[0] % SESSION_CLASSES;
		size_t bytes = data[1] * (data[2] + 1U);

		(void)outbox_put(&out, class, data[0], much,
				 bytes < sizeof(much) ? bytes : 0);
		if (!(data[0] & 0x80))
			continue;
		len = outbox_fill(&out, record);
		if (!fuzz_record(&in, record, len))
			abort();
	}
	while ((len = outbox_fill(&out, record)))
		if (!fuzz_record(&in, record, len))
			abort();
	if (out.bytes)
		abort();
	outbox_free(&out);
	inbox_free(&in);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const kinds[])(const uint8_t *data, size_t size) = {
		fuzz_records, fuzz_hello, fuzz_token,
		fuzz_name,    fuzz_key,	  fuzz_queue,
	};

	if (size)
		kinds[data[0] % 6](data + 1, size - 1);
	return 0;
}
