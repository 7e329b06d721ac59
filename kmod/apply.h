/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checkpoints of a store: the thread (apply.c) and its I/Os (apply_io.c).
 *
 * For the files of the store's shell only, like store_object.h.
 */
#ifndef QBD_APPLY_H
#define QBD_APPLY_H

#include <linux/wait.h>
#include "backend.h"
#include "core/store.h"
#include "limits.h"
#include "pages.h"

struct qbd_store;

/**
 * struct qbd_apply_io - an I/O of a checkpoint under way
 * @apply: whose
 * @group: its bios
 * @payload: what is written, referenced; or NULL
 * @what: what it does
 * @busy: in use
 * @redo: zeros have to be written after all, see qbd_group_io()
 */
struct qbd_apply_io {
	struct qbd_apply *apply;
	struct qbd_bio_group group;
	struct qbd_payload *payload;
	struct qbd_io what;
	bool busy;
	bool redo;
};

/**
 * enum qbd_apply_kind - what the I/Os of a phase of a checkpoint are about
 * @QBD_APPLY_NONE: nothing was written yet, or payloads are loaded
 * @QBD_APPLY_HOME: blocks go home
 * @QBD_APPLY_META: pages of the metadata tree
 * @QBD_APPLY_FLUSH: a flush
 * @QBD_APPLY_SUPER: a superblock slot
 */
enum qbd_apply_kind {
	QBD_APPLY_NONE,
	QBD_APPLY_HOME,
	QBD_APPLY_META,
	QBD_APPLY_FLUSH,
	QBD_APPLY_SUPER,
};

/**
 * struct qbd_apply - checkpoints of a store
 * @thread: makes them; NULL unless it runs
 * @wait: what it waits on, and who waits for it
 * @kicked: there may be work for it
 * @first: the one before the store may be used is still to be made
 * @close: make the last one
 * @closed: the last one was made, or failed
 * @hungry: the pool of pages ran dry: drop what can be dropped
 * @commits: it waits for the log, which wakes it only then: it is idle most of
 *	the time, and to wake it for each segment costs more than to write one
 * @nr_busy: I/Os under way
 * @nr_redo: of these, not under way but to be done again
 * @io: these
 * @copy: pages to read a payload back into
 * @copy_lpos: log position of the payload in @copy; U64_MAX = none
 * @error: first failed I/O of the phase
 * @kind: what the phase is about
 * @phase_ios: I/Os of the phase so far
 * @phase_blocks: their blocks
 * @soon: a checkpoint that is not urgent waits for a quiet moment
 * @soon_since: since when, in jiffies
 *
 * All but @wait, @kicked, @first, @close, @closed, @hungry, @commits, @nr_busy,
 * @nr_redo and @io.busy are the thread's own.
 */
struct qbd_apply {
	struct task_struct *thread;
	wait_queue_head_t wait;
	bool kicked;
	bool first;
	bool close;
	bool closed;
	bool hungry;
	bool commits;
	u32 nr_busy;
	u32 nr_redo;
	struct qbd_apply_io io[QBD_STORE_CKPT_DEPTH];
	struct qbd_payload *copy;
	u64 copy_lpos;
	int error;
	enum qbd_apply_kind kind;
	u32 phase_ios;
	u64 phase_blocks;
	bool soon;
	unsigned long soon_since;
};

/**
 * struct qbd_apply_todo - an I/O that the core described
 * @io: as described
 * @payload: what to write, referenced, or NULL
 * @lpos: COPY, LOAD: log position of the payload
 * @crc: COPY, LOAD: of the payload
 * @blocks: COPY, LOAD: length of the payload
 * @extent: COPY, LOAD: where it is
 * @nr_extents: COPY, LOAD: 1 or 2
 */
struct qbd_apply_todo {
	struct qbd_io io;
	struct qbd_payload *payload;
	u64 lpos;
	u32 crc;
	u32 blocks;
	struct qbd_extent extent[2];
	u32 nr_extents;
};

/* apply.c */
int qbd_apply_start(struct qbd_store *store, bool first);
void qbd_apply_stop(struct qbd_store *store);
void qbd_apply_kick(struct qbd_store *store);
void qbd_apply_grace(struct qbd_store *store);
void qbd_apply_close(struct qbd_store *store);

/* apply_io.c */
void qbd_apply_wait(struct qbd_store *store, u32 most);
void qbd_apply_start_io(struct qbd_store *store, struct qbd_apply_todo *todo);
void qbd_apply_phase_fault(struct qbd_store *store);

#endif /* QBD_APPLY_H */
