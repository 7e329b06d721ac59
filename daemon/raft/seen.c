// SPDX-License-Identifier: GPL-2.0-only
/*
 * How far a server was, as another one has heard (seen.h).
 */
#include "seen.h"

/**
 * raft_seen_heard() - a server says how far it is
 * @seen: what was heard of its node before
 * @id: of the server
 * @generation: of its hard state, on stable media
 *
 * Less than before is no news: who went back has to hear it from what is kept.
 */
void raft_seen_heard(struct raft_seen *seen, u64 id, u64 generation)
{
	if (seen->id != id)
		*seen = (struct raft_seen){ .id = id };
	seen->generation = max(seen->generation, generation);
}

/**
 * raft_seen_behind() - was a log put back to an older copy?
 * @seen: what another one has heard
 * @id: the server
 * @generation: of the hard state that it has
 *
 * Return: true: it may have voted, and acknowledged, what it does not know.
 */
bool raft_seen_behind(const struct raft_seen *seen, u64 id, u64 generation)
{
	return seen->id == id && seen->generation > generation &&
	       !QBD_MUTANT(raft_rolled_back_votes);
}
