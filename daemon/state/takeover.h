/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * May a holder be fenced that did not release its volume, and that nobody said
 * to force? (protocol V3)
 *
 * Only if, for some shard, a quorum of its replicas' kernels, alive, no longer
 * hears the holder's kernel.  Then the holder can complete nothing on that
 * shard and its device is of no use to anybody: nothing is lost by moving it.
 *
 *   A silent daemon is no evidence.  (The daemon of A is killed, A's kernel
 *	serves a database.  Whoever takes its volume away breaks promise P7.)
 *   A dead replica is no witness, nor one whose word is old.  (B is down, C
 *	hears A.  "B does not hear A" would make two of three with one more that
 *	is confused.)  Nor is the replica on the holder's own node: it hears A
 *	without a wire.
 *   While a set is joint it has to be a quorum of both.
 *   The word is about a holder: it is good for the term under which it was
 *	taken (ATTACH compares it).
 */
#ifndef QBD_STATE_TAKEOVER_H
#define QBD_STATE_TAKEOVER_H

#include "state.h"

/**
 * struct takeover_word - what the kernel with a replica says
 * @replica: id
 * @number: shard
 * @alive: the replica is one that votes: neither failed nor recovering
 * @age_ms: since it said so
 * @silent_ms: since it heard the holder's kernel, then
 */
struct takeover_word {
	u64 replica;
	u32 number;
	bool alive;
	u64 age_ms;
	u64 silent_ms;
};

int takeover_may(const struct state *s, u32 volume,
		 const struct takeover_word *word, u32 nr, u64 *term,
		 u32 *number);

#endif /* QBD_STATE_TAKEOVER_H */
