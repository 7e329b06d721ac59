// SPDX-License-Identifier: GPL-2.0-only
/*
 * States of what a volume runs; see runner.h.
 */
#include "runner_machine.h"

/**
 * runner_machine_init() - nothing runs, nothing shall
 * @machine: memory
 */
void runner_machine_init(struct runner_machine *machine)
{
	*machine = (struct runner_machine){ .state = RUNNER_WAITING,
					    .due_ns = LOOP_NEVER };
}

/**
 * runner_machine_adopt() - it was there before this daemon
 * @machine: memory
 * @state: RUNNING, or ENDED
 */
void runner_machine_adopt(struct runner_machine *machine,
			  enum runner_state state)
{
	runner_machine_init(machine);
	machine->state = state;
	machine->wanted = true;
}

static enum runner_act machine_start(struct runner_machine *machine,
				     const struct runner_times *times,
				     uint64_t now_ns)
{
	machine->state = RUNNER_STARTING;
	machine->due_ns = now_ns + times->start_ns;
	return RUNNER_START;
}

static enum runner_act machine_stop(struct runner_machine *machine,
				    const struct runner_times *times,
				    uint64_t now_ns)
{
	machine->state = RUNNER_STOPPING;
	machine->killed = false;
	machine->due_ns = now_ns + times->stop_ns;
	return RUNNER_STOP;
}

static enum runner_act machine_gone(struct runner_machine *machine)
{
	machine->state = RUNNER_WAITING;
	machine->due_ns = LOOP_NEVER;
	return RUNNER_GONE;
}

/* Once more, later; or that was enough. */
static enum runner_act machine_failed(struct runner_machine *machine,
				      const struct runner_times *times,
				      uint64_t now_ns)
{
	machine->tries++;
	if (machine->tries >= times->tries) {
		machine->state = RUNNER_FAILED;
		machine->due_ns = now_ns + times->rest_ns;
		return RUNNER_SAY_FAILED;
	}
	machine->state = RUNNER_WAITING;
	machine->due_ns = now_ns + (times->backoff_ns << (machine->tries - 1));
	return RUNNER_NOTHING;
}

static enum runner_act machine_waiting(struct runner_machine *machine,
				       const struct runner_times *times,
				       enum runner_event event, uint64_t now_ns)
{
	bool first = event == RUNNER_WANT && machine->due_ns == LOOP_NEVER;
	bool again = event == RUNNER_TIME && now_ns >= machine->due_ns;

	if (event == RUNNER_UNWANT)
		return machine_gone(machine);
	if (machine->wanted && (first || again))
		return machine_start(machine, times, now_ns);
	return RUNNER_NOTHING;
}

static enum runner_act machine_starting(struct runner_machine *machine,
					const struct runner_times *times,
					enum runner_event event,
					uint64_t now_ns)
{
	if (event == RUNNER_UNWANT)
		return machine_stop(machine, times, now_ns);
	if (event == RUNNER_BADLY)
		return machine_failed(machine, times, now_ns);
	if (event == RUNNER_TIME && now_ns >= machine->due_ns) {
		machine->late = true;
		return machine_stop(machine, times, now_ns);
	}
	if (event == RUNNER_STARTED) {
		machine->state = RUNNER_RUNNING;
		machine->due_ns = now_ns + times->steady_ns;
	}
	if (event == RUNNER_WELL) {
		machine->state = RUNNER_ENDED;
		machine->due_ns = LOOP_NEVER;
	}
	return RUNNER_NOTHING;
}

static enum runner_act machine_running(struct runner_machine *machine,
				       const struct runner_times *times,
				       enum runner_event event, uint64_t now_ns)
{
	if (event == RUNNER_UNWANT)
		return machine_stop(machine, times, now_ns);
	if (event == RUNNER_BADLY)
		return machine_failed(machine, times, now_ns);
	if (event == RUNNER_WELL) {
		machine->state = RUNNER_ENDED;
		machine->due_ns = LOOP_NEVER;
	}
	if (event == RUNNER_TIME && now_ns >= machine->due_ns) {
		machine->tries = 0;
		machine->due_ns = LOOP_NEVER;
	}
	return RUNNER_NOTHING;
}

static enum runner_act machine_stopping(struct runner_machine *machine,
					const struct runner_times *times,
					enum runner_event event,
					uint64_t now_ns)
{
	bool late = machine->late;

	if (event == RUNNER_WELL || event == RUNNER_BADLY) {
		machine->late = false;
		if (!machine->wanted)
			return machine_gone(machine);
		if (late)
			return machine_failed(machine, times, now_ns);
		return machine_start(machine, times, now_ns);
	}
	if (event != RUNNER_TIME || now_ns < machine->due_ns)
		return RUNNER_NOTHING;
	if (machine->killed) {
		machine->due_ns = LOOP_NEVER;
		return RUNNER_STUCK;
	}
	machine->killed = true;
	machine->due_ns = now_ns + times->kill_ns;
	return RUNNER_KILL;
}

static enum runner_act machine_failing(struct runner_machine *machine,
				       const struct runner_times *times,
				       enum runner_event event, uint64_t now_ns)
{
	if (event == RUNNER_UNWANT)
		return machine_gone(machine);
	if (event != RUNNER_TIME || now_ns < machine->due_ns)
		return RUNNER_NOTHING;
	machine->tries = 0;
	return machine_start(machine, times, now_ns);
}

/**
 * runner_machine_step() - something happened
 * @machine: the machine
 * @times: all of them are set
 * @event: what
 * @now_ns: now
 *
 * Return: what is to be done.
 */
enum runner_act runner_machine_step(struct runner_machine *machine,
				    const struct runner_times *times,
				    enum runner_event event, uint64_t now_ns)
{
	if (event == RUNNER_WANT)
		machine->wanted = true;
	if (event == RUNNER_UNWANT)
		machine->wanted = false;
	switch (machine->state) {
	case RUNNER_NONE:
	case RUNNER_WAITING:
		return machine_waiting(machine, times, event, now_ns);
	case RUNNER_STARTING:
		return machine_starting(machine, times, event, now_ns);
	case RUNNER_RUNNING:
		return machine_running(machine, times, event, now_ns);
	case RUNNER_STOPPING:
		return machine_stopping(machine, times, event, now_ns);
	case RUNNER_ENDED:
		return event == RUNNER_UNWANT ? machine_gone(machine) :
						RUNNER_NOTHING;
	case RUNNER_FAILED:
		return machine_failing(machine, times, event, now_ns);
	}
	return RUNNER_NOTHING;
}
