// SPDX-License-Identifier: GPL-2.0-only
/*
 * What damage to the log may have hidden: evidence during replay, verdict at
 * its end.
 *
 * The rules are in proof.h.  Judges, and changes nothing: the flags are set
 * by who asked.
 *
 * Context: at open; nobody else knows the store yet.
 */
#include "load.h"
#include "proof.h"

static void qbd_proof_forget(struct qbd_proof_slot *slot)
{
	slot->seen_index = U64_MAX;
	slot->promise_seen = false;
}

/**
 * qbd_proof_init() - nothing is damaged yet
 * @proof: the evidence
 * @carried: as in the superblock
 */
void qbd_proof_init(struct qbd_proof *proof, u64 carried)
{
	u32 i;

	memset(proof, 0, sizeof(*proof));
	proof->carried = carried;
	for (i = 0; i < ARRAY_SIZE(proof->slot); i++) {
		proof->slot[i].cut = U64_MAX;
		qbd_proof_forget(&proof->slot[i]);
	}
}

/**
 * qbd_proof_table() - what the replica table says of a replica
 * @proof: the evidence
 * @slot: slot of the replica
 * @table: its contents
 */
void qbd_proof_table(struct qbd_proof *proof, u32 slot,
		     const struct qbd_table_slot *table)
{
	proof->slot[slot].logged.term = table->logged_term;
	proof->slot[slot].logged.index = table->logged_index;
}

/**
 * qbd_proof_lost() - a stretch of the log can not be read
 * @proof: the evidence
 * @first_seq: first segment lost
 * @last_seq: last segment lost
 */
void qbd_proof_lost(struct qbd_proof *proof, u64 first_seq, u64 last_seq)
{
	u32 i;

	if (first_seq < proof->carried)
		proof->lost_old = true;
	if (last_seq < proof->carried)
		return;
	proof->lost_new = true;
	for (i = 0; i < ARRAY_SIZE(proof->slot); i++)
		qbd_proof_forget(&proof->slot[i]);
}

/**
 * qbd_proof_created() - the log says that a replica was created
 * @proof: the evidence
 * @slot: its slot
 *
 * What was lost before can not have been about it.
 */
void qbd_proof_created(struct qbd_proof *proof, u32 slot)
{
	struct qbd_proof_slot *s = &proof->slot[slot];

	memset(s, 0, sizeof(*s));
	s->cut = U64_MAX;
	s->promise_seen = true;
}

/**
 * qbd_proof_damaged() - the payload of a replica's record is damaged
 * @proof: the evidence
 * @slot: slot of the replica
 * @desc: the record, one with an index
 *
 * If it is the replica's last one, no gap will show it.
 */
void qbd_proof_damaged(struct qbd_proof *proof, u32 slot,
		       const struct qbd_desc *desc)
{
	struct qbd_pos *want = &proof->slot[slot].want;

	if (desc->index >= want->index) {
		want->term = desc->term;
		want->index = desc->index;
	}
}

/**
 * qbd_proof_seen() - a record of a replica is in the log, whole
 * @proof: the evidence
 * @slot: slot of the replica
 * @desc: the record
 * @seq: its segment
 */
void qbd_proof_seen(struct qbd_proof *proof, u32 slot,
		    const struct qbd_desc *desc, u64 seq)
{
	struct qbd_proof_slot *s = &proof->slot[slot];

	if (desc->op == QBD_OP_PROMISE) {
		s->promise_seen = true;
	} else if (desc->op == QBD_OP_TRUNCATE) {
		if (seq >= proof->carried)
			s->cut = min(s->cut, desc->index);
		if (s->want.index > desc->index)
			s->want = (struct qbd_pos){ .index = desc->index };
		/* What proved the history is no longer part of it. */
		if (s->seen_index > desc->index)
			s->seen_index = s->seen_index ? U64_MAX : 0;
	} else if (qbd_op_has_index(desc->op) &&
		   !(desc->flags & QBD_REC_RELOG)) {
		s->seen_index = min(s->seen_index, desc->index);
		/* It was the newest one then: what is wanted was void. */
		if (desc->index <= s->want.index)
			s->want = (struct qbd_pos){ 0 };
	}
}

static void qbd_verdict_add(struct qbd_verdict *verdict, u32 flags,
			    enum qbd_finding_kind kind, u64 first, u64 last)
{
	struct qbd_finding *finding;

	verdict->flags |= flags;
	if (QBD_CORE_BUG(verdict->nr_findings >= ARRAY_SIZE(verdict->finding)))
		return;
	finding = &verdict->finding[verdict->nr_findings++];
	memset(finding, 0, sizeof(*finding));
	finding->kind = kind;
	finding->first = first;
	finding->last = last;
}

/* Records that are known to have been there and are not. */
static bool qbd_proof_gap(const struct qbd_proof *proof,
			  const struct qbd_store_core *core, u32 slot,
			  u64 *first, u64 *last)
{
	const struct qbd_pos *want = &proof->slot[slot].want;
	struct qbd_store_replica replica;
	struct qbd_gap gap;
	bool missing;

	missing = qbd_load_gap(core, slot, &gap);
	*first = gap.first;
	*last = gap.last;
	if (qbd_store_replica_get(core, slot, &replica) ||
	    want->index <= replica.applied.index)
		return missing;
	if (want->index <= replica.last.index &&
	    (!want->term ||
	     qbd_store_term_at(core, slot, want->index) == want->term))
		return missing;
	*last = max(*last, want->index);
	return true;
}

/* Do the records reach the last one that the replica table knows of? */
static bool qbd_proof_reaches(const struct qbd_proof_slot *s,
			      const struct qbd_store_core *core, u32 slot,
			      const struct qbd_store_replica *replica)
{
	u64 index = s->logged.index;

	if (s->cut < index)
		return replica->last.index >= s->cut;
	if (index <= replica->applied.index)
		return true;
	return replica->last.index >= index &&
	       qbd_store_term_at(core, slot, index) == s->logged.term;
}

static bool qbd_proof_history(const struct qbd_proof *proof,
			      const struct qbd_store_core *core, u32 slot,
			      const struct qbd_store_replica *replica)
{
	const struct qbd_proof_slot *s = &proof->slot[slot];

	if (proof->lost_old && !qbd_proof_reaches(s, core, slot, replica))
		return false;
	return !proof->lost_new || s->seen_index <= replica->last.index;
}

/**
 * qbd_proof_verdict() - what becomes of a replica
 * @proof: the evidence, complete
 * @core: the store, after qbd_load_end()
 * @slot: slot of the replica, in use
 * @verdict: result
 */
void qbd_proof_verdict(const struct qbd_proof *proof,
		       const struct qbd_store_core *core, u32 slot,
		       struct qbd_verdict *verdict)
{
	const u32 suspect = QBD_REPLICA_SUSPECT | QBD_REPLICA_NONVOTING;
	struct qbd_store_replica replica;
	u64 first, last;
	u32 i;

	memset(verdict, 0, sizeof(*verdict));
	if (qbd_store_replica_get(core, slot, &replica))
		return;
	if (qbd_proof_gap(proof, core, slot, &first, &last))
		qbd_verdict_add(verdict, suspect, QBD_FIND_GAP, first, last);
	if (!qbd_proof_history(proof, core, slot, &replica))
		qbd_verdict_add(verdict, suspect, QBD_FIND_UNPROVEN,
				replica.last.index, 0);
	if (proof->lost_new && !proof->slot[slot].promise_seen)
		qbd_verdict_add(verdict, QBD_REPLICA_NONVOTING,
				QBD_FIND_PROMISE, replica.table.promise.term,
				0);
	for (i = 0; i < verdict->nr_findings; i++)
		verdict->finding[i].replica = replica.table.replica;
}
