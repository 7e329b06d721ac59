/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A store's shell for the simulator: it carries out what the core describes
 * on a simulated disk, in any order that the rules of store.h allow.
 *
 * Events are chosen by the schedule (store_sim.c): a call of qbd_world_step()
 * does one thing.  A power cut may come before any request of the disk.
 */
#ifndef QBD_SIM_STORE_WORLD_H
#define QBD_SIM_STORE_WORLD_H

#include "disk.h"
#include "open.h"
#include "store_core.h"
#include "store_model.h"

#define QBD_WORLD_OPS 4096

/**
 * struct qbd_payload - payload of a record in memory
 * @blocks: its length
 * @data: the bytes
 */
struct qbd_payload {
	u32 blocks;
	u8 data[] __aligned(8);
};

#define QBD_WORLD_CUT 16

/**
 * struct qbd_sync - a replica that gets what it missed into a shadow
 * @ahead: the model, with what it missed
 * @replica: number of the replica
 * @id: its id
 * @active: there is such a one
 * @switching: the shadow is whole
 * @dropping: it is given up when its writes have ended
 * @seq: counts shadows
 * @next: next chunk to be looked at
 * @writes: chunks that are being written
 * @write_list: writes under way, of this shadow or an earlier one
 */
struct qbd_sync {
	struct qbd_model ahead;
	u32 replica;
	u64 id;
	bool active;
	bool switching;
	bool dropping;
	u64 seq;
	u32 next;
	u32 writes;
	struct list_head write_list;
};

/**
 * struct qbd_world - a store, its disk and what is expected of them
 * @rng: decides everything
 * @disk: the device; survives power cuts
 * @dev_blocks: its size
 * @super: layout of the store
 * @core: the store, NULL while it is not open
 * @mem: its memory
 * @now_ns: virtual time
 * @busy: time goes by with the steps, it is not waited for the disk
 * @cut_after: requests until the power goes, U64_MAX = it stays
 * @off: the power is gone
 * @trace: print what happens
 * @why: the rule that was broken, NULL = none
 * @nr_payloads: payloads in memory
 * @nr_pages: map pages handed out
 * @live: all that was accepted
 * @durable: all that was acknowledged
 * @maybe: @durable and what was under way
 * @ops: accepted, not acknowledged, from @op_first to @op_end
 * @op_first: counts operations acknowledged
 * @op_end: counts operations accepted
 * @op_of: by id of record: 1 + count of its operation, 0 = a copy
 * @told: highest bound given, by replica
 * @mood: how busy are users, commit, checkpoint, disk
 * @pinned: replicas, one bit each, whose bound does not rise
 * @seg: the segment under way
 * @seg_ops: counts operations up to the end of that segment
 * @seg_ios: its requests under way
 * @seg_error: outcome
 * @ckpt: a checkpoint is under way
 * @ckpt_wait: what it waits for; QBD_CKPT_MORE = for nothing
 * @ckpt_ios: its requests under way
 * @ckpt_error: outcome
 * @read_seq: counts reads
 * @grace_mark: a checkpoint waits for reads with lower numbers
 * @ios: requests of commit and checkpoint
 * @read_list: reads under way
 * @next_id: for new replicas
 * @pins: replicas are pinned in this life
 * @pin_rng: decides about that
 * @pin_pages: they get the memory that they need
 * @pin_min: what a pin that was asked for has at least
 * @sync: see struct qbd_sync
 * @again: records that a power cut took are sent again
 * @again_rng: decides about that
 * @cut: records with an index of the segment that the last power cut took
 * @nr_cut: how many
 * @known: the model is what the store has
 * @eios: failed requests were seen: the store may fail
 */
struct qbd_world {
	struct qbd_rng rng;
	struct qbd_disk *disk;
	u64 dev_blocks;
	struct qbd_super super;
	struct qbd_store_core *core;
	void *mem;
	u64 now_ns;
	bool busy;
	u64 cut_after;
	bool off;
	bool trace;
	const char *why;
	u32 nr_payloads;
	u32 nr_pages;
	struct qbd_model live;
	struct qbd_model durable;
	struct qbd_model maybe;
	struct qbd_model_op ops[QBD_WORLD_OPS];
	u64 op_first;
	u64 op_end;
	u64 *op_of;
	u64 told[QBD_MODEL_REPLICAS];
	u32 mood[4];
	u32 pinned;
	struct qbd_seg_plan seg;
	u64 seg_ops;
	u32 seg_ios;
	int seg_error;
	bool ckpt;
	enum qbd_ckpt_step ckpt_wait;
	u32 ckpt_ios;
	int ckpt_error;
	u64 read_seq;
	u64 grace_mark;
	struct list_head ios;
	struct list_head read_list;
	u64 next_id;
	bool pins;
	struct qbd_rng pin_rng;
	bool pin_pages;
	u64 pin_min[QBD_MODEL_REPLICAS];
	struct qbd_sync sync;
	bool again;
	struct qbd_rng again_rng;
	struct qbd_model_op cut[QBD_WORLD_CUT];
	u32 nr_cut;
	bool known;
	bool eios;
};

/* Why a run failed; the first reason counts. */
void qbd_world_broken(struct qbd_world *w, const char *why);
#define qbd_world_trace(w, ...)                   \
	do {                                      \
		if ((w)->trace)                   \
			printf("  " __VA_ARGS__); \
	} while (0)

/* store_world.c: the shell. */
struct qbd_payload *qbd_world_payload(struct qbd_world *w, u32 blocks);
void qbd_world_payload_free(struct qbd_world *w, void *payload);
void qbd_world_release(struct qbd_world *w);
void qbd_world_pages(struct qbd_world *w);
bool qbd_world_disk_step(struct qbd_world *w);
int qbd_world_io_sync(struct qbd_world *w, const struct qbd_io *io);
void qbd_world_commit_step(struct qbd_world *w, bool seal);
void qbd_world_ckpt_begin(struct qbd_world *w, bool close);
void qbd_world_ckpt_step(struct qbd_world *w);
void qbd_world_accept(struct qbd_world *w, u32 id,
		      const struct qbd_model_op *op);
void qbd_world_drop_ios(struct qbd_world *w);
void qbd_world_destroy(struct qbd_world *w);

/* store_life.c: format, open, what is found then. */
int qbd_world_format(struct qbd_world *w);
int qbd_world_open(struct qbd_world *w, bool faults);
void qbd_world_verify(struct qbd_world *w, bool faults);

/* store_check.c: rules that hold at any time. */
void qbd_world_read(struct qbd_world *w, u32 replica, u32 block, u32 blocks);
void qbd_world_read_pin(struct qbd_world *w, u32 replica, u32 chunk);
void qbd_world_read_all(struct qbd_world *w, u32 replica);
bool qbd_world_reads_before(struct qbd_world *w, u64 mark);
void qbd_world_drop_reads(struct qbd_world *w);

/* store_sync.c: a replica that missed something. */
void qbd_sync_step(struct qbd_world *w);
void qbd_sync_stop(struct qbd_world *w);
void qbd_sync_poll(struct qbd_world *w);
void qbd_sync_found(struct qbd_world *w);
void qbd_sync_drop_ios(struct qbd_world *w);
bool qbd_sync_blocks(const struct qbd_world *w, u32 replica);
void qbd_world_log_check(struct qbd_world *w, u32 replica);
void qbd_world_audit(struct qbd_world *w);

#endif /* QBD_SIM_STORE_WORLD_H */
