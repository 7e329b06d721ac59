/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one include seam of the core, kernel side.
 *
 * Everything below core/ is pure: state in, actions out. Its files include
 * "env.h", their own headers and <linux/qbd_*.h>, nothing else, so that the
 * same sources compile into the module, the simulator, the unit tests, the
 * fuzzers and qbdctl. In userspace tests/shim/env.h, which has this include
 * guard, is forced in first and this file becomes empty.
 *
 * What is offered here is offered there too; a name that only one side has is
 * not for the core. No locks, clocks, I/O or allocation: add none.
 */
#ifndef QBD_CORE_ENV_H
#define QBD_CORE_ENV_H

#include <linux/align.h>
#include <linux/array_size.h>
#include <linux/bitmap.h>
#include <linux/bitops.h>
#include <linux/bits.h>
#include <linux/bug.h>
#include <linux/build_bug.h>
#include <linux/compiler.h>
#include <linux/container_of.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/list.h>
#include <linux/log2.h>
#include <linux/math.h>
#include <linux/math64.h>
#include <linux/minmax.h>
#include <linux/overflow.h>
#include <linux/sizes.h>
#include <linux/sort.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/time64.h>
#include <linux/types.h>
#include <linux/wordpart.h>
#include <asm/byteorder.h>

/**
 * QBD_CORE_BUG() - a broken internal invariant
 * @cond: what must never be true
 *
 * Never for input: bytes from a disk, a peer or an administrator get an
 * errno. In the kernel it warns once and the caller fails the shard; in
 * userspace it ends the process.
 *
 * Return: @cond, so that it reads ``if (QBD_CORE_BUG(x)) return -EUCLEAN;``.
 */
#define QBD_CORE_BUG(cond) WARN_ONCE(cond, "qbd: broken invariant: %s\n", #cond)

/**
 * QBD_MUTANT() - is this bug planted?
 * @name: its name
 *
 * Always 0 here and in normal builds, so that the compiler drops it. A test
 * build with QBD_MUTANTS defined turns on the one that the test names, and
 * the simulator has to find it.
 */
#define QBD_MUTANT(name) 0

#endif /* QBD_CORE_ENV_H */
