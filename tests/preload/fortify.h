/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the C library's headers do not declare: with _FORTIFY_SOURCE programs
 * call these.
 */
#ifndef QBD_TESTS_PRELOAD_FORTIFY_H
#define QBD_TESTS_PRELOAD_FORTIFY_H

#include <stddef.h>
#include <sys/types.h>

int __open_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);
ssize_t __pread_chk(int fd, void *buf, size_t bytes, off_t at, size_t room);

#endif /* QBD_TESTS_PRELOAD_FORTIFY_H */
