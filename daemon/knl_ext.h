/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why the kernel refused a request: its answer taken apart.
 *
 * An error message holds the request that was refused and, behind it, words
 * and the place of the attribute that is wrong.  Pure: bytes in, a finding out.
 */
#ifndef QBD_DAEMON_KNL_EXT_H
#define QBD_DAEMON_KNL_EXT_H

#include <stddef.h>
#include <linux/netlink.h>

/**
 * struct knl_ext - what an error message says
 * @text: the kernel's words, within the message; NULL: none
 * @word: what is wrong, as qbdctl names it, such as "size"; NULL: not known
 */
struct knl_ext {
	const char *text;
	const char *word;
};

void knl_ext_take(const struct nlmsghdr *hdr, size_t len, struct knl_ext *ext);

#endif /* QBD_DAEMON_KNL_EXT_H */
