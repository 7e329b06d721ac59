// SPDX-License-Identifier: GPL-2.0-only
/*
 * The rules of cluster_oracle.h, while a schedule runs.
 */
#include <stdarg.h>
#include <stdlib.h>

#include "cluster.h"
#include "cluster_log.h"

#define CL_INDEX 1024 /* highest index of a shard */
#define CL_RECS 4096 /* records of all shards */
#define CL_TERMS 512

/* A record that some replica was handed, or a leader assigned. */
struct cl_rec {
	u64 term;
	u64 prev_term; /* of the record before it in its history */
	u32 index;
	u32 op; /* request, 0 = none */
	u32 own; /* bit by node: durable there while it obeyed this term */
	u32 was; /* those from which rot took it */
	u32 next; /* another one with this index */
	bool known; /* @prev_term is */
};

struct cl_history {
	u32 first[CL_INDEX]; /* records by index, 0 = none */
	u32 committed[CL_INDEX];
	u64 committed_ns[CL_INDEX];
	u64 committed_by[CL_INDEX]; /* term of whose history it is then */
	u64 commit; /* up to here */
	u64 counted; /* up to here some leader has found out */
	u64 high; /* index that was used */
	u64 floor[CL_BLOCKS]; /* newest version acknowledged or read */
	u64 bound[CL_NODES + 1];
	/* what is on the medium of a node, as it was told */
	struct qbd_pos durable[CL_NODES + 1];
	u64 promised[CL_NODES + 1];
	/* the same, and a later segment of the log says so */
	struct qbd_pos proven[CL_NODES + 1];
	u64 promise_proven[CL_NODES + 1];
	u16 zero[CL_OPS]; /* requests that zero something */
	u32 nr_zero;
};

struct cl_oracle {
	struct cl_rec rec[CL_RECS];
	u32 nr_recs;
	struct cl_history shard[CL_SHARDS];
	u64 began_ns[CL_VOLUMES][CL_TERMS]; /* first completion of a term */
	u64 top[CL_VOLUMES]; /* highest term that completed something */
	u8 old[CL_SHARDS][CL_TERMS]; /* nodes of the set that a leader has, */
	u8 next[CL_SHARDS][CL_TERMS]; /* or had when it was heard of last */
	u8 opened[CL_SHARDS][CL_TERMS]; /* nodes that ever obeyed the term */
	bool fenced[CL_SHARDS][CL_TERMS]; /* a quorum of its first set did */
};

void cl_oracle_new(struct cl_world *w)
{
	w->oracle = calloc(1, sizeof(*w->oracle));
	if (!w->oracle)
		abort();
}

void cl_oracle_start(struct cl_world *w)
{
	struct cl_oracle *o = w->oracle;
	u32 i;

	o->nr_recs = 1;
	for (i = 0; i < CL_SHARDS; i++) {
		struct cl_history *h = &o->shard[i];
		size_t bytes = (h->high + 1) * sizeof(u32);

		memset(h->first, 0, bytes);
		memset(h->committed, 0, bytes);
		h->commit = 0;
		h->counted = 0;
		h->high = 0;
		memset(h->floor, 0, sizeof(h->floor));
		memset(h->bound, 0, sizeof(h->bound));
		memset(h->durable, 0, sizeof(h->durable));
		memset(h->promised, 0, sizeof(h->promised));
		memset(h->proven, 0, sizeof(h->proven));
		memset(h->promise_proven, 0, sizeof(h->promise_proven));
		h->nr_zero = 0;
	}
	memset(o->old, 0, sizeof(o->old));
	memset(o->next, 0, sizeof(o->next));
	memset(o->opened, 0, sizeof(o->opened));
	memset(o->fenced, 0, sizeof(o->fenced));
	for (i = 0; i < CL_VOLUMES; i++) {
		memset(o->began_ns[i], 0,
		       (o->top[i] + 1) * sizeof(o->began_ns[i][0]));
		o->top[i] = 0;
	}
}

/* A rule is broken; the first one counts. */
void cl_broken(struct cl_world *w, const char *rule, const char *fmt, ...)
{
	va_list args;

	if (w->rule)
		return;
	va_start(args, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, args);
	va_end(args);
	w->rule = rule;
	cl_trace(w, "BROKEN %s: %s\n", rule, w->why);
}

bool cl_is_member(const struct cl_world *w, u32 node, u32 shard)
{
	return w->shard[shard].all_nodes & (1U << node);
}

/* Counted anew here, not by the core. */
static bool cl_majority(u32 nodes, u32 mask)
{
	return 2 * hweight32(nodes & mask) > hweight32(nodes);
}

/*
 * A quorum of the set that the leader of @term works with: what is durable on
 * one is committed, for consensus gives a later leader no set that this one
 * does not meet (leader_config.c).
 */
bool cl_quorum(const struct cl_world *w, u32 shard, u64 term, u32 mask)
{
	const struct cl_oracle *o = w->oracle;

	return cl_majority(o->old[shard][term], mask) &&
	       (!o->next[shard][term] ||
		cl_majority(o->next[shard][term], mask));
}

/* --- records ------------------------------------------------------------ */

static struct cl_rec *cl_rec_find(struct cl_world *w, u32 shard, u64 term,
				  u64 index)
{
	struct cl_oracle *o = w->oracle;
	u32 i;

	if (index >= CL_INDEX)
		return NULL;
	for (i = o->shard[shard].first[index]; i; i = o->rec[i].next)
		if (o->rec[i].term == term)
			return &o->rec[i];
	return NULL;
}

static struct cl_rec *cl_rec_get(struct cl_world *w, u32 shard, u64 term,
				 u64 index)
{
	struct cl_rec *rec = cl_rec_find(w, shard, term, index);
	struct cl_history *h = &w->oracle->shard[shard];

	if (rec)
		return rec;
	if (index >= CL_INDEX || w->oracle->nr_recs == CL_RECS) {
		fprintf(stderr, "seed %llu: the oracle's memory is too small\n",
			w->seed);
		exit(2);
	}
	rec = &w->oracle->rec[w->oracle->nr_recs];
	*rec = (struct cl_rec){ .term = term,
				.index = (u32)index,
				.next = h->first[index] };
	h->first[index] = w->oracle->nr_recs++;
	h->high = max(h->high, index);
	return rec;
}

static struct cl_rec *cl_committed_rec(const struct cl_world *w, u32 shard,
				       u64 index)
{
	struct cl_oracle *o = w->oracle;

	return index <= o->shard[shard].commit ?
		       &o->rec[o->shard[shard].committed[index]] :
		       NULL;
}

u64 cl_committed(const struct cl_world *w, u32 shard)
{
	return w->oracle->shard[shard].commit;
}

u64 cl_committed_term(const struct cl_world *w, u32 shard, u64 index)
{
	const struct cl_rec *rec = cl_committed_rec(w, shard, index);

	return rec ? rec->term : 0;
}

void cl_saw_assigned(struct cl_world *w, struct cl_op *op, u64 term, u64 index)
{
	struct cl_rec *rec = cl_rec_get(w, op->shard, term, index);
	u32 no = (u32)(op - w->op);

	op->term = term;
	op->index = index;
	if (rec->op && rec->op != no)
		cl_broken(w, "R7", "(%llu,%llu) of %u names requests %u and %u",
			  term, index, op->shard, rec->op, no);
	rec->op = no;
}

void cl_saw_append(struct cl_world *w, u32 shard, const struct qbd_msg *msg)
{
	const struct qbd_msg_append *append = &msg->append;
	struct cl_rec *rec =
		cl_rec_get(w, shard, append->pos.term, append->pos.index);
	const struct cl_payload *payload = msg->payload;

	if (payload && rec->op && rec->op != payload->op)
		cl_broken(w, "R7", "(%llu,%llu) of %u has the bytes of %u",
			  append->pos.term, append->pos.index, shard,
			  payload->op);
	if (rec->known && rec->prev_term != append->prev.term)
		cl_broken(w, "R7", "(%llu,%llu) of %u has two histories",
			  append->pos.term, append->pos.index, shard);
	rec->prev_term = append->prev.term;
	rec->known = true;
}

/* --- what is committed -------------------------------------------------- */

/*
 * The highest term that a replica which has @rec has promised. If that is a
 * later one, the record was durable there before it promised, and no quorum of
 * that term is without it: that the last replica of @rec's own quorum is late
 * does not make the record late. It is in the later holder's history already.
 */
static u64 cl_commit_term(const struct cl_world *w, u32 shard,
			  const struct cl_rec *rec)
{
	const struct cl_history *h = &w->oracle->shard[shard];
	u64 term = rec->term;
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++)
		if (rec->own & (1U << i))
			term = max(term, h->promised[i]);
	return term;
}

/* @rec is committed now, and so is all that comes before it. */
static void cl_commit(struct cl_world *w, u32 shard, struct cl_rec *rec)
{
	struct cl_history *h = &w->oracle->shard[shard];
	u64 by = cl_commit_term(w, shard, rec);
	struct cl_rec *at = rec;
	u64 top = rec->index;

	while (at) {
		u32 no = (u32)(at - w->oracle->rec);

		if (at->index <= h->commit) {
			if (h->committed[at->index] != no)
				cl_broken(w, "R7",
					  "(%llu,%u) of %u is committed, and "
					  "so is (%llu,%u)",
					  at->term, at->index, shard,
					  w->oracle
						  ->rec[h->committed[at->index]]
						  .term,
					  at->index);
			break;
		}
		h->committed[at->index] = no;
		h->committed_ns[at->index] = w->now_ns;
		h->committed_by[at->index] = by;
		at = at->index > 1 ? cl_rec_find(w, shard, at->prev_term,
						 at->index - 1) :
				     NULL;
	}
	h->commit = max(h->commit, top);
}

/* A record is on a medium, of a replica that obeys its term and votes. */
static void cl_own(struct cl_world *w, u32 node, u32 shard, struct cl_rec *rec)
{
	if (rec->own & (1U << node))
		return;
	rec->own |= 1U << node;
	if (rec->index > w->oracle->shard[shard].commit &&
	    cl_quorum(w, shard, rec->term, rec->own))
		cl_commit(w, shard, rec);
}

void cl_saw_durable(struct cl_world *w, u32 node, u32 shard, u64 index)
{
	struct cl_history *h = &w->oracle->shard[shard];
	const struct qbd_replica_core *rep = &w->node[node].rep[shard].core;
	u64 term = rep->promise.term, at;
	struct cl_rec *rec;

	for (at = index; at; at--) {
		u64 has = cl_log_term_at(&w->node[node], shard, at);

		if (at == index && has)
			h->durable[node] = (struct qbd_pos){ has, at };
		if (has != term || (rep->flags & QBD_REPLICA_NONVOTING))
			break;
		rec = cl_rec_get(w, shard, has, at);
		if (rec->own & (1U << node))
			break;
		cl_own(w, node, shard, rec);
	}
}

void cl_saw_truncate(struct cl_world *w, u32 node, u32 shard, u64 index)
{
	struct cl_history *h = &w->oracle->shard[shard];

	if (h->durable[node].index <= index)
		return;
	h->durable[node].index = index;
	h->durable[node].term = cl_log_term_at(&w->node[node], shard, index);
	if (h->proven[node].index > index)
		h->proven[node] = h->durable[node];
}

/* One more segment is on the medium: those before it can't be a torn tail. */
void cl_saw_segment(struct cl_world *w, u32 node)
{
	u32 shard;

	for (shard = 0; shard < w->nr_shards; shard++) {
		struct cl_history *h = &w->oracle->shard[shard];

		h->proven[node] = h->durable[node];
		h->promise_proven[node] = h->promised[node];
	}
}

void cl_saw_damage(struct cl_world *w, u32 node)
{
	w->node[node].damaged = true;
}

/* --- promises, home, restarts ------------------------------------------- */

void cl_saw_reply(struct cl_world *w, u32 node, u32 shard,
		  const struct qbd_msg *msg)
{
	struct cl_oracle *o = w->oracle;
	u64 *promised = &o->shard[shard].promised[node];

	if (msg->type != QBD_MSG_OPEN_REPLY && msg->type != QBD_MSG_APPEND_ACK)
		return;
	if (!cl_is_member(w, node, shard) ||
	    msg->replica != w->shard[shard].replica[node])
		return; /* deleted since */
	/* one that has lost promises says so, and counts for nothing */
	if (msg->term < *promised && !(msg->flags & QBD_WIRE_NONVOTING))
		cl_broken(w, "R7",
			  "node %u obeys term %llu of %u, promised %llu", node,
			  msg->term, shard, *promised);
	*promised = max(*promised, msg->term);
	if (msg->flags & QBD_WIRE_NONVOTING || msg->term >= CL_TERMS)
		return;
	o->opened[shard][msg->term] |= (u8)(1U << node);
	o->fenced[shard][msg->term] |=
		cl_quorum(w, shard, msg->term, o->opened[shard][msg->term]);
}

void cl_saw_size(struct cl_world *w, u32 volume, u64 term, u32 nr)
{
	const struct cl_volume *vol = &w->volume[volume];
	u32 i;

	cl_trace(w, "clients are told of %u shards of volume %u, term %llu\n",
		 nr, volume, term);
	if (nr > vol->size)
		cl_broken(w, "R9", "volume %u has %u shards, not %u", volume,
			  vol->size, nr);
	for (i = 0; i < nr; i++)
		if (!w->oracle->fenced[vol->first + i][term])
			cl_broken(w, "R9",
				  "clients are told of %u shards, and %u is "
				  "not promised to term %llu",
				  nr, vol->first + i, term);
}

/*
 * The leader of @term found out that all up to @index is committed. An ack may
 * have been on its way when rot took what it is about: what was on a quorum at
 * one time, and is known to have been, is committed.
 */
void cl_saw_counted(struct cl_world *w, u32 shard, u64 term, u64 index)
{
	struct cl_history *h = &w->oracle->shard[shard];
	struct cl_rec *rec;

	h->counted = max(h->counted, index);
	if (index <= h->commit)
		return;
	rec = cl_rec_find(w, shard, term, index);
	if (rec && rec->was && cl_quorum(w, shard, term, rec->own | rec->was))
		cl_commit(w, shard, rec);
}

/*
 * Rot took the tail behind @last from @node. What was committed only because of
 * that copy, with nobody any the wiser, is not any more: it is as if it had
 * never been written there. What a leader has counted stays.
 */
static void cl_rotted(struct cl_world *w, u32 node, u32 shard, u64 last)
{
	struct cl_oracle *o = w->oracle;
	struct cl_history *h = &o->shard[shard];
	u64 index;
	u32 i;

	for (index = last + 1; index <= h->high; index++)
		for (i = h->first[index]; i; i = o->rec[i].next) {
			o->rec[i].was |= o->rec[i].own & (1U << node);
			o->rec[i].own &= ~(1U << node);
		}
	while (h->commit > max(h->counted, last)) {
		const struct cl_rec *rec =
			cl_committed_rec(w, shard, h->commit);

		if (cl_quorum(w, shard, rec->term, rec->own))
			break;
		h->commit--;
	}
}

/* With another set in force more may be committed. */
void cl_saw_set(struct cl_world *w, u32 shard, u64 term,
		const struct qbd_set *set, bool first)
{
	struct cl_oracle *o = w->oracle;
	struct cl_history *h = &o->shard[shard];
	struct cl_rec *rec;
	u64 index;

	if (term >= CL_TERMS)
		exit(2);
	for (index = 1; index <= h->high && first; index++)
		if (cl_rec_find(w, shard, term, index))
			return; /* a second leader with this term gets nowhere
				 */
	o->old[shard][term] = (u8)cl_set_nodes(set, set->old);
	o->next[shard][term] = (u8)cl_set_nodes(set, set->next);
	for (index = h->high; index > h->commit; index--) {
		rec = cl_rec_find(w, shard, term, index);
		if (rec && cl_quorum(w, shard, term, rec->own)) {
			cl_commit(w, shard, rec);
			break;
		}
	}
}

void cl_saw_deleted(struct cl_world *w, u32 node, u32 shard)
{
	struct cl_oracle *o = w->oracle;
	struct cl_history *h = &o->shard[shard];
	u64 index;
	u32 i;

	for (index = 1; index <= h->high; index++)
		for (i = h->first[index]; i; i = o->rec[i].next)
			o->rec[i].own &= ~(1U << node);
	h->bound[node] = 0;
	h->durable[node] = (struct qbd_pos){ 0 };
	h->promised[node] = 0;
	h->proven[node] = (struct qbd_pos){ 0 };
	h->promise_proven[node] = 0;
}

/*
 * The disk of @node was put back: it has nothing any more of what it lacks now,
 * or has another version of. What was committed with its help only, and nobody
 * knows of, is not any more, as with rot.
 */
static void cl_forgot(struct cl_world *w, u32 node, u32 shard,
		      const struct cl_have *have)
{
	struct cl_oracle *o = w->oracle;
	struct cl_history *h = &o->shard[shard];
	u64 index, term;
	u32 i;

	for (index = 1; index <= h->high; index++) {
		term = 0;
		if (index <= have->applied)
			term = cl_committed_term(w, shard, index);
		else if (index <= have->last.index)
			term = cl_log_term_at(&w->node[node], shard, index);
		for (i = h->first[index]; i; i = o->rec[i].next) {
			if (o->rec[i].term == term)
				continue;
			o->rec[i].was |= o->rec[i].own & (1U << node);
			o->rec[i].own &= ~(1U << node);
		}
	}
	while (h->commit > h->counted) {
		const struct cl_rec *rec =
			cl_committed_rec(w, shard, h->commit);

		if (cl_quorum(w, shard, rec->term, rec->own))
			break;
		h->commit--;
	}
}

void cl_saw_bound(struct cl_world *w, u32 node, u32 shard, u64 index)
{
	struct cl_history *h = &w->oracle->shard[shard];
	u64 at;

	for (at = h->bound[node] + 1; at <= index; at++) {
		const struct cl_rec *rec = cl_committed_rec(w, shard, at);
		u64 has = cl_log_term_at(&w->node[node], shard, at);

		if (!rec || (has && has != rec->term)) {
			cl_broken(w, "R6",
				  "node %u: (%llu,%llu) of %u may go home, "
				  "committed is %llu",
				  node, has, at, shard, rec ? rec->term : 0);
			return;
		}
	}
	h->bound[node] = max(h->bound[node], index);
}

/* A replica became a copy of another one, as of @at. */
void cl_saw_switch(struct cl_world *w, u32 node, u32 shard, struct qbd_pos at)
{
	struct cl_history *h = &w->oracle->shard[shard];
	const struct cl_rec *rec = cl_committed_rec(w, shard, at.index);

	w->counts.resyncs++;
	cl_trace(w, "node %u: replica of %u is a copy as of (%llu,%llu)\n",
		 node, shard, at.term, at.index);
	if (!rec || rec->term != at.term)
		cl_broken(w, "R6",
			  "node %u: a copy of %u as of (%llu,%llu), committed "
			  "is %llu",
			  node, shard, at.term, at.index, rec ? rec->term : 0);
	h->durable[node] = at;
	h->proven[node] = at;
	h->bound[node] = max(h->bound[node], at.index);
}

void cl_saw_home(struct cl_world *w, u32 node, u32 shard, u64 index)
{
	if (index > w->oracle->shard[shard].bound[node])
		cl_broken(w, "R6",
			  "node %u: %llu of %u went home, told was %llu", node,
			  index, shard, w->oracle->shard[shard].bound[node]);
}

void cl_saw_opened(struct cl_world *w, u32 node, u32 shard,
		   const struct cl_have *have)
{
	struct cl_history *h = &w->oracle->shard[shard];
	struct qbd_pos durable = h->durable[node];
	u64 promised = h->promised[node];

	if (w->node[node].damaged) {
		/* A tail that nothing proves may be cut. */
		durable = h->proven[node];
		promised = h->promise_proven[node];
	}
	cl_trace(w,
		 "node %u has (%llu,%llu) of %u, promised %llu to %u, flags "
		 "%x\n",
		 node, have->last.term, have->last.index, shard,
		 have->promise.term, have->promise.node, have->flags);
	h->durable[node] = have->last;
	h->proven[node] = (struct qbd_pos){ 0 };
	if (w->node[node].damaged)
		cl_rotted(w, node, shard, have->last.index);
	if (w->node[node].restored)
		cl_forgot(w, node, shard, have);
	if ((w->node[node].damaged && have->flags) || w->node[node].restored)
		return;
	/* one that was put back has to know again when it votes */
	if (have->promise.term < promised &&
	    !(w->node[node].was_rolled && have->flags))
		cl_broken(w, "R7",
			  "node %u promised term %llu of %u and has %llu", node,
			  promised, shard, have->promise.term);
	if (have->last.index < durable.index || have->last.term < durable.term)
		cl_broken(w, "R3",
			  "node %u had (%llu,%llu) of %u and has (%llu,%llu)",
			  node, durable.term, durable.index, shard,
			  have->last.term, have->last.index);
	if (have->flags && !w->node[node].was_rolled)
		cl_broken(w, "R3", "node %u lost its vote for nothing", node);
}

/* --- requests ----------------------------------------------------------- */

void cl_saw_invoke(struct cl_world *w, struct cl_op *op)
{
	struct cl_history *h = &w->oracle->shard[op->shard];
	u32 i;

	if (op->kind == CL_OP_DISCARD || op->kind == CL_OP_ZERO)
		h->zero[h->nr_zero++] = (u16)(op - w->op);
	for (i = 0; i < op->blocks; i++)
		op->floor[i] = h->floor[op->block + i];
}

/* R9: does a later holder complete requests already? */
static void cl_done_term(struct cl_world *w, struct cl_op *op, u64 when_ns)
{
	struct cl_oracle *o = w->oracle;
	u32 volume = w->shard[op->shard].volume;
	u64 *began_ns = o->began_ns[volume];
	u64 term;

	if (op->term >= CL_TERMS)
		exit(2);
	for (term = op->term + 1; term <= o->top[volume]; term++)
		if (began_ns[term] && began_ns[term] < when_ns)
			cl_broken(w, "R9",
				  "request %u ends in term %llu, term %llu has "
				  "begun",
				  (u32)(op - w->op), op->term, term);
	if (!began_ns[op->term])
		began_ns[op->term] = w->now_ns;
	o->top[volume] = max(o->top[volume], op->term);
}

static void cl_done_write(struct cl_world *w, struct cl_op *op)
{
	struct cl_history *h = &w->oracle->shard[op->shard];
	const struct cl_rec *rec = cl_committed_rec(w, op->shard, op->index);
	u32 i;

	if (!rec || rec->op != (u32)(op - w->op) || rec->term != op->term) {
		cl_broken(w, "R3",
			  "request %u, (%llu,%llu) of %u, was acknowledged and "
			  "is not committed",
			  (u32)(op - w->op), op->term, op->index, op->shard);
		return;
	}
	/* What the later holder itself has committed is in its history. */
	cl_done_term(w, op,
		     h->committed_by[op->index] > op->term ?
			     0 :
			     h->committed_ns[op->index]);
	for (i = 0; i < op->blocks; i++)
		h->floor[op->block + i] =
			max(h->floor[op->block + i], op->index);
}

static bool cl_covers(const struct cl_op *op, u32 block)
{
	return block >= op->block && block - op->block < op->blocks;
}

/* Oldest record, not before @floor, that may have zeroed the block. */
static bool cl_zeroed(struct cl_world *w, u32 shard, u32 block, u64 floor)
{
	const struct cl_history *h = &w->oracle->shard[shard];
	u32 i;

	if (!floor)
		return true;
	for (i = 0; i < h->nr_zero; i++) {
		const struct cl_op *op = &w->op[h->zero[i]];
		const struct cl_rec *rec;

		if (!op->index || op->index < floor || !cl_covers(op, block))
			continue;
		rec = cl_committed_rec(w, shard, op->index);
		if (rec && rec->op == h->zero[i])
			return true;
	}
	return false;
}

static void cl_done_read_block(struct cl_world *w, struct cl_op *op, u32 i)
{
	struct cl_history *h = &w->oracle->shard[op->shard];
	u32 block = op->block + i, value = op->value[i];
	u32 no = (u32)(op - w->op);
	const struct cl_rec *rec;
	const struct cl_op *from;

	if (value == CL_BAD) {
		cl_broken(w, "R5", "read %u: block %u of %u is a mixture", no,
			  block, op->shard);
		return;
	}
	if (value == CL_ZERO) {
		if (!cl_zeroed(w, op->shard, block, op->floor[i]))
			cl_broken(w, "R1",
				  "read %u: block %u of %u is zero, at least "
				  "%llu is known",
				  no, block, op->shard, op->floor[i]);
		return;
	}
	from = &w->op[value < w->nr_ops ? value : 0];
	if (from->kind != CL_OP_WRITE || from->shard != op->shard ||
	    !cl_covers(from, block) || !from->index) {
		cl_broken(w, "R5", "read %u: block %u of %u is of request %u",
			  no, block, op->shard, value);
		return;
	}
	if (from->index < op->floor[i])
		cl_broken(w, "R1",
			  "read %u: block %u of %u is %llu, at least %llu is "
			  "known",
			  no, block, op->shard, from->index, op->floor[i]);
	rec = cl_committed_rec(w, op->shard, from->index);
	if (!rec || rec->op != value)
		cl_broken(w, "R2",
			  "read %u: block %u of %u is (%llu,%llu), not "
			  "committed",
			  no, block, op->shard, from->term, from->index);
	h->floor[block] = max(h->floor[block], from->index);
}

void cl_saw_done(struct cl_world *w, struct cl_op *op, u64 made_ns)
{
	struct cl_history *h = &w->oracle->shard[op->shard];
	u32 i;

	if (op->kind == CL_OP_FLUSH) {
		for (i = 0; i < CL_BLOCKS; i++)
			if (h->floor[i] > h->commit)
				cl_broken(w, "R4", "flush %u lied",
					  (u32)(op - w->op));
		return;
	}
	if (op->kind != CL_OP_READ) {
		cl_done_write(w, op);
		return;
	}
	cl_done_term(w, op, w->reads_quorum ? op->invoke_ns : made_ns);
	for (i = 0; i < op->blocks; i++)
		cl_done_read_block(w, op, i);
}

/* What the committed history makes of a shard's blocks; for the end. */
void cl_oracle_values(struct cl_world *w, u32 shard, u32 *value)
{
	const struct cl_op *op;
	u64 index;
	u32 i;

	memset(value, 0, CL_BLOCKS * sizeof(*value));
	for (index = 1; index <= cl_committed(w, shard); index++) {
		op = &w->op[cl_committed_rec(w, shard, index)->op];
		for (i = 0; op != w->op && i < op->blocks; i++)
			value[op->block + i] = op->kind == CL_OP_WRITE ?
						       (u32)(op - w->op) :
						       CL_ZERO;
	}
}

/* Is every request that was acknowledged in the committed history? */
void cl_oracle_acked(struct cl_world *w)
{
	const struct cl_rec *rec;
	u32 i;

	for (i = 1; i < w->nr_ops; i++) {
		const struct cl_op *op = &w->op[i];

		if (op->kind == CL_OP_READ || op->kind == CL_OP_FLUSH ||
		    op->err || op->state != CL_OP_DONE)
			continue;
		rec = cl_committed_rec(w, op->shard, op->index);
		if (!rec || rec->op != i)
			cl_broken(w, "R3", "request %u was lost", i);
	}
}
