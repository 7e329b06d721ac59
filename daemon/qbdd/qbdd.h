/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdd: the daemon of a node, put together.
 *
 * THE FRAME.  main() reads the command line and the file (conf.h), makes the
 * process what it ought to be (process.c), and then starts services, one after
 * the other, in the order of a table.  A service is a part of the daemon with a
 * life of its own: it has a start, a stop, a part of "daemon status", and verbs
 * of the administrator's door that it does.  It may use those before it in the
 * table, and none behind it: so they are stopped in reverse order, and one that
 * can not start has those before it stopped and the daemon ended, with a
 * sentence that says why.
 *
 * THE DOOR is opened last and closed first.  (Opened earlier, a verb reaches a
 * service that is not there yet; closed later, one that is gone.)  READY=1 is
 * said when it is open.  Closing it tells all handlers that their clients left,
 * while all services still stand.
 *
 * ALL OF IT IS ONE THREAD on one loop (loop.h).  A start may take its time, a
 * stop should not: a daemon that was told to end does it within a second.
 *
 * KILLING IT STOPS NOTHING (P7).  What the kernel has stays as it is, at an
 * orderly end too: a stop gives back descriptors and memory of this process,
 * and takes nothing down in the kernel.
 *
 * A NODE IS A NETWORK NAMESPACE: the state directory and the socket are all
 * that is a daemon's own on a machine, so several run side by side if theirs
 * differ.  Each has its lock; there is no other name, port or file.
 */
#ifndef QBD_QBDD_QBDD_H
#define QBD_QBDD_QBDD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../admin/server.h"
#include "../log.h"
#include "../loop.h"
#include "conf.h"
#include "notify.h"

#define QBDD_WHY_MAX 512
#define QBDD_DESCRIPTORS \
	(LOOP_SOURCES_MAX + 1024) /* and files, pipes, timers */

struct cluster;
struct hands;
struct json_object;
struct qbdd;

/**
 * enum qbdd_exit - exit codes
 * @QBDD_OK: it was told to end
 * @QBDD_FAILED: it can not work; another try may
 * @QBDD_USAGE: command line or file are wrong; another try is of no use
 */
enum qbdd_exit {
	QBDD_OK = 0,
	QBDD_FAILED = 1,
	QBDD_USAGE = 2,
};

/**
 * struct service - a part of the daemon
 * @name: of it, also the key of its part of "daemon status"
 * @start: makes it work; 0 or -errno with @why; NULL: nothing to do.  What it
 *	had begun when it failed it has undone: its stop is not called.
 * @stop: the reverse; or NULL
 * @status: adds its part to the object; or NULL
 * @handlers: verbs that it does; called between start and stop only
 * @nr_handlers: how many
 */
struct service {
	const char *name;
	int (*start)(struct qbdd *qbdd, char why[QBDD_WHY_MAX]);
	void (*stop)(struct qbdd *qbdd);
	void (*status)(struct qbdd *qbdd, struct json_object *into);
	const struct admin_handler *handlers;
	size_t nr_handlers;
};

/**
 * struct qbdd_options - the command line
 * @config: the file
 * @state_dir: instead of the file's, or NULL
 * @socket: instead of the file's, or NULL
 * @level: instead of the file's, if @level_given
 * @level_given: see @level
 * @check: only read the file
 * @foreground: is always so
 * @version: only say which version it is
 * @core_dumps: let the process be dumped
 * @man: only print the manual page
 */
struct qbdd_options {
	const char *config;
	const char *state_dir;
	const char *socket;
	enum log_level level;
	bool level_given;
	bool check;
	bool foreground;
	bool version;
	bool core_dumps;
	bool man;
};

/**
 * struct qbdd - the daemon of a node
 * @options: the command line
 * @conf: the file, with what the command line says instead
 * @level: what is logged now
 * @loop: the loop
 * @signals: TERM, INT, HUP
 * @notify: the supervisor
 * @admin: the administrator's door
 * @cluster: this node in it
 * @hands: the kernel's side of the node
 * @services: in the order of their start; ends with NULL
 * @started: how many of them were started
 * @state_dir: descriptor of the state directory; -1: none
 * @state_lock: descriptor of the lock in it; -1: none
 * @begun_ns: when it was started, CLOCK_BOOTTIME
 */
struct qbdd {
	struct qbdd_options options;
	struct conf conf;
	enum log_level level;
	struct loop *loop;
	struct loop_signals signals;
	struct notify notify;
	struct admin_server *admin;
	struct cluster *cluster;
	struct hands *hands;
	const struct service *const *services;
	size_t started;
	int state_dir;
	int state_lock;
	uint64_t begun_ns;
};

/* service.c */
int service_start(struct qbdd *qbdd, const struct service *const *services,
		  char why[QBDD_WHY_MAX]);
void service_stop(struct qbdd *qbdd);
void service_status(struct qbdd *qbdd, struct json_object *into);

/* the services that there are */
extern const struct service state_service; /* state.c */
extern const struct service module_service; /* module.c */
extern const struct service cluster_service; /* cluster.c */
extern const struct service hands_service; /* hands.c */
extern const struct service volume_service; /* volume.c */
extern const struct service status_service; /* status.c */

/* module.c */
bool module_loaded(void);

/* options.c */
int qbdd_options_take(struct qbdd_options *options, int argc, char **argv);

/* process.c */
void process_prepare(bool core_dumps);

/* reload.c */
void qbdd_reload(struct qbdd *qbdd);
void qbdd_level(struct qbdd *qbdd, enum log_level level);
const char *qbdd_level_name(enum log_level level);

/* run.c */
int qbdd_run(struct qbdd *qbdd, const struct service *const *services);

#endif /* QBD_QBDD_QBDD_H */
