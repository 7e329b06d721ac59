// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which volumes are looked at, and what is due for them (duty.h).
 */
#include "duty_inner.h"

/**
 * duty_alloc() - memory, or the end of the process
 * @bytes: how much; it is zeroed
 *
 * Return: the memory.
 */
void *duty_alloc(size_t bytes)
{
	void *mem = calloc(1, bytes);

	if (!mem)
		abort();
	return mem;
}

/**
 * duty_create() - nothing is known yet
 * @conf: times; NULL: the defaults
 *
 * Return: it; duty_begin() before anything else.
 */
struct duty *duty_create(const struct duty_conf *conf)
{
	struct duty *duty = duty_alloc(sizeof(*duty));

	if (conf)
		duty->conf = *conf;
	duty->conf.grace_ms = duty->conf.grace_ms ?: 10000;
	duty->conf.doubt_ms = duty->conf.doubt_ms ?: 10000;
	duty->conf.backoff_ms = duty->conf.backoff_ms ?: 10000;
	duty->conf.backoff_max_ms = duty->conf.backoff_max_ms ?: 600000;
	duty->conf.again_ms = duty->conf.again_ms ?: 1000;
	duty->conf.answer_ms = duty->conf.answer_ms ?: 10000;
	duty->conf.words_max = duty->conf.words_max ?: DUTY_WORDS_MAX;
	INIT_LIST_HEAD(&duty->hot);
	INIT_LIST_HEAD(&duty->cold);
	INIT_LIST_HEAD(&duty->words);
	duty->cold_ms = DUTY_NEVER;
	return duty;
}

static struct duty_volume **duty_bucket(const struct duty *duty, u32 id)
{
	return (struct duty_volume **)&duty->bucket[id % DUTY_VOLUME_BUCKETS];
}

/**
 * duty_find() - a volume that is looked at
 * @duty: the duty
 * @id: of the volume
 *
 * Return: it; NULL: nobody looks at it.
 */
struct duty_volume *duty_find(const struct duty *duty, u32 id)
{
	struct duty_volume *dv = *duty_bucket(duty, id);

	while (dv && dv->id != id)
		dv = dv->next;
	return dv;
}

/**
 * duty_make() - look at a volume, before others
 * @duty: the duty
 * @id: of the volume
 *
 * Return: it.
 */
struct duty_volume *duty_make(struct duty *duty, u32 id)
{
	struct duty_volume *dv = duty_find(duty, id);
	struct duty_volume **at = duty_bucket(duty, id);

	if (dv) {
		list_move(&dv->list, &duty->hot);
		return dv;
	}
	dv = duty->spare;
	if (dv)
		duty->spare = dv->next;
	else
		dv = duty_alloc(sizeof(*dv));
	*dv = (struct duty_volume){ .id = id };
	dv->next = *at;
	*at = dv;
	list_add(&dv->list, &duty->hot);
	duty->counts.volumes++;
	return dv;
}

static void duty_drop(struct duty *duty, struct duty_volume *dv)
{
	struct duty_volume **at = duty_bucket(duty, dv->id);

	while (*at != dv)
		at = &(*at)->next;
	*at = dv->next;
	list_del_init(&dv->list);
	dv->next = duty->spare;
	duty->spare = dv;
	duty->counts.volumes--;
}

static void duty_forget(struct duty *duty)
{
	struct duty_volume *dv;

	duty_words_forget(duty);
	list_splice_tail_init(&duty->cold, &duty->hot);
	while ((dv = list_first_entry_or_null(&duty->hot, struct duty_volume,
					      list)))
		duty_drop(duty, dv);
	duty->cold_ms = DUTY_NEVER;
}

/**
 * duty_destroy() - end it
 * @duty: the duty, or NULL
 */
void duty_destroy(struct duty *duty)
{
	struct duty_volume *dv;

	if (!duty)
		return;
	duty_forget(duty);
	while ((dv = duty->spare)) {
		duty->spare = dv->next;
		free(dv);
	}
	free(duty);
}

/**
 * duty_begin() - this node leads from now on
 * @duty: the duty; what it knew of volumes is forgotten
 * @now_ms: now
 */
void duty_begin(struct duty *duty, u64 now_ms)
{
	duty_forget(duty);
	duty->begun_ms = now_ms;
	duty->walking = true;
	duty->slot = 0;
}

/**
 * duty_wake() - look at all that wait
 * @duty: the duty
 */
void duty_wake(struct duty *duty)
{
	list_splice_tail_init(&duty->cold, &duty->hot);
	duty->cold_ms = DUTY_NEVER;
}

/**
 * duty_cares() - is a volume attached by itself?
 * @volume: the volume, or NULL
 *
 * Return: true if it may be.
 */
bool duty_cares(const struct state_volume *volume)
{
	return volume && volume->nr_autos && !volume->parked &&
	       volume->state == STATE_VOLUME_READY;
}

static void duty_consider(struct duty *duty, const struct state_volume *volume)
{
	if (duty_cares(volume) && volume->hold != STATE_HOLD_DEVICE)
		duty_make(duty, volume->id);
}

/**
 * duty_changed() - a command was applied
 * @duty: the duty
 * @s: the state behind it
 * @delta: what it changed
 */
void duty_changed(struct duty *duty, const struct state *s,
		  const struct state_delta *delta)
{
	struct duty_volume *dv;
	u32 i;

	if (delta->all) {
		duty->walking = true;
		duty->slot = 0;
		duty_wake(duty);
		return;
	}
	for (i = 0; i < delta->nr; i++) {
		if (delta->item[i].kind == STATE_KIND_NODE)
			duty_wake(duty);
		if (delta->item[i].kind != STATE_KIND_VOLUME)
			continue;
		dv = duty_find(duty, delta->item[i].id);
		if (dv) {
			dv->asked = false;
			list_move(&dv->list, &duty->hot);
			continue;
		}
		duty_consider(duty, state_volume_by_id(s, delta->item[i].id));
	}
}

/* --- what is due --------------------------------------------------------- */

/*
 * May a node that is not there be booting?  @look: how long that may last.
 */
static bool duty_booting(const struct duty *duty, u32 node, u64 now_ms,
			 u64 *look)
{
	const struct duty_node *of = duty_node_find(duty, node);
	u64 until;

	if (of && (of->alive || of->heard))
		return false;
	until = (of ? of->since_ms : duty->begun_ms) + duty->conf.grace_ms;
	if (now_ms >= until)
		return false;
	*look = min(*look, until);
	return true;
}

static bool duty_alive(const struct duty *duty, u32 node)
{
	const struct duty_node *of = duty_node_find(duty, node);

	return of && of->alive;
}

static bool duty_off(const struct duty_volume *dv, u32 node, u64 now_ms,
		     u64 *look)
{
	u32 i;

	for (i = 0; i < DUTY_FAULTS; i++) {
		if (dv->faulted[i].node != node ||
		    now_ms >= dv->faulted[i].until_ms)
			continue;
		*look = min(*look, dv->faulted[i].until_ms);
		return true;
	}
	return false;
}

/* Who gets it, but @not; 0: nobody, before @look at least. */
static u32 duty_pick(const struct duty *duty, const struct state *s,
		     const struct duty_volume *dv, u32 not, u64 now_ms,
		     u64 *look)
{
	const struct state_volume *volume = state_volume_by_id(s, dv->id);
	const struct state_node *node;
	u32 i, id;

	for (i = 0; i <= volume->nr_autos; i++) {
		id = i ? volume->autos[i - 1] : volume->want;
		node = id && id != not ? state_node_by_id(s, id) : NULL;
		if (!node || node->state != STATE_NODE_ACTIVE ||
		    duty_off(dv, id, now_ms, look))
			continue;
		if (duty_alive(duty, id))
			return id;
		if (duty_booting(duty, id, now_ms, look))
			return 0;
	}
	return 0;
}

static bool duty_attach(const struct state_volume *volume, u32 node, u8 flags,
			struct state_cmd *cmd)
{
	if (!node)
		return false;
	*cmd = (struct state_cmd){ .kind = STATE_CMD_ATTACH,
				   .volume = volume->id,
				   .node = node,
				   .term = volume->term,
				   .flags = STATE_ATTACH_AUTO | flags };
	return true;
}

/* Its holder said that it can not. */
static bool duty_let_go(const struct duty *duty, const struct state *s,
			const struct duty_volume *dv, u8 fault, u64 now_ms,
			struct state_cmd *cmd, u64 *look)
{
	const struct state_volume *volume = state_volume_by_id(s, dv->id);
	u32 node;

	if (fault == DUTY_FAULT_DEVICE) {
		*cmd = (struct state_cmd){ .kind = STATE_CMD_DETACH,
					   .volume = volume->id,
					   .node = volume->holder,
					   .term = volume->term };
		return true;
	}
	/* it is on its way elsewhere already */
	if (volume->want != volume->holder)
		return false;
	node = duty_pick(duty, s, dv, volume->holder, now_ms, look);
	if (!node)
		return false;
	*cmd = (struct state_cmd){ .kind = STATE_CMD_VOLUME_SET,
				   .volume = volume->id,
				   .node = node,
				   .flags = STATE_VOLUME_SET_WANT |
					    STATE_VOLUME_SET_AUTO };
	return true;
}

/* The kernels say that its holder is gone: is that enough? */
static bool duty_take_over(const struct duty *duty, const struct state *s,
			   struct duty_volume *dv, u64 now_ms,
			   struct state_cmd *cmd, u64 *look)
{
	const struct state_volume *volume = state_volume_by_id(s, dv->id);
	u64 sure_ms = dv->shown_ms + duty->conf.doubt_ms;
	u32 node;

	if (!dv->shown)
		return false;
	if (dv->shown_term != volume->term ||
	    !duty_shows(duty, s, volume, dv->number, now_ms)) {
		dv->shown = false;
		return false;
	}
	if (duty_booting(duty, volume->holder, now_ms, look))
		return false;
	if (duty_alive(duty, volume->holder) && now_ms < sure_ms) {
		*look = min(*look, sure_ms);
		return false;
	}
	node = duty_pick(duty, s, dv, volume->holder, now_ms, look);
	return duty_attach(volume, node, STATE_ATTACH_TAKEOVER, cmd);
}

static u8 duty_fault_of(const struct duty_volume *dv,
			const struct state_volume *volume)
{
	u32 i;

	for (i = 0; i < DUTY_FAULTS; i++)
		if (dv->faulted[i].node == volume->holder &&
		    dv->faulted[i].term == volume->term)
			return dv->faulted[i].fault;
	return 0;
}

/* Faults of long ago; @look: when the next one is one. */
static bool duty_faults_left(const struct duty *duty, struct duty_volume *dv,
			     u64 now_ms, u64 *look)
{
	bool left = false;
	u64 until;
	u32 i;

	for (i = 0; i < DUTY_FAULTS; i++) {
		if (!dv->faulted[i].node)
			continue;
		until = dv->faulted[i].until_ms + duty->conf.backoff_max_ms;
		if (now_ms >= until) {
			dv->faulted[i] = (struct duty_faulted){ 0 };
			continue;
		}
		*look = min(*look, until);
		left = true;
	}
	return left;
}

/* One volume. @look: when again; 0: never. */
static bool duty_judge(const struct duty *duty, const struct state *s,
		       struct duty_volume *dv, u64 now_ms,
		       struct state_cmd *cmd, u64 *look)
{
	const struct state_volume *volume = state_volume_by_id(s, dv->id);
	bool left;
	u8 fault;

	*look = dv->nr_words ? now_ms + DUTY_ROUND_MS : DUTY_NEVER;
	if (!duty_cares(volume)) {
		/* words need it, as long as there are some */
		*look = dv->nr_words ? *look : 0;
		return false;
	}
	if (dv->asked && now_ms >= dv->asked_ms + duty->conf.answer_ms)
		dv->asked = false;
	if (dv->asked || now_ms < dv->off_ms) {
		*look = dv->asked ? dv->asked_ms + duty->conf.answer_ms :
				    dv->off_ms;
		return false;
	}
	left = duty_faults_left(duty, dv, now_ms, look);
	if (volume->hold != STATE_HOLD_DEVICE)
		return duty_attach(volume,
				   duty_pick(duty, s, dv, 0, now_ms, look), 0,
				   cmd);
	fault = duty_fault_of(dv, volume);
	if (fault && duty_let_go(duty, s, dv, fault, now_ms, cmd, look))
		return true;
	if (duty_take_over(duty, s, dv, now_ms, cmd, look))
		return true;
	if (!left && !dv->nr_words)
		*look = 0;
	return false;
}

static bool duty_look(struct duty *duty, const struct state *s,
		      struct duty_volume *dv, u64 now_ms, struct state_cmd *cmd)
{
	u64 look;
	bool due = duty_judge(duty, s, dv, now_ms, cmd, &look);

	duty->counts.looks++;
	if (due) {
		dv->asked = true;
		dv->asked_ms = now_ms;
		look = now_ms + duty->conf.answer_ms;
		duty->counts.commands++;
	}
	if (!look) {
		duty_drop(duty, dv);
		return false;
	}
	if (look != DUTY_NEVER)
		look = roundup(look, DUTY_ROUND_MS);
	duty->cold_ms = min(duty->cold_ms, look);
	list_move_tail(&dv->list, &duty->cold);
	return due;
}

static void duty_walk(struct duty *duty, const struct state *s)
{
	const struct state_volume *volume;
	u32 i;

	for (i = 0; duty->walking && i < DUTY_SLICE; i++) {
		volume = state_volume_walk(s, &duty->slot);
		if (!volume)
			duty->walking = false;
		duty_consider(duty, volume);
	}
}

/**
 * duty_next() - what is due?
 * @duty: the duty
 * @s: the state
 * @now_ms: now, not less than before
 * @cmd: ATTACH, DETACH or VOLUME_SET, but client, sequence, clock and, of
 *	ATTACH, @session: random, as it is nobody's yet; the node asks again
 *	with its own (S2)
 * @again_ms: nothing is due: not before that, unless something is said;
 *	@now_ms: at once, there is more to be looked at; DUTY_NEVER
 *
 * Bounded: DUTY_SLICE volumes.  duty_answered() follows.
 *
 * Return: true if a command is due.
 */
bool duty_next(struct duty *duty, const struct state *s, u64 now_ms,
	       struct state_cmd *cmd, u64 *again_ms)
{
	struct duty_volume *dv;
	u32 i;

	if (list_empty(&duty->cold))
		duty->cold_ms = DUTY_NEVER;
	duty_walk(duty, s);
	duty_words_expire(duty, s, now_ms, 4 * DUTY_SLICE);
	if (now_ms >= duty->cold_ms)
		duty_wake(duty);
	*again_ms = now_ms;
	for (i = 0; i < DUTY_SLICE; i++) {
		dv = list_first_entry_or_null(&duty->hot, struct duty_volume,
					      list);
		if (!dv)
			break;
		if (duty_look(duty, s, dv, now_ms, cmd))
			return true;
	}
	if (list_empty(&duty->hot) && !duty->walking)
		*again_ms = duty->cold_ms;
	return false;
}

/**
 * duty_answered() - a command of duty_next() was done, refused, or lost
 * @duty: the duty
 * @volume: of the command
 * @done: it was done
 * @now_ms: now
 */
void duty_answered(struct duty *duty, u32 volume, bool done, u64 now_ms)
{
	struct duty_volume *dv = duty_find(duty, volume);

	if (!dv)
		return;
	dv->asked = false;
	if (!done)
		dv->off_ms = now_ms + duty->conf.again_ms;
	list_move_tail(&dv->list, &duty->hot);
}

/**
 * duty_counts() - how much there is
 * @duty: the duty
 * @counts: it
 */
void duty_counts(const struct duty *duty, struct duty_counts *counts)
{
	*counts = duty->counts;
}
