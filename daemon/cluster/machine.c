// SPDX-License-Identifier: GPL-2.0-only
/*
 * The replicated state as the machine of the group.
 *
 * Its memory is an anonymous mapping for a whole cell, of which the kernel
 * gives what is written to (state/limits.h); a fresh one is all zeros again.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "../log.h"
#include "inner.h"

static u64 machine_bytes(void)
{
	const struct state_limits limits = STATE_LIMITS_CELL;

	return state_bytes(&limits);
}

static struct state *machine_empty(void)
{
	const struct state_limits limits = STATE_LIMITS_CELL;
	void *memory = mmap(NULL, machine_bytes(), PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (memory == MAP_FAILED)
		return NULL;
	if (!state_create(memory, machine_bytes(), &limits))
		return memory;
	munmap(memory, machine_bytes());
	return NULL;
}

static void machine_drop(void *machine)
{
	munmap(machine, machine_bytes());
}

/**
 * struct machine_free_job - a state that goes
 * @job: the work's, first member
 * @s: it
 */
struct machine_free_job {
	struct work_job job;
	struct state *s;
};

static void machine_free_run(struct work_job *job)
{
	machine_drop(((struct machine_free_job *)job)->s);
}

static void machine_free_done(struct work_job *job)
{
	free(job);
}

/**
 * machine_make() - an empty state
 * @c: the cluster
 *
 * Return: 0 or -ENOMEM.
 */
int machine_make(struct cluster *c)
{
	machine_free(c);
	c->s = machine_empty();
	return c->s ? 0 : -ENOMEM;
}

/**
 * machine_free() - no state
 * @c: the cluster
 *
 * It may be being saved: it goes behind that.
 */
void machine_free(struct cluster *c)
{
	struct machine_free_job *job;

	if (!c->s)
		return;
	if (c->beside)
		c->beside->ops->loaded(c->beside);
	job = calloc(1, sizeof(*job));
	if (!job)
		abort();
	job->job.run = machine_free_run;
	job->job.what = "give memory back";
	job->job.done = machine_free_done;
	job->s = c->s;
	c->s = NULL;
	work_give(c->work, &job->job);
}

/* Is there something for the duties about volumes in it? */
static bool machine_volumes(const struct state_delta *delta)
{
	u32 i;

	for (i = 0; i < delta->nr; i++)
		if (delta->item[i].kind == STATE_KIND_VOLUME ||
		    delta->item[i].kind == STATE_KIND_STORE)
			return true;
	return delta->all;
}

/* It would do with what follows what no other server does. */
static void machine_newer(struct cluster *c, u64 index,
			  const struct state_result *res)
{
	char text[CLUSTER_WHY_MAX];

	c->newer = true;
	state_result_text(c->s, res, text, sizeof(text));
	log_write(
		LOG_LEVEL_ERROR, "feature-level-newer",
		"server=%llu index=%llu reason=\"%s\" hint=\"start the newer qbdd again\"",
		(unsigned long long)c->record.server, (unsigned long long)index,
		text);
}

static int machine_apply(void *arg, u64 index, const void *data, u32 bytes,
			 struct group_wait *wait)
{
	struct cluster *c = arg;
	struct state_delta delta;
	struct state_result res;

	state_apply(c->s, data, bytes, &res, &delta);
	if (res.why == STATE_WHY_NEWER) {
		machine_newer(c, index, &res);
		return -EOPNOTSUPP;
	}
	if (wait)
		exec_applied(wait, &res);
	c->duty_look |= machine_volumes(&delta);
	if (c->beside)
		c->beside->ops->applied(c->beside, index, &delta);
	if (delta.all || delta.nr)
		cluster_changed(c);
	return 0;
}

static void *machine_itself(void *arg)
{
	return ((struct cluster *)arg)->s;
}

static int machine_save(void *machine, void **data, u64 *bytes)
{
	struct state_snapshot snap;
	u64 room = 0, used = 0;
	u8 *buf = NULL, *more;
	int len;

	state_snapshot_begin(&snap, machine);
	do {
		if (room - used < STATE_CHUNK_BYTES_MAX) {
			room = room * 2 + STATE_CHUNK_BYTES_MAX;
			more = realloc(buf, room);
			if (!more) {
				free(buf);
				return -ENOMEM;
			}
			buf = more;
		}
		len = state_snapshot_next(&snap, buf + used,
					  STATE_CHUNK_BYTES_MAX);
		if (len > 0)
			used += len;
	} while (len > 0);
	if (len < 0) {
		free(buf);
		return len;
	}
	*data = buf;
	*bytes = used;
	return 0;
}

static void machine_reset(void *arg)
{
	struct cluster *c = arg;

	/* without memory for an empty state there is none to go on with */
	if (machine_make(c))
		abort();
}

static int machine_restore(struct state_restore *restore, const u8 *at,
			   u64 left)
{
	int len, err = 0;

	while (!err && left) {
		len = left < STATE_CHUNK_HEAD ? -EBADMSG :
						state_chunk_bytes(at);
		if (len <= 0 || (u64)len > left)
			return -EBADMSG;
		err = state_restore_chunk(restore, at, len);
		at += len;
		left -= len;
	}
	return err ?: state_restore_end(restore);
}

static int machine_load(const void *data, u64 bytes, void **machine,
			const char **why)
{
	struct state *s = machine_empty();
	struct state_restore restore;
	int err;

	if (!s)
		return -ENOMEM;
	state_restore_begin(&restore, s);
	err = machine_restore(&restore, data, bytes);
	*why = restore.reason;
	if (err)
		machine_drop(s);
	else
		*machine = s;
	return err;
}

static void machine_adopt(void *arg, void *machine)
{
	struct cluster *c = arg;

	machine_free(c);
	c->s = machine;
	cluster_changed(c);
}

static void machine_send(void *arg, u64 to, bool bulk, const void *data,
			 u32 bytes)
{
	struct cluster *c = arg;

	/* lost if there is no session, or no room: the core sends it again */
	if (life_vouches(c, server_node(to)))
		cluster_send(c, server_node(to),
			     bulk ? SESSION_BULK : SESSION_URGENT, MSG_RAFT,
			     data, bytes);
}

static void machine_changed(void *arg)
{
	cluster_changed(arg);
}

const struct group_ops machine_ops = { .apply = machine_apply,
				       .machine = machine_itself,
				       .save = machine_save,
				       .load = machine_load,
				       .adopt = machine_adopt,
				       .drop = machine_drop,
				       .reset = machine_reset,
				       .opened = server_opened,
				       .send = machine_send,
				       .changed = machine_changed };
