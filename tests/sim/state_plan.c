// SPDX-License-Identifier: GPL-2.0-only
/*
 * The planners, asked about groups and witnesses of all kinds.
 */
#include "state_sim.h"

static u64 rnd(struct ss_world *w, u64 n)
{
	return qbd_rng_below(&w->rng, n);
}

static bool ss_alive(const struct ss_world *w, u64 raft,
		     const struct voters_heard *heard, u32 nr)
{
	u64 suspect = w->a->cluster.setting[STATE_SET_SUSPECT_AFTER];
	const struct state_node *node;
	u32 slot = 0, i;

	while ((node = state_node_walk(w->a, &slot))) {
		if (node->raft != raft)
			continue;
		for (i = 0; i < nr; i++)
			if (heard[i].node == node->id)
				return heard[i].silent_ms < suspect;
	}
	return false;
}

/* The server with that number, if there is one; else one that was lost. */
static u64 ss_server(const struct ss_world *w, u64 number)
{
	const struct state_node *node;
	u32 slot = 0;

	while ((node = state_node_walk(w->a, &slot)))
		if ((u32)node->raft == number)
			return node->raft;
	return STATE_SERVER(1, number);
}

/* A group of servers that there are, and some that were lost. */
static void ss_group(struct ss_world *w, struct raft_config *conf)
{
	struct raft_members members = { 0 };
	u64 most = w->a->cluster.next_raft;
	u64 id = 1 + rnd(w, most);
	u32 i;

	members.voters = 1 + rnd(w, min(5ULL, most));
	members.learners = rnd(w, 3);
	if (members.voters + members.learners > most)
		members.learners = 0;
	for (i = 0; i < members.voters + members.learners; i++)
		members.id[i] = ss_server(w, 1 + (id + i) % most);
	if (raft_config_simple(conf, &members))
		conf->nr = 0;
}

static void ss_voters(struct ss_world *w)
{
	u64 after = w->a->cluster.setting[STATE_SET_VOTER_AFTER];
	struct voters_heard heard[16];
	struct raft_members want;
	struct raft_config conf = { 0 }, next;
	const struct state_node *node;
	u32 nr = 0, slot = 0, alive = 0, i;
	int err;

	while ((node = state_node_walk(w->a, &slot)) && nr < 16) {
		u32 how = rnd(w, 10);

		heard[nr++] = (struct voters_heard){
			.node = node->id,
			.silent_ms = how < 6 ? 0 :
				     how < 8 ? after - 1 :
					       after,
			.caught_up = rnd(w, 2),
		};
	}
	ss_group(w, &conf);
	err = voters_plan(w->a, &conf, heard, nr, &want);
	if (err <= 0)
		return;
	if (raft_config_simple(&next, &want) ||
	    raft_config_joint(&conf, &want, &next)) {
		ss_broken(w, "R11", "that is no set");
		return;
	}
	for (i = 0; i < want.voters; i++)
		alive += ss_alive(w, want.id[i], heard, nr);
	if (alive < want.voters / 2 + 1)
		ss_broken(w, "R11", "%u of %u voters are alive", alive,
			  want.voters);
}

/* The living that say so, counted in another way. */
static bool ss_may(const struct ss_world *w, const struct state_volume *volume,
		   u32 number, const struct takeover_word *word, u32 nr)
{
	u64 suspect = w->a->cluster.setting[STATE_SET_SUSPECT_AFTER];
	u32 set[2] = { 0 }, gone[2] = { 0 }, i, j;
	struct state_shard_view view;

	if (state_view_shard(w->a, volume->id, number, &view))
		return false;
	for (i = 0; i < view.nr; i++) {
		u8 role = view.member[i].role;
		bool in[2] = {
			role == STATE_ROLE_VOTER || role == STATE_ROLE_LEAVING,
			role == STATE_ROLE_VOTER || role == STATE_ROLE_JOINING
		};
		u32 says = 0;

		for (j = 0; j < nr; j++)
			says += word[j].replica == view.member[i].replica &&
				word[j].number == number && word[j].alive &&
				word[j].age_ms <= suspect &&
				word[j].silent_ms >= suspect;
		for (j = 0; j < 2; j++) {
			set[j] += in[j];
			gone[j] += in[j] && says &&
				   view.member[i].node != volume->holder;
		}
	}
	return gone[0] * 2 > set[0] && gone[1] * 2 > set[1];
}

static void ss_takeover(struct ss_world *w)
{
	u64 suspect = w->a->cluster.setting[STATE_SET_SUSPECT_AFTER], term;
	const struct state_volume *volume;
	struct takeover_word word[64];
	struct state_shard_view view;
	u32 slot = 0, nr = 0, number, i;

	while ((volume = state_volume_walk(w->a, &slot)))
		if (volume->hold)
			break;
	if (!volume)
		return;
	for (number = 0; number < volume->shards; number++) {
		if (state_view_shard(w->a, volume->id, number, &view))
			continue;
		for (i = 0; i < view.nr && nr < 64; i++)
			word[nr++] = (struct takeover_word){
				.replica = view.member[i].replica,
				.number = number,
				.alive = rnd(w, 4),
				.age_ms = rnd(w, 8) ? 0 : suspect + 1,
				.silent_ms = rnd(w, 4) ? suspect : 0,
			};
	}
	if (takeover_may(w->a, volume->id, word, nr, &term, &number))
		return;
	if (term != volume->term || !ss_may(w, volume, number, word, nr))
		ss_broken(w, "R12", "volume %u, shard %u", volume->id, number);
}

/**
 * ss_plans() - ask the planners
 * @w: the schedule
 */
void ss_plans(struct ss_world *w)
{
	u32 i;

	if (!w->a->cluster.made)
		return;
	for (i = 0; i < 8; i++) {
		ss_voters(w);
		ss_takeover(w);
	}
}
