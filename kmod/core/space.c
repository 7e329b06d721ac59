// SPDX-License-Identifier: GPL-2.0-only
/*
 * How full is a store? See space.h.
 */
#include "space.h"

#define QBD_SPACE_MARGIN 50 /* part of the store that makes it better again */

/* Below how many chunks is a store at this level, or a worse one? */
static u64 qbd_space_below(enum qbd_space level, u64 total)
{
	switch (level) {
	case QBD_SPACE_LOW:
		return max(div_u64(total, 5), 1ULL);
	case QBD_SPACE_SCARCE:
		return max(div_u64(total, 20), 1ULL);
	default:
		return 1;
	}
}

/**
 * qbd_space_level() - how full is it now?
 * @was: what it was
 * @room: chunks that are neither in use nor promised
 * @total: chunks
 *
 * Return: the level, @was as long as it is not clearly better.
 */
enum qbd_space qbd_space_level(enum qbd_space was, u64 room, u64 total)
{
	u64 margin = max(div_u64(total, QBD_SPACE_MARGIN), 1ULL);
	enum qbd_space level = QBD_SPACE_FULL;

	while (level > was && room >= qbd_space_below(level, total))
		level--;
	while (level && level <= was &&
	       room >= qbd_space_below(level, total) + margin)
		level--;
	return level;
}
