/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log store of a Raft server: what raft.h asks of one, in a directory.
 *
 *   identity		whose it is: cluster, server, lineage, first set
 *   state		two slots: term, vote, and what is known to be there
 *   segment-FIRST	entries from that index on (hexadecimal)
 *   spare-N		room for the next segments
 *   snapshot-INDEX-ID	the state machine, whole
 *   incoming		a snapshot that is being received
 *   taking		an own one that is being written
 *
 * THE ORDER OF A BATCH is that of its flags (event.h), each step on stable
 * media before the next begins; the last one raises the *known* watermark:
 *
 *   hard state; known down to @keep, before a truncation
 *   INSTALL	incoming is whole and has its digest: rename, directory
 *   TRUNCATE	unlink later segments, zero what is behind @keep, sync
 *   DROP	unlink segments that the snapshot in use covers
 *   ENTRIES	write behind the last one, sync; in full segments the same
 *   known	up to here entries are in the log or in the snapshot
 *
 * TORN, OR DAMAGED.  A disk may write the sectors of one write in any order, or
 * not.  So a bad record says nothing, nor do good ones behind it; only known
 * does.  Nothing is acknowledged before known says that it is there.  Hence:
 * what is missing at or below known was promised, the log is damaged, and
 * nothing in the directory is changed (rule 9); what is bad above it was
 * promised to nobody, and is cut.  (Without known a bit that flips in the last
 * batch looks like a torn end: the entry that this server helped to commit is
 * cut, and it votes.)  That costs a second sync for each batch.
 *
 * Behind the last record a segment is zero: cuts are written, not remembered.
 * (Else, of the records 5, 6, 7 torn in 5 and cut at open, 5 is logged anew,
 * the same bytes, and 6 and 7 are back.)  A write does not harm bytes beside it
 * that it does not change; a disk that does is found out by known.
 *
 * HARD STATE.  The two slots are written in turn, never the newer one.  A term
 * or a vote goes to both before it counts.  (One copy: it rots, the older slot
 * is taken, the vote is forgotten, and given again.)  So does a lower known;
 * a higher one only to the older slot: to lose it costs nothing alone.
 *
 * A SYNC THAT FAILED is never tried again: the kernel calls the pages clean,
 * the next one succeeds, and nothing was written.  Failure of a write, a sync,
 * a rename, an unlink stops the store for good: file, operation, errno
 * (raftlog_info); the batch and all that follow fail with it.  What the disk
 * has then is not known.  Opening again reads what is there, and whatever is
 * not known to be on stable media is *written* again, not only synced: entries
 * behind known, both slots, the last piece, and the zeros behind the end.  (The
 * sync of a truncation fails; the kernel shows zeros, the disk has the entries;
 * the next crash brings them back.)
 *
 * A FULL DISK is seen before an entry is promised.  Segments have their full
 * size when they are made, and so many spares are kept that one batch as large
 * as it can be always fits.  As soon as a spare can not be made the store says
 * RAFTLOG_FULL: step down, propose nothing, take no entries from others, write
 * a snapshot elsewhere or make room; it says so again when there is room, tried
 * after each batch and at raftlog_retry().  What is under way still fits, and
 * hard state needs no room.  A snapshot for which there is none fails with
 * -ENOSPC and is removed; the log goes on.  Who goes on to log when it is full
 * comes to the end: the batch fails with -ENOSPC, and the store has stopped.
 *
 * SNAPSHOTS are named when they are whole.  The one before stays as long as the
 * log reaches back to it: if the newest can not be read, it and the log are as
 * good.  If they are not, the log is damaged.  Nobody drops a segment that no
 * snapshot on stable media covers.
 *
 * THREADS.  One thread, the event loop, calls everything here but
 * raftlog_work(); that carries out one piece of work and is called by the
 * writer's thread (raftlog_run()), or by a simulator.  At submit the entries
 * are copied.  raftlog_fd() is readable when raftlog_poll() has something.
 * Batches come first, then pieces, then a slice of an own snapshot, then
 * spares: who waits for a vote does not wait for a snapshot.
 *
 * AT OPEN raftlog_open() reads it all (image.h) and mends what is no damage:
 * ends that are torn, leftovers, a slot that is bad.  Each has a finding, with
 * file and offset.  Another cluster's, server's or lineage's directory, one of
 * a later version, one that is locked, or that can not be read, is refused.
 * A directory put back from a copy looks as good as it did then: @generation
 * only goes up in one, the shell compares it.
 *
 * Files: vfs.h, posix.c (a directory), format.c (bytes), report.c (findings),
 * image.c, image_log.c, image_snap.c (reading), open.c (making, mending),
 * carry.c (a log goes on as another one's), raftlog.c (submit, work, poll),
 * thread.c, reader.c (snapshots, back); of the writer: batch.c, segment.c,
 * spare.c, slot.c, snapfile.c, taking.c, file.c.
 */
#ifndef QBD_RAFTLOG_RAFTLOG_H
#define QBD_RAFTLOG_RAFTLOG_H

#include "format.h"
#include "report.h"
#include "vfs.h"
#include "raft/raft.h"

/**
 * struct raftlog_options - how a store is opened
 * @id: whose directory it has to be; its configuration is not looked at
 * @segment_bytes: of a segment, at least a page and an entry; 0 = 4 MiB
 * @entry_bytes: largest data of an entry; 0 = RAFT_ENTRY_BYTES_MAX
 * @batch_bytes: most bytes of records in one batch (raft_entry_bytes()): what
 *	the log in memory holds
 * @snapshot_bytes: largest snapshot; 0 = 1 GiB
 */
struct raftlog_options {
	struct raftlog_identity id;
	u64 segment_bytes;
	u32 entry_bytes;
	u64 batch_bytes;
	u64 snapshot_bytes;
};

/**
 * struct raftlog_info - how a store is
 * @damaged: rule 9; nothing is written any more
 * @err: why it stopped, or 0
 * @op: what failed
 * @file: of which file
 * @full: there is less room than one batch may need
 * @generation: of the hard state: goes up with each open and change
 * @term: hard state
 * @vote: hard state
 * @known: on stable media up to here
 * @snap: the snapshot in use
 * @first: first entry in the log, 0 = none
 * @last: last one
 * @segments: how many
 * @spares: how many
 * @syncs: since it was opened
 * @entries: written since it was opened
 * @batches: done since it was opened
 */
struct raftlog_info {
	bool damaged;
	int err;
	const char *op;
	char file[RAFTLOG_NAME_MAX];
	bool full;
	u64 generation;
	u64 term;
	u64 vote;
	u64 known;
	struct raft_pos snap;
	u64 first;
	u64 last;
	u32 segments;
	u32 spares;
	u64 syncs;
	u64 entries;
	u64 batches;
};

/**
 * enum raftlog_kind - what raftlog_poll() has
 * @RAFTLOG_PERSISTED: feed @event
 * @RAFTLOG_CHUNK: feed @event.  With -ESTALE, -EBADMSG or -EMSGSIZE the piece
 *	can never fit: start the server anew, from raftlog_open()
 * @RAFTLOG_TAKEN: the own snapshot @snap is on stable media: set the index of
 *	@event and feed it; or it failed with @event.err: do not
 * @RAFTLOG_ROOM: raftlog_info.full is another
 */
enum raftlog_kind {
	RAFTLOG_PERSISTED,
	RAFTLOG_CHUNK,
	RAFTLOG_TAKEN,
	RAFTLOG_ROOM,
};

/**
 * struct raftlog_done - something that is done
 * @kind: what
 * @event: for raft_step(), but for the time
 * @snap: TAKEN: with digest and length; @event points here
 */
struct raftlog_done {
	enum raftlog_kind kind;
	struct raft_event event;
	struct raft_snap snap;
};

struct raftlog;
struct raftlog_reader;

/* open.c */
int raftlog_format(const struct raftlog_env *env,
		   const struct raftlog_identity *id,
		   struct raftlog_report *report);
int raftlog_open(const struct raftlog_env *env,
		 const struct raftlog_options *opt,
		 struct raftlog_report *report, struct raftlog **store);
void raftlog_start(const struct raftlog *rl, struct raft_start *start);
void raftlog_started(struct raftlog *rl);
void raftlog_close(struct raftlog *rl);

/* carry.c */
struct rl_image;
struct raft_pos raftlog_last(const struct rl_image *img);
int raftlog_carry(const struct rl_image *img, const struct raftlog_env *env,
		  const struct raftlog_identity *id,
		  const struct raft_entry *more, u32 nr,
		  struct raftlog_report *report);

/* raftlog.c */
int raftlog_submit(struct raftlog *rl, const struct raft_batch *batch,
		   const struct raft_log *log);
int raftlog_chunk(struct raftlog *rl, const struct raft_chunk *chunk);
int raftlog_take(struct raftlog *rl, const struct raft_snap *snap,
		 const void *data, u64 bytes);
void raftlog_retry(struct raftlog *rl);
bool raftlog_poll(struct raftlog *rl, struct raftlog_done *done);
bool raftlog_work(struct raftlog *rl);
void raftlog_look(struct raftlog *rl, struct raftlog_info *info);

/* thread.c */
int raftlog_run(struct raftlog *rl);
int raftlog_fd(const struct raftlog *rl);

/* reader.c */
int raftlog_snap_open(const struct raftlog *rl, const struct raft_snap *snap,
		      struct raftlog_reader **reader);
int raftlog_snap_read(struct raftlog_reader *reader, u64 offset, void *buf,
		      u32 bytes);
void raftlog_snap_close(struct raftlog_reader *reader);

#endif /* QBD_RAFTLOG_RAFTLOG_H */
