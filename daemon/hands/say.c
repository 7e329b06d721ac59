// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the planner reports, as asks of the cluster ("agent report", see
 * cluster/report.c).
 *
 * What is lost is said again: the planner sees what was heard by what is
 * wanted.
 */
#include <errno.h>
#include <json-c/json.h>

#include "../log.h"
#include "inner.h"

#define SAY_MS 5000 /* then it is said again */
#define SAY_REPORTS 64

static void say_done(struct cluster_ask *ask,
		     const struct cluster_answer *answer)
{
	struct hands_ask *say = (struct hands_ask *)ask;
	struct hands *h = say->hands;
	static struct log_limit limit;

	if (answer->code)
		log_limited(&limit, loop_now(h->loop), LOG_LEVEL_WARN,
			    "report-refused", "code=%s reason=\"%s\"",
			    answer->code, answer->text);
	json_object_put(say->ask.args);
	say->busy = false;
	hands_look_later(h);
}

static struct hands_ask *say_free(struct hands *h)
{
	u32 i;

	for (i = 0; i < HANDS_ASKS; i++)
		if (!h->ask[i].busy)
			return &h->ask[i];
	return NULL;
}

static void say_args(struct hands *h, struct json_object *args)
{
	struct hands_ask *say = say_free(h);

	if (!say) {
		json_object_put(args);
		return;
	}
	*say = (struct hands_ask){ .ask = { .verb = "agent report",
					    .args = args,
					    .timeout_ms = SAY_MS,
					    .done = say_done },
				   .hands = h,
				   .busy = true };
	cluster_ask(h->cluster, &say->ask);
}

static void say_number(struct json_object *args, const char *key, u64 number)
{
	json_object_object_add(args, key, json_object_new_uint64(number));
}

static void say_text(struct json_object *args, const char *key,
		     const char *text)
{
	json_object_object_add(args, key, json_object_new_string(text));
}

/* Lines of the same kind are one ask. */
static void say_line(struct json_object **args, const char *kind, u64 a, u64 b,
		     u64 c)
{
	struct json_object *line = json_object_new_array();
	struct json_object *lines;

	json_object_array_add(line, json_object_new_uint64(a));
	json_object_array_add(line, json_object_new_uint64(b));
	json_object_array_add(line, json_object_new_uint64(c));
	if (!*args) {
		*args = json_object_new_object();
		say_text(*args, "kind", kind);
		json_object_object_add(*args, "lines", json_object_new_array());
	}
	json_object_object_get_ex(*args, "lines", &lines);
	json_object_array_add(lines, line);
}

static struct json_object *say_volume(const struct agent_report *report,
				      const char *kind)
{
	struct json_object *args = json_object_new_object();

	say_text(args, "kind", kind);
	say_number(args, "volume", report->volume);
	say_number(args, "term", report->term);
	return args;
}

static void say_store_failed(struct hands *h, const struct agent_report *report)
{
	struct json_object *args = json_object_new_object();

	say_text(args, "kind", "store-failed");
	say_number(args, "store", report->store);
	say_args(h, args);
}

/* For people: there is nobody who could do something about it by himself. */
static void say_log(const struct agent_report *report)
{
	static const char *const what[] = {
		[AGENT_SAY_LOST] = "replica-lost",
		[AGENT_SAY_FAILED] = "request-failed",
		[AGENT_SAY_FOREIGN] = "kernel-foreign",
		[AGENT_SAY_UNKNOWN] = "kernel-unknown",
	};

	log_write(
		LOG_LEVEL_WARN, what[report->say] ?: "report",
		"volume=%u shard=%u replica=%llu term=%llu error=%d reason=\"%s\"",
		report->volume, report->shard,
		(unsigned long long)report->replica,
		(unsigned long long)report->term, report->error, report->text);
}

static void say_failed(struct hands *h, const struct agent_report *report)
{
	struct json_object *args;

	say_log(report);
	if (report->cmd != QBD_CMD_VOLUME_ATTACH || !report->volume)
		return;
	args = say_volume(report, "failed");
	say_text(args, "reason", report->text);
	say_args(h, args);
}

static bool say_joint(struct hands *h, const struct agent_report *report)
{
	const struct want_shard *shard =
		want_shard(&h->want, report->volume, report->shard);

	return shard && shard->stage == STATE_STAGE_JOINT;
}

static void say_one(struct hands *h, const struct agent_report *report)
{
	struct json_object *args;

	switch (report->say) {
	case AGENT_SAY_TERM:
		args = say_volume(report, "again");
		say_number(args, "session", report->session);
		break;
	case AGENT_SAY_ATTACHED:
		log_write(LOG_LEVEL_INFO, "volume-attached",
			  "volume=%u term=%llu device=%s", report->volume,
			  (unsigned long long)report->term, report->text);
		args = say_volume(report, "attached");
		say_text(args, "device", report->text);
		break;
	case AGENT_SAY_RELEASED:
		args = say_volume(report, "released");
		break;
	case AGENT_SAY_GROWN:
		args = say_volume(report, "grown");
		say_number(args, "size", report->size);
		break;
	case AGENT_SAY_FILLED:
		mend_say(h, report, REPAIR_FILLED);
		return;
	case AGENT_SAY_LOST:
		say_log(report);
		mend_say(h, report, REPAIR_LOST);
		return;
	case AGENT_SAY_UNKNOWN:
		say_log(report);
		mend_unknown(h, report);
		return;
	case AGENT_SAY_SET:
		/* whether a joint set is adopted is to be decided */
		if (say_joint(h, report)) {
			mend_say(h, report, REPAIR_JOINED);
			return;
		}
		args = say_volume(report, "settled");
		say_number(args, "shard", report->shard);
		say_number(args, "epoch", report->epoch);
		break;
	case AGENT_SAY_SILENT:
		failover_say(h, report);
		return;
	case AGENT_SAY_FAILED:
		say_failed(h, report);
		return;
	default:
		say_log(report);
		return;
	}
	say_args(h, args);
}

/**
 * reports_send() - say what is to be said
 * @h: the hands
 */
void reports_send(struct hands *h)
{
	struct json_object *made = NULL, *gone = NULL, *stores = NULL;
	struct agent_report report[SAY_REPORTS];
	u32 i, nr, room = 0;

	for (i = 0; i < HANDS_ASKS; i++)
		room += !h->ask[i].busy;
	/* three for lines */
	if (room < 4)
		return;
	nr = agent_reports(h->agent, hands_now_ms(h), report, room - 3);
	for (i = 0; i < nr; i++) {
		const struct agent_report *one = &report[i];

		if (one->say == AGENT_SAY_MADE)
			say_line(&made, "made", one->volume, one->shard,
				 one->replica);
		else if (one->say == AGENT_SAY_GONE)
			say_line(&gone, "gone", one->volume, one->shard,
				 one->replica);
		else if (one->say == AGENT_SAY_STORE && one->failed)
			say_store_failed(h, one);
		else if (one->say == AGENT_SAY_STORE && one->store)
			say_line(&stores, "stores", one->store, one->opens,
				 one->free);
		else
			say_one(h, one);
	}
	if (made)
		say_args(h, made);
	if (gone)
		say_args(h, gone);
	if (stores)
		say_args(h, stores);
}
