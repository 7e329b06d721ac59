/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdraft: what its two halves share.
 *
 * STAGES, from the probes of qbdd (daemon/probe.h):
 *
 *	commit	a command is in the leader's log -> it is applied there
 *	store	a batch for the log of consensus, with its fsyncs
 *	loop	one callback of the event loop: nothing else goes on meanwhile
 */
#ifndef QBDRAFT_H
#define QBDRAFT_H

#include "hist.h"

#define QBDRAFT_INFLIGHT_MAX 16384
#define QBDRAFT_DAEMONS_MAX 1024

enum qbdraft_stage {
	QBDRAFT_COMMIT,
	QBDRAFT_STORE,
	QBDRAFT_LOOP,
	QBDRAFT_STAGES,
};

/**
 * struct qbdraft_server - a server, as its daemon last said it
 * @id: of the server
 * @term: it is in
 * @leader: whom it follows; 0 = not known
 * @role: enum raft_role of daemon/raft/raft.h
 * @changes: of role, term or leader since this tool began
 * @applied: last entry its machine has; 0 = not seen yet
 * @failed: batches that did not get to the disk
 */
struct qbdraft_server {
	unsigned long long id;
	unsigned long long term;
	unsigned long long leader;
	unsigned int role;
	unsigned int changes;
	unsigned long long applied;
	unsigned long long failed;
};

#endif /* QBDRAFT_H */
