// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the daemon: services up, door open, turns, and the reverse.
 */
#include "qbdd.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../version.h"

static void run_signal(struct loop_signals *signals, int number)
{
	struct qbdd *qbdd = (struct qbdd *)((char *)signals -
					    offsetof(struct qbdd, signals));

	if (number == SIGHUP) {
		qbdd_reload(qbdd);
		return;
	}
	log_write(LOG_LEVEL_INFO, "ending", "signal=%d", number);
	loop_stop(qbdd->loop);
}

static int run_failed(const char *why)
{
	fprintf(stderr, "qbdd: %s\n", why);
	return QBDD_FAILED;
}

static int run_signals(struct qbdd *qbdd)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	qbdd->signals.source.name = "signals";
	qbdd->signals.got = run_signal;
	return loop_signals_add(qbdd->loop, &qbdd->signals, &set);
}

/* Between the services' start and their stop. */
static int run_open(struct qbdd *qbdd)
{
	const char *missing = admin_server_missing(qbdd->admin);
	char why[ADMIN_WHY_MAX];

	if (missing) {
		snprintf(why, sizeof(why), "no service does '%s'", missing);
		return run_failed(why);
	}
	if (admin_server_open(qbdd->admin, qbdd->conf.socket, why))
		return run_failed(why);
	log_write(LOG_LEVEL_INFO, "started",
		  "node=%s version=" QBD_VERSION " socket=%s", qbdd->conf.name,
		  qbdd->conf.socket);
	notify_status(&qbdd->notify, "node %s; kernel module %s",
		      qbdd->conf.name,
		      module_loaded() ? "loaded" : "not loaded");
	notify_ready(&qbdd->notify);
	loop_run(qbdd->loop);
	notify_stopping(&qbdd->notify);
	return QBDD_OK;
}

static int run_services(struct qbdd *qbdd,
			const struct service *const *services)
{
	char why[QBDD_WHY_MAX];
	int code;

	qbdd->admin = admin_server_create(qbdd->loop, verb_table);
	if (service_start(qbdd, services, why))
		code = run_failed(why);
	else
		code = run_open(qbdd);
	/* those who work for a client are told while all services stand */
	admin_server_destroy(qbdd->admin);
	qbdd->admin = NULL;
	service_stop(qbdd);
	return code;
}

/**
 * qbdd_run() - live
 * @qbdd: the daemon, with its options and its file
 * @services: in the order of their start; ends with NULL
 *
 * Return: exit code.
 */
int qbdd_run(struct qbdd *qbdd, const struct service *const *services)
{
	char why[QBDD_WHY_MAX];
	int error, code;

	qbdd->state_dir = -1;
	qbdd->state_lock = -1;
	qbdd->loop = loop_create();
	if (!qbdd->loop) {
		snprintf(why, sizeof(why), "no event loop: %s",
			 strerror(errno));
		return run_failed(why);
	}
	qbdd->begun_ns = loop_now(qbdd->loop);
	error = notify_open(&qbdd->notify, qbdd->loop);
	if (error)
		log_write(LOG_LEVEL_WARN, "notify-unusable", "error=%d",
			  -error);
	error = run_signals(qbdd);
	if (error) {
		snprintf(why, sizeof(why), "signals: %s", strerror(-error));
		code = run_failed(why);
	} else {
		code = run_services(qbdd, services);
	}
	loop_signals_remove(qbdd->loop, &qbdd->signals);
	notify_close(&qbdd->notify);
	loop_destroy(qbdd->loop);
	if (code == QBDD_OK)
		log_write(LOG_LEVEL_INFO, "ended", "node=%s", qbdd->conf.name);
	return code;
}
