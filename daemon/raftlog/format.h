/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of the files of a log store.
 *
 * Numbers are little-endian.  Each file, and each slot of hard state, begins
 * with a page of 4 KiB; what is not named in it is zero:
 *
 *	 0 magic	 4 crc32c of the bytes behind it
 *	 8 version 1	12 zero
 *	16 cluster	32 server
 *   identity "qRi1"
 *	40 lineage	48 length of the configuration	52 zero
 *	56 the configuration that the cluster began with (raft/codec.h)
 *   hard state "qRh1", in slots at 0 and 4096 of its file
 *	40 hard state (raft/codec.h), 40 bytes
 *   segment "qRg1", then records of entries (raft/codec.h), then zeros
 *	40 index of the first entry	48 chain: crc to begin with	52 zero
 *   snapshot "qRp1", then pieces
 *	40 term	48 index	56 digest	64 bytes of content
 *	72 index of the configuration	80 its length	84 zero
 *	88 the configuration
 *   piece
 *	 0 magic "qRc1"	 4 crc of the bytes behind it, begun with the crc of
 *			   the piece before: a chain
 *	 8 bytes of content	12 zero
 *	16 content, padded with zeros to 8 bytes
 *
 * Checked in the order length, magic, crc, version, zeros, ranges, identity:
 * a flipped bit shall not be taken for a version to come.
 */
#ifndef QBD_RAFTLOG_FORMAT_H
#define QBD_RAFTLOG_FORMAT_H

#include "raft/codec.h"

#define RAFTLOG_PAGE 4096U
#define RAFTLOG_PIECE_HEAD 16U
#define RAFTLOG_PIECE_MAX RAFT_CHUNK_BYTES_MAX
#define RAFTLOG_UUID 16

/**
 * struct raftlog_identity - whose log it is
 * @cluster: uuid
 * @server: id of the Raft server; it ends with its log
 * @lineage: which one of the cluster: a restored one has another
 * @conf: what the cluster began with; with @nr 0 the server waits to be added
 */
struct raftlog_identity {
	u8 cluster[RAFTLOG_UUID];
	u64 server;
	u64 lineage;
	struct raft_config conf;
};

/**
 * enum raftlog_page - what a page is
 * @RAFTLOG_GOOD: as it should be
 * @RAFTLOG_EMPTY: nothing but zeros
 * @RAFTLOG_MAGIC: something else
 * @RAFTLOG_CRC: its crc is wrong
 * @RAFTLOG_VERSION: a version that this program does not know
 * @RAFTLOG_RANGE: numbers that can not be, or zeros that are none
 * @RAFTLOG_FOREIGN: another cluster's, or another server's
 */
enum raftlog_page {
	RAFTLOG_GOOD,
	RAFTLOG_EMPTY,
	RAFTLOG_MAGIC,
	RAFTLOG_CRC,
	RAFTLOG_VERSION,
	RAFTLOG_RANGE,
	RAFTLOG_FOREIGN,
};

const char *raftlog_page_name(enum raftlog_page page);

void rl_identity_encode(const struct raftlog_identity *id, u8 *page);
enum raftlog_page rl_identity_decode(const u8 *page,
				     struct raftlog_identity *id);
void rl_slot_encode(const struct raftlog_identity *id,
		    const struct raft_hard *hard, u8 *page);
enum raftlog_page rl_slot_decode(const u8 *page,
				 const struct raftlog_identity *id,
				 struct raft_hard *hard);
void rl_segment_encode(const struct raftlog_identity *id, u64 first, u32 chain,
		       u8 *page);
enum raftlog_page rl_segment_decode(const u8 *page,
				    const struct raftlog_identity *id,
				    u64 *first, u32 *chain);
void rl_snap_encode(const struct raftlog_identity *id,
		    const struct raft_snap *snap, u8 *page);
enum raftlog_page rl_snap_decode(const u8 *page,
				 const struct raftlog_identity *id,
				 struct raft_snap *snap);

u32 rl_piece_bytes(u32 bytes);
u32 rl_piece_encode(const void *data, u32 bytes, u32 *chain, u8 *buf);
u32 rl_piece_decode(const u8 *buf, u64 left, u32 *chain);

#define RAFTLOG_DIGEST 0xcbf29ce484222325ULL /* to begin with */
u64 raftlog_digest(u64 digest, const void *data, u64 bytes);

#endif /* QBD_RAFTLOG_FORMAT_H */
