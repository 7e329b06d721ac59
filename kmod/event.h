/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: what changed, told to whoever listens on the multicast group.
 *
 * Whoever changes a state calls qbd_event_emit() while it still holds the
 * lock of that state, so that events of one object come in the order of its
 * changes. The sequence number is given, and the message sent, under
 * node->event_lock (leaf): numbers go up by one in the order of sending. A
 * message that could not be allocated or delivered is a gap in the numbers,
 * never an error: listeners then take a dump.
 */
#ifndef QBD_EVENT_H
#define QBD_EVENT_H

#include <linux/types.h>
#include <linux/qbd.h>

struct qbd_node;

/**
 * struct qbd_notice - one event
 * @kind: what it is about
 * @state: new state, of the enum that @kind names
 * @seq: sequence number; filled by qbd_event_emit()
 * @time_ns: CLOCK_BOOTTIME; filled by qbd_event_emit()
 * @store: uuid of the store, NULL if it is not about one
 * @has_shard: @shard is meant, which may be 0
 * @volume: volume id, 0 = none
 * @shard: number of the shard in the volume
 * @replica: replica id, 0 = none
 * @peer: node id of the peer, 0 = none
 * @link: number of the link to that peer, if there is one
 * @term: term, 0 = none
 * @epoch: config epoch, 0 = none
 * @has_offset: @offset is meant, which may be 0
 * @offset: byte of the volume
 * @size_bytes: size of a volume, 0 = none
 * @error: negative errno, 0 = none
 * @reason: sentence for people, NULL if there is none
 */
struct qbd_notice {
	enum qbd_event_kind kind;
	u32 state;
	u64 seq;
	u64 time_ns;
	const u8 *store;
	bool has_shard;
	u32 volume;
	u32 shard;
	u64 replica;
	u32 peer;
	u32 link;
	u64 term;
	u64 epoch;
	bool has_offset;
	u64 offset;
	u64 size_bytes;
	int error;
	const char *reason;
};

/* Numbers and sends; node.c. */
void qbd_event_emit(struct qbd_node *node, struct qbd_notice *notice);

/* Puts a numbered notice on the wire; event.c. Atomic: event_lock is held. */
void qbd_event_send(struct qbd_node *node, const struct qbd_notice *notice);

#endif /* QBD_EVENT_H */
