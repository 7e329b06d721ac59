/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A simulated disk with a volatile cache, out of order, with all that goes
 * wrong with disks, and the same for the same seed.
 *
 * Requests are submitted, wait for their time, and are carried out one per
 * qbd_disk_step(), in any order.  A write is in the cache then; it is on the
 * medium after FUA or a flush that began later.  qbd_disk_cut() is a power
 * cut: of what is in the cache, and of the writes under way, FUA or not, any
 * subset of the 512-byte sectors survives.  Requests under way are forgotten
 * without a word.
 *
 * What was never written is not zero: it reads as QBD_DISK_JUNK.
 */
#ifndef QBD_SIM_DISK_H
#define QBD_SIM_DISK_H

#include "rng.h"

#define QBD_DISK_BLOCK 4096
#define QBD_DISK_SECTOR 512
#define QBD_DISK_JUNK 0xdb

enum qbd_disk_op {
	QBD_DISK_READ,
	QBD_DISK_WRITE,
	QBD_DISK_ZERO,
	QBD_DISK_FLUSH,
};

/**
 * struct qbd_disk_req - a request; belongs to the disk until it is done
 * @op: what
 * @fua: on the medium when done
 * @block: first block
 * @blocks: length
 * @buf: data, contiguous; none for QBD_DISK_ZERO and QBD_DISK_FLUSH
 * @done: called from qbd_disk_step(); may submit and free
 * @ctx: the submitter's
 * @error: outcome, 0 or a negative errno
 * @ready_ns: not carried out before
 * @mark: the disk's
 */
struct qbd_disk_req {
	enum qbd_disk_op op;
	bool fua;
	uint64_t block;
	uint32_t blocks;
	void *buf;
	void (*done)(struct qbd_disk_req *req);
	void *ctx;
	int error;
	uint64_t ready_ns;
	uint64_t mark;
};

/**
 * struct qbd_disk_faults - how bad the disk is; chances per request, in ppm
 * @read_eio: a read fails
 * @write_eio: a write fails; any part of it may be on the disk
 * @flush_eio: a flush fails; what it should have saved stays in the cache
 * @lost: a write is reported done and was not
 * @misdirected: a write goes to another place, within @bad_first, @bad_last
 * @flipped: a bit of a write is wrong
 * @stalled: a request takes up to @stall_ns longer
 * @bad_first: lost, misdirected and flipped writes happen from this block on
 * @bad_last: and up to this one
 * @latency_ns: a request takes up to this long
 * @stall_ns: see @stalled
 */
struct qbd_disk_faults {
	uint32_t read_eio;
	uint32_t write_eio;
	uint32_t flush_eio;
	uint32_t lost;
	uint32_t misdirected;
	uint32_t flipped;
	uint32_t stalled;
	uint64_t bad_first;
	uint64_t bad_last;
	uint64_t latency_ns;
	uint64_t stall_ns;
};

/**
 * struct qbd_disk_counts - what has happened
 * @ops: requests carried out
 * @bad: lost, misdirected and flipped writes
 * @eio: requests that failed
 */
struct qbd_disk_counts {
	uint64_t ops;
	uint64_t bad;
	uint64_t eio;
};

struct qbd_disk;

struct qbd_disk *qbd_disk_new(uint64_t blocks, uint64_t seed);
void qbd_disk_free(struct qbd_disk *disk);
void qbd_disk_reset(struct qbd_disk *disk, uint64_t seed);
void qbd_disk_faults_set(struct qbd_disk *disk,
			 const struct qbd_disk_faults *faults);
const struct qbd_disk_counts *qbd_disk_counts(const struct qbd_disk *disk);

void qbd_disk_submit(struct qbd_disk *disk, struct qbd_disk_req *req,
		     uint64_t now_ns);
bool qbd_disk_step(struct qbd_disk *disk, uint64_t now_ns);
uint64_t qbd_disk_next_ns(const struct qbd_disk *disk);
uint32_t qbd_disk_pending(const struct qbd_disk *disk);
void qbd_disk_cut(struct qbd_disk *disk);

/* At rest, past the cache: for damage and for checks. */
void qbd_disk_peek(const struct qbd_disk *disk, uint64_t block, void *buf);
void qbd_disk_poke(struct qbd_disk *disk, uint64_t block, const void *buf);
/* An image of what it shows now, and back to that; without power. */
void qbd_disk_keep(struct qbd_disk *disk);
void qbd_disk_back(struct qbd_disk *disk);
void qbd_disk_flip(struct qbd_disk *disk, uint64_t block, uint32_t bit);

#endif /* QBD_SIM_DISK_H */
