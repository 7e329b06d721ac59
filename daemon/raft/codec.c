// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries, configurations and hard state as bytes (codec.h), and the walk over
 * a stored log that knows a torn end from damage.
 */
#include "codec.h"
#include "bytes.h"

#define RAFT_CONF_VERSION 1

/**
 * raft_conf_encode() - a configuration as data of an entry
 * @conf: the configuration
 * @buf: for it
 * @size: of @buf
 *
 * Return: bytes; -EINVAL: it is none; -ENOSPC.
 */
int raft_conf_encode(const struct raft_config *conf, void *buf, u32 size)
{
	u8 *at = buf;
	u32 i;

	if (raft_config_check(conf))
		return -EINVAL;
	if (size < 8 + 8U * conf->nr)
		return -ENOSPC;
	at[0] = RAFT_CONF_VERSION;
	at[1] = conf->nr;
	raft_put16(at + 2, conf->old);
	raft_put16(at + 4, conf->next);
	raft_put16(at + 6, conf->learn);
	for (i = 0; i < conf->nr; i++)
		raft_put64(at + 8 + 8 * i, conf->id[i]);
	return 8 + 8 * conf->nr;
}

/**
 * raft_conf_decode() - the way back
 * @buf: data
 * @bytes: its length
 * @conf: the configuration; its index is 0
 *
 * Return: 0 or -EBADMSG.
 */
int raft_conf_decode(const void *buf, u32 bytes, struct raft_config *conf)
{
	const u8 *at = buf;
	u32 i;

	if (bytes < 8 || at[0] != RAFT_CONF_VERSION ||
	    at[1] > RAFT_MEMBERS_MAX || bytes != 8 + 8U * at[1])
		return -EBADMSG;
	memset(conf, 0, sizeof(*conf));
	conf->nr = at[1];
	conf->old = raft_get16(at + 2);
	conf->next = raft_get16(at + 4);
	conf->learn = raft_get16(at + 6);
	for (i = 0; i < conf->nr; i++)
		conf->id[i] = raft_get64(at + 8 + 8 * i);
	return raft_config_check(conf) ? -EBADMSG : 0;
}

/**
 * raft_entry_bytes() - length of an entry's record
 * @data_bytes: length of its data
 *
 * Return: bytes.
 */
u32 raft_entry_bytes(u32 data_bytes)
{
	return RAFT_ENTRY_HEAD_BYTES + ALIGN(data_bytes, 8);
}

/**
 * raft_entry_encode() - an entry's record
 * @entry: the entry
 * @chain: on disk: crc of the record before, becomes that of this one; in a
 *	message NULL
 * @buf: for it
 * @size: of @buf
 *
 * Return: bytes; -EINVAL: it is none; -ENOSPC.
 */
int raft_entry_encode(const struct raft_entry *entry, u32 *chain, void *buf,
		      u64 size)
{
	u32 bytes = raft_entry_bytes(entry->bytes);
	u8 *at = buf;

	if (!entry->type || entry->type > RAFT_ENTRY_CONFIG ||
	    entry->bytes > RAFT_ENTRY_BYTES_MAX)
		return -EINVAL;
	if (size < bytes)
		return -ENOSPC;
	memset(at, 0, RAFT_ENTRY_HEAD_BYTES);
	raft_put64(at + 8, entry->pos.term);
	raft_put64(at + 16, entry->pos.index);
	raft_put32(at + 24, entry->bytes);
	at[28] = entry->type;
	memset(at + bytes - 8, 0, bytes > RAFT_ENTRY_HEAD_BYTES ? 8 : 0);
	if (entry->bytes)
		memcpy(at + RAFT_ENTRY_HEAD_BYTES, entry->data, entry->bytes);
	if (chain) {
		*chain = crc32c(*chain, at + 8, bytes - 8);
		raft_put32(at, RAFT_MAGIC_ENTRY);
		raft_put32(at + 4, *chain);
	}
	return bytes;
}

/**
 * raft_entry_decode() - the way back, but for the crc
 * @at: a record
 * @left: bytes from there to the end
 * @disk: with magic and crc
 * @entry: it; data stays where it is
 *
 * Return: bytes of the record or -EBADMSG.
 */
int raft_entry_decode(const u8 *at, u64 left, bool disk,
		      struct raft_entry *entry)
{
	u32 bytes, i;

	if (left < RAFT_ENTRY_HEAD_BYTES)
		return -EBADMSG;
	if (disk ? raft_get32(at) != RAFT_MAGIC_ENTRY : !mem_is_zero(at, 8))
		return -EBADMSG;
	entry->pos.term = raft_get64(at + 8);
	entry->pos.index = raft_get64(at + 16);
	entry->bytes = raft_get32(at + 24);
	entry->type = at[28];
	entry->data = at + RAFT_ENTRY_HEAD_BYTES;
	if (!mem_is_zero(at + 29, 3) || !entry->type ||
	    entry->type > RAFT_ENTRY_CONFIG ||
	    entry->bytes > RAFT_ENTRY_BYTES_MAX || !entry->pos.term ||
	    entry->pos.term > RAFT_NUMBER_MAX || !entry->pos.index ||
	    entry->pos.index > RAFT_NUMBER_MAX)
		return -EBADMSG;
	bytes = raft_entry_bytes(entry->bytes);
	if (left < bytes)
		return -EBADMSG;
	for (i = RAFT_ENTRY_HEAD_BYTES + entry->bytes; i < bytes; i++)
		if (at[i])
			return -EBADMSG;
	return bytes;
}

/* A record that follows one with the crc @chain. */
static int raft_record(const u8 *at, u64 left, u32 chain,
		       struct raft_entry *entry)
{
	int bytes = raft_entry_decode(at, left, true, entry);

	if (bytes < 0 || crc32c(chain, at + 8, bytes - 8) != raft_get32(at + 4))
		return -EBADMSG;
	return bytes;
}

/* Is there a good record behind something that looked like one? */
static bool raft_scan_more(const u8 *at, u64 left)
{
	struct raft_entry entry;
	int bytes;

	for (; left >= RAFT_ENTRY_HEAD_BYTES; at += 8, left -= 8) {
		bytes = raft_entry_decode(at, left, true, &entry);
		if (bytes < 0 || left - bytes < RAFT_ENTRY_HEAD_BYTES)
			continue;
		if (raft_record(at + bytes, left - bytes, raft_get32(at + 4),
				&entry) > 0)
			return true;
	}
	return false;
}

/**
 * raft_scan_next() - the next entry of a stored log
 * @scan: where it is; before the first one: @at 0, @chain of the record before
 *	it, and in @last the position of the snapshot in use, if there is one
 * @buf: the stored log
 * @bytes: its length
 * @known: entries up to here were on stable media once (struct raft_hard)
 *
 * The store makes sure that a crash leaves a beginning of what it wrote, so a
 * bad record is the torn end of it only if nothing good follows, and if it was
 * not known to be on stable media.  Otherwise the log is damaged, and its
 *server must not go on as if it had never had what is missing (rule 9).
 *
 * Return: 1: @scan->entry; 0: the end, cut the log at @scan->at; -EUCLEAN: the
 * log is damaged there.
 */
int raft_scan_next(struct raft_scan *scan, const void *buf, u64 bytes,
		   u64 known)
{
	const u8 *at = (const u8 *)buf + scan->at;
	u64 left = bytes - scan->at;
	struct raft_entry entry;
	int len = raft_record(at, left, scan->chain, &entry);

	if (len > 0 &&
	    (!scan->at || (entry.pos.term >= scan->last.term &&
			   entry.pos.index == scan->last.index + 1))) {
		scan->chain = raft_get32(at + 4);
		scan->at += len;
		scan->last = entry.pos;
		scan->entry = entry;
		return 1;
	}
	if (QBD_MUTANT(raft_crc_cut_mid_log))
		return 0;
	if (len > 0 || scan->last.index < known || raft_scan_more(at, left))
		return -EUCLEAN;
	return 0;
}

/**
 * raft_hard_encode() - hard state
 * @hard: it
 * @buf: RAFT_STATE_BYTES for it
 */
void raft_hard_encode(const struct raft_hard *hard, void *buf)
{
	u8 *at = buf;

	raft_put32(at, RAFT_MAGIC_HARD);
	raft_put64(at + 8, hard->generation);
	raft_put64(at + 16, hard->term);
	raft_put64(at + 24, hard->vote);
	raft_put64(at + 32, hard->known);
	raft_put32(at + 4, crc32c(~0U, at + 8, RAFT_STATE_BYTES - 8));
}

/**
 * raft_hard_decode() - the way back, of one slot
 * @buf: RAFT_STATE_BYTES
 * @hard: hard state
 *
 * Return: 0 or -EBADMSG.
 */
int raft_hard_decode(const void *buf, struct raft_hard *hard)
{
	const u8 *at = buf;

	if (raft_get32(at) != RAFT_MAGIC_HARD ||
	    raft_get32(at + 4) != crc32c(~0U, at + 8, RAFT_STATE_BYTES - 8))
		return -EBADMSG;
	hard->generation = raft_get64(at + 8);
	hard->term = raft_get64(at + 16);
	hard->vote = raft_get64(at + 24);
	hard->known = raft_get64(at + 32);
	if (hard->term > RAFT_NUMBER_MAX || hard->known > RAFT_NUMBER_MAX)
		return -EBADMSG;
	return 0;
}
