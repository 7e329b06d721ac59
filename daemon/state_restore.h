/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl state restore: a cluster that lost most of its voters for good goes on
 * from one of those that are left.
 *
 * WHAT IS LOST.  A majority decides; two of three voters are gone, so nobody
 * decides any more.  The one that is left has a beginning of the history: it
 * may lack the last entries, which the two committed without it.  The kernels
 * carried them out all the same.  Nothing can find them; so the new history
 * must not contradict them:
 *
 *   Its group has a new lineage.  Sessions and logs have it, so no server of
 *	the old group counts in the new one, or the other way round.  (Two of
 *	three were not lost, only cut off: they go on as the old group.  Without
 *	a lineage the three would vote for each other, with two histories.)
 *   Its terms, epochs and ids go on far above all that is known here
 *	(state/cluster.c).  Replicas obey the highest term only, so what the old
 *	group grants from then on holds nothing any more; nothing is granted by
 *	both.
 *   All that is in this log counts, committed or not: the lost ones may have
 *	committed it.
 *
 * WHO FOLLOWS.  No node follows by itself.  Two servers that are left can both
 * be restored, by two people, and are two lineages then; what a node has to
 * belong to is what its administrator says: he takes away the node's record,
 * and has it join again, with a token of one of them.  It has its key, so it is
 * the node that it was (state/node.c), and its kernel does not notice.  One
 * whose key is lost, too, is awaited ('qbdctl node rekey') and then joins.
 * Until then each side refuses the other, and says why.
 *
 * THE KERNELS know nothing of it: their lineage is the one that the cluster
 * began with.  They keep their links and their devices, and terms decide among
 * them (S2, S7).
 *
 * IN WHICH ORDER.  The new log is made in a directory of its own, then named,
 * and only then the record, in one step, names its lineage.  A crash before
 * that changed nothing, one behind it all.  The old log stays where it is.
 */
#ifndef QBD_DAEMON_STATE_RESTORE_H
#define QBD_DAEMON_STATE_RESTORE_H

#include "cluster/record.h"
#include "state_image.h"

/* Numbers of servers: far above those that the lost ones can have. */
#define RESTORE_SERVERS 0x10000U

/**
 * struct restore - a cluster that goes on from one server
 * @dir: state directory of its node
 * @force: do it
 * @term: no term up to here is granted; 0: as the log knows
 * @lock: of the directory, which the daemon holds while it runs
 * @record: of the node
 * @now: its log
 * @last: the last entry there
 * @from: path of the log
 * @to: of the one that is made
 * @id: whose that is
 */
struct restore {
	const char *dir;
	bool force;
	uint64_t term;
	int lock;
	struct record record;
	struct state_image now;
	struct raft_pos last;
	char from[512];
	char to[512];
	struct raftlog_identity id;
};

#endif /* QBD_DAEMON_STATE_RESTORE_H */
