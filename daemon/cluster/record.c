// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of a node: bytes, and the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/stat.h>

#include "../parse.h"
#include "record.h"

#define RECORD_LINE_MAX 512
#define RECORD_WORDS_MAX 4

/**
 * struct record_line - a line that is being read
 * @number: of it
 * @nr: words
 * @word: its words
 * @text: it
 */
struct record_line {
	unsigned int number;
	unsigned int nr;
	char *word[RECORD_WORDS_MAX];
	char text[RECORD_LINE_MAX];
};

/**
 * struct record_reader - where a reader is
 * @at: behind the line read last
 * @end: behind the last byte
 * @line: it
 * @why: what is wrong
 */
struct record_reader {
	const char *at;
	const char *end;
	struct record_line line;
	char *why;
};

static int record_bad(struct record_reader *r, const char *what)
{
	snprintf(r->why, RECORD_WHY_MAX, "line %u: %s", r->line.number, what);
	return -EBADMSG;
}

/* The next line, which has to have this name and so many words behind it. */
static int record_line(struct record_reader *r, const char *name,
		       unsigned int words)
{
	struct record_line *line = &r->line;
	const char *end = memchr(r->at, '\n', r->end - r->at);
	char *rest, *word;

	line->number++;
	if (!end || (size_t)(end - r->at) >= sizeof(line->text))
		return record_bad(r, "missing, or too long");
	memcpy(line->text, r->at, end - r->at);
	line->text[end - r->at] = '\0';
	if (strlen(line->text) != (size_t)(end - r->at))
		return record_bad(r, "has a zero byte");
	r->at = end + 1;
	line->nr = 0;
	rest = line->text;
	while ((word = strsep(&rest, " ")) && line->nr < RECORD_WORDS_MAX)
		line->word[line->nr++] = word;
	if (word || line->nr != words + 1 || strcmp(line->word[0], name))
		return record_bad(r, name);
	return 0;
}

static int record_number(struct record_reader *r, const char *name,
			 uint64_t most, uint64_t *value)
{
	int err = record_line(r, name, 1);

	if (!err && !parse_u64(r->line.word[1], 1, most, value))
		err = record_bad(r, "a number that can not be");
	return err;
}

static int record_peer(struct record_reader *r, struct record_peer *peer)
{
	char *rest = r->line.word[3], *word;
	int err = 0;

	memset(peer, 0, sizeof(*peer));
	if (!parse_u32(r->line.word[1], 1, UINT32_MAX, &peer->node))
		return record_bad(r, "not the number of a node");
	if (!parse_hex(r->line.word[2], peer->key, sizeof(peer->key)))
		err = record_bad(r, "not the key of a node");
	while (!err && (word = strsep(&rest, ","))) {
		if (peer->nr == RECORD_ADDRS_MAX ||
		    !links_addr_parse(word, &peer->addr[peer->nr++]))
			err = record_bad(r, "not up to 4 addresses with ports");
	}
	return err;
}

static int record_peers(struct record_reader *r, struct record *record)
{
	int err;

	while (r->end - r->at > 5 && !memcmp(r->at, "peer ", 5)) {
		if (record->nr_peers == RECORD_PEERS_MAX) {
			r->line.number++;
			return record_bad(r, "more than 16 peers");
		}
		err = record_line(r, "peer", 3);
		if (!err)
			err = record_peer(r, &record->peer[record->nr_peers++]);
		if (err)
			return err;
	}
	return 0;
}

static int record_server(struct record_reader *r, struct record *record)
{
	int err = record_line(r, "server", 2);

	if (err)
		return err;
	if (!parse_u64(r->line.word[1], 0, UINT64_MAX, &record->server))
		return record_bad(r, "not the number of a server");
	record->ready = !strcmp(r->line.word[2], "ready");
	if (!record->ready && strcmp(r->line.word[2], "pending"))
		return record_bad(r, "neither \"pending\" nor \"ready\"");
	if (record->ready && !record->server)
		return record_bad(r, "no server, and it is ready");
	return 0;
}

static int record_end(struct record_reader *r, const char *text)
{
	size_t bytes = r->at - text;
	char want[16];
	int err = record_line(r, "end", 1);

	if (err)
		return err;
	snprintf(want, sizeof(want), "%08x", crc32c(~0U, text, bytes));
	if (strcmp(r->line.word[1], want))
		return record_bad(r, "the checksum is another one");
	return r->at == r->end ? 0 : record_bad(r, "bytes behind the end");
}

/**
 * record_parse() - a record from its bytes
 * @record: the record
 * @text: bytes, hostile
 * @bytes: how many
 * @why: what is wrong with them
 *
 * Return: 0 or -EBADMSG.
 */
int record_parse(struct record *record, const char *text, size_t bytes,
		 char why[RECORD_WHY_MAX])
{
	struct record_reader r = { .at = text,
				   .end = text + bytes,
				   .why = why };
	uint64_t node = 0;
	int err;

	memset(record, 0, sizeof(*record));
	err = record_line(&r, "qbd-record", 1);
	if (!err && strcmp(r.line.word[1], "1"))
		err = record_bad(&r, "of a later version of qbdd");
	err = err ?: record_line(&r, "cluster", 1);
	if (!err && !parse_hex(r.line.word[1], record->cluster, 16))
		err = record_bad(&r, "not the uuid of a cluster");
	err = err ?: record_number(&r, "lineage", UINT64_MAX, &record->lineage);
	err = err ?: record_number(&r, "node", UINT32_MAX, &node);
	err = err ?: record_server(&r, record);
	err = err ?: record_peers(&r, record);
	err = err ?: record_end(&r, text);
	record->node = node;
	return err;
}

/**
 * struct record_writer - text that grows
 * @text: for it
 * @room: bytes there
 * @len: bytes used; more than @room: it did not fit
 */
struct record_writer {
	char *text;
	size_t room;
	size_t len;
};

static void __attribute__((__format__(printf, 2, 3)))
record_say(struct record_writer *w, const char *format, ...)
{
	size_t left = w->len < w->room ? w->room - w->len : 0;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(left ? w->text + w->len : NULL, left, format, args);
	va_end(args);
	w->len += len < 0 ? w->room : (size_t)len;
}

static void record_say_hex(struct record_writer *w, const uint8_t *from,
			   size_t bytes)
{
	while (bytes--)
		record_say(w, "%02x", *from++);
}

static void record_say_peer(struct record_writer *w,
			    const struct record_peer *peer)
{
	char addr[LINKS_ADDR_TEXT];
	unsigned int i;

	record_say(w, "peer %u ", peer->node);
	record_say_hex(w, peer->key, sizeof(peer->key));
	for (i = 0; i < peer->nr; i++) {
		links_addr_format(addr, &peer->addr[i]);
		record_say(w, "%c%s", i ? ',' : ' ', addr);
	}
	record_say(w, "\n");
}

/**
 * record_print() - a record as bytes
 * @record: the record
 * @text: for them
 * @room: bytes there
 *
 * Return: their number, or -ENOSPC.
 */
int record_print(const struct record *record, char *text, size_t room)
{
	struct record_writer w = { .text = text, .room = room };
	unsigned int i;

	record_say(&w, "qbd-record 1\ncluster ");
	record_say_hex(&w, record->cluster, 16);
	record_say(&w, "\nlineage %llu\nnode %u\nserver %llu %s\n",
		   (unsigned long long)record->lineage, record->node,
		   (unsigned long long)record->server,
		   record->ready ? "ready" : "pending");
	for (i = 0; i < record->nr_peers; i++)
		record_say_peer(&w, &record->peer[i]);
	if (w.len < room)
		record_say(&w, "end %08x\n", crc32c(~0U, text, w.len));
	return w.len < room ? (int)w.len : -ENOSPC;
}

static int record_failed(const char *path, const char *what,
			 char why[RECORD_WHY_MAX])
{
	int err = errno;

	snprintf(why, RECORD_WHY_MAX, "%s %.80s: %s", what, path,
		 strerror(err));
	return -err;
}

/**
 * record_load() - the record in a file
 * @record: the record
 * @path: of the file
 * @why: what is wrong
 *
 * Return: 0; -ENOENT: there is none; -EBADMSG; or another errno.
 */
int record_load(struct record *record, const char *path,
		char why[RECORD_WHY_MAX])
{
	char text[RECORD_BYTES_MAX];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t bytes = 0, got = 1;

	if (fd < 0)
		return record_failed(path, "open", why);
	while (got > 0 && bytes < (ssize_t)sizeof(text)) {
		got = read(fd, text + bytes, sizeof(text) - bytes);
		if (got > 0)
			bytes += got;
	}
	if (got < 0) {
		got = record_failed(path, "read", why);
		close(fd);
		return got;
	}
	close(fd);
	return record_parse(record, text, bytes, why);
}

/**
 * record_raft_path() - where the log of the recorded server is
 * @record: the record
 * @dir: the state directory
 * @path: for the name
 * @room: bytes there
 *
 * Return: 0 or -ENAMETOOLONG.
 */
int record_raft_path(const struct record *record, const char *dir, char *path,
		     size_t room)
{
	int len = snprintf(path, room, "%s/raft.%016llx", dir,
			   (unsigned long long)record->lineage);

	if (len < 0 || (size_t)len >= room)
		return -ENAMETOOLONG;
	if (access(path, F_OK))
		snprintf(path, room, "%s/raft", dir);
	return 0;
}

static int record_write(int fd, const char *text, size_t bytes, bool sync)
{
	ssize_t done;

	while (bytes) {
		done = write(fd, text, bytes);
		if (done < 0)
			return -1;
		text += done;
		bytes -= done;
	}
	return sync ? fsync(fd) : 0;
}

static int record_sync_dir(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir = slash ? strndup(path, slash - path + 1) : strdup(".");
	int fd, err = -1;

	if (!dir)
		return -1;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(dir);
	if (fd < 0)
		return -1;
	err = fsync(fd);
	close(fd);
	return err;
}

/**
 * record_save() - replace the record in a file
 * @record: the record
 * @path: of the file
 * @sync: wait until it is on stable media. Without, a crash may leave what was
 *	there before, or something that record_load() refuses
 * @why: why it could not be
 *
 * Return: 0 or an errno; then the file is what it was, or, if its name could
 * not be synced, either.
 */
int record_save(const struct record *record, const char *path, bool sync,
		char why[RECORD_WHY_MAX])
{
	char text[RECORD_BYTES_MAX], fresh[4096];
	int bytes = record_print(record, text, sizeof(text));
	int fd, err;

	if (bytes < 0 || snprintf(fresh, sizeof(fresh), "%s.new", path) >=
				 (int)sizeof(fresh)) {
		errno = ENAMETOOLONG;
		return record_failed(path, "write", why);
	}
	fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return record_failed(fresh, "create", why);
	err = record_write(fd, text, bytes, sync) ?
		      record_failed(fresh, "write", why) :
		      0;
	close(fd);
	if (!err && (rename(fresh, path) || (sync && record_sync_dir(path))))
		err = record_failed(path, "replace", why);
	return err;
}
