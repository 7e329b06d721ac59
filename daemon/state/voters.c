// SPDX-License-Identifier: GPL-2.0-only
/*
 * The next step of the group of Raft servers (voters.h).
 */
#include "inner.h"
#include "voters.h"

/* A server that is or may be a member. */
struct voters_one {
	const struct state_node *node; /* NULL: nobody's server */
	u64 raft;
	u64 silent_ms;
	bool caught_up;
	bool alive;
	bool fit; /* it may vote */
};

/* The plan under way: members of the configuration, and the best of others. */
struct voters_plan {
	const struct state *s;
	const struct voters_heard *heard;
	u32 nr_heard;
	struct voters_one voter[RAFT_VOTERS_MAX];
	u32 voters;
	struct voters_one learner[RAFT_MEMBERS_MAX];
	u32 learners;
	u32 fit; /* nodes that may vote and are heard */
	bool waits; /* for a learner to catch up */
};

static const struct voters_heard *voters_heard_of(const struct voters_plan *p,
						  u32 node)
{
	u32 i;

	for (i = 0; i < p->nr_heard; i++)
		if (p->heard[i].node == node)
			return &p->heard[i];
	return NULL;
}

static struct voters_one voters_one(const struct voters_plan *p,
				    const struct state_node *node, u64 raft)
{
	const u32 *setting = p->s->cluster.setting;
	struct voters_one one = { .node = node,
				  .raft = raft,
				  .silent_ms = U64_MAX };
	const struct voters_heard *heard;

	if (!node || !raft)
		return one;
	heard = voters_heard_of(p, node->id);
	if (heard) {
		one.silent_ms = heard->silent_ms;
		one.caught_up = heard->caught_up;
	}
	one.alive = one.silent_ms < setting[STATE_SET_SUSPECT_AFTER];
	one.fit = node->state == STATE_NODE_ACTIVE &&
		  node->wish != STATE_WISH_NEVER;
	return one;
}

static const struct state_node *voters_node(const struct state *s, u64 raft)
{
	const struct state_node *node;
	u32 slot;

	for (slot = state_next(s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_NODES, slot + 1)) {
		node = state_node_at(s, slot);
		if (node->raft == raft)
			return node;
	}
	return NULL;
}

static void voters_read(struct voters_plan *p, const struct raft_config *conf)
{
	const struct state_node *node;
	struct voters_one one;
	u32 i, slot;

	for (i = 0; i < conf->nr; i++) {
		one = voters_one(p, voters_node(p->s, conf->id[i]),
				 conf->id[i]);
		if (conf->old & (1U << i))
			p->voter[p->voters++] = one;
		else
			p->learner[p->learners++] = one;
	}
	for (slot = state_next(p->s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(p->s, STATE_NODES, slot + 1)) {
		node = state_node_at(p->s, slot);
		one = voters_one(p, node, node->raft);
		p->fit += one.fit && one.alive;
	}
}

/* How close two nodes are: 3 a host, 2 a rack, 1 a zone, 0 nothing in common */
static u32 voters_near(const struct state_node *a, const struct state_node *b)
{
	if (!a || !b)
		return 0;
	if (a == b || (*a->host && !strcmp(a->host, b->host)))
		return 3;
	if (*a->rack && !strcmp(a->rack, b->rack) && !strcmp(a->zone, b->zone))
		return 2;
	return *a->zone && !strcmp(a->zone, b->zone);
}

/* What a node shares with the voters but @without; less is better. */
static u64 voters_shared(const struct voters_plan *p,
			 const struct state_node *node, u32 without)
{
	static const u64 weight[] = { 0, 1, 1 << 8, 1 << 16 };
	u64 shared = 0;
	u32 i;

	for (i = 0; i < p->voters; i++)
		if (i != without)
			shared += weight[voters_near(p->voter[i].node, node)];
	return shared;
}

static bool voters_is_member(const struct voters_plan *p, u64 raft)
{
	u32 i;

	for (i = 0; i < p->voters; i++)
		if (p->voter[i].raft == raft)
			return true;
	for (i = 0; i < p->learners; i++)
		if (p->learner[i].raft == raft)
			return true;
	return false;
}

/*
 * Is @a a better voter than @b, if voter @without is not one?  Who shares less;
 * who wishes it; then the one that has been here longer.
 */
static bool voters_better(const struct voters_plan *p,
			  const struct voters_one *a,
			  const struct voters_one *b, u32 without)
{
	u64 shared_a, shared_b;
	bool wish_a, wish_b;

	if (!b->node)
		return true;
	shared_a = voters_shared(p, a->node, without);
	shared_b = voters_shared(p, b->node, without);
	wish_a = a->node->wish == STATE_WISH_VOTER;
	wish_b = b->node->wish == STATE_WISH_VOTER;
	if (shared_a != shared_b)
		return shared_a < shared_b;
	if (wish_a != wish_b)
		return wish_a;
	return a->node->id < b->node->id;
}

/* The best node that is no member yet; without a node: there is none. */
static struct voters_one voters_newcomer(const struct voters_plan *p,
					 u32 without)
{
	struct voters_one best = { .node = NULL }, one;
	const struct state_node *node;
	u32 slot;

	for (slot = state_next(p->s, STATE_NODES, 0); slot != STATE_NONE;
	     slot = state_next(p->s, STATE_NODES, slot + 1)) {
		node = state_node_at(p->s, slot);
		one = voters_one(p, node, node->raft);
		if (one.fit && one.alive && !voters_is_member(p, one.raft) &&
		    voters_better(p, &one, &best, without))
			best = one;
	}
	return best;
}

/* The best learner; @ready: only of those that have caught up; or NONE. */
static u32 voters_learner(const struct voters_plan *p, u32 without, bool ready)
{
	struct voters_one best = { .node = NULL };
	u32 i, found = STATE_NONE;

	for (i = 0; i < p->learners; i++) {
		const struct voters_one *one = &p->learner[i];

		if (!one->fit || !one->alive || (ready && !one->caught_up) ||
		    !voters_better(p, one, &best, without))
			continue;
		best = *one;
		found = i;
	}
	return found;
}

/* It can not come back, or has been silent for too long. */
static bool voters_lost(const struct voters_plan *p,
			const struct voters_one *one)
{
	return !one->node || !one->fit ||
	       one->silent_ms >= p->s->cluster.setting[STATE_SET_VOTER_AFTER];
}

/* The voter that should make way first, or NONE. */
static u32 voters_worst(const struct voters_plan *p)
{
	u32 i, worst = STATE_NONE;

	for (i = 0; i < p->voters; i++) {
		if (!voters_lost(p, &p->voter[i]))
			continue;
		if (worst == STATE_NONE ||
		    (!p->voter[i].alive && p->voter[worst].alive))
			worst = i;
	}
	return worst;
}

static u32 voters_alive(const struct voters_plan *p)
{
	u32 i, alive = 0;

	for (i = 0; i < p->voters; i++)
		alive += p->voter[i].alive;
	return alive;
}

static bool voters_majority(u32 alive, u32 voters)
{
	return voters && alive >= voters / 2 + 1;
}

/* As many as are wanted, or an odd number of those that are there. */
static u32 voters_target(const struct voters_plan *p)
{
	u32 target =
		min(p->s->cluster.setting[STATE_SET_VOTERS], max(p->fit, 1U));

	return target - !(target % 2);
}

static void voters_drop(struct voters_one *list, u32 *nr, u32 at)
{
	memmove(list + at, list + at + 1, sizeof(*list) * (*nr - at - 1));
	(*nr)--;
}

/*
 * A ready learner votes in the place of voter @without, or beside all; false:
 * there is none.  Rule 4 is looked at when the step is made.
 */
static bool voters_promote(struct voters_plan *p, u32 without)
{
	u32 at = voters_learner(p, without, true);

	if (at == STATE_NONE)
		return false;
	if (without != STATE_NONE)
		p->voter[without] = p->learner[at];
	else
		p->voter[p->voters++] = p->learner[at];
	voters_drop(p->learner, &p->learners, at);
	return true;
}

/*
 * Somebody begins to learn; false: nothing changes, because nobody can, or
 * because somebody does already, who is waited for.
 */
static bool voters_teach(struct voters_plan *p, u32 without)
{
	struct voters_one one;

	if (voters_learner(p, without, false) != STATE_NONE) {
		p->waits = true;
		return false;
	}
	one = voters_newcomer(p, without);
	if (!one.node || p->learners >= VOTERS_LEARNERS_MAX)
		return false;
	p->learner[p->learners++] = one;
	return true;
}

/* A learner that will never vote goes; false: there is none. */
static bool voters_tidy(struct voters_plan *p)
{
	u32 i;

	for (i = 0; i < p->learners; i++) {
		if (!voters_lost(p, &p->learner[i]))
			continue;
		voters_drop(p->learner, &p->learners, i);
		return true;
	}
	return false;
}

/* The voter that is missed least if one has to go. */
static u32 voters_least(const struct voters_plan *p)
{
	u32 i, least = 0;

	for (i = 1; i < p->voters; i++)
		if (voters_better(p, &p->voter[least], &p->voter[i],
				  STATE_NONE))
			least = i;
	return least;
}

/*
 * A voter too many, too few, or lost; false: nothing changes.  Who is only
 * silent stays if nobody can take its place: the group needs as many of the
 * others without it, and has one more copy if it comes back.
 */
static bool voters_repair(struct voters_plan *p)
{
	u32 lost = voters_worst(p);

	if (p->voters > p->s->cluster.setting[STATE_SET_VOTERS]) {
		if (lost == STATE_NONE)
			lost = voters_least(p);
		voters_drop(p->voter, &p->voters, lost);
		return true;
	}
	if (lost != STATE_NONE) {
		if (voters_promote(p, lost) || voters_teach(p, lost))
			return true;
		if (p->waits || p->voters == 1 ||
		    (p->voter[lost].node && p->voter[lost].fit))
			return false;
		voters_drop(p->voter, &p->voters, lost);
		return true;
	}
	if (p->voters >= voters_target(p))
		return false;
	return voters_promote(p, STATE_NONE) || voters_teach(p, STATE_NONE);
}

/* Somebody who shares less with the others takes the place of a voter. */
static bool voters_spread(struct voters_plan *p)
{
	u64 now, then, gain = 0;
	u32 i, at = STATE_NONE, learner;
	struct voters_one one;

	for (i = 0; i < p->voters; i++) {
		learner = voters_learner(p, i, false);
		one = learner == STATE_NONE ? voters_newcomer(p, i) :
					      p->learner[learner];
		if (!one.node)
			continue;
		now = voters_shared(p, p->voter[i].node, i);
		then = voters_shared(p, one.node, i);
		if (then < now && now - then > gain) {
			gain = now - then;
			at = i;
		}
	}
	if (at == STATE_NONE)
		return false;
	return voters_promote(p, at) || voters_teach(p, at);
}

/* A learner that nobody has use for goes; false: there is none. */
static bool voters_spare(struct voters_plan *p)
{
	if (!p->learners)
		return false;
	voters_drop(p->learner, &p->learners, p->learners - 1);
	return true;
}

static void voters_write(const struct voters_plan *p, struct raft_members *want)
{
	u32 i;

	memset(want, 0, sizeof(*want));
	want->voters = p->voters;
	want->learners = p->learners;
	for (i = 0; i < p->voters; i++)
		want->id[i] = p->voter[i].raft;
	for (i = 0; i < p->learners; i++)
		want->id[p->voters + i] = p->learner[i].raft;
}

/**
 * voters_plan() - the next step
 * @s: the state
 * @conf: the configuration in force
 * @heard: what is known of the nodes; of those that are not here, nothing
 * @nr: how many
 * @want: who should be members next
 *
 * Return: 1: @want; 0: it is good as it is; -EBUSY: a change is under way;
 * -EAGAIN: no majority is heard, nothing can be changed.
 */
int voters_plan(const struct state *s, const struct raft_config *conf,
		const struct voters_heard *heard, u32 nr,
		struct raft_members *want)
{
	struct voters_plan p = { .s = s, .heard = heard, .nr_heard = nr };

	if (!conf->nr || conf->next || hweight32(conf->old) > RAFT_VOTERS_MAX)
		return -EBUSY;
	voters_read(&p, conf);
	if (!voters_majority(voters_alive(&p), p.voters))
		return -EAGAIN;
	if (!voters_tidy(&p) && !voters_repair(&p) &&
	    (p.waits || (!voters_spread(&p) && (p.waits || !voters_spare(&p)))))
		return 0;
	/* rule 4 */
	if (!voters_majority(voters_alive(&p), p.voters) &&
	    !QBD_MUTANT(state_voters_below_majority))
		return 0;
	voters_write(&p, want);
	return 1;
}
