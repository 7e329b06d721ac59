// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rule V3 (takeover.h).
 */
#include "inner.h"
#include "takeover.h"
#include "view.h"

/* Does this replica say that the holder is gone?  All it said has to agree. */
static bool takeover_says(const struct state *s,
			  const struct state_member_view *member, u32 number,
			  const struct takeover_word *word, u32 nr)
{
	u64 suspect = s->cluster.setting[STATE_SET_SUSPECT_AFTER];
	bool says = false;
	u32 i;

	for (i = 0; i < nr; i++) {
		if (word[i].replica != member->replica ||
		    word[i].number != number || word[i].age_ms > suspect)
			continue;
		if (!word[i].alive && !QBD_MUTANT(state_dead_witness))
			return false;
		if (word[i].silent_ms < suspect)
			return false;
		says = true;
	}
	return says;
}

static bool takeover_shard(const struct state *s,
			   const struct state_volume *volume, u32 number,
			   const struct takeover_word *word, u32 nr)
{
	u32 old = 0, next = 0, old_gone = 0, next_gone = 0, i;
	struct state_shard_view view;

	if (state_view_shard(s, volume->id, number, &view))
		return false;
	for (i = 0; i < view.nr; i++) {
		const struct state_member_view *member = &view.member[i];
		bool in_old = member->role == STATE_ROLE_VOTER ||
			      member->role == STATE_ROLE_LEAVING;
		bool in_next = member->role == STATE_ROLE_VOTER ||
			       member->role == STATE_ROLE_JOINING;
		bool says = member->node != volume->holder &&
			    takeover_says(s, member, number, word, nr);

		old += in_old;
		next += in_next;
		old_gone += in_old && says;
		next_gone += in_next && says;
	}
	return old_gone >= old / 2 + 1 && next_gone >= next / 2 + 1;
}

/**
 * takeover_may() - may the holder of a volume be fenced?
 * @s: the state
 * @volume: id
 * @word: what kernels with replicas of the volume say
 * @nr: how many words
 * @term: the holder's, for ATTACH with STATE_ATTACH_TAKEOVER
 * @number: the shard that shows it
 *
 * Return: 0: yes; -ENOENT: there is no such volume, or nobody holds it;
 * -EAGAIN: no, too few say so.
 */
int takeover_may(const struct state *s, u32 volume,
		 const struct takeover_word *word, u32 nr, u64 *term,
		 u32 *number)
{
	const struct state_volume *of = state_volume_by_id(s, volume);
	u32 i;

	if (!of || !of->hold)
		return -ENOENT;
	/* only shards that somebody speaks of can show it */
	for (i = 0; i < nr; i++) {
		if (i && word[i].number == word[i - 1].number)
			continue;
		if (!takeover_shard(s, of, word[i].number, word, nr))
			continue;
		*term = of->term;
		*number = word[i].number;
		return 0;
	}
	return -EAGAIN;
}
