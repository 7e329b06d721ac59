// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading the log: which segments follow each other, where it ends, and whether
 * that end is torn or damage (image.h).
 */
#include "image.h"
#include "raft/bytes.h"

/**
 * struct rl_walk - a walk over the segments
 * @img: the image
 * @broken: the log ended: only what the snapshot covers is behind a hole
 * @file: where it ended
 * @offset: and at which byte
 * @why: and why
 */
struct rl_walk {
	struct rl_image *img;
	bool broken;
	char file[RAFTLOG_NAME_MAX];
	u64 offset;
	const char *why;
};

/* The log ends here, unless it did before. */
static void rl_walk_end(struct rl_walk *walk, const char *file, u64 offset,
			const char *why)
{
	if (walk->broken)
		return;
	snprintf(walk->file, sizeof(walk->file), "%s", file);
	walk->offset = offset;
	walk->why = why;
}

/**
 * rl_record_bytes() - how far does the record go that seems to begin here?
 * @at: bytes
 * @left: how many
 *
 * Return: its length; 0: it is none.
 */
u32 rl_record_bytes(const u8 *at, u64 left)
{
	struct raft_entry entry;
	int len = raft_entry_decode(at, left, true, &entry);

	return len > 0 ? (u32)len : 0;
}

static void rl_entry_add(struct rl_image *img, const struct raft_entry *entry)
{
	if (entry->pos.index < img->snap.snap.pos.index)
		return;
	if (img->nr_entries == img->room_entries) {
		img->room_entries = max(64U, 2 * img->room_entries);
		img->entry = rl_alloc(img->entry,
				      img->room_entries * sizeof(*img->entry));
	}
	img->entry[img->nr_entries++] = *entry;
}

/* What the chain does not say about an entry. */
static const char *rl_entry_check(const struct rl_image *img,
				  const struct raft_entry *entry)
{
	struct raft_config conf;

	if (entry->pos.term > max(img->hard.term, img->snap.snap.pos.term))
		return "an entry of a term that the hard state does not know";
	if (entry->type == RAFT_ENTRY_CONFIG &&
	    raft_conf_decode(entry->data, entry->bytes, &conf))
		return "an entry whose configuration is none";
	return NULL;
}

/*
 * The entries of a segment.  Each record alone is shown to the codec's walk,
 * which would take a good one behind a bad one for a proof of damage: here it
 * is none, as sectors reach a disk in any order.
 */
static void rl_seg_scan(struct rl_walk *walk, struct rl_seg *seg,
			const char *name)
{
	struct rl_image *img = walk->img;
	struct raft_scan scan = { .at = RAFTLOG_PAGE,
				  .chain = seg->begin,
				  .last = { img->last.term, seg->first - 1 } };
	const char *why;
	u64 end;
	u32 len;
	int more;

	for (;;) {
		seg->used = scan.at;
		seg->chain = scan.chain;
		len = rl_record_bytes(seg->buf + scan.at, seg->size - scan.at);
		if (!len && !QBD_MUTANT(raftlog_good_behind_bad))
			break;
		end = QBD_MUTANT(raftlog_good_behind_bad) ? seg->size :
							    scan.at + len;
		more = raft_scan_next(&scan, seg->buf, end, 0);
		if (more < 0 && QBD_MUTANT(raftlog_good_behind_bad))
			raftlog_found(img->report, RAFTLOG_DAMAGE, name,
				      seg->used, "good behind bad");
		if (more != 1)
			break;
		why = rl_entry_check(img, &scan.entry);
		if (why) {
			raftlog_found(img->report, RAFTLOG_DAMAGE, name,
				      seg->used, "%llu: %s", scan.last.index,
				      why);
			break;
		}
		seg->last = scan.last.index;
		img->last = scan.last;
		rl_entry_add(img, &scan.entry);
	}
	seg->dirty = !mem_is_zero(seg->buf + seg->used, seg->size - seg->used);
	rl_walk_end(walk, name, seg->used,
		    seg->dirty ? "a record is bad" : "the log ends");
}

/* Return: false: it can not be a segment, or not be read; it was said why. */
static bool rl_seg_read(struct rl_image *img, struct rl_seg *seg,
			const char *name, enum raftlog_page *page)
{
	const struct raftlog_env *env = img->env;
	int file = env->open(env->dir, name, RAFTLOG_READ);
	u64 first = 0, got = 0;
	s64 size = file;
	int err = 0;

	if (file >= 0)
		size = env->size(env->dir, file);
	*page = RAFTLOG_EMPTY;
	if (size > (s64)RL_SEGMENT_MAX ||
	    size > (s64)(RL_LOG_MAX - img->bytes)) {
		size = -EFBIG;
	} else if (size >= (s64)RAFTLOG_PAGE) {
		seg->buf = rl_alloc(NULL, size);
		err = rl_read(env, file, seg->buf, size, 0, &got);
		seg->size = got;
		img->bytes += got;
		if (got >= RAFTLOG_PAGE)
			*page = rl_segment_decode(seg->buf, &img->id, &first,
						  &seg->begin);
		if (*page == RAFTLOG_GOOD && first != seg->first)
			*page = RAFTLOG_MAGIC;
	}
	if (file >= 0)
		env->close(env->dir, file);
	if (size < 0)
		err = (int)size;
	if (err)
		rl_image_refuse(img, err, name, "can not be read");
	return !err && rl_image_page(img, name, *page);
}

/* Forget the segments so far: the snapshot covers them. */
static void rl_run_drop(struct rl_image *img)
{
	u32 i;

	for (i = 0; i < img->nr_segs; i++)
		free(img->seg[i].buf);
	img->nr_segs = 0;
	img->nr_entries = 0;
	memset(&img->last, 0, sizeof(img->last));
}

/* Return: why this segment does not follow the ones before; NULL: it does. */
static const char *rl_seg_stray(const struct rl_walk *walk,
				const struct rl_seg *seg)
{
	const struct rl_image *img = walk->img;

	if (walk->broken)
		return walk->why;
	if (!img->nr_segs)
		return seg->first > img->snap.snap.pos.index + 1 ?
			       "entries are missing before this segment" :
			       NULL;
	if (seg->first != img->last.index + 1)
		return img->seg[img->nr_segs - 1].dirty ?
			       walk->why :
			       "entries are missing before this segment";
	if (seg->begin != img->seg[img->nr_segs - 1].chain)
		return "its chain is not that of the segment before";
	return NULL;
}

/* One of the files that have the name of a segment, in their order. */
static void rl_image_seg(struct rl_walk *walk, const char *name, u64 first)
{
	struct rl_image *img = walk->img;
	struct rl_seg seg = { .first = first, .last = first - 1 };
	enum raftlog_page page;
	const char *why;

	if (!rl_seg_read(img, &seg, name, &page)) {
		free(seg.buf);
		return;
	}
	if (img->nr_segs && first <= img->last.index)
		raftlog_found(img->report, RAFTLOG_DAMAGE, name, 0,
			      "begins at %llu, the one before ends at %llu",
			      first, img->last.index);
	why = page == RAFTLOG_GOOD ? rl_seg_stray(walk, &seg) :
				     raftlog_page_name(page);
	if (why && page == RAFTLOG_GOOD &&
	    first <= img->snap.snap.pos.index + 1) {
		/* a hole that the snapshot covers is none */
		rl_run_drop(img);
		walk->broken = false;
		why = NULL;
	}
	if (page != RAFTLOG_GOOD || why) {
		if (page != RAFTLOG_GOOD || why != walk->why)
			rl_walk_end(walk, name, 0, why);
		walk->broken = true;
		free(seg.buf);
		return;
	}
	if (!img->nr_segs)
		img->last = (struct raft_pos){ 0, first - 1 };
	rl_seg_scan(walk, &seg, name);
	img->seg[img->nr_segs++] = seg;
}

static bool rl_image_uses(const struct rl_image *img, u64 first)
{
	u32 i;

	for (i = 0; i < img->nr_segs; i++)
		if (img->seg[i].first == first)
			return true;
	return false;
}

/* Segments before and behind the log. */
static void rl_image_stray(struct rl_image *img)
{
	const char *end;
	u64 first;
	u32 i;

	for (i = 0; i < img->names.nr; i++) {
		if (!rl_name_hex(img->names.name[i], "segment-", &first,
				 &end) ||
		    *end || rl_image_uses(img, first))
			continue;
		raftlog_found(img->report, RAFTLOG_NOTE, img->names.name[i], 0,
			      first <= img->snap.snap.pos.index ?
				      "is covered by the snapshot" :
				      "is behind the end of the log");
		rl_image_gone(img, img->names.name[i]);
	}
}

/* Is the log one from before the snapshot, which is of another history? */
static bool rl_image_clash(const struct rl_image *img)
{
	const struct raft_pos *snap = &img->snap.snap.pos;
	const struct raft_pos *first;

	if (!img->nr_entries)
		return false;
	first = &img->entry[0].pos;
	if (first->index == snap->index)
		return first->term != snap->term;
	return first->index == snap->index + 1 && first->term < snap->term;
}

/* Nothing that was promised is missing: what is there, and what it means. */
static void rl_image_judge(struct rl_walk *walk)
{
	struct rl_image *img = walk->img;
	u64 covered = img->snap.snap.pos.index;
	u64 reached = max(img->last.index, covered);
	u64 promised = max(img->hard.known, img->lost);
	struct rl_seg *tail;
	bool clash;

	if (reached < promised && !QBD_MUTANT(raftlog_cut_what_was_promised)) {
		raftlog_found(img->report, RAFTLOG_DAMAGE,
			      walk->file[0] ? walk->file : ".", walk->offset,
			      "%s behind %llu; up to %llu was on stable media",
			      walk->why ?: "there is nothing", reached,
			      promised);
		return;
	}
	clash = rl_image_clash(img);
	if (clash && img->hard.known > covered) {
		raftlog_found(img->report, RAFTLOG_DAMAGE, walk->file,
			      walk->offset,
			      "entry %llu is not the snapshot's, and behind "
			      "it something was promised",
			      covered);
		return;
	}
	/* a crash came between INSTALL and TRUNCATE: nothing here counts */
	if (clash || (img->nr_segs && img->last.index < covered)) {
		rl_run_drop(img);
		return;
	}
	tail = img->nr_segs ? &img->seg[img->nr_segs - 1] : NULL;
	if (tail && tail->dirty)
		raftlog_found(img->report, RAFTLOG_NOTE, walk->file, tail->used,
			      "torn behind entry %llu", img->last.index);
}

/* The one before is kept while the log goes back to it. */
static void rl_image_older(struct rl_image *img)
{
	u64 index = img->older.snap.pos.index;
	char name[RAFTLOG_NAME_MAX];

	if (!index || (img->nr_segs && img->seg[0].first <= index + 1))
		return;
	rl_snap_name(name, &img->older.snap);
	rl_image_gone(img, name);
	memset(&img->older, 0, sizeof(img->older));
}

/**
 * rl_image_log() - the log of a directory
 * @img: its segments and entries are filled; snapshots and hard state are
 */
void rl_image_log(struct rl_image *img)
{
	struct rl_walk walk = { .img = img };
	const char *name, *end;
	u64 first;
	u32 i;

	img->seg = rl_alloc(NULL, max(1U, img->names.nr) * sizeof(*img->seg));
	for (i = 0; i < img->names.nr && rl_image_good(img); i++) {
		name = img->names.name[i];
		if (!rl_name_hex(name, "segment-", &first, &end) || *end)
			continue;
		if (first && first <= RAFT_NUMBER_MAX)
			rl_image_seg(&walk, name, first);
		else
			raftlog_found(img->report, RAFTLOG_DAMAGE, name, 0,
				      "no index");
	}
	if (rl_image_good(img))
		rl_image_judge(&walk);
	if (!rl_image_good(img))
		return;
	rl_image_stray(img);
	rl_image_older(img);
}
