// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: started in their order, stopped in reverse; see qbdd.h.
 */
#include "qbdd.h"

#include <stdlib.h>
#include <json-c/json.h>

/**
 * service_start() - start services
 * @qbdd: the daemon, whose door exists and is closed
 * @services: in the order of their start; ends with NULL
 * @why: what is wrong, if something is
 *
 * Return: 0, or -errno of the one that can not start; those before it were
 * stopped then.
 */
int service_start(struct qbdd *qbdd, const struct service *const *services,
		  char why[QBDD_WHY_MAX])
{
	qbdd->services = services;
	qbdd->started = 0;
	for (; services[qbdd->started]; qbdd->started++) {
		const struct service *service = services[qbdd->started];
		int error = 0;

		if (service->start)
			error = service->start(qbdd, why);
		if (error) {
			service_stop(qbdd);
			return error;
		}
		admin_server_handle(qbdd->admin, service->handlers,
				    service->nr_handlers, qbdd);
		log_write(LOG_LEVEL_DEBUG, "service-started", "service=%s",
			  service->name);
	}
	return 0;
}

/**
 * service_stop() - stop those that were started
 * @qbdd: the daemon, whose door is closed
 */
void service_stop(struct qbdd *qbdd)
{
	while (qbdd->started) {
		const struct service *service = qbdd->services[--qbdd->started];

		if (service->stop)
			service->stop(qbdd);
		log_write(LOG_LEVEL_DEBUG, "service-stopped", "service=%s",
			  service->name);
	}
}

/**
 * service_status() - what they say of themselves
 * @qbdd: the daemon
 * @into: each adds an object with its name
 */
void service_status(struct qbdd *qbdd, struct json_object *into)
{
	size_t i;

	for (i = 0; i < qbdd->started; i++) {
		const struct service *service = qbdd->services[i];
		struct json_object *part;

		if (!service->status)
			continue;
		part = json_object_new_object();
		if (!part || json_object_object_add(into, service->name, part))
			abort();
		service->status(qbdd, part);
	}
}
