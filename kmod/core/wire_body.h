/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What each type of message consists of; for wire.c and its checks.
 */
#ifndef QBD_CORE_WIRE_BODY_H
#define QBD_CORE_WIRE_BODY_H

#include "msg.h"

/**
 * struct qbd_wire_info - a type of message
 * @name: for traces
 * @body_bytes: length of the body
 * @get: moves the fields of a body; -EBADMSG if a reserved one is not zero;
 *	NULL without body
 * @put: the other way; the body is zero before
 * @flags: QBD_WIRE_* that it may have
 * @node: between nodes, without struct qbd_wire_shard
 * @payload: it may have payload
 * @reply: it may carry a list version
 */
struct qbd_wire_info {
	const char *name;
	u32 body_bytes;
	int (*get)(const void *body, struct qbd_msg *msg);
	void (*put)(const struct qbd_msg *msg, void *body);
	u16 flags;
	bool node;
	bool payload;
	bool reply;
};

const struct qbd_wire_info *qbd_wire_info(u16 type);

/* A position from the wire, and to it. */
static inline struct qbd_pos qbd_wire_pos_get(const struct qbd_wire_pos *pos)
{
	return (struct qbd_pos){
		.term = le64_to_cpu(pos->term),
		.index = le64_to_cpu(pos->index),
	};
}

static inline struct qbd_wire_pos qbd_wire_pos_put(struct qbd_pos pos)
{
	return (struct qbd_wire_pos){
		.term = cpu_to_le64(pos.term),
		.index = cpu_to_le64(pos.index),
	};
}

/**
 * qbd_wire_len() - bytes of a message without its payload
 * @info: its type
 *
 * Return: the length.
 */
static inline u32 qbd_wire_len(const struct qbd_wire_info *info)
{
	return sizeof(struct qbd_wire_head) + info->body_bytes +
	       (info->node ? 0 : sizeof(struct qbd_wire_shard));
}

#endif /* QBD_CORE_WIRE_BODY_H */
