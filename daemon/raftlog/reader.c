// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a snapshot back, to send it or to restore from it. A file that is
 * open stays readable when its name goes, so no reader holds up the writer.
 */
#include "store.h"

/**
 * struct raftlog_reader - a snapshot that is read
 * @env: the directory
 * @file: the file
 * @snap: what it has to be
 * @at: where the piece in @buf is
 * @begin: offset of its content
 * @len: bytes of content in @buf
 * @chain: crc behind it
 * @buf: a piece
 */
struct raftlog_reader {
	struct raftlog_env env;
	int file;
	struct raft_snap snap;
	u64 at;
	u64 begin;
	u32 len;
	u32 chain;
	u8 buf[RAFTLOG_PIECE_HEAD + RAFTLOG_PIECE_MAX];
};

static void rl_reader_rewind(struct raftlog_reader *reader)
{
	reader->at = RAFTLOG_PAGE;
	reader->begin = 0;
	reader->len = 0;
	reader->chain = 0;
}

/* The piece behind the one in the buffer. */
static int rl_reader_next(struct raftlog_reader *reader)
{
	u64 got;
	int err;

	if (reader->len)
		reader->at += rl_piece_bytes(reader->len);
	reader->begin += reader->len;
	reader->len = 0;
	err = rl_read(&reader->env, reader->file, reader->buf,
		      sizeof(reader->buf), reader->at, &got);
	if (err)
		return err;
	reader->len = rl_piece_decode(reader->buf, got, &reader->chain);
	return reader->len ? 0 : -EUCLEAN;
}

/*
 * It may be renamed between two looks, never back: the second name is looked
 * for last.
 */
static int rl_reader_file(const struct raftlog_env *env, const char *name)
{
	int file = env->open(env->dir, name, RAFTLOG_READ);

	if (file == -ENOENT)
		file = env->open(env->dir, RL_INCOMING, RAFTLOG_READ);
	if (file == -ENOENT)
		file = env->open(env->dir, name, RAFTLOG_READ);
	return file;
}

/**
 * raftlog_snap_open() - read a snapshot
 * @rl: the store
 * @snap: which one; one that is received and not installed yet, too, when all
 *	of it is there
 * @out: the reader; raftlog_snap_close() it
 *
 * Return: 0; -ENOENT: it is not there; -EUCLEAN: what is there is no good; or
 * what failed.
 */
int raftlog_snap_open(const struct raftlog *rl, const struct raft_snap *snap,
		      struct raftlog_reader **out)
{
	struct raftlog_reader *reader;
	char name[RAFTLOG_NAME_MAX];
	struct raft_snap is;
	u64 got;
	int file, err;

	rl_snap_name(name, snap);
	file = rl_reader_file(&rl->env, name);
	if (file < 0)
		return file;
	reader = rl_alloc(NULL, sizeof(*reader));
	reader->env = rl->env;
	reader->file = file;
	reader->snap = *snap;
	err = rl_read(&rl->env, file, reader->buf, RAFTLOG_PAGE, 0, &got);
	if (!err && (got != RAFTLOG_PAGE ||
		     rl_snap_decode(reader->buf, &rl->id, &is) != RAFTLOG_GOOD))
		err = -EUCLEAN;
	if (!err && (is.pos.index != snap->pos.index || is.id != snap->id ||
		     is.bytes != snap->bytes))
		err = -ENOENT;
	if (err) {
		raftlog_snap_close(reader);
		return err;
	}
	rl_reader_rewind(reader);
	*out = reader;
	return 0;
}

/**
 * raftlog_snap_read() - a part of it
 * @reader: the reader
 * @offset: from which byte on; going on where it ended is quick
 * @buf: for it
 * @bytes: of it; not past the end
 *
 * Each piece is checked as it is read.
 *
 * Return: 0; -EINVAL: past the end; -EUCLEAN: the file is damaged; or what
 * failed.
 */
int raftlog_snap_read(struct raftlog_reader *reader, u64 offset, void *buf,
		      u32 bytes)
{
	u8 *to = buf;
	u64 skip;
	u32 part;
	int err;

	if (offset > reader->snap.bytes || bytes > reader->snap.bytes - offset)
		return -EINVAL;
	if (offset < reader->begin)
		rl_reader_rewind(reader);
	while (bytes) {
		if (offset >= reader->begin + reader->len) {
			err = rl_reader_next(reader);
			if (err) {
				rl_reader_rewind(reader);
				return err;
			}
			continue;
		}
		skip = offset - reader->begin;
		part = (u32)min((u64)bytes, reader->len - skip);
		memcpy(to, reader->buf + RAFTLOG_PIECE_HEAD + skip, part);
		to += part;
		offset += part;
		bytes -= part;
	}
	return 0;
}

/**
 * raftlog_snap_close() - done with it
 * @reader: the reader
 */
void raftlog_snap_close(struct raftlog_reader *reader)
{
	reader->env.close(reader->env.dir, reader->file);
	free(reader);
}
