/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes: entries, configurations, hard state and messages, on disk and wire.
 *
 * All numbers are little-endian.  Whatever is read is checked in the order
 * length, magic and version, reserved, CRC32C, ranges; an error is -EBADMSG,
 * and nothing of it was used.  The same checks are made before something is
 * written.
 *
 *   entry on disk, and in an APPEND (there without magic and chain)
 *	 0 magic "qRe1"		 4 crc: of the bytes behind it, begun with the
 *				   crc of the record before: a chain
 *	 8 term			16 index
 *	24 bytes of data	28 type		29 reserved, 3 bytes
 *	32 data, padded with zeros to 8 bytes
 *   configuration: the data of an entry
 *	 0 version 1		 1 members	 2 old	 4 next	 6 learn
 *	 8 ids, 8 bytes each
 *   hard state
 *	 0 magic "qRs1"		 4 crc of the bytes behind it
 *	 8 generation: the higher of two slots counts
 *	16 term			24 vote
 *	32 entries up to here were on stable media when this was written
 *   message
 *	 0 magic "qRm1"		 4 crc of the bytes behind it
 *	 8 length in all	12 type	13 flags: 1 no, 2 transfer
 *	14 entries		16 from		24 to		32 term
 *	40 pos: term, index	56 index	64 commit	72 round
 *	80 APPEND: entries.  SNAPSHOT and its reply: pos, id, bytes of it
 *	(32), bytes of the piece (4), of the configuration (4), then both
 */
#ifndef QBD_RAFT_CODEC_H
#define QBD_RAFT_CODEC_H

#include "event.h"

#define RAFT_CONF_BYTES_MAX (8 + 8 * RAFT_MEMBERS_MAX)
#define RAFT_ENTRY_HEAD_BYTES 32
#define RAFT_STATE_BYTES 40
#define RAFT_MSG_HEAD_BYTES 80

/**
 * struct raft_hard - hard state as the store keeps it
 * @generation: which of two slots is newer
 * @term: the term
 * @vote: the vote in it
 * @known: entries up to here were on stable media
 */
struct raft_hard {
	u64 generation;
	u64 term;
	u64 vote;
	u64 known;
};

/**
 * struct raft_scan - a walk over a stored log
 * @at: bytes that are good
 * @chain: crc to go on with
 * @last: the last good entry
 * @entry: it; its data is in the buffer
 */
struct raft_scan {
	u64 at;
	u32 chain;
	struct raft_pos last;
	struct raft_entry entry;
};

int raft_conf_encode(const struct raft_config *conf, void *buf, u32 size);
int raft_conf_decode(const void *buf, u32 bytes, struct raft_config *conf);

u32 raft_entry_bytes(u32 data_bytes);
int raft_entry_encode(const struct raft_entry *entry, u32 *chain, void *buf,
		      u64 size);
int raft_scan_next(struct raft_scan *scan, const void *buf, u64 bytes,
		   u64 known);

void raft_hard_encode(const struct raft_hard *hard, void *buf);
int raft_hard_decode(const void *buf, struct raft_hard *hard);

int raft_msg_encode(const struct raft_msg *msg, const struct raft_log *log,
		    void *buf, u32 size);
int raft_msg_decode(const void *buf, u32 bytes, struct raft_msg *msg,
		    struct raft_entry *entry);
int raft_msg_check(const struct raft_msg *msg);

#endif /* QBD_RAFT_CODEC_H */
