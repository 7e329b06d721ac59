/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A log store inside: what its files share. raftlog.h is for everybody else.
 *
 * Two threads: what is tagged [writer] belongs to whoever is in raftlog_work(),
 * and to raftlog_open() before; [lock] to whoever holds it.  The lock is never
 * held over a file operation.
 */
#ifndef QBD_RAFTLOG_STORE_H
#define QBD_RAFTLOG_STORE_H

#include <pthread.h>

#include "image.h"
#include "raftlog.h"

#define RL_SLICE (1024 * 1024) /* of an own snapshot, between two batches */

/**
 * enum rl_job_state - a piece of work
 * @RL_JOB_NONE: there is none
 * @RL_JOB_QUEUED: the writer has not begun, or has done a part
 * @RL_JOB_BUSY: it is at it
 * @RL_JOB_DONE: raftlog_poll() takes it
 */
enum rl_job_state {
	RL_JOB_NONE,
	RL_JOB_QUEUED,
	RL_JOB_BUSY,
	RL_JOB_DONE,
};

/**
 * struct rl_batch_job - a batch
 * @state: enum rl_job_state [lock]
 * @err: how it ended [lock]
 * @batch: what to do
 * @buf: its entries, as in a message
 * @bytes: of them
 * @room: of @buf
 */
struct rl_batch_job {
	enum rl_job_state state;
	int err;
	struct raft_batch batch;
	u8 *buf;
	u64 bytes;
	u64 room;
};

/**
 * struct rl_chunk_job - a piece of a snapshot that is being received
 * @state: enum rl_job_state [lock]
 * @err: how it ended [lock]
 * @snap: of which
 * @offset: where it belongs
 * @bytes: how long it is
 * @data: it
 */
struct rl_chunk_job {
	enum rl_job_state state;
	int err;
	struct raft_snap snap;
	u64 offset;
	u32 bytes;
	u8 data[RAFTLOG_PIECE_MAX];
};

/**
 * struct rl_take_job - an own snapshot
 * @state: enum rl_job_state [lock]
 * @err: how it ended [lock]
 * @data: content; the caller's until it is done
 * @file: -1 = not begun [writer]
 * @made: what is written so far [writer]
 */
struct rl_take_job {
	enum rl_job_state state;
	int err;
	const u8 *data;
	int file;
	struct rl_snap made;
};

/**
 * struct raftlog - a store
 * @env: the directory [const after open]
 * @opt: options [const after open]
 * @id: whose it is [const after open]
 * @img: what was read, until raftlog_started() [event loop]
 * @damaged: rule 9 [const after open]
 * @state_file: the slots [writer]
 * @hard: the newer one [writer]
 * @seg: the log [writer]
 * @nr_segs: how many [writer]
 * @room_segs: that @seg has room for [writer]
 * @tail_file: the last one, -1 = none [writer]
 * @wbuf: records on their way, @opt.segment_bytes [writer]
 * @snap: the snapshot in use [writer]
 * @older: the one before, or none [writer]
 * @incoming: the one that is being received, or none [writer]
 * @incoming_file: it, -1 = none [writer]
 * @piece: for one piece [writer]
 * @spare_first: number of the first spare [writer]
 * @spares: how many [writer]
 * @spares_want: how many there shall be [const after open]
 * @now: for raftlog_look(); the writer has it, and publishes it [writer]
 * @lock: of what follows
 * @wake: there is work [lock]
 * @info: published [lock]
 * @batch: [see there]
 * @chunk: [see there]
 * @take: [see there]
 * @refill: try to make spares [lock]
 * @full_told: what raftlog_poll() said last [lock]
 * @stop: the thread has to end [lock]
 * @running: there is one [event loop]
 * @event_fd: -1 = none [const after raftlog_run()]
 * @thread: it [event loop]
 */
struct raftlog {
	struct raftlog_env env;
	struct raftlog_options opt;
	struct raftlog_identity id;
	struct rl_image img;
	bool damaged;
	int state_file;
	struct raft_hard hard;
	struct rl_seg *seg;
	u32 nr_segs;
	u32 room_segs;
	int tail_file;
	u8 *wbuf;
	struct rl_snap snap;
	struct rl_snap older;
	struct rl_snap incoming;
	int incoming_file;
	u8 *piece;
	u64 spare_first;
	u32 spares;
	u32 spares_want;
	struct raftlog_info now;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct raftlog_info info;
	struct rl_batch_job batch;
	struct rl_chunk_job chunk;
	struct rl_take_job take;
	bool refill;
	bool full_told;
	bool stop;
	bool running;
	int event_fd;
	pthread_t thread;
};

/* file.c */
int rl_fail(struct raftlog *rl, int err, const char *op, const char *file);
int rl_file_open(struct raftlog *rl, const char *name, enum raftlog_mode mode);
void rl_file_close(struct raftlog *rl, int *file);
int rl_try_write(struct raftlog *rl, int file, const void *buf, u64 bytes,
		 u64 offset);
int rl_file_write(struct raftlog *rl, int file, const char *name,
		  const void *buf, u64 bytes, u64 offset);
int rl_file_sync(struct raftlog *rl, int file, const char *name);
int rl_file_zero(struct raftlog *rl, int file, const char *name, u64 from,
		 u64 to);
int rl_dir_sync(struct raftlog *rl);
int rl_dir_rename(struct raftlog *rl, const char *from, const char *to);
int rl_dir_unlink(struct raftlog *rl, const char *name);

/* slot.c */
int rl_hard_write(struct raftlog *rl, const struct raft_hard *hard, bool both);
int rl_known_raise(struct raftlog *rl, u64 known);

/* segment.c */
u64 rl_log_last(const struct raftlog *rl);
int rl_log_append(struct raftlog *rl, const struct raft_batch *batch,
		  const u8 *data, u64 bytes);
int rl_log_truncate(struct raftlog *rl, u64 keep);
int rl_log_drop(struct raftlog *rl, u64 through);
void rl_seg_publish(struct raftlog *rl);

/* spare.c */
u32 rl_spares_want(const struct raftlog_options *opt);
int rl_spare_take(struct raftlog *rl, char *name);
int rl_spares_fill(struct raftlog *rl);
int rl_spares_adopt(struct raftlog *rl, const struct rl_names *names);

/* batch.c */
int rl_batch_run(struct raftlog *rl, const struct rl_batch_job *job);

/* snapfile.c */
int rl_chunk_run(struct raftlog *rl, const struct rl_chunk_job *job);
int rl_snap_install(struct raftlog *rl, struct raft_pos pos);
int rl_snap_replace(struct raftlog *rl, const struct rl_snap *snap);
int rl_older_check(struct raftlog *rl);
int rl_piece_write(struct raftlog *rl, int file, struct rl_snap *snap,
		   const u8 *data, u32 bytes);

/* taking.c */
int rl_take_run(struct raftlog *rl, struct rl_take_job *job);

/* thread.c */
void rl_thread_stop(struct raftlog *rl);
void rl_thread_tell(struct raftlog *rl);

#endif /* QBD_RAFTLOG_STORE_H */
