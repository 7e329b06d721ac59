/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bodies of the messages of a resync, as the core sees them; for msg.h.
 */
#ifndef QBD_CORE_MSG_RESYNC_H
#define QBD_CORE_MSG_RESYNC_H

#include "env.h"
#include "pos.h"
#include <linux/qbd_resync.h>

/* struct qbd_wire_resync */
struct qbd_msg_resync {
	u64 source;
	u32 node;
};

/* struct qbd_wire_resync_reply */
struct qbd_msg_resync_reply {
	u64 source;
	struct qbd_pos at;
	u64 bytes;
	u32 chunks;
	u32 status;
};

/* struct qbd_wire_pin */
struct qbd_msg_pin {
	u64 target;
	struct qbd_pos have;
};

/* struct qbd_wire_pin_reply */
struct qbd_msg_pin_reply {
	u64 seq;
	struct qbd_pos at;
	u32 chunks;
	u32 chunk_blocks;
	u32 status;
	u32 crc;
};

/* struct qbd_wire_map */
struct qbd_msg_map {
	u64 seq;
	u64 have;
	u32 from;
};

/* struct qbd_wire_map_entry */
struct qbd_map_entry {
	u32 chunk;
	u32 flags;
	u64 last;
};

/* struct qbd_wire_map_reply */
struct qbd_msg_map_reply {
	u64 seq;
	u32 from;
	u32 next;
	u32 nr;
	u32 status;
	struct qbd_map_entry entry[QBD_MAP_MAX];
};

/* struct qbd_wire_diff */
struct qbd_msg_diff {
	u64 seq;
	u64 id;
	u32 chunk[QBD_DIFF_MAX];
	u16 nr;
	u16 zero;
	u16 all;
	u32 crc;
};

/* struct qbd_wire_diff_reply */
struct qbd_msg_diff_reply {
	u64 seq;
	u64 id;
	u32 chunk;
	u32 status;
	u64 differs[QBD_DIFF_BLOCKS_MAX / 64];
	u32 crc;
};

/* struct qbd_wire_unpin */
struct qbd_msg_unpin {
	u64 target;
	u64 seq;
};

#endif /* QBD_CORE_MSG_RESYNC_H */
