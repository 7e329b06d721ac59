/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * For tests whose servers run in a loop: turn it until something is so, and
 * remove what they left in a directory.
 */
#ifndef QBD_TESTS_LOOP_WAIT_H
#define QBD_TESTS_LOOP_WAIT_H

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "../../daemon/loop.h"

#define LOOP_MS 1000000ULL
#define LOOP_PATIENCE (60000 * LOOP_MS)

/* The condition may do something: it is asked until it is met, once. */
#define LOOP_WAIT(loop, condition)                                      \
	({                                                              \
		u64 until_ = loop_now(loop) + LOOP_PATIENCE;            \
		bool met_;                                              \
		for (;;) {                                              \
			met_ = (condition);                             \
			if (met_ || loop_now(loop) >= until_)           \
				break;                                  \
			loop_turn(loop, loop_now(loop) + 10 * LOOP_MS); \
		}                                                       \
		met_;                                                   \
	})

static inline void dir_remove(const char *path)
{
	char name[512];
	struct dirent *entry;
	DIR *dir = opendir(path);

	while (dir && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		if (snprintf(name, sizeof(name), "%s/%s", path,
			     entry->d_name) >= (int)sizeof(name))
			continue;
		if (unlink(name))
			dir_remove(name);
	}
	if (dir)
		closedir(dir);
	rmdir(path);
}

#endif /* QBD_TESTS_LOOP_WAIT_H */
