/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replay: follows the chain of segments from the tail and fills the store
 * with what is in it.
 *
 * WHERE THE LOG ENDS (S5).  Up to the segment that the superblock knows to be
 * durable everything must be there: what is not is damage, and replay goes on
 * behind it.  From there on only segments of the last run count, and the
 * first one that is not whole is either damage or the write that a crash cut
 * short.  Segments are written one at a time and say which one before them is
 * durable, so replay looks ahead, within bounds, for one that speaks for the
 * bad one.  If there is none, the bad one was never acknowledged: the log is
 * cut in front of it, and the next run begins there.
 *
 * A segment counts as a whole: its records are passed on when all payload
 * that has to be read was read.  Payload is read where it decides (in the
 * part of the log that may be torn, of records that have not gone home, of
 * CREATE and CONFIG records); that of records kept for catch-up is checked
 * when it is used, or here if @verify_all says so.
 */
#ifndef QBD_CORE_REPLAY_H
#define QBD_CORE_REPLAY_H

#include "finding.h"
#include "proof.h"
#include "reader.h"
#include "store.h"

/*
 * How far behind a bad segment replay looks for proof against it: 16 MiB, the
 * next three segments at least, however long they are.
 */
#define QBD_REPLAY_SCAN_BLOCKS 4096U

/* Bytes kept of the payload block of a CREATE or CONFIG record. */
#define QBD_REPLAY_KEEP_BYTES sizeof(struct qbd_disk_replica)

/**
 * enum qbd_replay_step - what qbd_replay_next() wants
 * @QBD_REPLAY_IO: do the I/O, qbd_reader_end(), call again
 * @QBD_REPLAY_PAGES: top up the store's spare map pages, call again
 * @QBD_REPLAY_FINDING: @finding is new, call again
 * @QBD_REPLAY_SEGMENT: @header and @head are the next segment, call again
 * @QBD_REPLAY_END: @at is the head of the log
 * @QBD_REPLAY_FAILED: @error says why
 */
enum qbd_replay_step {
	QBD_REPLAY_IO,
	QBD_REPLAY_PAGES,
	QBD_REPLAY_FINDING,
	QBD_REPLAY_SEGMENT,
	QBD_REPLAY_END,
	QBD_REPLAY_FAILED,
};

/**
 * enum qbd_replay_phase - what replay is at
 * @QBD_REPLAY_HEADER: the header at @at
 * @QBD_REPLAY_PAYLOAD: the payload behind it
 * @QBD_REPLAY_SCAN: looking for a header behind damage
 * @QBD_REPLAY_ACCEPT: the segment is part of the log
 * @QBD_REPLAY_RECORDS: its records go into the store
 * @QBD_REPLAY_FINISH: the head of the log is found
 * @QBD_REPLAY_DONE: so the store knows
 */
enum qbd_replay_phase {
	QBD_REPLAY_HEADER,
	QBD_REPLAY_PAYLOAD,
	QBD_REPLAY_SCAN,
	QBD_REPLAY_ACCEPT,
	QBD_REPLAY_RECORDS,
	QBD_REPLAY_FINISH,
	QBD_REPLAY_DONE,
};

/**
 * struct qbd_replay - a log being replayed
 * @core: store that is filled
 * @super: superblock it was opened with
 * @seed: of the store's block checksums
 * @reader: reads the log
 * @proof: evidence for the verdict on replicas
 * @verify_all: read all payload
 * @show: yield QBD_REPLAY_SEGMENT
 * @phase: what it is at
 * @at: where the chain has come to
 * @scan: next position to look at
 * @scan_end: where to stop looking
 * @scan_error: what is wrong with the segment at @at
 * @head: head of the segment at @at
 * @desc: the record that is worked on
 * @desc_no: its number
 * @desc_lpos: position of its payload, or of what follows
 * @done_blocks: blocks of its payload that were read
 * @crc: checksum of these
 * @bad: records whose payload is damaged, one bit each
 * @bad_error: how that showed
 * @finding: see QBD_REPLAY_FINDING
 * @error: see QBD_REPLAY_FAILED
 * @nr_segs: segments in the log
 * @nr_recs: records in it
 * @torn: the last write to the log was cut
 * @header: header block of the segment at @at
 * @keep: payload of its CREATE and CONFIG records
 */
struct qbd_replay {
	struct qbd_store_core *core;
	struct qbd_super super;
	u32 seed;
	struct qbd_reader *reader;
	struct qbd_proof proof;
	bool verify_all;
	bool show;
	enum qbd_replay_phase phase;
	struct qbd_lpos at;
	u64 scan;
	u64 scan_end;
	int scan_error;
	struct qbd_seg_head head;
	struct qbd_desc desc;
	u32 desc_no;
	u64 desc_lpos;
	u32 done_blocks;
	u32 crc;
	u64 bad;
	int bad_error;
	struct qbd_finding finding;
	int error;
	u64 nr_segs;
	u64 nr_recs;
	bool torn;
	u8 header[QBD_BLOCK_SIZE] __aligned(8);
	u8 keep[QBD_SEG_DESCS][QBD_REPLAY_KEEP_BYTES] __aligned(8);
};

void qbd_replay_init(struct qbd_replay *replay, struct qbd_store_core *core,
		     const struct qbd_super *super, struct qbd_reader *reader);
enum qbd_replay_step qbd_replay_next(struct qbd_replay *replay,
				     struct qbd_io *io);

#endif /* QBD_CORE_REPLAY_H */
