/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What damage to the log may have hidden from each replica (S5).
 *
 * Of a stretch of the log that can not be read nobody knows whose records it
 * held.  A replica keeps its vote only if it is proven that it lost none:
 *
 * - Damage before the segment that a checkpoint carried everything up to: the
 *   replica table says which promise was the highest and which record was the
 *   last.  Records that form a chain up to that one are all there.
 * - Damage behind it: a record that was logged for the first time behind the
 *   damage proves all those before it, if the chain of terms reaches it.  It
 *   does not prove the promise: catch-up brings records of old terms under a
 *   higher one.  Only a promise that was logged behind the damage does.
 *
 * A record whose payload alone is damaged is named by its descriptor, and the
 * replica must have it, from another copy in the log.
 *
 * Without such proof a replica does not vote (QBD_REPLICA_NONVOTING), and, if
 * it is records that may be missing, is not read either
 * (QBD_REPLICA_SUSPECT).  These flags must be durable, in a checkpoint, before
 * anything is appended: otherwise records appended later would pass for proof
 * at the next open.
 */
#ifndef QBD_CORE_PROOF_H
#define QBD_CORE_PROOF_H

#include "finding.h"
#include "store.h"

/**
 * struct qbd_proof_slot - what is known of one replica
 * @logged: last record durable when the replica table was written
 * @cut: lowest index truncated to since then, U64_MAX = none
 * @seen_index: lowest index logged first behind the last damage, U64_MAX =
 *	none, 0 = the replica was created there
 * @promise_seen: a promise was logged behind the last damage, or the replica
 *	was created there
 * @want: last record of which only the descriptor could be read, index 0 =
 *	none; term 0 = it was truncated to that index later
 */
struct qbd_proof_slot {
	struct qbd_pos logged;
	u64 cut;
	u64 seen_index;
	bool promise_seen;
	struct qbd_pos want;
};

/**
 * struct qbd_proof - what is known of all replicas
 * @carried: as in the superblock
 * @lost_old: segments before @carried are damaged
 * @lost_new: segments from @carried on are damaged
 * @slot: by slot of the replica table
 */
struct qbd_proof {
	u64 carried;
	bool lost_old;
	bool lost_new;
	struct qbd_proof_slot slot[QBD_STORE_REPLICAS_MAX];
};

/**
 * struct qbd_verdict - what becomes of a replica
 * @flags: QBD_REPLICA_* to add
 * @nr_findings: why
 * @finding: the reasons
 */
struct qbd_verdict {
	u32 flags;
	u32 nr_findings;
	struct qbd_finding finding[3];
};

void qbd_proof_init(struct qbd_proof *proof, u64 carried);
void qbd_proof_table(struct qbd_proof *proof, u32 slot,
		     const struct qbd_table_slot *table);
void qbd_proof_lost(struct qbd_proof *proof, u64 first_seq, u64 last_seq);
void qbd_proof_created(struct qbd_proof *proof, u32 slot);
void qbd_proof_damaged(struct qbd_proof *proof, u32 slot,
		       const struct qbd_desc *desc);
void qbd_proof_seen(struct qbd_proof *proof, u32 slot,
		    const struct qbd_desc *desc, u64 seq);
void qbd_proof_verdict(const struct qbd_proof *proof,
		       const struct qbd_store_core *core, u32 slot,
		       struct qbd_verdict *verdict);

#endif /* QBD_CORE_PROOF_H */
