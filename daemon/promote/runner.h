/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What runs where a volume is attached: its unit, or its command.
 *
 * The daemon of a node says which volumes have a device here and something to
 * run (runner_set()), and which no longer shall (runner_stop()).  This starts
 * it, notices its end, starts it again, stops it, and says when it gives up.
 *
 * FOR THE USER.  Data are safe whatever happens here: when a volume has moved,
 * the device on its old node is dead, and what still runs there can change
 * nothing.  Stopping is tidiness, not safety; it has no part in a failover.
 *
 *   unit:NAME	`systemctl start NAME` and `stop`; the unit must not be enabled,
 *		only this starts it.  For what mounts, wants other rights, or
 *		leaves processes behind, it is the way.  "failed" is an error;
 *		"inactive" means that it ended, or was ended by hand, and is
 *		left so.
 *   run:COMMAND	`/bin/sh -c COMMAND`, in its environment QBD_VOLUME (its
 *		name), QBD_DEVICE (path), QBD_TERM, QBD_NODE (name).  It is to
 *		stay as long as it has work, and to end when it gets SIGTERM;
 *		after @stop_ns it gets SIGKILL.  Exit code 0 means that it has
 *		done what it was to do.  When its first process ends, what is
 *		left of its process group ends, too.  It has the rights of the
 *		daemon, and its sandbox: no mounts (see qbdd.service).  What it
 *		prints is in the daemon's log; what it prints while there is no
 *		daemon waits in a pipe of 1 MiB, and when that is full, so does
 *		the command.
 *
 * STATES, of each volume (runner_machine.h):
 *
 *	WAITING --start--> STARTING --> RUNNING --ends well--> ENDED
 *	   ^  ^                |           |
 *	   |  '---backoff------+-----------+--ends badly, @tries--> FAILED
 *	   '----- STOPPING <---'-----------'                          |
 *	          (its volume is gone, or asked to go)     @rest_ns: again
 *
 * FAILED is said to the caller, who says it to who leads, and another node may
 * get the volume (duty.h).  If there is none it stays, and is tried again.
 *
 * IN ORDER.  A volume that is detached on purpose has its program stopped
 * first: runner_stop() says that nothing runs, or @stopped does, later; only
 * then is it to be detached.  (The file system would still be mounted: its
 * device is in use, and the detach is refused, or forced under a running
 * database.)  If it can not be ended, @stopped says that as well, so that
 * nobody waits for ever.
 *
 * ANOTHER TERM IS ANOTHER DEVICE.  A volume that is set again with the same
 * term and program changes nothing; with another one, what runs is stopped, and
 * then started anew.  (The node loses the term and gets a new one.  The
 * database still has the dead device open; a `start` finds the unit active, and
 * all looks well.)
 *
 * NEVER TWICE (P7).  What runs goes on while the daemon does not, or is another
 * one.  So for each volume there is a file in @dir, which is gone after a
 * reboot, as all processes are:
 *
 *	qbd-run 1 VOLUME TERM PID START STATE PROGRAM
 *
 * START is the process's start time: with PID it is one process, ever.  (PID
 * alone: the command has ended, its number is an editor's by now, and that is
 * killed.)  A command is let loose only when its file is there, and ends if the
 * daemon dies before.  (Started, then the daemon dies, then the file: the next
 * daemon starts a second one.)  What is found at the start is taken over; what
 * nobody has set again when runner_settle() is called is stopped.  Of a command
 * that ended without a daemon nobody knows how: it is started again.  This
 * needs KillMode=process and RuntimeDirectoryPreserve=yes in the unit of the
 * daemon.
 *
 * BOUNDS.  RUNNER_VOLUMES_MAX volumes, RUNNER_CLIENTS_MAX systemctl at a time,
 * RUNNER_LINES of output a second and program, RUNNER_LINE_MAX bytes of each.
 * Units are looked at every @poll_ns, less often if there are many.
 *
 * Calls come from the loop's thread; @ops are called from the loop, never
 * inside of a call from outside.
 *
 * Files: runner_machine.c (states, pure), runner.c (volumes), runner_act.c
 * (what is done), runner_client.c (systemctl), runner_process.c (processes),
 * runner_file.c (what is kept), runner_lines.c (output).
 */
#ifndef QBD_PROMOTE_RUNNER_H
#define QBD_PROMOTE_RUNNER_H

#include <stdbool.h>
#include <stdint.h>

#include "../loop.h"

#define RUNNER_VOLUMES_MAX 1024
#define RUNNER_CLIENTS_MAX 16
#define RUNNER_LINES 50
#define RUNNER_LINE_MAX 400
#define RUNNER_NAME_MAX 63 /* STATE_NAME_MAX */
#define RUNNER_PROGRAM_MAX 264 /* STATE_RUN_MAX, and what it is */
#define RUNNER_DEVICE_MAX 127
#define RUNNER_DIR_MAX 127

struct runner;

/**
 * struct runner_volume - a volume with something to run
 * @id: of the volume
 * @term: under which it is attached here
 * @name: of the volume
 * @device: path of its device
 * @program: unit:NAME or run:COMMAND
 */
struct runner_volume {
	uint32_t id;
	uint64_t term;
	char name[RUNNER_NAME_MAX + 1];
	char device[RUNNER_DEVICE_MAX + 1];
	char program[RUNNER_PROGRAM_MAX + 1];
};

/**
 * struct runner_times - times; 0: the default
 * @start_ns: for a unit to start: 100 s
 * @stop_ns: to stop, before it is killed: 100 s, of a command 30 s
 * @kill_ns: to be gone after that: 10 s
 * @backoff_ns: before the second start, doubled each time: 1 s
 * @steady_ns: ran for so long: earlier errors do not count: 60 s
 * @rest_ns: FAILED, before it is tried again: 5 min
 * @poll_ns: between two looks at a unit: 5 s
 * @look_ns: for such a look: 10 s
 * @tries: errors in a row that make it FAILED: 3
 */
struct runner_times {
	uint64_t start_ns;
	uint64_t stop_ns;
	uint64_t kill_ns;
	uint64_t backoff_ns;
	uint64_t steady_ns;
	uint64_t rest_ns;
	uint64_t poll_ns;
	uint64_t look_ns;
	unsigned int tries;
};

/**
 * struct runner_options - what does not change
 * @dir: where files are kept; it is there, and nobody else's
 * @node: name of the node
 * @times: times
 */
struct runner_options {
	char dir[RUNNER_DIR_MAX + 1];
	char node[RUNNER_NAME_MAX + 1];
	struct runner_times times;
};

/**
 * struct runner_ops - what the daemon is told
 * @failed: what the volume runs did not, for so many times
 * @stopped: of a volume for which runner_stop() had to wait: nothing of it runs
 *	any more; -EBUSY: it can not be ended, and is said again if it does
 */
struct runner_ops {
	void (*failed)(void *arg, uint32_t volume, uint64_t term);
	void (*stopped)(void *arg, uint32_t volume, int err);
};

/**
 * enum runner_state - how it is with a volume
 * @RUNNER_NONE: nothing is known of it
 * @RUNNER_WAITING: for its start, or for the next one
 * @RUNNER_STARTING: its unit is being started
 * @RUNNER_RUNNING: it runs
 * @RUNNER_STOPPING: it is being stopped
 * @RUNNER_ENDED: it ended well
 * @RUNNER_FAILED: it ended badly too often
 */
enum runner_state {
	RUNNER_NONE,
	RUNNER_WAITING,
	RUNNER_STARTING,
	RUNNER_RUNNING,
	RUNNER_STOPPING,
	RUNNER_ENDED,
	RUNNER_FAILED,
};

int runner_create(struct runner **made, struct loop *loop,
		  const struct runner_options *options,
		  const struct runner_ops *ops, void *arg);
void runner_destroy(struct runner *runner);
int runner_set(struct runner *runner, const struct runner_volume *volume);
bool runner_stop(struct runner *runner, uint32_t volume);
void runner_settle(struct runner *runner);
enum runner_state runner_state(const struct runner *runner, uint32_t volume);
const char *runner_state_name(enum runner_state state);
bool runner_program_good(const char *program);
bool runner_program(const char *run, char program[RUNNER_PROGRAM_MAX + 1]);

#endif /* QBD_PROMOTE_RUNNER_H */
