/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Differences between kernels from 6.12 on; nothing else, and the only place
 * that may ask for the kernel's version.  Each entry says when it can go.
 */
#ifndef QBD_COMPAT_H
#define QBD_COMPAT_H

#include <linux/blkdev.h>
#include <linux/hrtimer.h>
#include <linux/module.h>
#include <linux/version.h>

/* hrtimer_init() and a store to ->function until 6.13; drop at floor 6.13. */
static inline void
qbd_hrtimer_setup(struct hrtimer *timer,
		  enum hrtimer_restart (*function)(struct hrtimer *),
		  clockid_t clock, enum hrtimer_mode mode)
{
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
	hrtimer_init(timer, clock, mode);
	timer->function = function;
#else
	hrtimer_setup(timer, function, clock, mode);
#endif
}

/* The namespace is a bare token until 6.13, then a string; floor 6.13. */
#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 13, 0)
#define QBD_EXPORT(symbol) EXPORT_SYMBOL_NS_GPL(symbol, QBD)
#define QBD_IMPORT() MODULE_IMPORT_NS(QBD)
#else
#define QBD_EXPORT(symbol) EXPORT_SYMBOL_NS_GPL(symbol, "QBD")
#define QBD_IMPORT() MODULE_IMPORT_NS("QBD")
#endif

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
