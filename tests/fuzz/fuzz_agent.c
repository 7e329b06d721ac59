// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a node is told that it has to have, message by message; and its hello.
 * Input: rows of {u16 length, bytes}; the first byte says which. An item that
 * is taken is the same when it is written again.
 */
#include "../../daemon/agent/want.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_must(bool good)
{
	if (!good)
		abort();
}

/* Items one by one: there is one encoding of each. */
static void fuzz_items(const uint8_t *data, size_t size)
{
	static uint8_t again[WANT_ITEM_BYTES_MAX];
	struct state_in in = { data, size, false };
	union want_item item;
	const uint8_t *from;
	bool gone;

	for (;;) {
		struct state_out out = { .at = again, .left = sizeof(again) };

		from = in.at;
		if (!want_item_get(&in, &item, &gone))
			return;
		if (gone)
			want_item_put_gone(&out, &item.key);
		else
			want_item_put(&out, &item);
		fuzz_must(!out.full &&
			  sizeof(again) - out.left == (size_t)(in.at - from) &&
			  !memcmp(again, from, in.at - from));
		fuzz_must(want_item_bytes(&item) <= sizeof(item));
	}
}

static void fuzz_hello(const uint8_t *data, size_t size)
{
	uint8_t again[WANT_HELLO_BYTES];
	struct want_hello hello;

	if (want_hello_get(data, size, &hello))
		return;
	want_hello_put(&hello, again);
	fuzz_must(size == sizeof(again) && !memcmp(again, data, size));
}

/* What is counted is what is there. */
static void fuzz_counts(const struct want *want)
{
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < want->now.nr; i++)
		bytes += want_item_bytes(want->now.at[i]);
	for (i = 0; i < want->next.nr; i++)
		bytes += want_item_bytes(want->next.at[i]);
	fuzz_must(bytes == want->bytes);
	for (i = 1; i < want->now.nr; i++)
		fuzz_must(agent_key_cmp(want->now.at[i - 1], want->now.at[i]) <
			  0);
}

static void fuzz_messages(const uint8_t *data, size_t size)
{
	struct want want;
	uint8_t *copy;
	size_t bytes;

	want_init(&want);
	while (size >= 2) {
		bytes = data[0] | data[1] << 8;
		bytes = min(bytes, size - 2);
		copy = malloc(bytes ?: 1);
		if (!copy)
			break;
		memcpy(copy, data + 2, bytes);
		want_take(&want, copy, bytes);
		free(copy);
		fuzz_counts(&want);
		data += 2 + bytes;
		size -= 2 + bytes;
	}
	want_free(&want);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const what[])(const uint8_t *data,
				    size_t size) = { fuzz_items, fuzz_hello,
						     fuzz_messages };
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
