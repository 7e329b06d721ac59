/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * How full is a store? In a few words, for people and for what watches it.
 *
 * The way back has to go further than the way there: with one chunk that comes
 * and goes at a threshold there is no event each time.
 */
#ifndef QBD_CORE_SPACE_H
#define QBD_CORE_SPACE_H

#include "env.h"

/**
 * enum qbd_space - how much is left
 * @QBD_SPACE_PLENTY: more than the others say
 * @QBD_SPACE_LOW: less than a fifth
 * @QBD_SPACE_SCARCE: less than a twentieth
 * @QBD_SPACE_FULL: nothing
 */
enum qbd_space {
	QBD_SPACE_PLENTY,
	QBD_SPACE_LOW,
	QBD_SPACE_SCARCE,
	QBD_SPACE_FULL,
};

enum qbd_space qbd_space_level(enum qbd_space was, u64 room, u64 total);

#endif /* QBD_CORE_SPACE_H */
