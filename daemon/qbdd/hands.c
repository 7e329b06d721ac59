// SPDX-License-Identifier: GPL-2.0-only
/*
 * The kernel's side of the node as a service, and the verb that only the
 * daemon of the node itself can do: a device is looked at here.
 */
#include "qbdd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "../cluster/beside.h"
#include "../hands/hands.h"

#define ADD_MS 15000 /* to be answered by who leads */

/**
 * struct add - a store that is being added
 * @ask: asks the cluster
 * @device: it is on, looked at before
 * @qbdd: the daemon
 * @request: who waits; NULL: he left
 */
struct add {
	struct cluster_ask ask;
	struct hands_device device;
	struct qbdd *qbdd;
	struct admin_request *request;
};

#define ADD_OF(hands_device) \
	((struct add *)((char *)(hands_device)-offsetof(struct add, device)))

static void add_end(struct add *add, const char *code, int error,
		    const char *why, struct json_object *ok)
{
	if (!add->request)
		json_object_put(ok);
	else if (code)
		admin_error(add->request, code, error, "%s", why);
	else
		admin_ok(add->request, ok);
	json_object_put(add->ask.args);
	free(add);
}

static void add_done(struct cluster_ask *ask,
		     const struct cluster_answer *answer)
{
	struct add *add = (struct add *)ask;

	if (answer->code)
		add_end(add, answer->code, answer->error, answer->text, NULL);
	else
		add_end(add, NULL, 0, NULL, json_object_get(answer->ok));
}

static void add_left(struct admin_request *request, void *arg)
{
	struct add *add = arg;

	(void)request;
	add->request = NULL;
}

static struct json_object *add_args(const struct hands_store_info *info)
{
	struct json_object *args = json_object_new_object();

	json_object_object_add(args, "uuid",
			       json_hex(info->uuid, sizeof(info->uuid)));
	json_object_object_add(args, "capacity",
			       json_object_new_uint64(info->bytes));
	json_object_object_add(args, "opens",
			       json_object_new_uint64(info->opens));
	return args;
}

static void add_kept(struct hands_device *device)
{
	struct add *add = ADD_OF(device);

	if (device->err) {
		add_end(add, "NOT_KEPT", -device->err, device->why, NULL);
		return;
	}
	add->ask = (struct cluster_ask){ .verb = "store add",
					 .args = add_args(&device->info),
					 .timeout_ms = ADD_MS,
					 .done = add_done };
	cluster_ask(add->qbdd->cluster, &add->ask);
}

static void add_looked(struct hands_device *device)
{
	struct add *add = ADD_OF(device);
	char why[HANDS_WHY_MAX + 256];
	struct cluster_self self;

	if (device->err) {
		snprintf(why, sizeof(why), "%.200s: %s", device->path,
			 device->why);
		add_end(add, "BAD_DEVICE", -device->err, why, NULL);
		return;
	}
	cluster_self(add->qbdd->cluster, &self);
	if (self.in && memcmp(self.cluster, device->info.cluster, 16)) {
		snprintf(
			why, sizeof(why),
			"%.200s: its store was formatted for another cluster: 'qbdctl cluster status' shows the uuid of this one",
			device->path);
		add_end(add, "FOREIGN_STORE", EPERM, why, NULL);
		return;
	}
	/* before it is asked: the answer may be lost, and a path too many does
	 * no harm
	 */
	device->done = add_kept;
	hands_store_keep(add->qbdd->hands, device);
}

static void do_store_add(struct admin_request *request,
			 struct json_object *args, void *owner)
{
	const char *path = verb_arg_string(args, "device");
	struct qbdd *qbdd = owner;
	struct add *add;

	if (path[0] != '/' || strlen(path) > HANDS_PATH_MAX) {
		admin_error(
			request, "BAD_ARGUMENT", EINVAL,
			"a device is named by its path, from / on, of %d bytes at most",
			HANDS_PATH_MAX);
		return;
	}
	add = calloc(1, sizeof(*add));
	if (!add) {
		admin_error(request, "NO_MEMORY", ENOMEM, "no memory");
		return;
	}
	add->qbdd = qbdd;
	add->request = request;
	add->device.done = add_looked;
	snprintf(add->device.path, sizeof(add->device.path), "%s", path);
	admin_later(request, add_left, add);
	hands_store_look(qbdd->hands, &add->device);
}

static const struct admin_handler hands_handlers[] = {
	{ "store add", do_store_add },
};

static int hands_start(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	const struct conf *conf = &qbdd->conf;
	char run[CONF_SOCKET_MAX + 8];
	struct hands_options opt = { .state_dir = conf->state_dir,
				     .run_dir = run,
				     .name = conf->name };
	char text[HANDS_WHY_MAX];
	int err;

	/* beside the socket, and this daemon's own as that is; a reboot empties
	 * it
	 */
	snprintf(run, sizeof(run), "%s.run", conf->socket);
	while (opt.nr_listens < conf->data.nr &&
	       opt.nr_listens < HANDS_LISTENS_MAX) {
		opt.listen[opt.nr_listens] = conf->data.addr[opt.nr_listens];
		opt.nr_listens++;
	}
	err = hands_create(&qbdd->hands, qbdd->loop, qbdd->cluster, &opt, text);
	if (err)
		snprintf(why, QBDD_WHY_MAX, "%s", text);
	return err;
}

static void hands_stop(struct qbdd *qbdd)
{
	hands_destroy(qbdd->hands);
	qbdd->hands = NULL;
}

static void hands_add_status(struct qbdd *qbdd, struct json_object *into)
{
	struct json_object *all = hands_status(qbdd->hands);

	json_object_object_foreach(all, key, value)
		json_object_object_add(into, key, json_object_get(value));
	json_object_put(all);
}

const struct service hands_service = {
	.name = "hands",
	.start = hands_start,
	.stop = hands_stop,
	.status = hands_add_status,
	.handlers = hands_handlers,
	.nr_handlers = sizeof(hands_handlers) / sizeof(hands_handlers[0]),
};
