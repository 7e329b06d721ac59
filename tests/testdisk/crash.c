// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power cuts of a test disk: which sectors survive, and the cut itself.
 *
 * The choice is a pure function of the seed and of the position, so that it
 * depends neither on the order of the work nor on the clock.  A seed first
 * picks a style, because independent sectors alone would nearly never let a
 * whole block of a large write survive, nor lose just one.
 *
 * Context: any, under td_dev.lock where a device is named.
 */
#include <linux/workqueue.h>

#include "testdisk.h"

/* Purpose of a hash, so that no two choices are correlated. */
enum td_salt {
	TD_SALT_STYLE = 1,
	TD_SALT_BLOCK,
	TD_SALT_SECTOR,
	TD_SALT_OP,
	TD_SALT_TEAR,
};

/* How unflushed sectors survive under one seed. */
enum td_style {
	TD_STYLE_HALF,
	TD_STYLE_BLOCKS,
	TD_STYLE_MOST,
	TD_STYLE_FEW,
	TD_STYLE_NR,
};

/* How a write in flight is torn. */
enum td_tear {
	TD_TEAR_NONE,
	TD_TEAR_WHOLE,
	TD_TEAR_PREFIX,
	TD_TEAR_ANY,
	TD_TEAR_NR,
};

/* The finaliser of splitmix64. */
static u64 td_mix(u64 x)
{
	x += 0x9e3779b97f4a7c15ULL;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static u64 td_hash(u64 seed, enum td_salt salt, u64 a, u64 b)
{
	return td_mix(td_mix(td_mix(td_mix(seed) + salt) + a) + b);
}

/* The unit of survival that a sector belongs to. */
static u64 td_keep_unit(const struct td_keep *keep, u64 sector)
{
	return sector / (keep->grain >> SECTOR_SHIFT);
}

/**
 * td_keep_sector() - does an unflushed sector survive?
 * @keep: the choice
 * @sector: its number
 *
 * Return: true when it keeps its volatile content
 */
bool td_keep_sector(const struct td_keep *keep, u64 sector)
{
	u64 roll, block;

	if (keep->mode != TD_KEEP_RANDOM)
		return keep->mode == TD_KEEP_ALL;
	roll = td_hash(keep->seed, TD_SALT_SECTOR, td_keep_unit(keep, sector),
		       0);
	switch (td_hash(keep->seed, TD_SALT_STYLE, 0, 0) % TD_STYLE_NR) {
	case TD_STYLE_BLOCKS:
		block = td_hash(keep->seed, TD_SALT_BLOCK,
				sector / TD_BLK_SECTORS, 0) %
			8;
		if (block < 6)
			return block < 3;
		return roll & 1;
	case TD_STYLE_MOST:
		return roll % 16;
	case TD_STYLE_FEW:
		return roll % 16 == 0;
	default:
		return roll & 1;
	}
}

/**
 * td_keep_inflight() - does a sector of a request in flight reach the medium?
 * @keep: the choice
 * @op: the request
 * @sector: one of its sectors
 *
 * Return: true when it does
 */
bool td_keep_inflight(const struct td_keep *keep, const struct td_op *op,
		      u64 sector)
{
	u64 first, last, units, roll;

	if (keep->mode != TD_KEEP_RANDOM)
		return keep->mode == TD_KEEP_ALL;
	first = td_keep_unit(keep, op->pos >> SECTOR_SHIFT);
	last = td_keep_unit(keep, (op->pos + op->len - 1) >> SECTOR_SHIFT);
	units = last - first + 1;
	roll = td_hash(keep->seed, TD_SALT_OP, op->pos, op->len);
	switch (roll % TD_TEAR_NR) {
	case TD_TEAR_NONE:
		return false;
	case TD_TEAR_WHOLE:
		return true;
	case TD_TEAR_PREFIX:
		return td_keep_unit(keep, sector) - first <
		       (roll >> 8) % (units + 1);
	default:
		return td_hash(keep->seed, TD_SALT_TEAR, op->pos,
			       td_keep_unit(keep, sector)) &
		       1;
	}
}

/**
 * td_crash_now() - cut the power
 * @td: a running device
 * @crash: how
 *
 * Requests in flight are torn in order of arrival and will end with an error
 * when their time comes.
 *
 * Context: holds td_dev.lock, does not sleep.
 */
void td_crash_now(struct td_dev *td, const struct td_crash *crash)
{
	struct td_store *st = &td->store;
	u64 unflushed = st->nr_unflushed;
	struct td_cmd *cmd;

	lockdep_assert_held(&td->lock);
	td->stats.crashes++;
	td->stats.crash_lost = td_store_resolve(st, &crash->keep);
	td->stats.crash_kept = unflushed - td->stats.crash_lost;
	td->stats.crash_inflight = 0;
	list_for_each_entry(cmd, &td->inflight, link) {
		if (cmd->dead)
			continue;
		td->stats.crash_inflight++;
		td_cmd_tear(td, cmd, &crash->keep);
	}
	td->crash_left = 0;
	td->state = TD_CRASHED;
	td->holding = crash->hold;
	td_record_seal(td, "crashed");
	if (!crash->hold)
		td_io_expedite(td);
	if (crash->vanish) {
		kref_get(&td->ref);
		if (!queue_work(system_unbound_wq, &td->vanish_work))
			td_dev_put(td);
	}
}
