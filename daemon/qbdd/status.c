// SPDX-License-Identifier: GPL-2.0-only
/*
 * The verbs about the daemon itself: how it is, what it logs, is it there.
 */
#include "qbdd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <json-c/json.h>

#include "../admin/verb.h"
#include "../version.h"

static void status_add(struct json_object *to, const char *key,
		       struct json_object *value)
{
	if (!value || json_object_object_add(to, key, value))
		abort();
}

static void status_text(struct json_object *to, const char *key,
			const char *text)
{
	status_add(to, key, json_object_new_string(text));
}

static void status_number(struct json_object *to, const char *key,
			  uint64_t number)
{
	status_add(to, key, json_object_new_uint64(number));
}

static struct json_object *status_object(void)
{
	struct json_object *object = json_object_new_object();

	if (!object)
		abort();
	return object;
}

/* Resident; 0 where there is no /proc. */
static uint64_t status_memory(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	uint64_t size = 0, resident = 0;

	if (!file)
		return 0;
	if (fscanf(file, "%" SCNu64 " %" SCNu64, &size, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

static struct json_object *status_loop(const struct qbdd *qbdd)
{
	const struct loop_stats *stats = loop_stats(qbdd->loop);
	struct json_object *laps = json_object_new_array();
	struct json_object *into = status_object();
	unsigned int i;

	status_number(into, "turns", stats->turns);
	status_number(into, "events", stats->events);
	status_number(into, "timers", stats->timers);
	status_number(into, "calls", stats->calls);
	status_number(into, "slow", stats->slow);
	status_number(into, "longest_ns", stats->longest_ns);
	status_text(into, "longest", stats->longest);
	status_number(into, "laps_slow", stats->laps_slow);
	status_number(into, "laps_slept", stats->laps_slept);
	status_number(into, "longest_lap_ns", stats->longest_lap_ns);
	status_text(into, "longest_lap", stats->longest_lap);
	/* how many were below 1, 2, 4 us and so on, and not below the half */
	for (i = 0; laps && i < LOOP_LAPS; i++)
		json_object_array_add(laps,
				      json_object_new_uint64(stats->lap[i]));
	status_add(into, "laps", laps);
	return into;
}

static struct json_object *status_admin(const struct qbdd *qbdd)
{
	const struct admin_stats *stats = admin_server_stats(qbdd->admin);
	struct json_object *into = status_object();

	status_number(into, "clients", stats->clients);
	status_number(into, "accepted", stats->accepted);
	status_number(into, "requests", stats->requests);
	status_number(into, "bad", stats->bad);
	status_number(into, "refused_user", stats->refused_user);
	status_number(into, "refused_full", stats->refused_full);
	status_number(into, "cut",
		      stats->cut_send + stats->cut_read + stats->cut_idle);
	status_number(into, "cut_send", stats->cut_send);
	status_number(into, "cut_read", stats->cut_read);
	status_number(into, "cut_idle", stats->cut_idle);
	return into;
}

static void status_status(struct admin_request *request,
			  struct json_object *args, void *owner)
{
	struct qbdd *qbdd = owner;
	struct json_object *ok = status_object();

	status_text(ok, "node", qbdd->conf.name);
	status_text(ok, "version", QBD_VERSION);
	status_number(ok, "pid", (uint64_t)getpid());
	status_number(ok, "uptime_ns", loop_now(qbdd->loop) - qbdd->begun_ns);
	status_text(ok, "log_level", qbdd_level_name(qbdd->level));
	status_text(ok, "config", qbdd->conf.file);
	status_text(ok, "state_dir", qbdd->conf.state_dir);
	status_text(ok, "socket", qbdd->conf.socket);
	status_number(ok, "memory_bytes", status_memory());
	status_add(ok, "loop", status_loop(qbdd));
	status_add(ok, "admin", status_admin(qbdd));
	service_status(qbdd, ok);
	admin_ok(request, ok);
}

static void status_log_level(struct admin_request *request,
			     struct json_object *args, void *owner)
{
	struct qbdd *qbdd = owner;
	struct json_object *ok = status_object();
	enum log_level level = qbdd->level;

	/* the table has the same names; a difference would be a mistake here */
	if (!log_level_parse(verb_arg_string(args, "level"), &level))
		abort();
	status_text(ok, "before", qbdd_level_name(qbdd->level));
	qbdd_level(qbdd, level);
	status_text(ok, "log_level", qbdd_level_name(qbdd->level));
	admin_ok(request, ok);
}

static void status_ping(struct admin_request *request, struct json_object *args,
			void *owner)
{
	const struct qbdd *qbdd = owner;
	struct json_object *ok = status_object();

	status_text(ok, "node", qbdd->conf.name);
	status_text(ok, "version", QBD_VERSION);
	admin_ok(request, ok);
}

static const struct admin_handler status_handlers[] = {
	{ "daemon status", status_status },
	{ "daemon log-level", status_log_level },
	{ "ping", status_ping },
};

const struct service status_service = {
	.name = "status",
	.handlers = status_handlers,
	.nr_handlers = sizeof(status_handlers) / sizeof(status_handlers[0]),
};
