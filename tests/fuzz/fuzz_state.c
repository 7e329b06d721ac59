// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replicated state and bytes of anybody: commands, one after the other, and
 * snapshots whose crc is made right.  Two states apply the same commands, and
 * have to agree; whatever happens they keep their rules, and what a snapshot is
 * believed to be makes the same bytes again.
 *
 * Input: how, then either commands, each with its length in two bytes in front,
 * whose head is put right; or chunks of a snapshot in the same way.
 */
#include "state/inner.h"
#include "state/snapshot.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Those of the unit tests, whose samples are in the corpus. */
static const struct state_limits limits = {
	.nodes = 8,
	.node_slots = 10,
	.stores = 16,
	.store_slots = 20,
	.store_replicas = 12,
	.volumes = 6,
	.shards = 40,
	.wides = 4,
	.changes = 6,
	.tombs = 8,
	.tokens = 3,
	.jobs = 3,
	.clients = 3,
};

static struct state *fuzz_state(u32 which)
{
	static struct state *mem[2];
	u64 bytes = state_bytes(&limits);

	if (!mem[which])
		mem[which] = aligned_alloc(64, bytes);
	if (!mem[which])
		abort();
	memset(mem[which], 0, bytes);
	if (state_create(mem[which], bytes, &limits))
		abort();
	return mem[which];
}

static void fuzz_must(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* The next piece of the input, in memory of its own; NULL: there is none. */
static u8 *fuzz_piece(const u8 **data, size_t *size, u32 *bytes)
{
	u8 *piece;

	if (*size < 2)
		return NULL;
	*bytes = min((*data)[0] | (u32)(*data)[1] << 8, (u32)(*size - 2));
	/* exactly so many bytes exist: reading on is seen by ASan */
	piece = malloc(*bytes ? *bytes : 1);
	memcpy(piece, *data + 2, *bytes);
	*data += 2 + *bytes;
	*size -= 2 + *bytes;
	return piece;
}

static void fuzz_commands(const u8 *data, size_t size)
{
	struct state *one = fuzz_state(0), *two = fuzz_state(1);
	struct state_result a, b;
	struct state_delta delta;
	const char *why;
	char text[64];
	u32 bytes, nr = 0;
	u8 *piece;

	while ((piece = fuzz_piece(&data, &size, &bytes)) && nr++ < 64) {
		if (bytes >= STATE_COMMAND_HEAD) {
			/* or hardly any would be looked at */
			piece[0] = 1;
			memset(piece + 2, 0, 6);
			memset(piece + 9, 0, 7);
			memset(piece + 17, 0, 7);
		}
		state_apply(one, piece, bytes, &a, &delta);
		state_apply(two, piece, bytes, &b, NULL);
		free(piece);
		fuzz_must(a.why == b.why && !memcmp(a.arg, b.arg, 24),
			  "two results");
		fuzz_must(delta.nr <= STATE_DELTA_MAX, "a delta of too many");
		state_result_text(one, &a, text, sizeof(text));
		why = state_check(one);
		fuzz_must(!why, why);
	}
	if (nr > 64)
		free(piece);
}

/* A state that was believed: all of it is what it came from. */
static void fuzz_believed(const struct state *s, const u8 *from, u32 bytes)
{
	static u8 chunk[STATE_CHUNK_BYTES_MAX];
	struct state_snapshot snap;
	u32 at = 0;
	int len;

	state_snapshot_begin(&snap, s);
	while ((len = state_snapshot_next(&snap, chunk, sizeof(chunk))) > 0) {
		fuzz_must(at + len <= bytes && !memcmp(from + at, chunk, len),
			  "other bytes");
		at += len;
	}
	fuzz_must(at == bytes, "less bytes");
}

static void fuzz_snapshot(const u8 *data, size_t size)
{
	struct state *s = fuzz_state(0);
	struct state_restore restore;
	u32 bytes, crc = ~0U, used = 0, nr = 0;
	u8 *piece, *all = malloc(size ? size : 1);

	state_restore_begin(&restore, s);
	while ((piece = fuzz_piece(&data, &size, &bytes))) {
		if (bytes >= STATE_CHUNK_HEAD)
			crc = state_chunk_seal(piece, bytes, piece[12], nr++,
					       crc);
		memcpy(all + used, piece, bytes);
		used += bytes;
		state_restore_chunk(&restore, piece, bytes);
		free(piece);
	}
	if (state_restore_end(&restore)) {
		fuzz_must(restore.reason, "no reason");
	} else {
		fuzz_must(!state_check(s), "a state that breaks its rules");
		fuzz_believed(s, all, used);
	}
	free(all);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	if (!size)
		return 0;
	if (*data & 1)
		fuzz_snapshot(data + 1, size - 1);
	else
		fuzz_commands(data + 1, size - 1);
	return 0;
}
