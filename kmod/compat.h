/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels from 6.12 on; nothing else, and the only place
 * that may ask for the kernel's version.  Each entry says when it can go.
 */
#ifndef QBD_COMPAT_H
#define QBD_COMPAT_H

#include <linux/blkdev.h>
#include <linux/version.h>

/* Asked for by a feature bit from 6.13 on (a macro); floor 6.14. */
#ifdef BLK_FEAT_ATOMIC_WRITES
#define QBD_BLK_FEAT_ATOMIC_WRITES BLK_FEAT_ATOMIC_WRITES
#else
#define QBD_BLK_FEAT_ATOMIC_WRITES 0
#endif

/* An enum in 6.12 and 6.13, always on from 6.14 on; floor 6.14. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 14, 0)
#define QBD_BLK_MQ_F_MERGE BLK_MQ_F_SHOULD_MERGE
#else
#define QBD_BLK_MQ_F_MERGE 0
#endif

#endif /* QBD_COMPAT_H */
