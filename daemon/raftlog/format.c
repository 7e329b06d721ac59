// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pages and pieces as bytes, see format.h.
 */
#include "format.h"
#include "raft/bytes.h"

#define RL_VERSION 1
#define RL_MAGIC_IDENTITY 0x31695271U /* "qRi1" */
#define RL_MAGIC_SLOT 0x31685271U /* "qRh1" */
#define RL_MAGIC_SEGMENT 0x31675271U /* "qRg1" */
#define RL_MAGIC_SNAP 0x31705271U /* "qRp1" */
#define RL_MAGIC_PIECE 0x31635271U /* "qRc1" */

static_assert(88 + RAFT_CONF_BYTES_MAX <= RAFTLOG_PAGE);

/**
 * raftlog_page_name() - what is wrong with a page, in words
 * @page: what it is
 *
 * Return: the words.
 */
const char *raftlog_page_name(enum raftlog_page page)
{
	switch (page) {
	case RAFTLOG_GOOD:
		return "good";
	case RAFTLOG_EMPTY:
		return "empty";
	case RAFTLOG_MAGIC:
		return "not what its name says";
	case RAFTLOG_CRC:
		return "checksum is wrong";
	case RAFTLOG_VERSION:
		return "a version that this program does not know";
	case RAFTLOG_RANGE:
		return "numbers that can not be";
	case RAFTLOG_FOREIGN:
		return "of another cluster or server";
	}
	return "?";
}

static void rl_page_begin(u8 *page, u32 magic,
			  const struct raftlog_identity *id)
{
	memset(page, 0, RAFTLOG_PAGE);
	raft_put32(page, magic);
	raft_put32(page + 8, RL_VERSION);
	memcpy(page + 16, id->cluster, RAFTLOG_UUID);
	raft_put64(page + 32, id->server);
}

static void rl_page_end(u8 *page)
{
	raft_put32(page + 4, crc32c(~0U, page + 8, RAFTLOG_PAGE - 8));
}

/* @used: bytes that have a meaning; @id: NULL = anybody's */
static enum raftlog_page rl_page_check(const u8 *page, u32 magic, u32 used,
				       const struct raftlog_identity *id)
{
	if (mem_is_zero(page, RAFTLOG_PAGE))
		return RAFTLOG_EMPTY;
	if (raft_get32(page) != magic)
		return RAFTLOG_MAGIC;
	if (raft_get32(page + 4) != crc32c(~0U, page + 8, RAFTLOG_PAGE - 8))
		return RAFTLOG_CRC;
	if (raft_get32(page + 8) != RL_VERSION)
		return RAFTLOG_VERSION;
	if (raft_get32(page + 12) ||
	    !mem_is_zero(page + used, RAFTLOG_PAGE - used))
		return RAFTLOG_RANGE;
	if (id && (memcmp(page + 16, id->cluster, RAFTLOG_UUID) ||
		   raft_get64(page + 32) != id->server))
		return RAFTLOG_FOREIGN;
	return RAFTLOG_GOOD;
}

static void rl_conf_put(u8 *page, u32 at, const struct raft_config *conf)
{
	int len = conf->nr ? raft_conf_encode(conf, page + at + 8,
					      RAFT_CONF_BYTES_MAX) :
			     0;

	/* what is checked when it is read is checked before it is written */
	if (RAFT_BUG(len < 0))
		return;
	raft_put32(page + at, len);
}

static bool rl_conf_get(const u8 *page, u32 at, struct raft_config *conf)
{
	u32 len = raft_get32(page + at);

	memset(conf, 0, sizeof(*conf));
	if (raft_get32(page + at + 4) || len > RAFT_CONF_BYTES_MAX ||
	    !mem_is_zero(page + at + 8 + len, RAFT_CONF_BYTES_MAX - len))
		return false;
	return !len || !raft_conf_decode(page + at + 8, len, conf);
}

void rl_identity_encode(const struct raftlog_identity *id, u8 *page)
{
	rl_page_begin(page, RL_MAGIC_IDENTITY, id);
	raft_put64(page + 40, id->lineage);
	rl_conf_put(page, 48, &id->conf);
	rl_page_end(page);
}

enum raftlog_page rl_identity_decode(const u8 *page,
				     struct raftlog_identity *id)
{
	enum raftlog_page is = rl_page_check(page, RL_MAGIC_IDENTITY,
					     56 + RAFT_CONF_BYTES_MAX, NULL);

	if (is != RAFTLOG_GOOD)
		return is;
	memcpy(id->cluster, page + 16, RAFTLOG_UUID);
	id->server = raft_get64(page + 32);
	id->lineage = raft_get64(page + 40);
	if (!rl_conf_get(page, 48, &id->conf) || !id->server)
		return RAFTLOG_RANGE;
	return RAFTLOG_GOOD;
}

void rl_slot_encode(const struct raftlog_identity *id,
		    const struct raft_hard *hard, u8 *page)
{
	rl_page_begin(page, RL_MAGIC_SLOT, id);
	raft_hard_encode(hard, page + 40);
	rl_page_end(page);
}

enum raftlog_page rl_slot_decode(const u8 *page,
				 const struct raftlog_identity *id,
				 struct raft_hard *hard)
{
	enum raftlog_page is =
		rl_page_check(page, RL_MAGIC_SLOT, 40 + RAFT_STATE_BYTES, id);

	if (is != RAFTLOG_GOOD)
		return is;
	if (raft_hard_decode(page + 40, hard) || !hard->generation ||
	    hard->generation > RAFT_NUMBER_MAX)
		return RAFTLOG_RANGE;
	return RAFTLOG_GOOD;
}

void rl_segment_encode(const struct raftlog_identity *id, u64 first, u32 chain,
		       u8 *page)
{
	rl_page_begin(page, RL_MAGIC_SEGMENT, id);
	raft_put64(page + 40, first);
	raft_put32(page + 48, chain);
	rl_page_end(page);
}

enum raftlog_page rl_segment_decode(const u8 *page,
				    const struct raftlog_identity *id,
				    u64 *first, u32 *chain)
{
	enum raftlog_page is = rl_page_check(page, RL_MAGIC_SEGMENT, 52, id);

	if (is != RAFTLOG_GOOD)
		return is;
	*first = raft_get64(page + 40);
	*chain = raft_get32(page + 48);
	return *first && *first <= RAFT_NUMBER_MAX ? RAFTLOG_GOOD :
						     RAFTLOG_RANGE;
}

void rl_snap_encode(const struct raftlog_identity *id,
		    const struct raft_snap *snap, u8 *page)
{
	rl_page_begin(page, RL_MAGIC_SNAP, id);
	raft_put64(page + 40, snap->pos.term);
	raft_put64(page + 48, snap->pos.index);
	raft_put64(page + 56, snap->id);
	raft_put64(page + 64, snap->bytes);
	raft_put64(page + 72, snap->conf.index);
	rl_conf_put(page, 80, &snap->conf);
	rl_page_end(page);
}

enum raftlog_page rl_snap_decode(const u8 *page,
				 const struct raftlog_identity *id,
				 struct raft_snap *snap)
{
	enum raftlog_page is = rl_page_check(page, RL_MAGIC_SNAP,
					     88 + RAFT_CONF_BYTES_MAX, id);

	if (is != RAFTLOG_GOOD)
		return is;
	if (!rl_conf_get(page, 80, &snap->conf))
		return RAFTLOG_RANGE;
	snap->pos.term = raft_get64(page + 40);
	snap->pos.index = raft_get64(page + 48);
	snap->id = raft_get64(page + 56);
	snap->bytes = raft_get64(page + 64);
	snap->conf.index = raft_get64(page + 72);
	if (!snap->pos.term || snap->pos.term > RAFT_NUMBER_MAX ||
	    !snap->pos.index || snap->pos.index > RAFT_NUMBER_MAX ||
	    !snap->bytes || snap->bytes > RAFT_NUMBER_MAX || !snap->conf.nr ||
	    snap->conf.index > snap->pos.index)
		return RAFTLOG_RANGE;
	return RAFTLOG_GOOD;
}

/* Length of a piece in its file. */
u32 rl_piece_bytes(u32 bytes)
{
	return RAFTLOG_PIECE_HEAD + ALIGN(bytes, 8);
}

/* @buf: rl_piece_bytes(). Return: its length in the file. */
u32 rl_piece_encode(const void *data, u32 bytes, u32 *chain, u8 *buf)
{
	u32 len = rl_piece_bytes(bytes);

	memset(buf, 0, RAFTLOG_PIECE_HEAD);
	memset(buf + len - 8, 0, 8);
	raft_put32(buf, RL_MAGIC_PIECE);
	raft_put32(buf + 8, bytes);
	memcpy(buf + RAFTLOG_PIECE_HEAD, data, bytes);
	*chain = crc32c(*chain, buf + 8, len - 8);
	raft_put32(buf + 4, *chain);
	return len;
}

/*
 * @left: bytes from @buf to the end of the file. Return: bytes of content, and
 * @chain is this piece's; 0: no good piece that follows @chain.
 */
u32 rl_piece_decode(const u8 *buf, u64 left, u32 *chain)
{
	u32 bytes, len, crc;

	if (left < RAFTLOG_PIECE_HEAD || raft_get32(buf) != RL_MAGIC_PIECE ||
	    raft_get32(buf + 12))
		return 0;
	bytes = raft_get32(buf + 8);
	if (!bytes || bytes > RAFTLOG_PIECE_MAX)
		return 0;
	len = rl_piece_bytes(bytes);
	if (left < len)
		return 0;
	crc = crc32c(*chain, buf + 8, len - 8);
	if (crc != raft_get32(buf + 4))
		return 0;
	*chain = crc;
	return bytes;
}

/**
 * raftlog_digest() - what a snapshot's content is known by (raft_snap.id)
 * @digest: of what comes before; RAFTLOG_DIGEST
 * @data: more of it
 * @bytes: how much
 *
 * FNV-1a: the same however the content is cut.  It tells apart what two servers
 * made at one position; against bits that flip each piece has a crc.
 *
 * Return: the digest up to here.
 */
u64 raftlog_digest(u64 digest, const void *data, u64 bytes)
{
	const u8 *at = data;

	while (bytes--)
		digest = (digest ^ *at++) * 0x100000001b3ULL;
	return digest;
}
