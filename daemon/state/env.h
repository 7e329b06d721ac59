/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one include seam of the replicated state.
 *
 * Everything below daemon/state/ is pure: its files include their own headers
 * and raft/config.h, nothing else.  Types, min(), crc32c() and the planted bugs
 * (QBD_MUTANT) are those of the kernel core in userspace: every Makefile forces
 * tests/shim/env.h in, as it does for kmod/core.  No locks, clocks, I/O or
 * allocation: add none.
 */
#ifndef QBD_STATE_ENV_H
#define QBD_STATE_ENV_H

#ifndef QBD_CORE_ENV_H
#error "compile with -include tests/shim/env.h"
#endif

/**
 * STATE_BUG() - a broken internal invariant
 * @cond: what must never be true
 *
 * Compiled in always, and the end of the process: a state that contradicts
 * itself must not be published.  Never for input: bytes of a command or of a
 * snapshot get a result or an errno.
 *
 * Return: @cond, so that it reads ``if (STATE_BUG(x)) return;``.
 */
#define STATE_BUG(cond) QBD_CORE_BUG(cond)

#endif /* QBD_STATE_ENV_H */
