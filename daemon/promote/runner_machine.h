/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The states of what a volume runs (runner.h), without processes and clocks:
 * something happened, so this is to be done.
 */
#ifndef QBD_PROMOTE_RUNNER_MACHINE_H
#define QBD_PROMOTE_RUNNER_MACHINE_H

#include "runner.h"

/**
 * enum runner_event - what happened
 * @RUNNER_WANT: it shall run
 * @RUNNER_UNWANT: it shall not
 * @RUNNER_STARTED: it was started
 * @RUNNER_WELL: it ended, or is not there any more: well
 * @RUNNER_BADLY: it ended, or did not start
 * @RUNNER_TIME: time has passed, perhaps @due_ns of the machine
 */
enum runner_event {
	RUNNER_WANT,
	RUNNER_UNWANT,
	RUNNER_STARTED,
	RUNNER_WELL,
	RUNNER_BADLY,
	RUNNER_TIME,
};

/**
 * enum runner_act - what is to be done
 * @RUNNER_NOTHING: nothing
 * @RUNNER_START: start it
 * @RUNNER_STOP: have it end
 * @RUNNER_KILL: end it
 * @RUNNER_STUCK: say that it can not be ended
 * @RUNNER_SAY_FAILED: say that it does not run
 * @RUNNER_GONE: nothing runs, and nothing shall
 */
enum runner_act {
	RUNNER_NOTHING,
	RUNNER_START,
	RUNNER_STOP,
	RUNNER_KILL,
	RUNNER_STUCK,
	RUNNER_SAY_FAILED,
	RUNNER_GONE,
};

/**
 * struct runner_machine - what a volume runs
 * @state: enum runner_state
 * @wanted: it shall run
 * @killed: STOPPING: it was not asked only
 * @late: STOPPING: because it did not start in time
 * @tries: errors in a row
 * @due_ns: when time matters; LOOP_NEVER: it does not
 */
struct runner_machine {
	enum runner_state state;
	bool wanted;
	bool killed;
	bool late;
	unsigned int tries;
	uint64_t due_ns;
};

void runner_machine_init(struct runner_machine *machine);
void runner_machine_adopt(struct runner_machine *machine,
			  enum runner_state state);
enum runner_act runner_machine_step(struct runner_machine *machine,
				    const struct runner_times *times,
				    enum runner_event event, uint64_t now_ns);

#endif /* QBD_PROMOTE_RUNNER_MACHINE_H */
