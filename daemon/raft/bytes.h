/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Little-endian numbers in bytes that need not be aligned, for the codec.
 */
#ifndef QBD_RAFT_BYTES_H
#define QBD_RAFT_BYTES_H

#include "codec.h"

#define RAFT_MAGIC_ENTRY 0x31655271U /* "qRe1" */
#define RAFT_MAGIC_HARD 0x31735271U /* "qRs1" */
#define RAFT_MAGIC_MSG 0x316d5271U /* "qRm1" */

static inline void raft_put16(u8 *at, u16 val)
{
	__le16 le = cpu_to_le16(val);

	memcpy(at, &le, sizeof(le));
}

static inline void raft_put32(u8 *at, u32 val)
{
	__le32 le = cpu_to_le32(val);

	memcpy(at, &le, sizeof(le));
}

static inline void raft_put64(u8 *at, u64 val)
{
	__le64 le = cpu_to_le64(val);

	memcpy(at, &le, sizeof(le));
}

static inline u16 raft_get16(const u8 *at)
{
	__le16 le;

	memcpy(&le, at, sizeof(le));
	return le16_to_cpu(le);
}

static inline u32 raft_get32(const u8 *at)
{
	__le32 le;

	memcpy(&le, at, sizeof(le));
	return le32_to_cpu(le);
}

static inline u64 raft_get64(const u8 *at)
{
	__le64 le;

	memcpy(&le, at, sizeof(le));
	return le64_to_cpu(le);
}

int raft_entry_decode(const u8 *at, u64 left, bool disk,
		      struct raft_entry *entry);

#endif /* QBD_RAFT_BYTES_H */
