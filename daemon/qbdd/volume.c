// SPDX-License-Identifier: GPL-2.0-only
/*
 * Stores, volumes and jobs at the administrator's door.
 *
 * WAITING.  Consensus decides, and the rest takes long (cluster/volume.h): so
 * what a client waits for is asked again and again, "volume show", and told to
 * it when it changes, until there is nothing left, the volume is gone, or the
 * client is.  Who leaves ends only his wait: what was decided goes on.  A wait
 * has a deadline all the same, for a client that never leaves.
 */
#include "qbdd.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>
#include <sys/random.h>

#include "../cluster/cluster.h"

#define VOLUME_ASK_MS 15000 /* to be answered by who leads */
#define VOLUME_LOOK_NS 300000000ULL
#define VOLUME_WAIT_NS (24 * 3600 * 1000000000ULL)
#define VOLUME_LIST_PAGES 5 /* what fits into an answer */
#define VOLUME_SAID 320

/**
 * struct work - a request that takes more than one ask
 * @ask: the one under way, first member
 * @timer: of a wait: the next look
 * @next: of all
 * @qbdd: the daemon
 * @request: the client's
 * @verb: what it asked for
 * @args: with these
 * @rows: key of the list that is gathered, or NULL: it waits
 * @list: gathered so far
 * @pages: how many parts
 * @until_ns: of a wait
 * @out: an ask is under way
 * @said: what the client was told last
 */
struct work {
	struct cluster_ask ask;
	struct loop_timer timer;
	struct work *next;
	struct qbdd *qbdd;
	struct admin_request *request;
	const char *verb;
	struct json_object *args;
	const char *rows;
	struct json_object *list;
	unsigned int pages;
	uint64_t until_ns;
	bool out;
	char said[VOLUME_SAID];
};

static struct work *works;

static void work_free(struct work *work)
{
	struct work **at = &works;

	while (*at != work)
		at = &(*at)->next;
	*at = work->next;
	if (work->out)
		cluster_forget(work->qbdd->cluster, &work->ask);
	loop_timer_stop(work->qbdd->loop, &work->timer);
	json_object_put(work->args);
	json_object_put(work->list);
	free(work);
}

static void work_left(struct admin_request *request, void *arg)
{
	(void)request;
	work_free(arg);
}

static void work_ok(struct work *work, struct json_object *ok)
{
	struct admin_request *request = work->request;

	json_object_get(ok);
	work_free(work);
	admin_ok(request, ok);
}

static void work_error(struct work *work, const struct cluster_answer *answer)
{
	admin_error(work->request, answer->code, answer->error, "%s",
		    answer->text);
	work_free(work);
}

static void work_ask(struct work *work, const char *verb,
		     void (*done)(struct cluster_ask *ask,
				  const struct cluster_answer *answer))
{
	work->ask = (struct cluster_ask){ .verb = verb,
					  .args = work->args,
					  .timeout_ms = VOLUME_ASK_MS,
					  .done = done };
	work->out = true;
	cluster_ask(work->qbdd->cluster, &work->ask);
}

static struct work *work_new(struct qbdd *qbdd, struct admin_request *request,
			     const char *verb, struct json_object *args)
{
	struct work *work = calloc(1, sizeof(*work));

	if (!work) {
		admin_error(request, "NO_MEMORY", ENOMEM, "no memory");
		return NULL;
	}
	work->qbdd = qbdd;
	work->request = request;
	work->verb = verb;
	work->args = args ? json_object_get(args) : json_object_new_object();
	work->next = works;
	works = work;
	admin_later(request, work_left, work);
	return work;
}

/* --- what is asked once ----------------------------------------------------
 */

static void once_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct work *work = (struct work *)ask;

	work->out = false;
	if (answer->code)
		work_error(work, answer);
	else
		work_ok(work, answer->ok);
}

static void once(struct qbdd *qbdd, struct admin_request *request,
		 const char *verb, struct json_object *args)
{
	struct work *work = work_new(qbdd, request, verb, args);

	if (work)
		work_ask(work, verb, once_done);
}

/* --- what is waited for -----------------------------------------------------
 */

static const char *wait_text(struct json_object *doc, const char *key)
{
	struct json_object *value;

	if (!json_object_object_get_ex(doc, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return "";
	return json_object_get_string(value);
}

static void wait_again(struct work *work)
{
	loop_timer_set(work->qbdd->loop, &work->timer,
		       loop_now(work->qbdd->loop) + VOLUME_LOOK_NS);
}

/* Only what is news: who hears nothing for long may give up. */
static void wait_say(struct work *work, const char *waits)
{
	struct json_object *progress;

	if (!strcmp(work->said, waits))
		return;
	snprintf(work->said, sizeof(work->said), "%s", waits);
	progress = json_object_new_object();
	json_object_object_add(progress, "waits",
			       json_object_new_string(waits));
	admin_progress(work->request, progress);
}

static void wait_gone(struct work *work)
{
	struct json_object *ok = json_object_new_object();

	json_object_object_add(
		ok, "name",
		json_object_get(json_object_object_get(work->args, "name")));
	json_object_object_add(ok, "state", json_object_new_string("deleted"));
	json_object_object_add(ok, "waits", json_object_new_string(""));
	work_ok(work, ok);
	json_object_put(ok);
}

static void wait_failed(struct work *work, const char *reason)
{
	struct cluster_answer answer = { .code = "NOT_SERVING", .error = EIO };
	char text[512];

	snprintf(text, sizeof(text),
		 "it is attached, but its node can not serve it: %.300s",
		 reason);
	answer.text = text;
	work_error(work, &answer);
}

static void wait_seen(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	static const struct cluster_answer late = {
		.code = "TIMED_OUT",
		.error = ETIMEDOUT,
		.text = "it goes on: 'qbdctl volume show' says what it waits for",
	};
	static const struct cluster_answer undone = {
		.code = "NOT_ATTACHED",
		.error = ECANCELED,
		.text = "it was attached, and somebody detached it meanwhile",
	};
	struct work *work = (struct work *)ask;
	const char *waits;

	work->out = false;
	if (answer->code && !strcmp(answer->code, "STOPPING")) {
		work_error(work, answer);
	} else if (answer->code && !strcmp(answer->code, "NOT_FOUND")) {
		if (!strcmp(work->verb, "volume delete"))
			wait_gone(work);
		else
			work_error(work, answer);
	} else if (loop_now(work->qbdd->loop) >= work->until_ns) {
		work_error(work, &late);
	} else if (answer->code) {
		/* nobody leads, or too much is asked: that passes */
		wait_say(work, answer->text);
		wait_again(work);
	} else if (!strcmp(work->verb, "volume attach") &&
		   !strcmp(wait_text(answer->ok, "serves"), "failed")) {
		wait_failed(work, wait_text(answer->ok, "failed"));
	} else {
		waits = wait_text(answer->ok, "waits");
		if (*waits) {
			wait_say(work, waits);
			wait_again(work);
		} else if (!strcmp(work->verb, "volume attach") &&
			   !*wait_text(answer->ok, "attached")) {
			work_error(work, &undone);
		} else {
			work_ok(work, answer->ok);
		}
	}
}

static void wait_look(struct loop_timer *timer)
{
	struct work *work =
		(void *)((char *)timer - offsetof(struct work, timer));

	work_ask(work, "volume show", wait_seen);
}

static void wait_decided(struct cluster_ask *ask,
			 const struct cluster_answer *answer)
{
	struct work *work = (struct work *)ask;

	work->out = false;
	if (answer->code) {
		work_error(work, answer);
		return;
	}
	if (verb_arg_flag(work->args, "no-wait")) {
		work_ok(work, answer->ok);
		return;
	}
	wait_say(work, wait_text(answer->ok, "waits"));
	json_object_object_add(work->args, "brief",
			       json_object_new_boolean(true));
	work->until_ns = loop_now(work->qbdd->loop) + VOLUME_WAIT_NS;
	work->timer = (struct loop_timer){ .name = "volume-wait",
					   .expired = wait_look };
	/* at once: most often there is nothing to wait for */
	loop_timer_set(work->qbdd->loop, &work->timer,
		       loop_now(work->qbdd->loop));
}

static void waited(struct qbdd *qbdd, struct admin_request *request,
		   const char *verb, struct json_object *args)
{
	struct work *work = work_new(qbdd, request, verb, args);

	if (work)
		work_ask(work, verb, wait_decided);
}

/* --- lists ------------------------------------------------------------------
 */

static void list_note(struct json_object *ok, uint64_t next)
{
	struct json_object *notes = json_object_new_array();
	struct json_object *note = json_object_new_object();
	char text[64];

	snprintf(text, sizeof(text), "there is more: --from %llu",
		 (unsigned long long)next);
	json_object_object_add(note, "note", json_object_new_string(text));
	json_object_array_add(notes, note);
	json_object_object_add(ok, "notes", notes);
	json_object_object_add(ok, "next", json_object_new_uint64(next));
}

static void list_take(struct work *work, struct json_object *ok)
{
	struct json_object *rows;
	size_t i;

	if (!json_object_object_get_ex(ok, work->rows, &rows) ||
	    !json_object_is_type(rows, json_type_array))
		return;
	for (i = 0; i < json_object_array_length(rows); i++)
		json_object_array_add(
			work->list,
			json_object_get(json_object_array_get_idx(rows, i)));
}

static void list_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct work *work = (struct work *)ask;
	struct json_object *ok;
	uint64_t next;

	work->out = false;
	if (answer->code) {
		work_error(work, answer);
		return;
	}
	list_take(work, answer->ok);
	next = verb_arg_number(answer->ok, "next", 0);
	if (next && ++work->pages < VOLUME_LIST_PAGES) {
		json_object_object_add(work->args, "from",
				       json_object_new_uint64(next));
		work_ask(work, work->verb, list_done);
		return;
	}
	ok = json_object_new_object();
	json_object_object_add(ok, work->rows, json_object_get(work->list));
	if (next)
		list_note(ok, next);
	work_ok(work, ok);
	json_object_put(ok);
}

static void list(struct qbdd *qbdd, struct admin_request *request,
		 const char *verb, const char *rows, struct json_object *args)
{
	struct work *work = work_new(qbdd, request, verb, args);

	if (!work)
		return;
	work->rows = rows;
	work->list = json_object_new_array();
	work_ask(work, verb, list_done);
}

/* --- verbs ------------------------------------------------------------------
 */

#define ONCE(function, verb)                                        \
	static void function(struct admin_request *request,         \
			     struct json_object *args, void *owner) \
	{                                                           \
		once(owner, request, verb, args);                   \
	}
#define WAITED(function, verb)                                      \
	static void function(struct admin_request *request,         \
			     struct json_object *args, void *owner) \
	{                                                           \
		waited(owner, request, verb, args);                 \
	}
#define LIST(function, verb, rows)                                  \
	static void function(struct admin_request *request,         \
			     struct json_object *args, void *owner) \
	{                                                           \
		list(owner, request, verb, rows, args);             \
	}

ONCE(do_store_show, "store show")
ONCE(do_store_remove, "store remove")
ONCE(do_store_drain, "store drain")
ONCE(do_volume_set, "volume set")
WAITED(do_volume_create, "volume create")
WAITED(do_volume_detach, "volume detach")
WAITED(do_volume_resize, "volume resize")
WAITED(do_volume_delete, "volume delete")
LIST(do_store_list, "store list", "stores")
LIST(do_volume_list, "volume list", "volumes")
LIST(do_job_list, "job list", "jobs")

static void show_done(struct cluster_ask *ask,
		      const struct cluster_answer *answer)
{
	struct work *work = (struct work *)ask;
	struct json_object *names;
	char text[512] = "";
	size_t i, len = 0;

	work->out = false;
	if (answer->code) {
		work_error(work, answer);
		return;
	}
	if (json_object_object_get_ex(answer->ok, "auto_attach", &names))
		for (i = 0;
		     i < json_object_array_length(names) && len < sizeof(text);
		     i++)
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s%s",
				i ? ", " : "",
				json_object_get_string(
					json_object_array_get_idx(names, i)));
	json_object_object_add(answer->ok, "auto",
			       json_object_new_string(text));
	work_ok(work, answer->ok);
}

static void do_volume_show(struct admin_request *request,
			   struct json_object *args, void *owner)
{
	struct work *work = work_new(owner, request, "volume show", args);

	if (work)
		work_ask(work, "volume show", show_done);
}

/* The session is of this attach alone (S2): made before it is asked. */
static void do_volume_attach(struct admin_request *request,
			     struct json_object *args, void *owner)
{
	uint64_t session;

	if (getrandom(&session, sizeof(session), 0) != sizeof(session)) {
		admin_error(request, "NO_RANDOM", EIO, "no random numbers");
		return;
	}
	json_object_object_add(args, "session",
			       json_object_new_uint64(session >> 2 | 1));
	waited(owner, request, "volume attach", args);
}

/* --- the service ------------------------------------------------------------
 */

static const struct admin_handler volume_handlers[] = {
	{ "store list", do_store_list },
	{ "store show", do_store_show },
	{ "store remove", do_store_remove },
	{ "store drain", do_store_drain },
	{ "volume create", do_volume_create },
	{ "volume list", do_volume_list },
	{ "volume show", do_volume_show },
	{ "volume set", do_volume_set },
	{ "volume attach", do_volume_attach },
	{ "volume detach", do_volume_detach },
	{ "volume resize", do_volume_resize },
	{ "volume delete", do_volume_delete },
	{ "job list", do_job_list },
};

static void volume_stop(struct qbdd *qbdd)
{
	static const struct cluster_answer ended = {
		.code = "STOPPING",
		.error = ESHUTDOWN,
		.text = "the daemon is being stopped; what was decided goes on",
	};

	(void)qbdd;
	while (works)
		work_error(works, &ended);
}

const struct service volume_service = {
	.name = "volume",
	.stop = volume_stop,
	.handlers = volume_handlers,
	.nr_handlers = sizeof(volume_handlers) / sizeof(volume_handlers[0]),
};
