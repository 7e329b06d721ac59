/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A directory of a log store as it is read: by open, which goes on to mend it,
 * and by the offline tool. Reading changes nothing.
 *
 * The log in use is a run of segments that follow each other.  What lies before
 * a gap is a leftover if the snapshot covers it; so is what lies behind one, if
 * nothing of it was promised (raftlog.h: torn, or damaged).
 */
#ifndef QBD_RAFTLOG_IMAGE_H
#define QBD_RAFTLOG_IMAGE_H

#include "format.h"
#include "report.h"
#include "raft/raft.h"

#define RL_FILES_MAX 4096U /* names in the directory */
#define RL_SEGMENT_MAX (64ULL << 20) /* bytes of a segment */
#define RL_LOG_MAX ((u64)SZ_1G) /* bytes of all of them: all are read */
#define RL_SLOTS 2U

#define RL_IDENTITY "identity"
#define RL_IDENTITY_NEW "identity.new"
#define RL_STATE "state"
#define RL_INCOMING "incoming"
#define RL_TAKING "taking"

/**
 * struct rl_seg - a segment
 * @first: index of its first entry
 * @last: of its last one; @first - 1 = empty
 * @size: of the file
 * @used: bytes up to the end of the last entry
 * @begin: chain to begin with
 * @chain: behind the last entry
 * @buf: the file while it is being opened; entries point here
 * @dirty: there is something else than zeros behind @used
 */
struct rl_seg {
	u64 first;
	u64 last;
	u64 size;
	u64 used;
	u32 begin;
	u32 chain;
	u8 *buf;
	bool dirty;
};

/**
 * struct rl_snap - a snapshot's file
 * @snap: what it is of; index 0 = none
 * @have: bytes of content in good pieces
 * @at: where the next piece goes
 * @last: where the last one is
 * @chain: behind the last one
 * @digest: of @have bytes
 */
struct rl_snap {
	struct raft_snap snap;
	u64 have;
	u64 at;
	u64 last;
	u32 chain;
	u64 digest;
};

/**
 * struct rl_names - the files in a directory
 * @nr: how many
 * @name: sorted
 * @many: there are more than are looked at
 */
struct rl_names {
	u32 nr;
	char (*name)[RAFTLOG_NAME_MAX];
	bool many;
};

/**
 * struct rl_image - all that is there
 * @env: the directory
 * @report: what was found
 * @err: why it can not be opened, or 0
 * @names: its files
 * @id: whose it is
 * @slot: what each slot of hard state is
 * @hard: the newer good one
 * @snap: the snapshot in use
 * @older: the one before, as long as the log reaches back to it; or none
 * @lost: highest index of a snapshot that can not be read
 * @incoming: a snapshot that is being received, or none
 * @seg: the log in use
 * @nr_segs: how many
 * @gone: names to be removed
 * @entry: entries from that of the snapshot on
 * @nr_entries: how many
 * @room_entries: that @entry has room for
 * @last: the last entry
 * @bytes: of segments that were read
 */
struct rl_image {
	const struct raftlog_env *env;
	struct raftlog_report *report;
	int err;
	struct rl_names names;
	struct raftlog_identity id;
	enum raftlog_page slot[RL_SLOTS];
	struct raft_hard hard;
	struct rl_snap snap;
	struct rl_snap older;
	u64 lost;
	struct rl_snap incoming;
	struct rl_seg *seg;
	u32 nr_segs;
	struct rl_names gone;
	struct raft_entry *entry;
	u32 nr_entries;
	u32 room_entries;
	struct raft_pos last;
	u64 bytes;
};

/* image.c */
void rl_image_read(struct rl_image *img, const struct raftlog_env *env,
		   struct raftlog_report *report);
void rl_image_free(struct rl_image *img);
bool rl_image_good(const struct rl_image *img);
void rl_image_refuse(struct rl_image *img, int err, const char *file,
		     const char *text);
bool rl_image_page(struct rl_image *img, const char *file,
		   enum raftlog_page page);
void rl_image_gone(struct rl_image *img, const char *name);
void rl_names_add(struct rl_names *names, const char *name);
int rl_names_list(const struct raftlog_env *env, struct rl_names *names);
void *rl_alloc(void *old, u64 bytes);

int rl_read(const struct raftlog_env *env, int file, void *buf, u64 bytes,
	    u64 offset, u64 *got);
bool rl_name_hex(const char *name, const char *prefix, u64 *value,
		 const char **end);
void rl_segment_name(char *name, u64 first);
void rl_snap_name(char *name, const struct raft_snap *snap);
void rl_spare_name(char *name, u64 no);

/* image_log.c */
void rl_image_log(struct rl_image *img);
u32 rl_record_bytes(const u8 *at, u64 left);

/* image_snap.c */
void rl_image_snaps(struct rl_image *img);
int rl_snap_scan(const struct raftlog_env *env,
		 const struct raftlog_identity *id, const char *name,
		 struct rl_snap *snap, enum raftlog_page *page);
bool rl_snap_whole(const struct rl_snap *snap);

#endif /* QBD_RAFTLOG_IMAGE_H */
