/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the group share; group.h is for everybody else.
 */
#ifndef QBD_GROUP_INNER_H
#define QBD_GROUP_INNER_H

#include "group.h"

#define GROUP_PIECES 8 /* that are being read: one for each other server */

struct group_piece;
struct group_reading;

/**
 * enum group_queue - where a struct group_wait is
 * @GROUP_NONE: nowhere
 * @GROUP_COMMANDS: its entry is not applied yet
 * @GROUP_ASKING: a read: the leader confirms its leadership
 * @GROUP_READING: a read: not all is applied yet
 * @GROUP_DONE: it is to be called
 * @GROUP_QUEUES: how many there are
 */
enum group_queue {
	GROUP_NONE,
	GROUP_COMMANDS,
	GROUP_ASKING,
	GROUP_READING,
	GROUP_DONE,
	GROUP_QUEUES,
};

/**
 * struct group_row - a queue
 * @first: the first, or NULL
 * @last: where the next one goes
 */
struct group_row {
	struct group_wait *first;
	struct group_wait **last;
};

/**
 * struct group_opening - a directory that is being read, beside the loop
 * @job: the work's, first member
 * @g: whose, NULL = it ended
 * @work: whose job it is
 * @ops: has the machine
 * @env: the directory
 * @opt: of the store
 * @old: store to be closed before, or NULL
 * @taking: what @old reads
 * @report: what was found
 * @rl: the store
 * @machine: what its snapshot holds, NULL = it has none
 * @why: why that can not be said, or NULL
 * @err: of the store
 * @load_err: of the machine
 */
struct group_opening {
	struct work_job job;
	struct group *g;
	struct work *work;
	const struct group_ops *ops;
	struct raftlog_env env;
	struct raftlog_options opt;
	struct raftlog *old;
	void *taking;
	struct raftlog_report report;
	struct raftlog *rl;
	void *machine;
	const char *why;
	int err;
	int load_err;
};

/**
 * struct group_loading - a snapshot that becomes a machine, beside the loop
 * @job: the work's, first member
 * @g: whose, NULL = it ended
 * @ops: has the machine
 * @rl: has the snapshot; it is closed behind this job
 * @snap: which one
 * @machine: made of it
 * @why: why not, or NULL
 * @err: why not
 */
struct group_loading {
	struct work_job job;
	struct group *g;
	const struct group_ops *ops;
	const struct raftlog *rl;
	struct raft_snap snap;
	void *machine;
	const char *why;
	int err;
};

/**
 * struct group_saving - the machine becomes bytes, beside the loop
 * @job: the work's, first member
 * @g: whose, NULL = it ended
 * @ops: has the machine
 * @machine: it; nothing is applied meanwhile
 * @snap: of what
 * @data: bytes
 * @bytes: how many
 * @err: why not
 */
struct group_saving {
	struct work_job job;
	struct group *g;
	const struct group_ops *ops;
	void *machine;
	struct raft_snap snap;
	void *data;
	u64 bytes;
	int err;
};

/**
 * struct group - a server
 * @loop: it runs there
 * @opt: what it is made of
 * @ops: machine and sends
 * @arg: for them
 * @env: directory of the store
 * @raft: the core
 * @rl: the store; NULL = it could not be opened again
 * @state: enum group_state
 * @applied: in the machine
 * @committed: to be applied up to here
 * @opening: the directory is being read, or NULL
 * @first: nobody was told yet how that ended
 * @loading: another machine is being made, or NULL
 * @saving: the machine becomes bytes, or NULL
 * @full: the store has little room, or @snap_full
 * @snap_full: none for a snapshot, which is due
 * @taking: bytes of a snapshot that is being stored, or NULL
 * @failed: own snapshots that came to nothing
 * @reading: the snapshot that is being sent, or NULL
 * @piece: pieces of it that are being read, or NULL
 * @store: the store finished something
 * @tick: the core's deadline
 * @retry: the disk was full
 * @later: waits to call, and what changed
 * @changed: group_ops.changed is to be called
 * @stepping: in raft_step() or its update
 * @again: what was received does not fit: begin from the directory again
 * @next_leader: member that is next to be handed the leadership
 * @snap_ns: no own snapshot before
 * @nr_waits: in all queues
 * @cookie: of the last read
 * @row: by enum group_queue
 * @update: what the core wants
 * @msg: encoded
 * @entry: decoded
 * @slot: memory of the core
 * @pool: memory of the core
 */
struct group {
	struct loop *loop;
	struct group_options opt;
	const struct group_ops *ops;
	void *arg;
	const struct raftlog_env *env;
	struct raft *raft;
	struct raftlog *rl;
	enum group_state state;
	u64 applied;
	u64 committed;
	struct group_opening *opening;
	bool first;
	struct group_loading *loading;
	struct group_saving *saving;
	bool full;
	bool snap_full;
	void *taking;
	u64 failed;
	struct group_reading *reading;
	struct group_piece *piece[GROUP_PIECES];
	struct loop_source store;
	struct loop_timer tick;
	struct loop_timer retry;
	struct loop_call later;
	bool changed;
	bool stepping;
	bool again;
	u32 next_leader;
	u64 snap_ns;
	u32 nr_waits;
	u64 cookie;
	struct group_row row[GROUP_QUEUES];
	struct raft_update update;
	u8 msg[GROUP_MSG_BYTES_MAX];
	struct raft_entry entry[RAFT_APPEND_ENTRIES_MAX];
	struct raft_slot *slot;
	u8 *pool;
};

/* open.c */
void group_open_begin(struct group *g);
void group_end(struct group *g);

/* group.c */
void group_room(struct group *g);
void group_store_ready(struct loop_source *source, uint32_t events);

/* step.c */
void group_apply(struct group *g);
int group_step(struct group *g, struct raft_event *event);
void group_tick_set(struct group *g);
void group_stop(struct group *g, enum group_state state);

/* ask.c */
void group_wait_add(struct group *g, struct group_wait *wait,
		    enum group_queue queue);
void group_wait_end(struct group *g, struct group_wait *wait, int err);
struct group_wait *group_wait_at(struct group *g, u64 index, u64 term);
void group_waits_fail(struct group *g, u64 through, int err);
void group_reads_ready(struct group *g);
void group_asked(struct group *g, const struct raft_read *read);
void group_later(struct loop_call *call);
void group_changed(struct group *g);

/* wire.c */
void group_send_now(struct group *g, const struct raft_msg *msg, int err);
void group_send(struct group *g, const struct raft_msg *msg);

/* piece.c */
int group_piece(struct group *g, const struct raft_msg *msg);
void group_pieces_end(struct group *g);

/* snap.c */
int group_snap_load(const struct raftlog *rl, const struct raft_snap *snap,
		    const struct group_ops *ops, void **machine,
		    const char **why);
void group_adopt(struct group *g, void *machine);
void group_snap_unusable(const struct group *g, const struct raft_snap *snap,
			 int err, const char *why);
void group_restore(struct group *g);
void group_forget_jobs(struct group *g);
void group_snapshot(struct group *g);
void group_taken(struct group *g, struct raftlog_done *done);

#endif /* QBD_GROUP_INNER_H */
