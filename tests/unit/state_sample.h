/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A state with something of everything, and snapshots of states, for tests of
 * their bytes.
 */
#ifndef QBD_TESTS_STATE_SAMPLE_H
#define QBD_TESTS_STATE_SAMPLE_H

#include "state_world.h"
#include "state/snapshot.h"

#define SAMPLE_CHUNKS 32

/* A snapshot in memory. */
struct sample_snap {
	u32 nr;
	u32 bytes[SAMPLE_CHUNKS];
	u8 *chunk[SAMPLE_CHUNKS];
};

static inline void sample_state(struct sw *w)
{
	struct state_cmd node;

	sw_begin(w, &SW_LIMITS, 6);
	sw_volume(w, "db1", 2, 3, 3);
	sw_volume(w, "wide", 1, 4, 5);
	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 5);
	SW_OK(w, SHARD_PROPOSE, .volume = 1, .term = 1, .epoch = 1, .nr_add = 1,
	      .add = { 5 }, .nr_del = 1, .del = { 1 });
	sw_obey(w);
	SW_OK(w, SHARD_JOINT, .volume = 1, .term = 1, .epoch = 1);
	SW_OK(w, SHARD_PROPOSE, .volume = 2, .epoch = 1, .nr_add = 1,
	      .add = { 6 });
	SW_OK(w, SHARD_ABORT, .volume = 2, .epoch = 1);
	node = (struct state_cmd){ .kind = STATE_CMD_NODE_SET,
				   .node = 6,
				   .flags = STATE_NODE_SET_LABELS,
				   .nr_labels = 1,
				   .label = { { "disk", "ssd" } } };
	ASSERT_EQ(0, sw_do(w, node));
	SW_OK(w, NODE_RAFT, .node = 1);
	SW_OK(w, STORE_STATE, .store = 5, .state = STATE_STORE_GONE);
	SW_OK(w, VOLUME_RESIZE, .volume = 1, .size = 3 * SW_SHARD);
	SW_OK(w, VOLUME_DELETE, .volume = 2);
	SW_OK(w, JOB_ADD, .what = STATE_JOB_DELETE, .id = 2);
}

static inline void sample_encode(const struct state *s,
				 struct sample_snap *snap)
{
	static u8 buf[STATE_CHUNK_BYTES_MAX];
	struct state_snapshot at;
	int bytes;

	snap->nr = 0;
	state_snapshot_begin(&at, s);
	while ((bytes = state_snapshot_next(&at, buf, sizeof(buf))) > 0) {
		ASSERT_LT(snap->nr, SAMPLE_CHUNKS);
		snap->bytes[snap->nr] = bytes;
		snap->chunk[snap->nr] = malloc(bytes);
		memcpy(snap->chunk[snap->nr++], buf, bytes);
	}
	ASSERT_EQ(0, bytes);
}

static inline void sample_free(struct sample_snap *snap)
{
	while (snap->nr)
		free(snap->chunk[--snap->nr]);
}

/* The reason why not, or NULL; the state is in @to. */
static inline const char *sample_restore(const struct sample_snap *snap,
					 struct state *to)
{
	struct state_restore restore;
	u32 i;

	state_restore_begin(&restore, to);
	for (i = 0; i < snap->nr; i++)
		if (state_restore_chunk(&restore, snap->chunk[i],
					snap->bytes[i]))
			break;
	if (!state_restore_end(&restore))
		return NULL;
	if (!restore.reason)
		abort();
	return restore.reason;
}

#endif /* QBD_TESTS_STATE_SAMPLE_H */
