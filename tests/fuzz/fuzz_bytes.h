/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a fuzzer's bytes stand for: numbers and positions.
 *
 * Numbers are small, or at an edge: a byte each, so that inputs stay short and
 * two fields are often equal.
 */
#ifndef QBD_TESTS_FUZZ_BYTES_H
#define QBD_TESTS_FUZZ_BYTES_H

#include "wire_check.h"

struct fuzz_input {
	const u8 *at;
	size_t left;
};

static inline u8 fuzz_byte(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static inline u64 fuzz_number(struct fuzz_input *in)
{
	static const u64 edge[] = {
		U64_MAX,
		U64_MAX - 1,
		S64_MAX,
		(u64)S64_MAX + 1,
		S64_MAX - 1,
		U32_MAX,
		(u64)U32_MAX + 1,
		QBD_WAL_INDEX_MAX,
		QBD_WAL_INDEX_MAX - 1,
		QBD_WAL_INDEX_MAX + 1,
		QBD_WAL_TERM_MAX,
		QBD_WIRE_INDEX_MAX,
	};
	u8 byte = fuzz_byte(in);

	return byte < 224 ? byte % 48 : edge[byte % ARRAY_SIZE(edge)];
}

static inline struct qbd_pos fuzz_pos(struct fuzz_input *in)
{
	struct qbd_pos pos = { .term = fuzz_number(in) };

	pos.index = pos.term ? fuzz_number(in) : 0;
	if (!pos.index)
		pos.term = 0;
	return pos;
}

#endif /* QBD_TESTS_FUZZ_BYTES_H */
