// SPDX-License-Identifier: GPL-2.0-only
/*
 * The repair of who leads (repair/duty.h): it is told what changes, who is
 * there, and what nodes say of copies; what it finds due is asked of the
 * cluster as "repair duty".
 *
 * A word, of type COPY, from the holder of a volume or the node of a copy:
 *
 *	 0 u32 enum repair_word	 4 u32 volume	 8 u32 shard	12 u32 zero
 *	16 u64 term		24 u64 epoch	32 u64 replica
 *
 * or COPY_UNKNOWN: its kernel has a volume that the node was told nothing of.
 * It is told of it from then on (push_extra()), and so ends what a former
 * holder left; what nobody knows a tombstone of is left alone.
 *
 * Whose word it is says the session.
 */
#include <errno.h>
#include <json-c/json.h>
#include <sys/random.h>

#include "../log.h"
#include "../session/bytes.h"
#include "inner.h"

#define COPY_BYTES 40
#define COPY_UNKNOWN 64 /* above all of enum repair_word */
#define REPAIR_LOOK_MS 250
#define REPAIR_NODES_MS                                      \
	100 /* a thousand nodes are not asked for each entry \
	     */
#define REPAIR_MS 10000

static void mend_soon(struct hands *h)
{
	loop_timer_set(h->loop, &h->mend_due, loop_now(h->loop));
}

/**
 * mend_begin() - this node leads
 * @h: the hands
 */
void mend_begin(struct hands *h)
{
	if (!h->repair)
		h->repair = repair_create(NULL);
	repair_begin(h->repair, hands_now_ms(h));
	h->mend_nodes_ms = 0;
	mend_soon(h);
}

/**
 * mend_end() - it does not, or not any more
 * @h: the hands
 */
void mend_end(struct hands *h)
{
	u32 i;

	loop_timer_stop(h->loop, &h->mend_due);
	for (i = 0; i < HANDS_MENDS; i++) {
		if (!h->mend[i].busy)
			continue;
		cluster_forget(h->cluster, &h->mend[i].ask);
		json_object_put(h->mend[i].ask.args);
		h->mend[i].busy = false;
	}
	repair_destroy(h->repair);
	h->repair = NULL;
}

/**
 * mend_changed() - a command was done
 * @h: the hands
 * @delta: what it changed
 */
void mend_changed(struct hands *h, const struct state_delta *delta)
{
	if (!h->repair)
		return;
	repair_changed(h->repair, delta);
	mend_soon(h);
}

/* --- what is due -----------------------------------------------------------
 */

static void mend_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct hands_mend *mend = (struct hands_mend *)ask;
	struct hands *h = mend->hands;

	if (answer->code)
		log_write(LOG_LEVEL_WARN, "repair-refused",
			  "volume=%u shard=%u code=%s reason=\"%s\"",
			  mend->cmd.volume, mend->cmd.number, answer->code,
			  answer->text);
	mend->busy = false;
	json_object_put(mend->ask.args);
	if (h->repair)
		repair_answered(h->repair, &mend->cmd, !answer->code,
				hands_now_ms(h));
	mend_soon(h);
}

static void mend_number(struct json_object *args, const char *key, u64 number)
{
	json_object_object_add(args, key, json_object_new_uint64(number));
}

static bool mend_ask(struct hands *h, struct hands_mend *mend,
		     const struct state_cmd *cmd)
{
	struct json_object *args;
	u64 session = 0;

	/* of this attach alone (S2), and a number of JSON has 63 bits */
	if (cmd->kind == STATE_CMD_ATTACH &&
	    getrandom(&session, sizeof(session), 0) != sizeof(session))
		return false;
	args = json_object_new_object();
	mend_number(args, "session", session >> 2 | 1);
	mend_number(args, "node", cmd->node);
	mend_number(args, "flags", cmd->flags);
	mend_number(args, "kind", cmd->kind);
	mend_number(args, "volume", cmd->volume);
	mend_number(args, "shard", cmd->number);
	mend_number(args, "term", cmd->term);
	mend_number(args, "epoch", cmd->epoch);
	if (cmd->nr_add)
		mend_number(args, "add", cmd->add[0]);
	if (cmd->nr_del)
		mend_number(args, "del", cmd->del[0]);
	*mend = (struct hands_mend){ .ask = { .verb = "repair duty",
					      .args = args,
					      .timeout_ms = REPAIR_MS,
					      .done = mend_done },
				     .hands = h,
				     .busy = true,
				     .cmd = *cmd };
	log_write(
		LOG_LEVEL_INFO, "repair",
		"step=%s volume=%u shard=%u term=%llu epoch=%llu node=%u to-store=%u replica=%llu",
		state_command_name(cmd->kind), cmd->volume, cmd->number,
		(unsigned long long)cmd->term, (unsigned long long)cmd->epoch,
		cmd->node, cmd->add[0], (unsigned long long)cmd->del[0]);
	cluster_ask(h->cluster, &mend->ask);
	return true;
}

static void mend_nodes(struct hands *h, const struct state *s)
{
	const struct state_node *node;
	uint64_t since_ns;
	bool heard;
	u32 slot = 0;

	while ((node = state_node_walk(s, &slot))) {
		struct repair_node is = { .node = node->id };

		if (node->state == STATE_NODE_REMOVED)
			continue;
		cluster_thinks(h->cluster, node->id, &is.alive, &heard,
			       &since_ns);
		is.silent_ms =
			cluster_silent_ns(h->cluster, node->id) / 1000000;
		repair_node(h->repair, &is);
	}
}

/* What can not be mended is for people. */
static void mend_waits(struct hands *h)
{
	static struct log_limit limit;
	struct repair_counts counts;

	repair_counts(h->repair, &counts);
	if (!counts.no_place && !counts.no_quorum)
		return;
	log_limited(
		&limit, loop_now(h->loop), LOG_LEVEL_WARN, "repair-waits",
		"bad=%u no-quorum=%u no-place=%u hint=\"%s\"", counts.bad,
		counts.no_quorum, counts.no_place,
		counts.no_quorum ?
			"bring nodes back: more than half of the copies of a shard are away" :
			"add a store on another host, or room");
}

/**
 * mend_status() - how much is to be repaired, of who leads
 * @h: the hands
 *
 * Return: an object, or NULL: this node does not lead.
 */
struct json_object *mend_status(struct hands *h)
{
	struct repair_counts counts;
	struct json_object *doc;

	if (!h->repair)
		return NULL;
	repair_counts(h->repair, &counts);
	doc = json_object_new_object();
	mend_number(doc, "changing", counts.changing);
	mend_number(doc, "bad", counts.bad);
	mend_number(doc, "draining", counts.draining);
	mend_number(doc, "unheld", counts.unheld);
	mend_number(doc, "holds", counts.holds);
	mend_number(doc, "no_quorum", counts.no_quorum);
	mend_number(doc, "no_place", counts.no_place);
	mend_number(doc, "lost", counts.lost);
	return doc;
}

static struct json_object *mend_why_one(struct hands *h, const struct state *s,
					u32 id)
{
	const struct state_volume *volume = state_volume_by_id(s, id);
	char waits[REPAIR_WHY_TEXT], todo[REPAIR_WHY_TEXT];
	struct json_object *doc;
	struct repair_why why;

	if (!volume)
		return NULL;
	repair_why(h->repair, s, id, hands_now_ms(h), &why);
	repair_why_text(s, volume, &why, waits, todo);
	doc = json_object_new_object();
	json_object_object_add(doc, "name",
			       json_object_new_string(volume->name));
	mend_number(doc, "unknown", why.unknown);
	mend_number(doc, "bad", why.bad);
	mend_number(doc, "changing", why.changing);
	json_object_object_add(doc, "repair", json_object_new_string(waits));
	json_object_object_add(doc, "todo", json_object_new_string(todo));
	return doc;
}

/**
 * mend_why() - how copies are, and what repair waits for
 * @h: the hands
 * @volume: id; 0: of all
 *
 * Return: see struct cluster_beside_ops; NULL: this node does not lead.
 */
struct json_object *mend_why(struct hands *h, u32 volume)
{
	struct json_object *doc, *list, *row;
	struct cluster_self self;
	struct repair_all all;
	u32 i;

	cluster_self(h->cluster, &self);
	if (!h->repair || !self.state)
		return NULL;
	mend_nodes(h, self.state);
	if (volume)
		return mend_why_one(h, self.state, volume);
	repair_why_all(h->repair, self.state, &all);
	doc = json_object_new_object();
	list = json_object_new_array();
	mend_number(doc, "unknown", all.unknown);
	mend_number(doc, "bad", all.bad);
	for (i = 0; i < all.nr; i++) {
		row = mend_why_one(h, self.state, all.volume[i]);
		if (row)
			json_object_array_add(list, row);
	}
	json_object_object_add(doc, "volumes", list);
	json_object_object_add(doc, "more", json_object_new_boolean(all.more));
	return doc;
}

/**
 * mend_look() - have done what is due
 * @timer: the hands'
 */
void mend_look(struct loop_timer *timer)
{
	struct hands *h = HANDS_OF(timer, mend_due);
	u64 now_ms = hands_now_ms(h), again_ms = now_ms;
	struct cluster_self self;
	struct state_cmd cmd;
	u32 i;

	cluster_self(h->cluster, &self);
	if (!h->repair || !self.leads || !self.state)
		return;
	if (now_ms >= h->mend_nodes_ms) {
		h->mend_nodes_ms = now_ms + REPAIR_NODES_MS;
		mend_nodes(h, self.state);
	}
	for (i = 0; i < HANDS_MENDS; i++) {
		if (h->mend[i].busy)
			continue;
		if (!repair_next(h->repair, self.state, now_ms, &cmd,
				 &again_ms))
			break;
		if (!mend_ask(h, &h->mend[i], &cmd))
			repair_answered(h->repair, &cmd, false, now_ms);
	}
	mend_waits(h);
	/* all are under way: the first answer looks again */
	if (i == HANDS_MENDS)
		again_ms = now_ms + REPAIR_LOOK_MS;
	/* who is there is no event: so not later than that */
	again_ms = min(max(again_ms, now_ms + 1), now_ms + REPAIR_LOOK_MS);
	loop_timer_set(h->loop, timer, again_ms * 1000000);
}

/* --- words -----------------------------------------------------------------
 */

/**
 * mend_take() - a node says something of a copy
 * @h: the hands
 * @from: the node
 * @data: the message
 * @bytes: its length
 *
 * Return: 0 or -EBADMSG.
 */
int mend_take(struct hands *h, u32 from, const u8 *data, size_t bytes)
{
	struct cluster_self self;
	struct repair_said said;
	int err;

	if (bytes != COPY_BYTES)
		return -EBADMSG;
	cluster_self(h->cluster, &self);
	if (!h->repair || !h->push || !self.state)
		return 0;
	said = (struct repair_said){
		.from = from,
		.word = min(session_get32(data), (u32)U8_MAX),
		.volume = session_get32(data + 4),
		.number = session_get32(data + 8),
		.term = session_get64(data + 16),
		.epoch = session_get64(data + 24),
		.replica = session_get64(data + 32),
	};
	if (said.word == COPY_UNKNOWN) {
		push_extra(h->push, from, said.volume);
		loop_timer_set(h->loop, &h->pump, loop_now(h->loop));
		return 0;
	}
	err = repair_heard(h->repair, self.state, &said, hands_now_ms(h));
	log_write(
		LOG_LEVEL_DEBUG, "copy-word",
		"node=%u word=%u volume=%u shard=%u term=%llu epoch=%llu replica=%llu error=%d",
		from, said.word, said.volume, said.number,
		(unsigned long long)said.term, (unsigned long long)said.epoch,
		(unsigned long long)said.replica, err);
	/* late, or not its business: refused, and counted there */
	if (!err)
		mend_soon(h);
	return 0;
}

/**
 * mend_unknown() - the kernel has something that nobody told this node of
 * @h: the hands
 * @report: the planner's
 */
void mend_unknown(struct hands *h, const struct agent_report *report)
{
	/* a copy alone is said to people, and is nobody's to delete (S11) */
	if (report->volume && !report->replica)
		mend_say(h, report, COPY_UNKNOWN);
}

/**
 * mend_say() - something about a copy: who leads is told
 * @h: the hands
 * @report: the planner's
 * @word: what: enum repair_word, or COPY_UNKNOWN
 */
void mend_say(struct hands *h, const struct agent_report *report, u32 word)
{
	u8 data[COPY_BYTES] = { 0 };
	struct cluster_self self;

	session_put32(data, word);
	session_put32(data + 4, report->volume);
	session_put32(data + 8, report->shard);
	session_put64(data + 16, report->term);
	session_put64(data + 24, report->epoch);
	session_put64(data + 32, report->replica);
	cluster_self(h->cluster, &self);
	if (self.leads)
		mend_take(h, self.node, data, sizeof(data));
	else if (self.leader)
		cluster_say(h->cluster, self.leader, SESSION_NORMAL, MSG_COPY,
			    data, sizeof(data));
}
