// SPDX-License-Identifier: GPL-2.0-only
/*
 * Is the kernel module there?  The daemon runs without it: consensus, members
 * and answers do not need it, and an administrator who forgot to load it is
 * told so by "daemon status" and not by a daemon that is not there.
 */
#include "qbdd.h"

#include <stdlib.h>
#include <unistd.h>
#include <json-c/json.h>

#define MODULE_PATH "/sys/module/qbd"

/* By its trace in sysfs: to ask for its netlink family would load it. */
bool module_loaded(void)
{
	return !access(MODULE_PATH, F_OK);
}

static int module_start(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	if (!module_loaded())
		log_write(LOG_LEVEL_WARN, "kernel-module",
			  "state=absent advice=\"modprobe qbd\"");
	return 0;
}

static void module_status(struct qbdd *qbdd, struct json_object *into)
{
	const char *state = module_loaded() ? "loaded" :
					      "not loaded: run 'modprobe qbd'";

	if (json_object_object_add(into, "loaded",
				   json_object_new_boolean(module_loaded())) ||
	    json_object_object_add(into, "module",
				   json_object_new_string(state)))
		abort();
}

const struct service module_service = {
	.name = "kernel",
	.start = module_start,
	.status = module_status,
};
