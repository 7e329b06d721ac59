// SPDX-License-Identifier: GPL-2.0-only
/*
 * Asking: who is asked, again and again, until there is an answer.
 */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "verbs.h"

#define ASK_DEPTH 32
#define ASK_AGAIN_NS 100000000ULL /* somebody who leads might lead now */
#define ASK_RESEND_NS 3000000000ULL /* an answer that does not come */

static const struct cluster_answer ask_nobody = {
	.code = "NO_LEADER",
	.error = ETIMEDOUT,
	.text = "nobody leads that could be asked: see 'qbdctl cluster status'",
};

static const struct cluster_answer ask_unsure = {
	.code = "UNKNOWN_OUTCOME",
	.error = ETIMEDOUT,
	.text = "no answer in time; it may be done all the same: look first",
};

static struct cluster_ask *ask_find(struct cluster *c, u64 id)
{
	struct cluster_ask *ask;

	for (ask = c->asks; ask; ask = ask->next)
		if (ask->id == id)
			return ask;
	return NULL;
}

static bool ask_take(struct cluster *c, struct cluster_ask *ask)
{
	struct cluster_ask **at = &c->asks;

	while (*at && *at != ask)
		at = &(*at)->next;
	if (!*at)
		return false;
	*at = ask->next;
	if (c->asks_last == &ask->next)
		c->asks_last = at;
	c->nr_asks--;
	return true;
}

/**
 * ask_done() - there is an answer
 * @c: the cluster
 * @ask: waits
 * @answer: the answer
 */
void ask_done(struct cluster *c, struct cluster_ask *ask,
	      const struct cluster_answer *answer)
{
	if (ask_take(c, ask))
		ask->done(ask, answer);
}

/* The client of this daemon: without it nothing that changes can be asked. */
static void ask_opened(struct cluster_ask *ask,
		       const struct cluster_answer *answer)
{
	struct cluster *c =
		(void *)((char *)ask - offsetof(struct cluster, opening));
	struct json_object *id = NULL;

	c->opening_out = false;
	c->open_ns = loop_now(c->loop) + ASK_RESEND_NS;
	if (!answer->code &&
	    json_object_object_get_ex(answer->ok, "client", &id))
		c->client = json_object_get_int64(id);
	c->seq = 0;
	if (c->client)
		cluster_changed(c);
}

static void ask_open(struct cluster *c)
{
	if (c->opening_out || loop_now(c->loop) < c->open_ns)
		return;
	c->opening_out = true;
	c->opening = (struct cluster_ask){ .verb = "client open",
					   .timeout_ms = 60000,
					   .done = ask_opened };
	cluster_ask(c, &c->opening);
}

static bool ask_changes(const struct cluster_ask *ask)
{
	return exec_changes(ask->verb);
}

/* Numbers are given once; with them it is the same ask for ever. */
static bool ask_number(struct cluster *c, struct cluster_ask *ask)
{
	struct cluster_ask *other;

	if (ask->seq || !ask_changes(ask))
		return true;
	if (!c->client) {
		ask_open(c);
		return false;
	}
	/* results of so many are remembered, counted from the last one */
	for (other = c->asks; other; other = other->next)
		if (other->seq && other->client == c->client &&
		    c->seq + 1 >= other->seq + STATE_WINDOW)
			return false;
	ask->client = c->client;
	ask->seq = ++c->seq;
	return true;
}

static int ask_json(const struct cluster_ask *ask, struct json_object **made)
{
	struct json_object *doc = json_object_new_object();

	if (!doc)
		return -ENOMEM;
	json_object_object_add(doc, "verb", json_object_new_string(ask->verb));
	if (ask->args)
		json_object_object_add(doc, "args", json_object_get(ask->args));
	*made = doc;
	return 0;
}

static void ask_send(struct cluster *c, struct cluster_ask *ask, u32 node)
{
	static const struct cluster_answer long_ask = {
		.code = "TOO_LONG",
		.error = EMSGSIZE,
		.text = "this is more than fits into a message",
	};
	struct msg_text text = { .id = ask->id,
				 .client = ask->client,
				 .seq = ask->seq };
	struct json_object *doc;
	int len;

	if (ask_json(ask, &doc))
		return;
	text.text = json_object_to_json_string_length(
		doc, JSON_C_TO_STRING_PLAIN, &text.bytes);
	len = msg_ask_put(&text, c->text, sizeof(c->text));
	json_object_put(doc);
	if (len < 0) {
		ask_done(c, ask, &long_ask);
	} else if (!cluster_send(c, node, SESSION_NORMAL, MSG_ASK, c->text,
				 len)) {
		ask->node = node;
		ask->again_ns = loop_now(c->loop) + ASK_RESEND_NS;
	}
}

static void ask_try(struct cluster *c, struct cluster_ask *ask)
{
	u32 leader = cluster_leader(c);

	if (!leader || !ask_number(c, ask))
		return;
	ask->again_ns = loop_now(c->loop) + ASK_AGAIN_NS;
	if (cluster_leads(c)) {
		ask->node = c->record.node;
		if (!exec_local(c, ask))
			ask->node = 0;
	} else if (leader != c->record.node && cluster_reaches(c, leader)) {
		ask_send(c, ask, leader);
	}
}

/**
 * asks_look() - try those that nobody was asked, or who did not answer
 * @c: the cluster
 */
void asks_look(struct cluster *c)
{
	u64 now = loop_now(c->loop), id = 0;
	struct cluster_ask *ask = c->asks;

	/* any of them may be answered, or forgotten, meanwhile: by number */
	while (ask) {
		if (ask->id <= id) {
			ask = ask->next;
			continue;
		}
		id = ask->id;
		if (ask->due_ns <= now)
			ask_done(c, ask, ask->seq ? &ask_unsure : &ask_nobody);
		else if ((!ask->node && ask->again_ns <= now) ||
			 (ask->node && ask->node != c->record.node &&
			  ask->again_ns <= now))
			ask_try(c, ask);
		ask = c->asks;
	}
}

/**
 * asks_lost() - whoever was asked there is to be asked elsewhere
 * @c: the cluster
 * @node: no session any more
 */
void asks_lost(struct cluster *c, u32 node)
{
	struct cluster_ask *ask;

	for (ask = c->asks; ask; ask = ask->next)
		if (ask->node == node)
			ask->node = 0;
	cluster_changed(c);
}

/**
 * asks_fail() - there will be no answers
 * @c: the cluster
 */
void asks_fail(struct cluster *c)
{
	static const struct cluster_answer ended = {
		.code = "STOPPING",
		.error = ESHUTDOWN,
		.text = "the daemon is being stopped; what was asked may have been done",
	};

	while (c->asks)
		ask_done(c, c->asks, &ended);
}

/* A client that was forgotten: what it asked for was not done now. */
static bool ask_forgotten(const struct cluster_answer *answer)
{
	return answer->code && !strcmp(answer->code, "FORGOTTEN");
}

static void ask_finish(struct cluster *c, struct cluster_ask *ask,
		       struct json_object *doc, u32 what)
{
	struct json_object *code = NULL, *error = NULL, *text = NULL;
	struct cluster_answer answer = { .ok = doc };

	if (what == MSG_ERROR) {
		json_object_object_get_ex(doc, "code", &code);
		json_object_object_get_ex(doc, "errno", &error);
		json_object_object_get_ex(doc, "message", &text);
		answer.code = code ? json_object_get_string(code) :
				     "BAD_ANSWER";
		answer.error = error ? json_object_get_int(error) : EPROTO;
		answer.text = text ? json_object_get_string(text) :
				     "the answer makes no sense";
		answer.ok = NULL;
	}
	if (ask_forgotten(&answer) && ask->client == c->client)
		c->client = 0;
	ask_done(c, ask, &answer);
}

/**
 * ask_answered() - who was asked answers
 * @c: the cluster
 * @from: the node; this one, if it leads
 * @text: the answer
 */
void ask_answered(struct cluster *c, u32 from, const struct msg_text *text)
{
	struct cluster_ask *ask = ask_find(c, text->id);
	struct json_object *doc;

	if (!ask || ask->node != from)
		return;
	if (text->what == MSG_ELSEWHERE) {
		ask->node = 0;
		ask->again_ns = loop_now(c->loop) + ASK_AGAIN_NS;
		/* whom this node did not take for the leader knows no better */
		if (!cluster_member(c) && from == c->leader &&
		    text->leader != from)
			c->leader = text->leader;
		loop_timer_set(c->loop, &c->tick, ask->again_ns);
		return;
	}
	doc = json_of(text->text, text->bytes, ASK_DEPTH);
	ask_finish(c, ask, doc, doc ? text->what : MSG_ERROR);
	json_object_put(doc);
}

/**
 * cluster_ask() - something is asked of the cluster
 * @c: the cluster
 * @ask: what; it stays where it is until it is done or forgotten
 */
void cluster_ask(struct cluster *c, struct cluster_ask *ask)
{
	static const struct cluster_answer alone = {
		.code = "NO_CLUSTER",
		.error = ENODEV,
		.text = "no cluster here: see 'qbdctl cluster init' and 'cluster join'",
	};
	static const struct cluster_answer many = {
		.code = "BUSY",
		.error = EBUSY,
		.text = "too much is being asked at a time: try again",
	};

	ask->next = NULL;
	ask->id = 0;
	if (c->phase != CLUSTER_IN) {
		ask->done(ask, &alone);
		return;
	}
	if (c->nr_asks >= CLUSTER_ASKS_MAX && ask != &c->opening) {
		ask->done(ask, &many);
		return;
	}
	ask->id = ++c->ask_id;
	ask->seq = 0;
	ask->client = 0;
	ask->node = 0;
	ask->again_ns = 0;
	ask->due_ns = loop_now(c->loop) + ask->timeout_ms * 1000000ULL;
	*c->asks_last = ask;
	c->asks_last = &ask->next;
	c->nr_asks++;
	cluster_changed(c);
}

/**
 * cluster_forget() - somebody does not want to know any more
 * @c: the cluster
 * @ask: it, whether it is done or not
 *
 * What it changes is not taken back.
 */
void cluster_forget(struct cluster *c, struct cluster_ask *ask)
{
	ask_take(c, ask);
}
