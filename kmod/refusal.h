/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Why a request of an administrator was refused.
 *
 * Functions that carry out configuration take a struct qbd_refusal and fill
 * it when they return an error: the attribute that is wrong, by its number in
 * the request's attribute set, and a sentence. Netlink turns it into an
 * extended acknowledgement. Not for the data path. Context: any, no locks.
 */
#ifndef QBD_REFUSAL_H
#define QBD_REFUSAL_H

#include <linux/netlink.h>

/**
 * struct qbd_refusal - why a request was refused
 * @attr: attribute (QBD_A_*) of the request's set, 0 = none in particular
 * @text: the reason, empty if nothing was refused
 */
struct qbd_refusal {
	u32 attr;
	char text[NETLINK_MAX_FMTMSG_LEN];
};

__printf(4, 5) int qbd_refuse(struct qbd_refusal *why, int error, u32 attr,
			      const char *fmt, ...);

#endif /* QBD_REFUSAL_H */
