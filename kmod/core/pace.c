// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pace of a resync; see pace.h.
 */
#include "pace.h"

/**
 * qbd_pace_init() - nothing is known yet
 * @pace: the pace
 */
void qbd_pace_init(struct qbd_pace *pace)
{
	memset(pace, 0, sizeof(*pace));
	pace->rate = QBD_PACE_FLOOR;
}

/* An average that forgets: an eighth, or less, of it is new. */
static u64 qbd_pace_mean(u64 mean, u64 sample, u32 shift)
{
	if (!mean)
		return sample;
	return mean - (mean >> shift) + (sample >> shift);
}

/**
 * qbd_pace_commit() - a segment of the log was written
 * @pace: the pace
 * @now_ns: now
 * @took_ns: how long it took
 * @copying: a resync is at work in this store
 */
void qbd_pace_commit(struct qbd_pace *pace, u64 now_ns, u64 took_ns,
		     bool copying)
{
	pace->commit_ns = now_ns;
	pace->now_ns = qbd_pace_mean(pace->now_ns, took_ns, 3);
	if (!copying || !pace->usual_ns)
		pace->usual_ns = qbd_pace_mean(pace->usual_ns, took_ns, 5);
}

static void qbd_pace_step(struct qbd_pace *pace, u64 now_ns)
{
	if (now_ns - pace->step_ns < QBD_PACE_STEP_NS)
		return;
	pace->step_ns = now_ns;
	if (pace->now_ns > pace->usual_ns + pace->usual_ns / 2)
		pace->rate /= 2;
	else
		pace->rate += pace->rate / 4;
	pace->rate = clamp(pace->rate, QBD_PACE_FLOOR, QBD_PACE_TOP);
}

/**
 * qbd_pace_take() - some bytes are to be copied
 * @pace: the pace
 * @now_ns: now
 * @bytes: how many
 *
 * Return: nanoseconds to wait before that.
 */
u64 qbd_pace_take(struct qbd_pace *pace, u64 now_ns, u32 bytes)
{
	u64 wait_ns;

	if (!pace->commit_ns || now_ns - pace->commit_ns >= QBD_PACE_STEP_NS) {
		pace->next_ns = now_ns;
		return 0;
	}
	qbd_pace_step(pace, now_ns);
	wait_ns = pace->next_ns > now_ns ? pace->next_ns - now_ns : 0;
	pace->next_ns = max(pace->next_ns, now_ns) +
			div64_u64((u64)bytes * NSEC_PER_SEC, pace->rate);
	/* who comes later does not wait for all that came before him at once */
	pace->next_ns = min(pace->next_ns, now_ns + QBD_PACE_DELAY_NS);
	return wait_ns;
}
