/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Checking a store that is not in use: opens it read-only with all payload
 * verified, and then looks at what an open has no need to: whether the numbers
 * of each replica and of its map fit each other.
 *
 * The caller's loop is that of an open (see open.h); the steps are the same,
 * and so are their meanings.  Damage does not end a check unless nothing more
 * can be said.
 */
#ifndef QBD_CORE_CHECK_H
#define QBD_CORE_CHECK_H

#include "open.h"

/**
 * struct qbd_check - a store being checked
 * @open: the open, read-only; its @finding, @core and @error count
 * @opened: it is done
 * @slot: next slot to look at
 */
struct qbd_check {
	struct qbd_open open;
	bool opened;
	u32 slot;
};

void qbd_check_init(struct qbd_check *check, u64 dev_blocks, void *buf,
		    u32 buf_blocks);
enum qbd_open_step qbd_check_next(struct qbd_check *check, struct qbd_io *io);

#endif /* QBD_CORE_CHECK_H */
