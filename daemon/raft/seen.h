/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How far a server was, as another one has heard, so that a log that was put
 * back to an older copy is known for one (rule 9): the generation of hard state
 * only goes up.  Who tells whom, and when, is the caller's
 * (cluster/cluster.h: ROLLED BACK).
 *
 * In memory only, and of one id: another server of the same node is another
 * log.
 */
#ifndef QBD_RAFT_SEEN_H
#define QBD_RAFT_SEEN_H

#include "env.h"

/**
 * struct raft_seen - a server, as was heard
 * @id: its id, 0 = nothing was heard
 * @generation: the highest of its hard state
 */
struct raft_seen {
	u64 id;
	u64 generation;
};

void raft_seen_heard(struct raft_seen *seen, u64 id, u64 generation);
bool raft_seen_behind(const struct raft_seen *seen, u64 id, u64 generation);

#endif /* QBD_RAFT_SEEN_H */
