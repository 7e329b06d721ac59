// SPDX-License-Identifier: GPL-2.0-only
/*
 * Jobs: what is under way, for everybody to see. They say what the reconciler
 * of the leader does; what is true is in the objects.
 */
#include "inner.h"

static bool state_job_over(const struct state_job *job)
{
	return job->state >= STATE_JOB_DONE;
}

/* The job with the lowest id of those that ended. */
static u32 state_job_oldest(const struct state *s)
{
	const struct state_job *job, *old;
	u32 slot, oldest = STATE_NONE;

	for (slot = state_next(s, STATE_JOBS, 0); slot != STATE_NONE;
	     slot = state_next(s, STATE_JOBS, slot + 1)) {
		job = state_object(s, STATE_JOBS, slot);
		if (!state_job_over(job))
			continue;
		old = oldest == STATE_NONE ?
			      NULL :
			      state_object(s, STATE_JOBS, oldest);
		if (!old || job->id < old->id)
			oldest = slot;
	}
	return oldest;
}

/**
 * state_do_job_add() - a job begins
 * @s: the state
 * @cmd: the command
 * @res: its id
 *
 * The oldest one that ended makes room if there is none.
 */
void state_do_job_add(struct state *s, const struct state_cmd *cmd,
		      struct state_result *res)
{
	struct state_job *job;
	u32 slot;

	if (!cmd->what || cmd->what > STATE_JOB_CREATE) {
		state_no(res, STATE_WHY_BAD, 16, 0, 0);
		return;
	}
	if (s->cluster.next_job > STATE_NUMBER_MAX) {
		state_no(res, STATE_WHY_IDS_FULL, 0, 0, 0);
		return;
	}
	slot = state_take(s, STATE_JOBS);
	if (slot == STATE_NONE) {
		slot = state_job_oldest(s);
		if (slot == STATE_NONE) {
			state_no(res, STATE_WHY_JOBS_FULL, s->limits.jobs, 0,
				 0);
			return;
		}
		state_index_del(s, STATE_BY_JOB, slot);
		state_give(s, STATE_JOBS, slot);
		slot = state_take(s, STATE_JOBS);
	}
	job = state_object(s, STATE_JOBS, slot);
	job->id = s->cluster.next_job++;
	job->kind = cmd->what;
	job->state = STATE_JOB_RUNNING;
	job->target = cmd->id;
	job->volume = cmd->volume;
	job->number = cmd->number;
	job->total = cmd->total;
	job->since_ms = s->cluster.now_ms;
	state_index_add(s, STATE_BY_JOB, slot);
	res->arg[0] = job->id;
	state_touch(s, STATE_KIND_JOB, job->id, 0);
}

/**
 * state_do_job_set() - how far a job is
 * @s: the state
 * @cmd: the command
 * @res: its result
 */
void state_do_job_set(struct state *s, const struct state_cmd *cmd,
		      struct state_result *res)
{
	u32 slot = state_find(s, STATE_BY_JOB, cmd->id);
	struct state_job *job;

	if (slot == STATE_NONE) {
		state_no(res, STATE_WHY_NO_JOB, cmd->id, 0, 0);
		return;
	}
	job = state_object(s, STATE_JOBS, slot);
	if (state_job_over(job)) {
		state_no(res, STATE_WHY_JOB_ENDED, cmd->id, 0, 0);
		return;
	}
	if (!cmd->state || cmd->state > STATE_JOB_FAILED ||
	    cmd->count > cmd->total) {
		state_no(res, STATE_WHY_BAD, 17, 0, 0);
		return;
	}
	job->state = cmd->state;
	job->done = cmd->count;
	job->total = cmd->total;
	memcpy(job->reason, cmd->reason, sizeof(job->reason));
	state_touch(s, STATE_KIND_JOB, job->id, 0);
}
