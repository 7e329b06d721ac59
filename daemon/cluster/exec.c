// SPDX-License-Identifier: GPL-2.0-only
/*
 * Doing what was asked, as who leads.
 *
 * What changes something is done in this order: a round that shows that this
 * one still leads, and that its state has all that is committed; then whether
 * it was done before, by client and number; only then is it looked whether it
 * can be done.  (Looked at first: "node remove n4" is done, the leader dies,
 * the answer with it.  The next one is asked again, under the same numbers,
 * finds no n4, and says that there is no such node.  Without the round: the
 * next one leads already, but has not applied the entry yet; it does not know
 * the request, and builds another command from a state that is too old.)
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "../log.h"
#include "verbs.h"

#define EXEC_DEPTH 16

/**
 * struct exec - something that is being done
 * @wait: for the group, first member
 * @c: the cluster
 * @next: of all
 * @from: node that asked; this one: an ask of its own
 * @id: of the ask
 * @client: who asks; 0: only looks
 * @seq: his how manieth
 * @verb: what
 * @args: with these
 * @res: of its command
 */
struct exec {
	struct group_wait wait;
	struct cluster *c;
	struct exec *next;
	u32 from;
	u64 id;
	u64 client;
	u64 seq;
	const struct cluster_verb *verb;
	struct json_object *args;
	struct state_result res;
};

/**
 * exec_changes() - does a verb need a client and a number?
 * @verb: its name
 *
 * Return: true if so.
 */
bool exec_changes(const char *verb)
{
	const struct cluster_verb *known = cluster_verb_find(verb);

	return known && known->numbered;
}

static void exec_free(struct exec *exec)
{
	struct exec **at = &exec->c->execs;

	while (*at != exec)
		at = &(*at)->next;
	*at = exec->next;
	exec->c->nr_execs--;
	json_object_put(exec->args);
	free(exec);
}

static void exec_say(struct cluster *c, u32 to, struct msg_text *text)
{
	int len;

	text->leader = cluster_leader(c);
	if (to == c->record.node) {
		ask_answered(c, to, text);
		return;
	}
	len = msg_answer_put(text, c->text, sizeof(c->text));
	if (len > 0)
		cluster_send(c, to, SESSION_NORMAL, MSG_ANSWER, c->text, len);
}

static const char exec_too_long[] =
	"{\"code\": \"TOO_LONG\", \"errno\": 90,"
	" \"message\": \"the answer is too long: ask for less\"}";

static void exec_say_doc(struct cluster *c, u32 to, u64 id, u32 what,
			 struct json_object *doc)
{
	struct msg_text text = { .id = id, .what = what };

	text.text = json_object_to_json_string_length(
		doc, JSON_C_TO_STRING_PLAIN, &text.bytes);
	if (text.bytes > MSG_TEXT_MAX) {
		text.what = MSG_ERROR;
		text.text = exec_too_long;
		text.bytes = strlen(text.text);
	}
	exec_say(c, to, &text);
	json_object_put(doc);
}

static void exec_say_error(struct cluster *c, u32 to, u64 id, const char *code,
			   int error, const char *message)
{
	struct json_object *doc = json_object_new_object();

	json_text(doc, "code", code);
	json_number(doc, "errno", error);
	json_text(doc, "message", message);
	exec_say_doc(c, to, id, MSG_ERROR, doc);
}

static void exec_say_elsewhere(struct cluster *c, u32 to, u64 id)
{
	struct msg_text text = { .id = id, .what = MSG_ELSEWHERE, .text = "" };

	exec_say(c, to, &text);
}

static void exec_show(struct exec *exec)
{
	char why[VERB_WHY] = "there is no such thing";
	struct json_object *doc;

	doc = exec->verb->show(exec->c, exec->args, &exec->res, why);
	if (doc)
		exec_say_doc(exec->c, exec->from, exec->id, MSG_OK, doc);
	else
		exec_say_error(exec->c, exec->from, exec->id, "NOT_FOUND",
			       ENOENT, why);
}

static void exec_refused(struct exec *exec)
{
	char text[VERB_WHY];

	state_result_text(exec->c->s, &exec->res, text, sizeof(text));
	exec_say_error(exec->c, exec->from, exec->id,
		       state_result_key(&exec->res),
		       state_result_errno(&exec->res), text);
}

/* Another entry has its place, or nobody knows: the same numbers, once more. */
static void exec_done(struct group_wait *wait, int err)
{
	struct exec *exec = (struct exec *)wait;

	if (err)
		exec_say_elsewhere(exec->c, exec->from, exec->id);
	else if (exec->res.why)
		exec_refused(exec);
	else
		exec_show(exec);
	exec_free(exec);
}

/**
 * exec_applied() - its command was applied
 * @wait: the group's
 * @res: the result
 */
void exec_applied(struct group_wait *wait, const struct state_result *res)
{
	((struct exec *)wait)->res = *res;
}

static void exec_failed(struct exec *exec, int err)
{
	static const struct {
		int err;
		const char *code;
		const char *text;
	} why[] = {
		{ -ENOSPC, "DISK_FULL",
		  "the log of who leads has no room: make room on its disk" },
		{ -EBUSY, "BUSY", "the leadership is changing: try again" },
		{ -ENOBUFS, "BUSY", "too much is being done: try again" },
		{ -EMSGSIZE, "TOO_LONG",
		  "this is more than fits: ask for less" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(why); i++)
		if (why[i].err == err) {
			exec_say_error(exec->c, exec->from, exec->id,
				       why[i].code, -err, why[i].text);
			return;
		}
	exec_say_elsewhere(exec->c, exec->from, exec->id);
}

static int exec_propose(struct exec *exec, char why[VERB_WHY])
{
	static u8 buf[STATE_COMMAND_BYTES_MAX];
	struct state_cmd cmd = { 0 };
	int len = exec->verb->build(exec->c, exec->from, exec->args, &cmd, why);

	if (len)
		return len == -EPERM || len == -EALREADY ? len : -EINVAL;
	/* refused in the log it would not be remembered, and be done later */
	if (state_cluster(exec->c->s)->made &&
	    state_command_level(cmd.kind) >
		    state_cluster(exec->c->s)->setting[STATE_SET_FEATURE])
		return verb_level(exec->c, state_command_level(cmd.kind), false,
				  why);
	cmd.client = exec->client;
	cmd.seq = exec->seq;
	cmd.now_ms = cluster_wall_ms();
	len = state_command_encode(&cmd, buf, sizeof(buf));
	if (len < 0) {
		snprintf(why, VERB_WHY, "more than fits into a command");
		return -EINVAL;
	}
	return group_propose(exec->c->group, buf, len, &exec->wait);
}

/* It can not be begun: say so, and that was it. */
static void exec_fail(struct exec *exec, int err, const char *why)
{
	if (err == -EINVAL)
		exec_say_error(exec->c, exec->from, exec->id, "BAD_REQUEST",
			       EINVAL, why);
	else if (err == -EPERM)
		exec_say_error(exec->c, exec->from, exec->id, "NOT_YOURS",
			       EPERM, why);
	else if (err == -EALREADY)
		exec_say_error(exec->c, exec->from, exec->id, "TOO_SOON", EBUSY,
			       why);
	else
		exec_failed(exec, err);
	exec_free(exec);
}

/* Whose client it is says the session that it came by. */
static bool exec_client_bad(struct exec *exec)
{
	u32 node = state_client_node(exec->c->s, exec->client);

	if (!node || node == exec->from)
		return false;
	log_write(LOG_LEVEL_WARN, "client-refused",
		  "from=%u client=%llu owner=%u", exec->from,
		  (unsigned long long)exec->client, node);
	exec_say_error(exec->c, exec->from, exec->id, "BAD_CLIENT", EPERM,
		       "this client is another node's");
	return true;
}

/* This one leads, and knows all that is committed: was it done already? */
static void exec_may(struct group_wait *wait, int err)
{
	char why[VERB_WHY] = "an argument makes no sense";
	struct exec *exec = (struct exec *)wait;

	if (err) {
		exec_say_elsewhere(exec->c, exec->from, exec->id);
		exec_free(exec);
		return;
	}
	if (exec_client_bad(exec)) {
		exec_free(exec);
		return;
	}
	exec->wait.done = exec_done;
	if (state_client_asked(exec->c->s, exec->client, exec->seq,
			       &exec->res)) {
		exec_done(wait, 0);
		return;
	}
	err = exec_propose(exec, why);
	if (err)
		exec_fail(exec, err, why);
}

static int exec_start(struct exec *exec, char why[VERB_WHY])
{
	exec->wait.done = exec_done;
	if (!exec->verb->build)
		return group_read(exec->c->group, &exec->wait);
	if (!exec->verb->numbered)
		return exec_propose(exec, why);
	exec->wait.done = exec_may;
	return group_read(exec->c->group, &exec->wait);
}

static void exec_run(struct cluster *c, const struct msg_text *ask, u32 from,
		     const struct cluster_verb *verb, struct json_object *args)
{
	char why[VERB_WHY] = "an argument makes no sense";
	struct exec *exec;
	int err;

	if (verb->numbered && !ask->seq) {
		exec_say_error(c, from, ask->id, "BAD_REQUEST", EINVAL,
			       "a change without a number");
		return;
	}
	exec = c->nr_execs < EXEC_MAX ? calloc(1, sizeof(*exec)) : NULL;
	if (!exec) {
		exec_say_error(c, from, ask->id, "BUSY", EBUSY,
			       "too much is being done: try again");
		return;
	}
	*exec = (struct exec){ .c = c,
			       .next = c->execs,
			       .from = from,
			       .id = ask->id,
			       .client = verb->numbered ? ask->client : 0,
			       .seq = verb->numbered ? ask->seq : 0,
			       .verb = verb,
			       .args = json_object_get(args) };
	c->execs = exec;
	c->nr_execs++;
	err = exec_start(exec, why);
	if (err)
		exec_fail(exec, err, why);
}

/**
 * exec_begin() - a node asks
 * @c: the cluster
 * @from: the node
 * @ask: what
 */
void exec_begin(struct cluster *c, u32 from, const struct msg_text *ask)
{
	struct json_object *doc, *args = NULL;
	const struct cluster_verb *verb = NULL;

	if (!cluster_leads(c)) {
		exec_say_elsewhere(c, from, ask->id);
		return;
	}
	doc = json_of(ask->text, ask->bytes, EXEC_DEPTH);
	if (args_text(doc, "verb"))
		verb = cluster_verb_find(args_text(doc, "verb"));
	json_object_object_get_ex(doc, "args", &args);
	if (verb)
		exec_run(c, ask, from, verb, args);
	else
		exec_say_error(
			c, from, ask->id, "BAD_REQUEST", EOPNOTSUPP,
			"who leads does not know this verb: is it an older version?");
	json_object_put(doc);
}

/**
 * exec_local() - this node asks itself
 * @c: the cluster; it leads
 * @ask: what
 *
 * Return: false if it can not be asked; else it was answered, or will be.
 */
bool exec_local(struct cluster *c, struct cluster_ask *ask)
{
	const struct cluster_verb *verb = cluster_verb_find(ask->verb);
	struct msg_text text = { .id = ask->id,
				 .client = ask->client,
				 .seq = ask->seq };

	if (!verb)
		return false;
	exec_run(c, &text, c->record.node, verb, ask->args);
	return true;
}

/**
 * execs_forget() - the server ends: nobody will be answered from here
 * @c: the cluster
 */
void execs_forget(struct cluster *c)
{
	struct exec *exec;

	while ((exec = c->execs)) {
		if (c->group)
			group_forget(c->group, &exec->wait);
		exec_say_elsewhere(c, exec->from, exec->id);
		exec_free(exec);
	}
}
