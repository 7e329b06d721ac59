// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a directory: its names, whose it is, and its hard state (image.h).
 */
#include "image.h"

/* Out of memory ends the process, as everywhere in the daemon. */
void *rl_alloc(void *old, u64 bytes)
{
	void *mem = realloc(old, bytes);

	if (!mem) {
		fputs("qbd: out of memory\n", stderr);
		abort();
	}
	return mem;
}

/* --- names ---------------------------------------------------------------- */

void rl_segment_name(char *name, u64 first)
{
	snprintf(name, RAFTLOG_NAME_MAX, "segment-%016llx", first);
}

void rl_snap_name(char *name, const struct raft_snap *snap)
{
	snprintf(name, RAFTLOG_NAME_MAX, "snapshot-%016llx-%016llx",
		 snap->pos.index, snap->id);
}

void rl_spare_name(char *name, u64 no)
{
	snprintf(name, RAFTLOG_NAME_MAX, "spare-%016llx", no);
}

/* Sixteen digits behind @prefix, as they are written; @end: what follows. */
bool rl_name_hex(const char *name, const char *prefix, u64 *value,
		 const char **end)
{
	size_t len = strlen(prefix);
	const char *at = name + len;
	u32 i;

	if (strncmp(name, prefix, len))
		return false;
	*value = 0;
	for (i = 0; i < 16; i++, at++) {
		if (*at >= '0' && *at <= '9')
			*value = *value << 4 | (u64)(*at - '0');
		else if (*at >= 'a' && *at <= 'f')
			*value = *value << 4 | (u64)(*at - 'a' + 10);
		else
			return false;
	}
	*end = at;
	return true;
}

void rl_names_add(struct rl_names *names, const char *name)
{
	if (names->nr == RL_FILES_MAX || strlen(name) >= RAFTLOG_NAME_MAX) {
		names->many |= names->nr == RL_FILES_MAX;
		return;
	}
	if (!(names->nr & (names->nr - 1)))
		names->name =
			rl_alloc(names->name,
				 max(1U, 2 * names->nr) * sizeof(*names->name));
	snprintf(names->name[names->nr++], RAFTLOG_NAME_MAX, "%s", name);
}

static void rl_names_each(void *arg, const char *name)
{
	rl_names_add(arg, name);
}

static int rl_names_cmp(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* All names, sorted: numbers of one length are in order. */
int rl_names_list(const struct raftlog_env *env, struct rl_names *names)
{
	int err;

	memset(names, 0, sizeof(*names));
	err = env->list(env->dir, rl_names_each, names);
	if (names->nr)
		qsort(names->name, names->nr, sizeof(*names->name),
		      rl_names_cmp);
	return err;
}

/* --- reading -------------------------------------------------------------- */

/* @got: bytes; fewer than asked for at the end of the file. */
int rl_read(const struct raftlog_env *env, int file, void *buf, u64 bytes,
	    u64 offset, u64 *got)
{
	s64 done;

	*got = 0;
	while (*got < bytes) {
		done = env->pread(env->dir, file, (u8 *)buf + *got,
				  bytes - *got, offset + *got);
		if (done < 0)
			return (int)done;
		if (!done)
			return 0;
		*got += done;
	}
	return 0;
}

bool rl_image_good(const struct rl_image *img)
{
	return !img->err &&
	       (!img->report->total || img->report->worst < RAFTLOG_DAMAGE);
}

/* Nothing can be said, or done. */
void rl_image_refuse(struct rl_image *img, int err, const char *file,
		     const char *text)
{
	raftlog_found(img->report, RAFTLOG_REFUSE, file, 0, "%s: %s", text,
		      strerror(-err));
	if (!img->err)
		img->err = err;
}

/* Is it a page that nobody but its owner and this version may judge? */
bool rl_image_page(struct rl_image *img, const char *file,
		   enum raftlog_page page)
{
	if (page == RAFTLOG_VERSION)
		rl_image_refuse(img, -EPROTONOSUPPORT, file,
				raftlog_page_name(page));
	else if (page == RAFTLOG_FOREIGN)
		rl_image_refuse(img, -EXDEV, file, raftlog_page_name(page));
	return page != RAFTLOG_VERSION && page != RAFTLOG_FOREIGN;
}

void rl_image_gone(struct rl_image *img, const char *name)
{
	rl_names_add(&img->gone, name);
}

static bool rl_image_has(const struct rl_image *img, const char *name)
{
	u32 i;

	for (i = 0; i < img->names.nr; i++)
		if (!strcmp(img->names.name[i], name))
			return true;
	return false;
}

/* --- identity and hard state ---------------------------------------------- */

static void rl_image_identity(struct rl_image *img)
{
	const struct raftlog_env *env = img->env;
	u8 page[RAFTLOG_PAGE] = { 0 };
	enum raftlog_page is;
	u64 got = 0;
	int file, err;

	file = env->open(env->dir, RL_IDENTITY, RAFTLOG_READ);
	if (file == -ENOENT) {
		rl_image_refuse(img, file, RL_IDENTITY,
				img->names.nr ? "not the log of a server, or "
						"its identity is lost" :
						"the directory is empty");
		return;
	}
	err = file;
	if (file >= 0) {
		err = rl_read(env, file, page, sizeof(page), 0, &got);
		env->close(env->dir, file);
	}
	if (err) {
		rl_image_refuse(img, err, RL_IDENTITY, "can not be read");
		return;
	}
	is = got == sizeof(page) ? rl_identity_decode(page, &img->id) :
				   RAFTLOG_EMPTY;
	if (!rl_image_page(img, RL_IDENTITY, is) || is == RAFTLOG_GOOD)
		return;
	rl_image_refuse(img, -EUCLEAN, RL_IDENTITY, raftlog_page_name(is));
}

static void rl_image_slot_pick(struct rl_image *img,
			       const struct raft_hard *hard)
{
	bool good[RL_SLOTS];
	u32 i;

	for (i = 0; i < RL_SLOTS; i++)
		good[i] = img->slot[i] == RAFTLOG_GOOD;
	if (!good[0] && !good[1]) {
		raftlog_found(img->report, RAFTLOG_DAMAGE, RL_STATE, 0,
			      "neither slot is good: term and vote are lost");
		return;
	}
	for (i = 0; i < RL_SLOTS; i++)
		if (!good[i])
			raftlog_found(img->report, RAFTLOG_NOTE, RL_STATE,
				      (u64)i * RAFTLOG_PAGE,
				      "slot: %s; the other one is good",
				      raftlog_page_name(img->slot[i]));
	img->hard = hard[good[0] ? 0 : 1];
	if (!good[0] || !good[1])
		return;
	if (hard[0].generation == hard[1].generation)
		raftlog_found(img->report, RAFTLOG_DAMAGE, RL_STATE, 0,
			      "both slots are of generation %llu",
			      hard[0].generation);
	if (hard[1].generation > hard[0].generation)
		img->hard = hard[1];
}

static void rl_image_state(struct rl_image *img)
{
	const struct raftlog_env *env = img->env;
	struct raft_hard hard[RL_SLOTS] = { 0 };
	u8 page[RAFTLOG_PAGE];
	u64 got;
	int file, err = 0;
	u32 i;

	file = env->open(env->dir, RL_STATE, RAFTLOG_READ);
	if (file == -ENOENT) {
		raftlog_found(img->report, RAFTLOG_DAMAGE, RL_STATE, 0,
			      "not there: term and vote are lost");
		return;
	}
	if (file < 0) {
		rl_image_refuse(img, file, RL_STATE, "can not be read");
		return;
	}
	for (i = 0; i < RL_SLOTS && !err; i++) {
		err = rl_read(env, file, page, sizeof(page),
			      (u64)i * RAFTLOG_PAGE, &got);
		img->slot[i] =
			got == sizeof(page) ?
				rl_slot_decode(page, &img->id, &hard[i]) :
				RAFTLOG_EMPTY;
	}
	env->close(env->dir, file);
	if (err)
		rl_image_refuse(img, err, RL_STATE, "can not be read");
	else if (rl_image_page(img, RL_STATE, img->slot[0]) &&
		 rl_image_page(img, RL_STATE, img->slot[1]))
		rl_image_slot_pick(img, hard);
}

/* --- all of it ------------------------------------------------------------ */

/* What a crash leaves of work that had not got a name yet. */
static void rl_image_leftovers(struct rl_image *img)
{
	static const char *const name[] = { RL_IDENTITY_NEW, RL_TAKING };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(name); i++) {
		if (!rl_image_has(img, name[i]))
			continue;
		raftlog_found(img->report, RAFTLOG_NOTE, name[i], 0,
			      "was never finished");
		rl_image_gone(img, name[i]);
	}
}

/**
 * rl_image_read() - read a directory
 * @img: filled; rl_image_free() it, whatever was found
 * @env: the directory, locked
 * @report: what was found
 */
void rl_image_read(struct rl_image *img, const struct raftlog_env *env,
		   struct raftlog_report *report)
{
	int err;

	memset(img, 0, sizeof(*img));
	img->env = env;
	img->report = report;
	raftlog_report_init(report);
	err = rl_names_list(env, &img->names);
	if (!err && img->names.many)
		err = -E2BIG;
	if (err) {
		rl_image_refuse(img, err, ".", "can not be listed");
		return;
	}
	rl_image_identity(img);
	if (img->err)
		return;
	rl_image_state(img);
	rl_image_leftovers(img);
	if (!img->err)
		rl_image_snaps(img);
	if (!img->err)
		rl_image_log(img);
}

/**
 * rl_image_free() - done with it
 * @img: the image; its entries go, too
 */
void rl_image_free(struct rl_image *img)
{
	u32 i;

	for (i = 0; i < img->nr_segs; i++)
		free(img->seg[i].buf);
	free(img->seg);
	free(img->entry);
	free(img->names.name);
	free(img->gone.name);
	memset(img, 0, sizeof(*img));
}
