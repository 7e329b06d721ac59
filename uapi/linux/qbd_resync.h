/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * qbd wire format: bodies of the messages of a resync.
 *
 * A replica that missed more than any log still has becomes a copy of another
 * one, chunk by chunk.  The target asks the source for what it has at
 * one committed index (PIN), which chunks changed since the last record that
 * the target has (MAP), and sends what it has of these, as one digest of
 * QBD_DIGEST_BYTES for each block (DIFF); back come the blocks that differ.
 * All chunk numbers count chunks of the source's size, which has to be that of
 * the target's.
 */
#ifndef _UAPI_LINUX_QBD_RESYNC_H
#define _UAPI_LINUX_QBD_RESYNC_H

#include <linux/qbd_wire.h>

#define QBD_MAP_MAX 8 /* chunks in one MAP_REPLY */
#define QBD_DIFF_MAX 16 /* chunks in one DIFF */
#define QBD_DIFF_BLOCKS_MAX 256 /* blocks in one DIFF, and of a chunk */

#define QBD_MAP_ZERO (1U << 0) /* the chunk reads as zero */

/**
 * struct qbd_wire_resync - RESYNC: become a copy of another replica
 * @source: that replica
 * @node: its node
 * @reserved: zero
 *
 * Said again it is a question how far it has come.
 */
struct qbd_wire_resync {
	__le64 source;
	__le32 node;
	__le32 reserved;
};

/**
 * struct qbd_wire_resync_reply - RESYNC_REPLY
 * @source: of the request
 * @at: what it is going to have, or has; {0, 0} = not known yet
 * @bytes: payload received since it was told to, for this and other sources
 * @chunks: chunks settled likewise
 * @status: enum qbd_wire_status; BUSY: it is at work; all but OK, BUSY and
 *	NOSPC: this source is of no use to it
 */
struct qbd_wire_resync_reply {
	__le64 source;
	struct qbd_wire_pos at;
	__le64 bytes;
	__le32 chunks;
	__le32 status;
};

/**
 * struct qbd_wire_pin - PIN: keep what you have as it is, for me
 * @target: replica that asks
 * @have: last record that it has
 */
struct qbd_wire_pin {
	__le64 target;
	struct qbd_wire_pos have;
};

/**
 * struct qbd_wire_pin_reply - PIN_REPLY
 * @seq: which pin it is, not 0; a source never uses a number again while it is
 *	open
 * @at: newest record that is in it
 * @chunks: chunks of the replica
 * @chunk_blocks: blocks of a chunk
 * @status: enum qbd_wire_status; BUSY: it is being made, ask again; MISMATCH:
 *	there is nothing beyond what the target has
 * @crc: CRC32C of the payload, a block with the replica set as of then, as in a
 *	record CONFIG; only with OK
 */
struct qbd_wire_pin_reply {
	__le64 seq;
	struct qbd_wire_pos at;
	__le32 chunks;
	__le32 chunk_blocks;
	__le32 status;
	__le32 crc;
};

/**
 * struct qbd_wire_map - MAP: which chunks changed?
 * @seq: pin
 * @have: index after which
 * @from: first chunk to look at
 * @reserved: zero
 */
struct qbd_wire_map {
	__le64 seq;
	__le64 have;
	__le32 from;
	__le32 reserved;
};

/**
 * struct qbd_wire_map_entry - a chunk that changed
 * @chunk: its number
 * @flags: QBD_MAP_*
 * @last: index of its last change
 */
struct qbd_wire_map_entry {
	__le32 chunk;
	__le32 flags;
	__le64 last;
};

/**
 * struct qbd_wire_map_reply - MAP_REPLY
 * @seq: pin
 * @from: of the request
 * @next: first chunk that was not looked at; the number of chunks = none
 * @nr: entries that are used, the others are zero
 * @status: OK, or GONE: there is no such pin any more
 * @entry: chunks that changed, ascending
 */
struct qbd_wire_map_reply {
	__le64 seq;
	__le32 from;
	__le32 next;
	__le32 nr;
	__le32 status;
	struct qbd_wire_map_entry entry[QBD_MAP_MAX];
};

/**
 * struct qbd_wire_diff - DIFF: what do I lack of these chunks?
 * @seq: pin
 * @id: comes back in the replies
 * @chunk: their numbers
 * @nr: how many
 * @zero: bit by place in @chunk: it reads as zero here
 * @all: likewise: nothing is known of it, send all of it
 * @reserved: zero
 * @crc: CRC32C of the payload, a block with the digests of chunk after chunk,
 *	those of @zero and @all left out; what is left of it is zero
 * @reserved2: zero
 */
struct qbd_wire_diff {
	__le64 seq;
	__le64 id;
	__le32 chunk[QBD_DIFF_MAX];
	__le16 nr;
	__le16 zero;
	__le16 all;
	__le16 reserved;
	__le32 crc;
	__le32 reserved2;
};

/**
 * struct qbd_wire_diff_reply - DIFF_REPLY: one for each chunk
 * @seq: pin
 * @id: of the DIFF
 * @chunk: its number
 * @status: OK, EIO, CORRUPT, or GONE: there is no such pin any more
 * @differs: bit by block: it is in the payload
 * @crc: CRC32C of the payload, the blocks that differ
 * @reserved: zero
 */
struct qbd_wire_diff_reply {
	__le64 seq;
	__le64 id;
	__le32 chunk;
	__le32 status;
	__le64 differs[QBD_DIFF_BLOCKS_MAX / 64];
	__le32 crc;
	__le32 reserved;
};

/**
 * struct qbd_wire_unpin - UNPIN: I need it no more; no answer
 * @target: replica that asked for it
 * @seq: the pin
 */
struct qbd_wire_unpin {
	__le64 target;
	__le64 seq;
};

#endif /* _UAPI_LINUX_QBD_RESYNC_H */
