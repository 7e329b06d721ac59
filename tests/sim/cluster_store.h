/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A node's real store on its simulated disk, for cluster_store.c (log and
 * checkpoint), cluster_read.c (reads) and cluster_open.c (format, open,
 * damage).
 *
 * What the disk reports is noted and handled afterwards: a node may crash on
 * any action that follows, and takes the store and all its requests along.
 */
#ifndef QBD_SIM_CLUSTER_STORE_H
#define QBD_SIM_CLUSTER_STORE_H

#include "cluster.h"
#include "cluster_log.h"
#include "disk.h"
#include "store_core.h"

struct cl_sread;
struct cl_copy;

/* One or two requests of the disk, then @end. */
struct cl_io {
	struct list_head link;
	struct cl_world *w;
	u32 node;
	struct qbd_disk_req req[2];
	u32 left;
	int err;
	void (*end)(struct cl_io *io);
	struct qbd_io what;
	u32 crc;
	u32 payload_blocks;
	struct cl_sread *read;
	struct cl_copy *copy;
	u32 at; /* block of @read that it begins with */
	u64 lpos;
	u8 *buf;
};

/*
 * A READ or READ_LOCAL. It goes in waves, as the kernel's does: what is not
 * in memory takes its time, and the next pieces are looked up after that.
 */
struct cl_sread {
	struct list_head link;
	struct cl_read got;
	u64 seq;
	u32 wave; /* pieces that are looked up at once */
	u32 at;
	u32 next;
	u32 left;
	bool home;
	bool stale;
	u32 block;
	u32 blocks;
};

struct cl_store {
	u32 node;
	u32 disk_blocks;
	struct qbd_disk *disk;
	struct qbd_super super;
	struct qbd_store_core *core;
	void *mem;
	size_t mem_bytes;
	int slot[CL_SHARDS]; /* of the replica of a shard */
	struct qbd_pos to[CL_SHARDS]; /* what a switch under way leads to */
	u64 opens; /* as far as consensus knows */
	u64 kept_opens; /* what its image counts, 0 = there is none */
	bool blank; /* its replicas are to be made again */
	u64 rot_end; /* position in the log: all before is proven */
	bool failed; /* the node was told */
	u32 filled; /* chunks that the filler took, see cluster_full.c */
	bool drops; /* payloads leave memory */
	u64 due_ns; /* of the event that is set, 0 = none */
	struct list_head ios;
	struct list_head done;
	struct list_head reads;
	struct list_head copies; /* chunks of resyncs */
	u64 read_seq;
	bool sealing;
	bool seg_busy;
	struct qbd_seg_plan seg;
	bool ckpt;
	enum qbd_ckpt_step ckpt_wait;
	u32 ckpt_ios;
	int ckpt_err;
	u64 grace;
};

/* cluster_store.c */
struct cl_io *cl_io_new(struct cl_world *w, struct cl_store *s, u32 blocks,
			void (*end)(struct cl_io *));
void cl_io_free(struct cl_io *io);
void cl_io_submit(struct cl_io *io, enum qbd_disk_op op, bool fua,
		  const struct qbd_extent *extent, u32 nr, void *buf);
void cl_store_run(struct cl_world *w, struct cl_store *s);
void cl_store_pages(struct cl_store *s);
void cl_store_release(struct cl_store *s);
void cl_store_switched(struct cl_world *w, struct cl_store *s);

/* cluster_read.c */
bool cl_reads_before(const struct cl_store *s, u64 mark);
void cl_reads_drop(struct cl_world *w, struct cl_store *s, bool report);
void cl_peek_payload(struct cl_store *s, const struct qbd_rec *rec, u8 *buf);

#endif /* QBD_SIM_CLUSTER_STORE_H */
