// SPDX-License-Identifier: GPL-2.0-only
/*
 * What who leads is told: daemons, words about holders, faults (duty.h).
 */
#include "duty_inner.h"

/* --- daemons ------------------------------------------------------------- */

static u32 duty_node_at(const struct duty *duty, u32 node)
{
	u32 low = 0, high = duty->nr_nodes, mid;

	while (low < high) {
		mid = (low + high) / 2;
		if (duty->node[mid].node < node)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/**
 * duty_node_find() - what is known of a daemon
 * @duty: the duty
 * @node: id of its node
 *
 * Return: it; NULL: nothing.
 */
const struct duty_node *duty_node_find(const struct duty *duty, u32 node)
{
	u32 at = duty_node_at(duty, node);

	return at < duty->nr_nodes && duty->node[at].node == node ?
		       &duty->node[at] :
		       NULL;
}

/* One that is not there makes room. */
static void duty_node_evict(struct duty *duty)
{
	u32 i = 0;

	while (i + 1 < duty->nr_nodes && duty->node[i].alive)
		i++;
	duty->nr_nodes--;
	memmove(&duty->node[i], &duty->node[i + 1],
		(duty->nr_nodes - i) * sizeof(duty->node[0]));
}

/**
 * duty_node() - the failure detector says how a node is
 * @duty: the duty
 * @node: what it says; again when that changes
 */
void duty_node(struct duty *duty, const struct duty_node *node)
{
	u32 at = duty_node_at(duty, node->node);
	struct duty_node was = { 0 };

	if (at < duty->nr_nodes && duty->node[at].node == node->node) {
		was = duty->node[at];
		duty->node[at] = *node;
	} else {
		if (duty->nr_nodes == ARRAY_SIZE(duty->node))
			duty_node_evict(duty);
		at = duty_node_at(duty, node->node);
		memmove(&duty->node[at + 1], &duty->node[at],
			(duty->nr_nodes - at) * sizeof(duty->node[0]));
		duty->node[at] = *node;
		duty->nr_nodes++;
	}
	if (was.alive != node->alive || was.heard != node->heard ||
	    was.since_ms != node->since_ms)
		duty_wake(duty);
}

/* --- words --------------------------------------------------------------- */

static u64 duty_suspect_ms(const struct state *s)
{
	return state_cluster(s)->setting[STATE_SET_SUSPECT_AFTER];
}

static struct duty_kept **duty_word_bucket(const struct duty *duty, u32 volume,
					   u32 number)
{
	u32 hash = volume * 2654435761U + number * 2246822519U;

	return (struct duty_kept **)&duty
		->word_bucket[(hash >> 8) % DUTY_WORD_BUCKETS];
}

static struct duty_kept *duty_kept_find(const struct duty *duty,
					const struct duty_said *said)
{
	struct duty_kept *kept =
		*duty_word_bucket(duty, said->volume, said->word.number);

	while (kept && (kept->volume != said->volume ||
			kept->number != said->word.number ||
			kept->replica != said->word.replica))
		kept = kept->next;
	return kept;
}

static void duty_kept_drop(struct duty *duty, struct duty_kept *kept)
{
	struct duty_kept **at =
		duty_word_bucket(duty, kept->volume, kept->number);

	while (*at != kept)
		at = &(*at)->next;
	*at = kept->next;
	/* a volume is not dropped while there are words about it */
	duty_find(duty, kept->volume)->nr_words--;
	list_del(&kept->list);
	free(kept);
	duty->counts.words--;
}

/**
 * duty_words_forget() - all of them
 * @duty: the duty
 */
void duty_words_forget(struct duty *duty)
{
	struct duty_kept *kept;

	while ((kept = list_first_entry_or_null(&duty->words, struct duty_kept,
						list)))
		duty_kept_drop(duty, kept);
}

/**
 * duty_words_expire() - those that are too old to count for anything
 * @duty: the duty
 * @s: the state
 * @now_ms: now
 * @most: not more of them
 */
void duty_words_expire(struct duty *duty, const struct state *s, u64 now_ms,
		       u32 most)
{
	u64 suspect = duty_suspect_ms(s);
	struct duty_kept *kept;

	while (most-- &&
	       (kept = list_first_entry_or_null(&duty->words, struct duty_kept,
						list)) &&
	       now_ms - kept->at_ms > suspect)
		duty_kept_drop(duty, kept);
}

/**
 * duty_shows() - do the words about a shard show that the holder is gone?
 * @duty: the duty
 * @s: the state
 * @volume: the volume
 * @number: the shard
 * @now_ms: now
 *
 * Return: true if they do.
 */
bool duty_shows(const struct duty *duty, const struct state *s,
		const struct state_volume *volume, u32 number, u64 now_ms)
{
	const struct duty_kept *kept =
		*duty_word_bucket(duty, volume->id, number);
	struct takeover_word word[2 * STATE_COPIES_MAX];
	u32 nr = 0, shard;
	u64 term;

	for (; kept && nr < ARRAY_SIZE(word); kept = kept->next) {
		if (kept->volume != volume->id || kept->number != number ||
		    kept->term != volume->term)
			continue;
		word[nr++] = (struct takeover_word){
			.replica = kept->replica,
			.number = number,
			.alive = true,
			.age_ms = now_ms - kept->at_ms,
			.silent_ms = kept->silent_ms,
		};
	}
	return !takeover_may(s, volume->id, word, nr, &term, &shard);
}

/* Only a copy's own node, and not the holder's, is a witness. */
static bool duty_witness(const struct state *s, const struct duty_said *said,
			 const struct state_volume *volume)
{
	struct state_shard_view view;
	u32 i;

	if (said->from == volume->holder ||
	    state_view_shard(s, volume->id, said->word.number, &view))
		return false;
	for (i = 0; i < view.nr; i++)
		if (view.member[i].replica == said->word.replica)
			return view.member[i].node == said->from;
	return false;
}

static int duty_keep(struct duty *duty, const struct duty_said *said,
		     u64 now_ms)
{
	struct duty_kept *kept = duty_kept_find(duty, said), **at;
	u64 at_ms = now_ms - said->word.age_ms;

	if (kept && kept->term == said->term && kept->at_ms > at_ms)
		return -ESTALE;
	if (!kept && duty->counts.words == duty->conf.words_max) {
		duty->counts.dropped++;
		return -ENOSPC;
	}
	if (!kept) {
		kept = duty_alloc(sizeof(*kept));
		kept->volume = said->volume;
		kept->number = said->word.number;
		kept->replica = said->word.replica;
		at = duty_word_bucket(duty, kept->volume, kept->number);
		kept->next = *at;
		*at = kept;
		list_add_tail(&kept->list, &duty->words);
		duty_make(duty, said->volume)->nr_words++;
		duty->counts.words++;
	}
	list_move_tail(&kept->list, &duty->words);
	kept->term = said->term;
	kept->at_ms = at_ms;
	kept->silent_ms = said->word.silent_ms;
	return 0;
}

/**
 * duty_word() - a kernel with a copy says how long the holder is silent
 * @duty: the duty
 * @s: the state
 * @said: what it says
 * @now_ms: now
 *
 * Return: 0; -ENOENT: that volume is not attached by itself; -ESTALE: it is
 * about another term, or too old; -EPERM: who says it is no witness; -ENOSPC:
 * there are too many, it is dropped.
 */
int duty_word(struct duty *duty, const struct state *s,
	      const struct duty_said *said, u64 now_ms)
{
	const struct state_volume *volume = state_volume_by_id(s, said->volume);
	u64 suspect = duty_suspect_ms(s);
	struct duty_volume *dv;
	struct duty_kept *kept;
	int err = 0;

	if (!duty_cares(volume))
		return -ENOENT;
	if (volume->hold != STATE_HOLD_DEVICE || said->term != volume->term ||
	    said->word.age_ms > suspect || said->word.age_ms > now_ms)
		err = -ESTALE;
	else if (!duty_witness(s, said, volume))
		err = -EPERM;
	if (err) {
		duty->counts.refused++;
		return err;
	}
	if (!said->word.alive || said->word.silent_ms < suspect) {
		kept = duty_kept_find(duty, said);
		if (kept)
			duty_kept_drop(duty, kept);
		return 0;
	}
	err = duty_keep(duty, said, now_ms);
	if (err)
		return err;
	dv = duty_find(duty, said->volume);
	if (dv->shown && dv->shown_term == volume->term &&
	    duty_shows(duty, s, volume, dv->number, now_ms))
		return 0;
	dv->shown = duty_shows(duty, s, volume, said->word.number, now_ms);
	if (!dv->shown)
		return 0;
	dv->number = said->word.number;
	dv->shown_term = volume->term;
	dv->shown_ms = now_ms;
	duty_make(duty, said->volume);
	return 0;
}

/* --- faults -------------------------------------------------------------- */

/* Where the fault of a node is noted: its own place, a free one, the oldest. */
static struct duty_faulted *duty_fault_place(struct duty_volume *dv, u32 node)
{
	struct duty_faulted *at = &dv->faulted[0];
	u32 i;

	for (i = 0; i < DUTY_FAULTS; i++) {
		if (dv->faulted[i].node == node)
			return &dv->faulted[i];
		if (dv->faulted[i].until_ms < at->until_ms)
			at = &dv->faulted[i];
	}
	return at;
}

/**
 * duty_failed() - a node says that it can not do with a volume what it should
 * @duty: the duty
 * @s: the state
 * @volume: id
 * @node: who says so, of itself
 * @term: its term
 * @fault: what went wrong
 * @now_ms: now
 *
 * Return: 0, also if it was known; -ENOENT: that volume is not attached by
 * itself; -ESTALE: it is not, or no longer, that node's under this term;
 * -EINVAL: no such fault.
 */
int duty_failed(struct duty *duty, const struct state *s, u32 volume, u32 node,
		u64 term, enum duty_fault fault, u64 now_ms)
{
	const struct state_volume *of = state_volume_by_id(s, volume);
	struct duty_faulted *at;
	bool again;

	if (fault != DUTY_FAULT_DEVICE && fault != DUTY_FAULT_RUN)
		return -EINVAL;
	if (!duty_cares(of))
		return -ENOENT;
	if (!node || term != of->term ||
	    (of->hold == STATE_HOLD_DEVICE && of->holder != node))
		return -ESTALE;
	at = duty_fault_place(duty_make(duty, volume), node);
	again = at->node == node;
	if (again && at->term == term && at->fault == fault)
		return 0;
	*at = (struct duty_faulted){
		.node = node,
		.fault = fault,
		.term = term,
		.backoff_ms = again ? min(2 * at->backoff_ms,
					  (u64)duty->conf.backoff_max_ms) :
				      duty->conf.backoff_ms,
	};
	at->until_ms = now_ms + at->backoff_ms;
	return 0;
}
