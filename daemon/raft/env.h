/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one include seam of the Raft core.
 *
 * Everything below daemon/raft/ is pure: an event in, an update out.  Its files
 * include their own headers and nothing else.  Types, min(), crc32c() and the
 * planted bugs (QBD_MUTANT) are those of the kernel core in userspace: every
 * Makefile forces tests/shim/env.h in, as it does for kmod/core.  No locks,
 * clocks, I/O or allocation: add none.
 */
#ifndef QBD_RAFT_ENV_H
#define QBD_RAFT_ENV_H

#ifndef QBD_CORE_ENV_H
#error "compile with -include tests/shim/env.h"
#endif

/**
 * RAFT_BUG() - a broken internal invariant
 * @cond: what must never be true
 *
 * Compiled in always, and the end of the process: a daemon that does not know
 * what it promised must not promise more.  Never for input: bytes from a disk,
 * a peer or an administrator get an errno and a counter.  Only a simulator that
 * looks for planted bugs goes on behind it.
 *
 * Return: @cond, so that it reads ``if (RAFT_BUG(x)) return;``.
 */
#define RAFT_BUG(cond) QBD_CORE_BUG(cond)

#endif /* QBD_RAFT_ENV_H */
