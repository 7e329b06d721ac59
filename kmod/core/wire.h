/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes to messages and back; the format is in <linux/qbd_wire.h>.
 *
 * RECEIVING.  Read QBD_WIRE_HEAD bytes, ask qbd_wire_head_check() how many
 * follow, read them, qbd_wire_decode().  Then the payload, msg.payload_bytes
 * of it, and its CRC (qbd_payload_crc() against qbd_wire_payload_crc()): that
 * is the transport's work, as are the order HELLO first, and who may send what.
 * A message that decodes has all its fields in range, but may still lie.
 *
 * SENDING.  qbd_wire_encode() makes a message that decodes; -EINVAL for one
 * that would not.
 */
#ifndef QBD_CORE_WIRE_H
#define QBD_CORE_WIRE_H

#include "msg.h"

#define QBD_WIRE_HEAD sizeof(struct qbd_wire_head)

int qbd_wire_head_check(const void *buf);
int qbd_wire_decode(const void *buf, u32 len_bytes, struct qbd_msg *msg);
int qbd_wire_encode(const struct qbd_msg *msg, void *buf, u32 max_bytes);
bool qbd_wire_payload_crc(const struct qbd_msg *msg, u32 *crc);
int qbd_wire_status_errno(u32 status);
u32 qbd_wire_errno_status(int err);
const char *qbd_msg_name(u16 type);

#endif /* QBD_CORE_WIRE_H */
