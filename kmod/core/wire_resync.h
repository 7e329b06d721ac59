/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the messages of a resync; for the table in wire_body.c and for the
 * checks.
 */
#ifndef QBD_CORE_WIRE_RESYNC_H
#define QBD_CORE_WIRE_RESYNC_H

#include "msg.h"

#define QBD_WIRE_BODY(body)                                                \
	int qbd_wire_##body##_get(const void *bytes, struct qbd_msg *msg); \
	void qbd_wire_##body##_put(const struct qbd_msg *msg, void *bytes)

QBD_WIRE_BODY(resync);
QBD_WIRE_BODY(resync_reply);
QBD_WIRE_BODY(pin);
QBD_WIRE_BODY(pin_reply);
QBD_WIRE_BODY(map);
QBD_WIRE_BODY(map_reply);
QBD_WIRE_BODY(diff);
QBD_WIRE_BODY(diff_reply);
QBD_WIRE_BODY(unpin);

bool qbd_wire_resync_ok(const struct qbd_msg *msg);

#endif /* QBD_CORE_WIRE_RESYNC_H */
