/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failpoints: places in the module that can be told to fail.
 *
 * Distribution kernels come without fault injection, and what has to be shown
 * is what happens when the machine dies between two given writes.  So: a few
 * named points, each a file below qbd/fault in debugfs.  "echo 3 > NAME"
 * lets the third pass from now on fail, once; 0 disarms; reading says how
 * many passes are left.  What failing means is up to the point, see below.
 *
 * All points share one static key: as long as none is armed, a point costs a
 * jump that is not taken.  They are module-wide: any store, any node.
 */
#ifndef QBD_FAULT_H
#define QBD_FAULT_H

#include <linux/jump_label.h>
#include <linux/types.h>

struct dentry;

/*
 * The points, with what happens.  An I/O of a checkpoint is of one kind;
 * "before" is at the first one of its kind in a phase, "after" when all of
 * the phase have ended.  Each superblock slot is a phase of its own.
 */
/* clang-format off */
#define QBD_FAULT_POINTS(X)						\
	X(WAL_ERROR, wal_error)		/* a log write fails with EIO */ \
	X(WAL_SLOW, wal_slow)		/* a log write waits 500 ms */	\
	X(WAL_CRASH_BEFORE, wal_crash_before) /* crash: nothing written */ \
	X(WAL_CRASH_AFTER, wal_crash_after) /* crash: written, not told */ \
	X(READ_ERROR, read_error)	/* a read of home fails with EIO */ \
	X(READ_CRC, read_crc)		/* a log record does not verify */ \
	X(ZERO_UNKNOWN, zero_unknown)	/* a device can not zero after all */ \
	X(CKPT_ERROR, ckpt_error)	/* an I/O of a checkpoint: EIO */ \
	X(CKPT_HOME_BEFORE, ckpt_crash_before_home)			\
	X(CKPT_HOME_AFTER, ckpt_crash_after_home)			\
	X(CKPT_META_BEFORE, ckpt_crash_before_meta)			\
	X(CKPT_META_AFTER, ckpt_crash_after_meta)			\
	X(CKPT_FLUSH_BEFORE, ckpt_crash_before_flush)			\
	X(CKPT_FLUSH_AFTER, ckpt_crash_after_flush)			\
	X(CKPT_SUPER_BEFORE, ckpt_crash_before_super)			\
	X(CKPT_SUPER_AFTER, ckpt_crash_after_super)			\
	X(POOL_EMPTY, pool_empty)	/* no payload pages to be had */ \
	X(LEAD_NOMEM, lead_nomem)	/* no memory for a shard's leader */
/* clang-format on */

enum qbd_fault {
#define QBD_FAULT_ENUM(name, file) QBD_FAULT_##name,
	QBD_FAULT_POINTS(QBD_FAULT_ENUM)
#undef QBD_FAULT_ENUM
	QBD_FAULT_NR,
};

DECLARE_STATIC_KEY_FALSE(qbd_fault_armed);

bool qbd_fault_pass(enum qbd_fault fault);

/**
 * qbd_fault() - should it fail here, now?
 * @fault: the point
 *
 * Context: any.
 * Return: true if so.
 */
static inline bool qbd_fault(enum qbd_fault fault)
{
	return static_branch_unlikely(&qbd_fault_armed) &&
	       qbd_fault_pass(fault);
}

void qbd_fault_init(struct dentry *parent);
void qbd_fault_exit(void);

#endif /* QBD_FAULT_H */
