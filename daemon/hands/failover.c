// SPDX-License-Identifier: GPL-2.0-only
/*
 * The promoter of who leads (promote/duty.h): it is told what changes, who is
 * there, and whom kernels do not hear; what it finds due is asked of the
 * cluster as "volume duty".
 *
 * A word, of type WORD, from a node whose kernel has a copy:
 *
 *	 0 u32 volume	 4 u32 shard	 8 u64 term of the holder
 *	16 u64 replica	24 u32 ms that it was silent	28 u32 ms since that was
 *	looked at	32 u32 1: the copy votes	36 u32 zero
 *
 * Whose word it is says the session.
 */
#include <errno.h>
#include <json-c/json.h>
#include <string.h>
#include <sys/random.h>

#include "../log.h"
#include "../session/bytes.h"
#include "inner.h"

#define WORD_BYTES 40
#define FAILOVER_LOOK_MS 250
#define FAILOVER_MS 10000

static void failover_soon(struct hands *h)
{
	loop_timer_set(h->loop, &h->duty_due, loop_now(h->loop));
}

/**
 * failover_begin() - this node leads
 * @h: the hands
 */
void failover_begin(struct hands *h)
{
	if (!h->duty)
		h->duty = duty_create(&(struct duty_conf){ 0 });
	duty_begin(h->duty, hands_now_ms(h));
	failover_soon(h);
}

/**
 * failover_end() - it does not, or not any more
 * @h: the hands
 */
void failover_end(struct hands *h)
{
	u32 i;

	loop_timer_stop(h->loop, &h->duty_due);
	for (i = 0; i < HANDS_DUTIES; i++) {
		if (!h->duties[i].busy)
			continue;
		cluster_forget(h->cluster, &h->duties[i].ask);
		json_object_put(h->duties[i].ask.args);
		h->duties[i].busy = false;
	}
	if (h->duty)
		duty_destroy(h->duty);
	h->duty = NULL;
}

/**
 * failover_changed() - a command was done
 * @h: the hands
 * @delta: what it changed
 */
void failover_changed(struct hands *h, const struct state_delta *delta)
{
	struct cluster_self self;

	cluster_self(h->cluster, &self);
	if (!h->duty || !self.state)
		return;
	duty_changed(h->duty, self.state, delta);
	failover_soon(h);
}

/* --- what is due -------------------------------------------------------- */

static void duty_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct hands_duty *duty = (struct hands_duty *)ask;
	struct hands *h = duty->hands;

	if (answer->code)
		log_write(LOG_LEVEL_WARN, "failover-refused",
			  "volume=%u code=%s reason=\"%s\"", duty->volume,
			  answer->code, answer->text);
	else
		log_write(LOG_LEVEL_INFO, "failover-decided", "volume=%u",
			  duty->volume);
	duty->busy = false;
	json_object_put(duty->ask.args);
	if (h->duty)
		duty_answered(h->duty, duty->volume, !answer->code,
			      hands_now_ms(h));
	failover_soon(h);
}

static void duty_number(struct json_object *args, const char *key, u64 number)
{
	json_object_object_add(args, key, json_object_new_uint64(number));
}

static bool duty_ask(struct hands *h, struct hands_duty *duty,
		     const struct state_cmd *cmd)
{
	struct json_object *args = json_object_new_object();
	u64 session = 0;

	/* of this attach alone (S2), and a number of JSON has 63 bits */
	if (getrandom(&session, sizeof(session), 0) != sizeof(session)) {
		json_object_put(args);
		return false;
	}
	duty_number(args, "kind", cmd->kind);
	duty_number(args, "volume", cmd->volume);
	duty_number(args, "node", cmd->node);
	duty_number(args, "term", cmd->term);
	duty_number(args, "flags", cmd->flags);
	duty_number(args, "session", session >> 2 | 1);
	*duty = (struct hands_duty){ .ask = { .verb = "volume duty",
					      .args = args,
					      .timeout_ms = FAILOVER_MS,
					      .done = duty_done },
				     .hands = h,
				     .busy = true,
				     .volume = cmd->volume };
	log_write(LOG_LEVEL_WARN, "failover",
		  "volume=%u node=%u term=%llu kind=%u takeover=%u",
		  cmd->volume, cmd->node, (unsigned long long)cmd->term,
		  cmd->kind,
		  cmd->kind == STATE_CMD_ATTACH &&
			  (cmd->flags & STATE_ATTACH_TAKEOVER));
	cluster_ask(h->cluster, &duty->ask);
	return true;
}

static void failover_nodes(struct hands *h, const struct state *s)
{
	const struct state_node *node;
	uint64_t since_ns;
	u32 slot = 0;

	while ((node = state_node_walk(s, &slot))) {
		struct duty_node is = { .node = node->id };

		cluster_thinks(h->cluster, node->id, &is.alive, &is.heard,
			       &since_ns);
		is.since_ms = since_ns / 1000000;
		duty_node(h->duty, &is);
	}
}

/**
 * failover_due() - have done what is due
 * @timer: the hands'
 */
void failover_due(struct loop_timer *timer)
{
	struct hands *h = HANDS_OF(timer, duty_due);
	u64 now_ms = hands_now_ms(h), again_ms = now_ms;
	struct cluster_self self;
	struct state_cmd cmd;
	u32 i;

	cluster_self(h->cluster, &self);
	if (!h->duty || !self.leads || !self.state)
		return;
	failover_nodes(h, self.state);
	for (i = 0; i < HANDS_DUTIES; i++) {
		if (h->duties[i].busy)
			continue;
		if (!duty_next(h->duty, self.state, now_ms, &cmd, &again_ms))
			break;
		if (!duty_ask(h, &h->duties[i], &cmd))
			duty_answered(h->duty, cmd.volume, false, now_ms);
	}
	/* who is there is no event: so not later than that */
	again_ms = min(max(again_ms, now_ms + 1), now_ms + FAILOVER_LOOK_MS);
	loop_timer_set(h->loop, timer, again_ms * 1000000);
}

/* --- words ---------------------------------------------------------------- */

/**
 * failover_word() - a node says whom its kernel does not hear
 * @h: the hands
 * @from: the node
 * @data: the message
 * @bytes: its length
 *
 * Return: 0 or -EBADMSG.
 */
int failover_word(struct hands *h, u32 from, const u8 *data, size_t bytes)
{
	struct cluster_self self;
	struct duty_said said;

	if (bytes != WORD_BYTES)
		return -EBADMSG;
	cluster_self(h->cluster, &self);
	if (!h->duty || !self.state)
		return 0;
	said = (struct duty_said){
		.from = from,
		.volume = session_get32(data),
		.term = session_get64(data + 8),
		.word = { .replica = session_get64(data + 16),
			  .number = session_get32(data + 4),
			  .alive = session_get32(data + 32) == 1,
			  .age_ms = session_get32(data + 28),
			  .silent_ms = session_get32(data + 24) },
	};
	/* of a volume that is not its business: refused, and counted there */
	if (!duty_word(h->duty, self.state, &said, hands_now_ms(h)))
		failover_soon(h);
	return 0;
}

/* Words are repeated, of each shard: the log is told of the first one. */
static void failover_log(struct hands *h, const struct agent_report *report)
{
	static struct log_limit limit;

	if (report->volume == h->silent_volume &&
	    report->term == h->silent_term)
		return;
	h->silent_volume = report->volume;
	h->silent_term = report->term;
	log_limited(&limit, loop_now(h->loop), LOG_LEVEL_WARN, "holder-silent",
		    "volume=%u shard=%u node=%u term=%llu silent_ms=%u",
		    report->volume, report->shard, report->node,
		    (unsigned long long)report->term, report->silent_ms);
}

/**
 * failover_say() - the kernel does not hear a holder: who leads is told
 * @h: the hands
 * @report: the planner's
 */
void failover_say(struct hands *h, const struct agent_report *report)
{
	u8 data[WORD_BYTES] = { 0 };
	struct cluster_self self;

	failover_log(h, report);
	session_put32(data, report->volume);
	session_put32(data + 4, report->shard);
	session_put64(data + 8, report->term);
	session_put64(data + 16, report->replica);
	session_put32(data + 24, report->silent_ms);
	session_put32(data + 28, report->age_ms);
	session_put32(data + 32, !report->failed);
	cluster_self(h->cluster, &self);
	if (self.leads)
		failover_word(h, self.node, data, sizeof(data));
	else if (self.leader)
		cluster_say(h->cluster, self.leader, SESSION_NORMAL, MSG_WORD,
			    data, sizeof(data));
}
