/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Opening a store: superblocks, metadata tree, log, verdict on the replicas,
 * and the new superblock with which the next run begins.
 *
 * The caller loops on qbd_open_next() and does what it wants:
 *
 *	QBD_OPEN_IO	  do the I/O, report it with qbd_open_io_end()
 *	QBD_OPEN_CORE	  make a store for @super, give it: qbd_open_core_give()
 *	QBD_OPEN_PAGES	  give the store the map pages that it wants
 *	QBD_OPEN_FINDING  tell people of @finding
 *	QBD_OPEN_SEGMENT  (@show only) a segment of the log: @replay.header
 *	QBD_OPEN_DONE	  the store can be used, see below
 *	QBD_OPEN_FAILED	  it can not, @error says why; a store that was given
 *			  is the caller's to take apart
 *
 * FIRST A CHECKPOINT.  If @must_checkpoint is set when it is done, replicas
 * lost their vote.  That must be durable before anything is appended (see
 * proof.h): the caller makes a checkpoint first.
 *
 * READ-ONLY.  With @readonly nothing is written, for check and dump.
 *
 * ROLLED BACK (S11).  The cluster knows how often the store was opened; one
 * that counts less is an old image: each replica is what it was at an instant
 * before.  It may have promised a term, and acknowledged records, of which it
 * knows nothing.
 *
 * So none of its replicas votes (QBD_REPLICA_NONVOTING): nobody's quorum has it
 * as a member, be it for a promise, a commit or a lease, and any two quorums
 * meet in a member that has forgotten nothing.  It votes again as a replica
 * does that lost its promises to rot, see qbd_replica_vote_again(): once
 * consensus said that no term above a floor was granted before the open, which
 * is above all that it promised, under a leader of such a term, holding all
 * that this leader committed.  Its quorum is one without this replica, and was
 * met by each quorum before that this replica was part of: what was completed
 * with its help is in that leader's history, and here now.
 *
 * It is not suspect: an old state is a whole one.  What is in it of a history
 * that came to nothing is found where logs are compared, what went home was
 * committed, and to be read from it has to hold what was completed (S8).
 *
 * The count rises beyond what the cluster knows, with the checkpoint that
 * makes the flags durable: in the same write of the superblock.  If it rose
 * before, a crash in between would leave a store that counts enough and votes;
 * if it rose by one only, the next old image might count more than this store.
 *
 * Its table may lack replicas that were made after the image.  One that is made
 * now, or much later (QBD_SUPER_FORGOT), may have an id that has promised: it
 * has no vote before a floor is told either.  So a blank disk that is formatted
 * under the uuid of one that was lost can take its place.  Not so the only one
 * of its set: nobody else has what it had, and nobody could give it a vote.
 *
 * What can't be seen is an image taken since the last open that the cluster
 * knows of: it counts as much, and looks like a power cut.  So the cluster has
 * to know of an open before the store is used, and who puts an image back has
 * to say one more.
 */
#ifndef QBD_CORE_OPEN_H
#define QBD_CORE_OPEN_H

#include "finding.h"
#include "io.h"
#include "reader.h"
#include "replay.h"
#include "store.h"

/**
 * enum qbd_open_step - what qbd_open_next() wants; see the head of this file
 * @QBD_OPEN_IO: an I/O
 * @QBD_OPEN_CORE: a store
 * @QBD_OPEN_PAGES: map pages
 * @QBD_OPEN_FINDING: somebody to tell
 * @QBD_OPEN_SEGMENT: somebody to show it to
 * @QBD_OPEN_DONE: nothing, it is open
 * @QBD_OPEN_FAILED: nothing, it failed
 */
enum qbd_open_step {
	QBD_OPEN_IO,
	QBD_OPEN_CORE,
	QBD_OPEN_PAGES,
	QBD_OPEN_FINDING,
	QBD_OPEN_SEGMENT,
	QBD_OPEN_DONE,
	QBD_OPEN_FAILED,
};

/**
 * struct qbd_open_config - how to open
 * @dev_blocks: size of the device
 * @cluster: cluster that the store must belong to; all zero = any
 * @node: node that opens it; 0 = any
 * @opens_min: times it was opened at least, as far as the cluster knows, at
 *	most QBD_OPENS_MAX
 * @incarnation: random, not 0
 * @run: random, not 0
 * @readonly: write nothing
 * @verify_all: read and check all payload in the log
 * @show: yield QBD_OPEN_SEGMENT
 */
struct qbd_open_config {
	u64 dev_blocks;
	u8 cluster[QBD_UUID_SIZE];
	u32 node;
	u64 opens_min;
	u64 incarnation;
	u64 run;
	bool readonly;
	bool verify_all;
	bool show;
};

/**
 * enum qbd_open_phase - what an open is at
 * @QBD_OPEN_SUPER: reading the superblock slots
 * @QBD_OPEN_CHOOSE: choosing one
 * @QBD_OPEN_WAIT: waiting for the store
 * @QBD_OPEN_DIRS: directory pages, top-down
 * @QBD_OPEN_TABLE: the replica table
 * @QBD_OPEN_MAPS: map pages
 * @QBD_OPEN_LOG: replay
 * @QBD_OPEN_VERDICT: what becomes of each replica
 * @QBD_OPEN_FLUSH: what was read must be durable
 * @QBD_OPEN_WRITE: new superblocks
 * @QBD_OPEN_END: done
 * @QBD_OPEN_DEAD: failed
 */
enum qbd_open_phase {
	QBD_OPEN_SUPER,
	QBD_OPEN_CHOOSE,
	QBD_OPEN_WAIT,
	QBD_OPEN_DIRS,
	QBD_OPEN_TABLE,
	QBD_OPEN_MAPS,
	QBD_OPEN_LOG,
	QBD_OPEN_VERDICT,
	QBD_OPEN_FLUSH,
	QBD_OPEN_WRITE,
	QBD_OPEN_END,
	QBD_OPEN_DEAD,
};

/* Findings that wait to be told: a verdict makes up to three at once. */
#define QBD_OPEN_FINDINGS 8

/**
 * struct qbd_open - a store being opened
 * @config: how
 * @super: as found on the disk, valid from QBD_OPEN_CORE on
 * @core: the store, once it was given
 * @finding: see QBD_OPEN_FINDING
 * @error: see QBD_OPEN_FAILED
 * @must_checkpoint: see the head of this file
 * @nr_findings: findings so far, by severity
 * @phase: what it is at
 * @at: number of the slot, page or replica that is next
 * @level: level of @at, QBD_OPEN_DIRS
 * @writing: the I/O under way does not belong to @reader
 * @queue: findings not told yet
 * @queue_first: counts those told
 * @queue_end: counts all
 * @lost: flags that replicas get because of their map pages, by slot
 * @reader: reads the device
 * @choice: which superblock, and why
 * @replay: the log
 * @block: contents of the superblock slots
 * @root: entries of the metadata tree's roots
 */
struct qbd_open {
	struct qbd_open_config config;
	struct qbd_super super;
	struct qbd_store_core *core;
	struct qbd_finding finding;
	int error;
	bool must_checkpoint;
	u32 nr_findings[QBD_SEVERITY_STORE + 1];
	enum qbd_open_phase phase;
	u32 at;
	u32 level;
	bool writing;
	struct qbd_finding queue[QBD_OPEN_FINDINGS];
	u32 queue_first;
	u32 queue_end;
	u8 lost[QBD_STORE_REPLICAS_MAX];
	struct qbd_reader reader;
	struct qbd_super_choice choice;
	struct qbd_replay replay;
	u8 block[QBD_SUPER_SLOTS][QBD_BLOCK_SIZE] __aligned(8);
	struct qbd_meta_entry root[QBD_SUPER_ROOTS];
};

void qbd_open_init(struct qbd_open *open, const struct qbd_open_config *config,
		   void *buf, u32 buf_blocks);
enum qbd_open_step qbd_open_next(struct qbd_open *open, struct qbd_io *io);
void qbd_open_io_end(struct qbd_open *open, int error);
void qbd_open_core_give(struct qbd_open *open, struct qbd_store_core *core);

#endif /* QBD_CORE_OPEN_H */
