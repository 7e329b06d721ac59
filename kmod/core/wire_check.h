/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which values a message may have, whoever made it.
 */
#ifndef QBD_CORE_WIRE_CHECK_H
#define QBD_CORE_WIRE_CHECK_H

#include "msg.h"

#define QBD_WIRE_LINKS_MAX 64 /* connections between two nodes */
#define QBD_WIRE_LEASE_MS_MAX QBD_WAL_LEASE_MS_MAX /* it is kept there */
#define QBD_WIRE_WINDOW_RECORDS_MAX 1048576
#define QBD_WIRE_INDEX_MAX ((u64)S64_MAX) /* sums of two don't wrap */
/* of a history that a leader is to continue: no number of writes goes beyond */
#define QBD_WIRE_LAST_MAX QBD_WAL_INDEX_MAX

int qbd_wire_check(const struct qbd_msg *msg);

#endif /* QBD_CORE_WIRE_CHECK_H */
