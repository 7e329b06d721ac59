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

/**
 * machine_make() - an empty state
 * @c: the cluster
 *
 * Return: 0 or -ENOMEM.
 */
int machine_make(struct cluster *c)
{
	const struct state_limits limits = STATE_LIMITS_CELL;
	void *memory;

	machine_free(c);
	c->state_bytes = state_bytes(&limits);
	memory = mmap(NULL, c->state_bytes, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return -ENOMEM;
	c->s = memory;
	return state_create(c->s, c->state_bytes, &limits);
}

/**
 * machine_free() - no state
 * @c: the cluster
 */
void machine_free(struct cluster *c)
{
	if (c->s && c->beside)
		c->beside->ops->loaded(c->beside);
	if (c->s)
		munmap(c->s, c->state_bytes);
	c->s = NULL;
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

static void machine_apply(void *arg, u64 index, const void *data, u32 bytes,
			  struct group_wait *wait)
{
	struct cluster *c = arg;
	struct state_delta delta;
	struct state_result res;

	state_apply(c->s, data, bytes, &res, &delta);
	if (wait)
		exec_applied(wait, &res);
	c->duty_look |= machine_volumes(&delta);
	if (c->beside)
		c->beside->ops->applied(c->beside, index, &delta);
	if (delta.all || delta.nr)
		cluster_changed(c);
}

static int machine_save(void *arg, void **data, u64 *bytes)
{
	struct cluster *c = arg;
	struct state_snapshot snap;
	u64 room = 0, used = 0;
	u8 *buf = NULL, *more;
	int len;

	state_snapshot_begin(&snap, c->s);
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

static int machine_load(void *arg, const void *data, u64 bytes)
{
	struct cluster *c = arg;
	struct state_restore restore;
	const u8 *at = data;
	u64 left = bytes;
	int len, err = machine_make(c);

	if (err)
		return err;
	state_restore_begin(&restore, c->s);
	while (!err && left) {
		len = left < STATE_CHUNK_HEAD ? -EBADMSG :
						state_chunk_bytes(at);
		if (len <= 0 || (u64)len > left)
			return -EBADMSG;
		err = state_restore_chunk(&restore, at, len);
		at += len;
		left -= len;
	}
	if (!err)
		err = state_restore_end(&restore);
	if (err)
		log_write(LOG_LEVEL_ERROR, "state-restore", "reason=\"%s\"",
			  restore.reason ? restore.reason : "-");
	cluster_changed(c);
	return err;
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
				       .save = machine_save,
				       .reset = machine_reset,
				       .load = machine_load,
				       .send = machine_send,
				       .changed = machine_changed };
