/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How fast may a resync, or a comparison of copies, go beside somebody who
 * writes?
 *
 * What he feels is how long a commit of the log takes.  While nothing is copied
 * that is learned as what is usual; while something is, it is held against it:
 * in each interval the rate rises by a quarter if commits take no longer than
 * half as much again, and falls by half if they do, but never below a floor, so
 * that a resync ends whatever happens.  When nobody writes there is no limit.
 *
 * A pace knows no clock and no lock: the caller has both.
 */
#ifndef QBD_CORE_PACE_H
#define QBD_CORE_PACE_H

#include "env.h"

#define QBD_PACE_FLOOR (8ULL << 20) /* bytes a second */
#define QBD_PACE_TOP (16ULL << 30) /* as good as none */
#define QBD_PACE_STEP_NS 100000000ULL /* between two changes of the rate */
#define QBD_PACE_DELAY_NS 1000000000ULL /* longest that one is told to wait */

/**
 * struct qbd_pace - a store's pace
 * @usual_ns: what a commit takes while nothing is copied, 0 = not known
 * @now_ns: what it takes now
 * @commit_ns: when the last one ended
 * @rate: bytes a second
 * @step_ns: when the rate was changed last
 * @next_ns: when what was let through is copied at this rate
 */
struct qbd_pace {
	u64 usual_ns;
	u64 now_ns;
	u64 commit_ns;
	u64 rate;
	u64 step_ns;
	u64 next_ns;
};

void qbd_pace_init(struct qbd_pace *pace);
void qbd_pace_commit(struct qbd_pace *pace, u64 now_ns, u64 took_ns,
		     bool copying);
u64 qbd_pace_take(struct qbd_pace *pace, u64 now_ns, u32 bytes);

#endif /* QBD_CORE_PACE_H */
