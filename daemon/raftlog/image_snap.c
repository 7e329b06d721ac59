// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading snapshots: all of each, as one that is needed years later is found to
 * be rotten too late (image.h).
 */
#include "image.h"

/* Piece by piece, up to what is good. */
static int rl_snap_pieces(const struct raftlog_env *env, int file,
			  struct rl_snap *snap, u8 *buf)
{
	u32 bytes;
	u64 got;
	int err;

	while (snap->have < snap->snap.bytes) {
		err = rl_read(env, file, buf, rl_piece_bytes(RAFTLOG_PIECE_MAX),
			      snap->at, &got);
		if (err)
			return err;
		bytes = rl_piece_decode(buf, got, &snap->chain);
		if (!bytes || bytes > snap->snap.bytes - snap->have)
			return 0;
		snap->digest = raftlog_digest(snap->digest,
					      buf + RAFTLOG_PIECE_HEAD, bytes);
		snap->last = snap->at;
		snap->at += rl_piece_bytes(bytes);
		snap->have += bytes;
	}
	return 0;
}

/**
 * rl_snap_whole() - is all of it there?
 * @snap: what was read
 *
 * Return: true if so, and it is what it says it is.
 */
bool rl_snap_whole(const struct rl_snap *snap)
{
	return snap->snap.pos.index && snap->have == snap->snap.bytes &&
	       snap->digest == snap->snap.id;
}

/**
 * rl_snap_scan() - read a snapshot's file
 * @env: the directory
 * @id: whose it is
 * @name: of the file
 * @snap: what it has
 * @page: what its first page is; @snap is filled if that is good
 *
 * Return: 0, or it can not be read.
 */
int rl_snap_scan(const struct raftlog_env *env,
		 const struct raftlog_identity *id, const char *name,
		 struct rl_snap *snap, enum raftlog_page *page)
{
	int file = env->open(env->dir, name, RAFTLOG_READ);
	u8 *buf;
	u64 got;
	int err;

	if (file < 0)
		return file;
	memset(snap, 0, sizeof(*snap));
	snap->at = RAFTLOG_PAGE;
	snap->digest = RAFTLOG_DIGEST;
	buf = rl_alloc(NULL, rl_piece_bytes(RAFTLOG_PIECE_MAX));
	err = rl_read(env, file, buf, RAFTLOG_PAGE, 0, &got);
	*page = got == RAFTLOG_PAGE ? rl_snap_decode(buf, id, &snap->snap) :
				      RAFTLOG_EMPTY;
	if (!err && *page == RAFTLOG_GOOD)
		err = rl_snap_pieces(env, file, snap, buf);
	if (err || *page != RAFTLOG_GOOD)
		snap->snap.pos.index = 0;
	free(buf);
	env->close(env->dir, file);
	return err;
}

/* One of the files that have the name of a snapshot. */
static void rl_image_snap(struct rl_image *img, const char *name, u64 index)
{
	char right[RAFTLOG_NAME_MAX];
	enum raftlog_page page;
	struct rl_snap snap;
	int err = rl_snap_scan(img->env, &img->id, name, &snap, &page);

	if (err) {
		rl_image_refuse(img, err, name, "can not be read");
		return;
	}
	if (!rl_image_page(img, name, page))
		return;
	if (page == RAFTLOG_GOOD) {
		rl_snap_name(right, &snap.snap);
		if (strcmp(right, name))
			page = RAFTLOG_MAGIC;
	}
	if (page == RAFTLOG_GOOD && rl_snap_whole(&snap)) {
		/* names come in order: this one is newer */
		if (img->older.snap.pos.index) {
			rl_snap_name(right, &img->older.snap);
			rl_image_gone(img, right);
		}
		img->older = img->snap;
		img->snap = snap;
		return;
	}
	img->lost = max(img->lost, index);
	raftlog_found(img->report, RAFTLOG_ROT, name,
		      page == RAFTLOG_GOOD ? snap.at : 0, "snapshot: %s",
		      page != RAFTLOG_GOOD	  ? raftlog_page_name(page) :
		      snap.have < snap.snap.bytes ? "a piece is bad" :
						    "digest is wrong");
	rl_image_gone(img, name);
}

/* One that is being received may end anywhere: it goes on from there. */
static void rl_image_incoming(struct rl_image *img)
{
	enum raftlog_page page;
	int err = rl_snap_scan(img->env, &img->id, RL_INCOMING, &img->incoming,
			       &page);

	if (err) {
		rl_image_refuse(img, err, RL_INCOMING, "can not be read");
		return;
	}
	if (!rl_image_page(img, RL_INCOMING, page))
		return;
	if (page == RAFTLOG_GOOD && img->incoming.have &&
	    (img->incoming.have < img->incoming.snap.bytes ||
	     rl_snap_whole(&img->incoming)))
		return;
	raftlog_found(img->report, RAFTLOG_NOTE, RL_INCOMING, 0,
		      "being received, begun anew: %s",
		      page == RAFTLOG_GOOD ? "nothing good in it" :
					     raftlog_page_name(page));
	memset(&img->incoming, 0, sizeof(img->incoming));
	rl_image_gone(img, RL_INCOMING);
}

/**
 * rl_image_snaps() - the snapshots of a directory
 * @img: its snapshots are filled
 */
void rl_image_snaps(struct rl_image *img)
{
	const char *name, *end;
	u64 index, id;
	u32 i;

	for (i = 0; i < img->names.nr && !img->err; i++) {
		name = img->names.name[i];
		if (!strcmp(name, RL_INCOMING))
			rl_image_incoming(img);
		if (rl_name_hex(name, "snapshot-", &index, &end) &&
		    rl_name_hex(end, "-", &id, &end) && !*end && index)
			rl_image_snap(img, name, index);
	}
}
