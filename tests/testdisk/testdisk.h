/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbd-testdisk: a block device for tests only, in RAM, that loses power.
 *
 * Model.  A write takes effect when it completes.  Behind an advertised
 * volatile cache every sector of 512 bytes that was written and not flushed
 * keeps its last durable content beside it.  A FUA write is durable when it
 * completes; a flush makes durable what completed before the flush arrived.
 * A crash resolves each unflushed sector to its new or its durable content and
 * tears the writes in flight, both chosen by a hash of (seed, position), so
 * that the same history and the same seed give the same bytes.
 *
 * Control is by lines of text through /dev/qbd-testdisk-ctl; ctl.c lists the
 * commands, td.sh wraps them for shell scripts.
 *
 * Context: struct td_dev.lock is the only lock of the I/O path; it is taken
 * with softirqs off, and all of store, fault and record state is under it.
 * td_dev.ctl serialises the slow commands of one device and is never needed to
 * end I/O, so "release", "crash" and "clear" work while "remove" waits.
 *
 * Lock order: td_dev.ctl -> td_list_lock -> td_dev.lock.
 */
#ifndef QBD_TESTDISK_H
#define QBD_TESTDISK_H

#include <linux/blk-mq.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/seq_buf.h>
#include <linux/sizes.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>

#include "ctl.h"
#include "store.h"

#define TD_NAME_MAX 24
#define TD_MAX_BYTES SZ_1T

/**
 * struct td_crash - what a crash does, now or when armed
 * @keep: which sectors survive
 * @hold: requests stay unanswered until "revive" instead of failing
 * @vanish: the disk node goes away as well
 */
struct td_crash {
	struct td_keep keep;
	bool hold;
	bool vanish;
};

/**
 * struct td_stats - counters of a device, as "stat" prints them
 * @reads: requests that arrived while the disk ran; so are the next ones
 * @writes: with FUA or without
 * @flushes: flushes
 * @fuas: writes with FUA
 * @discards: discards
 * @zeroes: write-zeroes requests
 * @read_sectors: of 512 bytes
 * @write_sectors: of 512 bytes
 * @errors: requests that ended with an error
 * @crashes: power cuts
 * @crash_kept: unflushed sectors that survived the last crash
 * @crash_lost: unflushed sectors that did not
 * @crash_inflight: requests that were in flight then
 */
struct td_stats {
	u64 reads;
	u64 writes;
	u64 flushes;
	u64 fuas;
	u64 discards;
	u64 zeroes;
	u64 read_sectors;
	u64 write_sectors;
	u64 errors;
	u64 crashes;
	u64 crash_kept;
	u64 crash_lost;
	u64 crash_inflight;
};

/**
 * struct td_latency - law of the time from arrival to completion
 * @read_ns: of a read
 * @write_ns: of a write, discard or zeroes request
 * @flush_ns: of a flush
 * @kib_ns: added for each KiB that is read or written
 */
struct td_latency {
	u64 read_ns;
	u64 write_ns;
	u64 flush_ns;
	u64 kib_ns;
};

struct td_backing;
struct td_record;

/**
 * struct td_disk - one appearance of the device as a gendisk
 * @tag_set: of @gd
 * @gd: the disk
 *
 * Allocated anew each time, because openers of a vanished disk keep its queue.
 */
struct td_disk {
	struct blk_mq_tag_set tag_set;
	struct gendisk *gd;
};

/* Life of a device with respect to power. */
enum td_state {
	TD_RUN,
	TD_CRASHED,
};

/**
 * struct td_dev - a test disk
 * @name: the node is /dev/td_NAME [const]
 * @ref: list, commands and works hold one each
 * @link: in the list of devices [td_list_lock]
 * @ctl: serialises the slow commands
 * @disk: the gendisk, NULL while vanished [ctl]
 * @ended: "remove" is done [ctl]
 * @vanish_work: takes the disk away after a crash from the I/O path
 * @block: logical block size [const]
 * @depth: requests in flight at most [const]
 * @backing: durable copy on another device, or NULL [const]
 * @lock: protects all that follows
 * @state: with or without power [lock]
 * @gone: there is no disk; every request fails [lock]
 * @holding: crashed, and requests stay unanswered [lock]
 * @store: the contents [lock]
 * @latency: the law in force [lock]
 * @stats: counters [lock]
 * @armed: the crash that @crash_left counts down to [lock]
 * @ops: writes, flushes, discards and zeroes that arrived so far [lock]
 * @crash_left: ops until the armed crash, 0 when not armed [lock]
 * @inflight: struct td_cmd, in order of arrival [lock]
 * @nr_inflight: length of @inflight [lock]
 * @nr_held: of those, requests held without a timer [lock]
 * @faults: struct td_fault, in the order in which they were set [lock]
 * @fault_id: last identity given to a fault [lock]
 * @record: log of operations, or NULL [lock to follow, ctl to change]
 */
struct td_dev {
	char name[TD_NAME_MAX + 1];
	struct kref ref;
	struct list_head link;
	/* serialises the slow commands */
	struct mutex ctl;
	struct td_disk *disk;
	bool ended;
	struct work_struct vanish_work;
	u32 block;
	u32 depth;
	struct td_backing *backing;

	/* protects all that follows */
	spinlock_t lock;
	enum td_state state;
	bool gone;
	bool holding;
	struct td_store store;
	struct td_latency latency;
	struct td_stats stats;
	struct td_crash armed;
	u64 ops;
	u64 crash_left;
	struct list_head inflight;
	u32 nr_inflight;
	u32 nr_held;
	struct list_head faults;
	u32 fault_id;
	struct td_record *record;
};

/**
 * struct td_cmd - a request being served, the pdu of struct request
 * @timer: completes the request at its time [const after init]
 * @link: in td_dev.inflight, then in a private list of ended requests [lock]
 * @op: what it does [lock]
 * @start: arrival
 * @delay_ns: until completion
 * @no: number of its operation, 0 for a read
 * @flush_seq: what a flush covers
 * @reserved: pages reserved in the store
 * @status: of the request
 * @torn: a fault cut it short [lock]
 * @held: waits for "release" or "revive", not for the timer [lock]
 * @dead: its effect was settled by a crash or a removal [lock]
 */
struct td_cmd {
	struct hrtimer timer;
	struct list_head link;
	struct td_op op;
	ktime_t start;
	u64 delay_ns;
	u64 no;
	u64 flush_seq;
	unsigned int reserved;
	blk_status_t status;
	bool torn;
	bool held;
	bool dead;
};

/* main.c */
extern struct mutex td_list_lock;
int td_dev_publish(struct td_dev *td);
void td_dev_unlist(struct td_dev *td);
struct td_dev *td_dev_find(const char *name);
void td_dev_names(struct seq_buf *reply);
void td_dev_put(struct td_dev *td);

/* disk.c */
struct td_dev *td_dev_alloc(const char *name, u32 block, u32 depth);
int td_disk_add(struct td_dev *td);
void td_disk_del(struct td_dev *td);
void td_dev_remove(struct td_dev *td);

/* io.c */
extern const struct blk_mq_ops td_mq_ops;
void td_io_fail(struct td_dev *td);
void td_io_expedite(struct td_dev *td);
void td_io_release(struct td_dev *td);
void td_io_revive(struct td_dev *td);
void td_io_end(struct list_head *done);

/* cmd.c */
blk_status_t td_cmd_decode(struct td_dev *td, struct request *rq);
void td_cmd_finish(struct td_dev *td, struct td_cmd *cmd);
void td_cmd_tear(struct td_dev *td, struct td_cmd *cmd,
		 const struct td_keep *keep);

/* crash.c */
bool td_keep_sector(const struct td_keep *keep, u64 sector);
bool td_keep_inflight(const struct td_keep *keep, const struct td_op *op,
		      u64 sector);
void td_crash_now(struct td_dev *td, const struct td_crash *crash);

/* fault.c */
int td_fault_add(struct td_dev *td, struct td_args *args);
void td_fault_list(struct td_dev *td, struct seq_buf *reply);
bool td_fault_clear(struct td_dev *td, u32 id);
void td_fault_free(struct td_dev *td);
bool td_fault_apply(struct td_dev *td, struct td_cmd *cmd);

/* record.c */
int td_record_start(struct td_dev *td, u64 limit);
void td_record_stop(struct td_dev *td);
void td_record_seal(struct td_dev *td, const char *why);
void td_record_submit(struct td_dev *td, struct td_cmd *cmd);
void td_record_complete(struct td_dev *td, struct td_cmd *cmd);
void td_record_stat(struct td_dev *td, struct seq_buf *reply);
int td_record_snapshot(struct td_dev *td, u64 no, const struct td_keep *keep,
		       struct td_store *st);

/* medium.c */
int td_do_peek(struct td_dev *td, struct td_args *args);
int td_do_poke(struct td_dev *td, struct td_args *args);
int td_do_flip(struct td_dev *td, struct td_args *args);
int td_do_stat(struct td_dev *td, struct td_args *args);
int td_do_ops(struct td_dev *td, struct td_args *args);

/* backing.c */
int td_backing_open(struct td_dev *td, const char *path);
void td_backing_close(struct td_dev *td);
void td_backing_queue(struct td_dev *td, struct td_cmd *cmd);
int td_backing_save(struct td_dev *td);
u64 td_backing_errors(struct td_dev *td);

#endif /* QBD_TESTDISK_H */
