// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replay: the chain of segments, torn tail or damage, records into the store.
 *
 * The rules are in replay.h.  What happens to replicas whose records are
 * damaged or missing is for proof.c; which records a checkpoint has already
 * taken care of, for load.h.
 *
 * Each phase function does a bounded piece of work and returns a step for the
 * caller, or QBD_REPLAY_AGAIN to go on with the phase that it set.
 *
 * Context: at open; nobody else knows the store yet.
 */
#include "load.h"
#include "replay.h"

#define QBD_REPLAY_AGAIN ((enum qbd_replay_step)(QBD_REPLAY_FAILED + 1))

static_assert(QBD_SEG_DESCS <= 64, "one bit each in qbd_replay.bad");
static_assert(sizeof(struct qbd_disk_config) <= QBD_REPLAY_KEEP_BYTES);

/**
 * qbd_replay_init() - prepare to replay a log
 * @replay: the replay
 * @core: the store, with its replica table and map pages loaded
 * @super: superblock it is opened with
 * @reader: reads the device
 *
 * What the replica table says goes into @replay->proof, by the caller.
 */
void qbd_replay_init(struct qbd_replay *replay, struct qbd_store_core *core,
		     const struct qbd_super *super, struct qbd_reader *reader)
{
	memset(replay, 0, sizeof(*replay));
	replay->core = core;
	replay->super = *super;
	replay->seed = qbd_block_seed(super->store);
	replay->reader = reader;
	replay->at = super->tail;
	qbd_proof_init(&replay->proof, super->carried);
}

static enum qbd_replay_step qbd_replay_fail(struct qbd_replay *replay,
					    int error)
{
	replay->error = error;
	return QBD_REPLAY_FAILED;
}

static u64 qbd_replay_device(const struct qbd_replay *replay, u64 lpos)
{
	return qbd_layout_lpos_block(&replay->super.layout, lpos);
}

/* Is @at still in the part of the log that is known to be durable? */
static bool qbd_replay_known(const struct qbd_replay *replay)
{
	return replay->at.seq < replay->super.known.seq;
}

/* Positions from here on would be in the lap that the tail is in. */
static u64 qbd_replay_limit(const struct qbd_replay *replay)
{
	return replay->super.tail.lpos + replay->super.layout.wal_blocks;
}

/* A block of the log; as far ahead as it makes sense, not round the end. */
static bool qbd_replay_block(struct qbd_replay *replay, u64 lpos,
			     const void **data, struct qbd_io *io)
{
	const struct qbd_layout *layout = &replay->super.layout;
	u64 block = qbd_replay_device(replay, lpos);
	u64 ahead;

	ahead = min(layout->wal_first + layout->wal_blocks - block,
		    qbd_replay_limit(replay) - lpos);
	return qbd_reader_get(replay->reader, block, ahead, data, io);
}

static enum qbd_replay_step qbd_replay_finding(struct qbd_replay *replay,
					       enum qbd_finding_kind kind,
					       int error, u64 first, u64 last)
{
	struct qbd_finding *finding = &replay->finding;

	memset(finding, 0, sizeof(*finding));
	finding->kind = kind;
	finding->error = error;
	finding->first = first;
	finding->last = last;
	return QBD_REPLAY_FINDING;
}

/* The log from @at to @end is lost; @end is where the chain goes on. */
static enum qbd_replay_step qbd_replay_lost(struct qbd_replay *replay,
					    const struct qbd_lpos *end)
{
	struct qbd_lpos from = replay->at;
	enum qbd_finding_kind kind = QBD_FIND_SEG;

	if (from.lpos >= end->lpos || from.seq >= end->seq) {
		/* Something before was whole, but not what was written. */
		kind = QBD_FIND_CHAIN;
		from.seq = replay->super.tail.seq;
	}
	qbd_proof_lost(&replay->proof, from.seq, end->seq - 1);
	qbd_replay_finding(replay, kind, replay->scan_error, from.lpos,
			   end->lpos);
	replay->finding.block = qbd_replay_device(replay, from.lpos);
	replay->finding.blocks = end->lpos > from.lpos ? end->lpos - from.lpos :
							 0;
	replay->at = *end;
	replay->phase = QBD_REPLAY_HEADER;
	return QBD_REPLAY_FINDING;
}

static void qbd_replay_scan_start(struct qbd_replay *replay, u64 from,
				  int error)
{
	u64 end = min(from + QBD_REPLAY_SCAN_BLOCKS, qbd_replay_limit(replay));

	if (qbd_replay_known(replay))
		end = replay->super.known.lpos;
	replay->scan = from;
	replay->scan_end = QBD_MUTANT(damage_taken_for_torn) ? from : end;
	replay->scan_error = error;
	replay->phase = QBD_REPLAY_SCAN;
}

/* Is the header, whole in itself, the next one of the chain? */
static int qbd_replay_check_next(const struct qbd_replay *replay,
				 const struct qbd_seg_head *head)
{
	u64 end = head->lpos + qbd_seg_blocks(head);

	if (!qbd_seg_follows(head, &replay->at))
		return -EUCLEAN;
	if (qbd_replay_known(replay))
		return end <= replay->super.known.lpos ? 0 : -EUCLEAN;
	/* An older run's was cut by the open that began this run. */
	if (head->run != replay->super.run && !QBD_MUTANT(cut_segment_revived))
		return -EUCLEAN;
	return end <= qbd_replay_limit(replay) ? 0 : -EUCLEAN;
}

/* Has any record of the segment payload that decides something? */
static bool qbd_replay_wants_payload(const struct qbd_replay *replay)
{
	struct qbd_store_replica replica;
	struct qbd_desc desc;
	int slot;
	u32 i;

	if (replay->verify_all || !qbd_replay_known(replay))
		return true;
	for (i = 0; i < replay->head.nr_descs; i++) {
		qbd_seg_desc(replay->header, i, &desc);
		if (!desc.payload_blocks)
			continue;
		if (desc.op != QBD_OP_WRITE)
			return true;
		slot = qbd_store_find(replay->core, desc.replica);
		if (slot < 0 ||
		    qbd_store_replica_get(replay->core, (u32)slot, &replica))
			continue;
		if (desc.index > replica.applied.index)
			return true;
	}
	return false;
}

static void qbd_replay_desc_start(struct qbd_replay *replay, u32 no)
{
	replay->desc_no = no;
	replay->done_blocks = 0;
	replay->crc = ~0U;
	if (no < replay->head.nr_descs)
		qbd_seg_desc(replay->header, no, &replay->desc);
}

static enum qbd_replay_step qbd_replay_header(struct qbd_replay *replay,
					      struct qbd_io *io)
{
	const struct qbd_super *super = &replay->super;
	const struct qbd_lpos *known = &super->known;
	const void *block;
	int error;

	if (!qbd_replay_known(replay)) {
		if (replay->at.seq == known->seq &&
		    (replay->at.lpos != known->lpos ||
		     replay->at.prev_crc != known->prev_crc)) {
			replay->scan_error = -EUCLEAN;
			return qbd_replay_lost(replay, known);
		}
		if (super->flags & QBD_SUPER_CLEAN ||
		    replay->at.lpos >= qbd_replay_limit(replay)) {
			replay->phase = QBD_REPLAY_FINISH;
			return QBD_REPLAY_AGAIN;
		}
	} else if (replay->at.lpos >= known->lpos) {
		replay->scan_error = -EUCLEAN;
		return qbd_replay_lost(replay, known);
	}
	if (!qbd_replay_block(replay, replay->at.lpos, &block, io))
		return QBD_REPLAY_IO;
	error = block ? qbd_seg_decode(block, replay->seed,
				       super->layout.wal_blocks,
				       &replay->head) :
			replay->reader->error;
	if (!error)
		error = qbd_replay_check_next(replay, &replay->head);
	replay->bad = 0;
	if (error) {
		qbd_replay_scan_start(replay, replay->at.lpos + 1, error);
		return QBD_REPLAY_AGAIN;
	}
	memcpy(replay->header, block, QBD_BLOCK_SIZE);
	replay->desc_lpos = replay->at.lpos + 1;
	qbd_replay_desc_start(replay, 0);
	replay->phase = qbd_replay_wants_payload(replay) ? QBD_REPLAY_PAYLOAD :
							   QBD_REPLAY_ACCEPT;
	return QBD_REPLAY_AGAIN;
}

/* The payload of one more record was read: is it what was written? */
static void qbd_replay_payload_end(struct qbd_replay *replay)
{
	const struct qbd_desc *desc = &replay->desc;

	if (desc->payload_blocks && replay->crc != desc->crc) {
		replay->bad |= BIT_ULL(replay->desc_no);
		replay->bad_error = -EBADMSG;
	}
	replay->desc_lpos += desc->payload_blocks;
	qbd_replay_desc_start(replay, replay->desc_no + 1);
}

static enum qbd_replay_step qbd_replay_payload(struct qbd_replay *replay,
					       struct qbd_io *io)
{
	const struct qbd_desc *desc = &replay->desc;
	const void *block;

	if (replay->desc_no == replay->head.nr_descs) {
		replay->phase = QBD_REPLAY_ACCEPT;
		if (replay->bad && !qbd_replay_known(replay))
			qbd_replay_scan_start(replay, replay->desc_lpos,
					      replay->bad_error);
		return QBD_REPLAY_AGAIN;
	}
	if (replay->done_blocks == desc->payload_blocks) {
		qbd_replay_payload_end(replay);
		return QBD_REPLAY_AGAIN;
	}
	if (!qbd_replay_block(replay, replay->desc_lpos + replay->done_blocks,
			      &block, io))
		return QBD_REPLAY_IO;
	if (!block) {
		/* One block lost is a record lost: the rest is not needed. */
		replay->bad |= BIT_ULL(replay->desc_no);
		replay->bad_error = replay->reader->error;
		replay->desc_lpos += desc->payload_blocks;
		qbd_replay_desc_start(replay, replay->desc_no + 1);
		return QBD_REPLAY_AGAIN;
	}
	if (!replay->done_blocks)
		memcpy(replay->keep[replay->desc_no], block,
		       QBD_REPLAY_KEEP_BYTES);
	replay->crc = qbd_payload_crc(replay->crc, block, QBD_BLOCK_SIZE);
	replay->done_blocks++;
	return QBD_REPLAY_AGAIN;
}

/* Does the header found behind the segment at @at speak against a cut? */
static bool qbd_replay_speaks(const struct qbd_replay *replay,
			      const struct qbd_seg_head *head)
{
	if (head->lpos != replay->scan || head->seq <= replay->at.seq)
		return false;
	if (qbd_replay_known(replay))
		return head->seq < replay->super.known.seq;
	return head->run == replay->super.run &&
	       head->durable_seq >= replay->at.seq;
}

/* Nobody speaks for the bad segment. */
static enum qbd_replay_step qbd_replay_scan_empty(struct qbd_replay *replay)
{
	if (qbd_replay_known(replay))
		return qbd_replay_lost(replay, &replay->super.known);
	replay->phase = QBD_REPLAY_FINISH;
	if (!replay->bad)
		return QBD_REPLAY_AGAIN; /* just the end of the log */
	replay->torn = true;
	return qbd_replay_finding(replay, QBD_FIND_TORN, replay->scan_error,
				  replay->at.lpos, replay->at.seq);
}

static enum qbd_replay_step qbd_replay_scan(struct qbd_replay *replay,
					    struct qbd_io *io)
{
	struct qbd_seg_head head;
	struct qbd_lpos end;
	const void *block;

	for (; replay->scan < replay->scan_end; replay->scan++) {
		if (!qbd_replay_block(replay, replay->scan, &block, io))
			return QBD_REPLAY_IO;
		if (!block ||
		    qbd_seg_decode(block, replay->seed,
				   replay->super.layout.wal_blocks, &head) ||
		    !qbd_replay_speaks(replay, &head))
			continue;
		if (replay->bad) {
			/* Its header is good: only its bad records are lost. */
			replay->phase = QBD_REPLAY_ACCEPT;
			return QBD_REPLAY_AGAIN;
		}
		end.lpos = head.lpos;
		end.seq = head.seq;
		end.prev_crc = head.prev_crc;
		return qbd_replay_lost(replay, &end);
	}
	return qbd_replay_scan_empty(replay);
}

static enum qbd_replay_step qbd_replay_accept(struct qbd_replay *replay)
{
	int error = qbd_load_seg(replay->core, &replay->head);

	if (error)
		return qbd_replay_fail(replay, error);
	replay->nr_segs++;
	replay->desc_lpos = replay->at.lpos + 1;
	qbd_replay_desc_start(replay, 0);
	replay->phase = QBD_REPLAY_RECORDS;
	return replay->show ? QBD_REPLAY_SEGMENT : QBD_REPLAY_AGAIN;
}

/* A finding about the record at hand. */
static enum qbd_replay_step qbd_replay_rec_finding(struct qbd_replay *replay,
						   enum qbd_finding_kind kind,
						   int error)
{
	const struct qbd_desc *desc = &replay->desc;

	qbd_replay_finding(replay, kind, error, desc->index, desc->op);
	replay->finding.replica = desc->replica;
	if (desc->payload_blocks) {
		replay->finding.block =
			qbd_replay_device(replay, replay->desc_lpos);
		replay->finding.blocks = desc->payload_blocks;
	}
	return QBD_REPLAY_FINDING;
}

/* The record at hand is damaged: it counts in its segment and nowhere else. */
static int qbd_replay_lose(struct qbd_replay *replay)
{
	const struct qbd_desc *desc = &replay->desc;
	int slot = qbd_store_find(replay->core, desc->replica);

	if (slot >= 0 && qbd_op_has_index(desc->op))
		qbd_proof_damaged(&replay->proof, (u32)slot, desc);
	return qbd_load_lost(replay->core, desc, replay->desc_lpos);
}

/* The record at hand is whole: into the store with it. */
static int qbd_replay_load(struct qbd_replay *replay)
{
	const struct qbd_desc *desc = &replay->desc;
	const void *payload = NULL;
	u64 lpos = replay->desc_lpos;
	int error, slot;

	if (desc->op == QBD_OP_CREATE || desc->op == QBD_OP_CONFIG)
		payload = replay->keep[replay->desc_no];
	if (!desc->payload_blocks)
		lpos = replay->at.lpos;
	error = qbd_load_rec(replay->core, desc, lpos, payload);
	if (error)
		return error;
	slot = qbd_store_find(replay->core, desc->replica);
	if (slot < 0)
		return 0;
	if (desc->op == QBD_OP_CREATE &&
	    replay->head.seq >= replay->super.carried)
		qbd_proof_created(&replay->proof, (u32)slot);
	else
		qbd_proof_seen(&replay->proof, (u32)slot, desc,
			       replay->head.seq);
	return 0;
}

static enum qbd_replay_step qbd_replay_records(struct qbd_replay *replay)
{
	enum qbd_replay_step step = QBD_REPLAY_AGAIN;
	int error;

	if (replay->desc_no == replay->head.nr_descs) {
		qbd_seg_end(&replay->head, &replay->at);
		replay->phase = QBD_REPLAY_HEADER;
		return QBD_REPLAY_AGAIN;
	}
	if (qbd_store_pages_wanted(replay->core))
		return QBD_REPLAY_PAGES;
	replay->nr_recs++;
	if (replay->bad & BIT_ULL(replay->desc_no)) {
		step = qbd_replay_rec_finding(replay, QBD_FIND_REC,
					      replay->bad_error);
		error = qbd_replay_lose(replay);
	} else {
		error = qbd_replay_load(replay);
	}
	if (error == -EUCLEAN)
		step = qbd_replay_rec_finding(replay, QBD_FIND_REFUSED, error);
	else if (error)
		return qbd_replay_fail(replay, error);
	replay->desc_lpos += replay->desc.payload_blocks;
	qbd_replay_desc_start(replay, replay->desc_no + 1);
	return step;
}

static enum qbd_replay_step qbd_replay_finish(struct qbd_replay *replay)
{
	int error = qbd_load_end(replay->core, &replay->at);

	if (error)
		return qbd_replay_fail(replay, error);
	replay->phase = QBD_REPLAY_DONE;
	return QBD_REPLAY_AGAIN;
}

/**
 * qbd_replay_next() - go on
 * @replay: the replay
 * @io: filled in for QBD_REPLAY_IO
 *
 * Return: what is wanted.
 */
enum qbd_replay_step qbd_replay_next(struct qbd_replay *replay,
				     struct qbd_io *io)
{
	enum qbd_replay_step step = QBD_REPLAY_AGAIN;

	while (step == QBD_REPLAY_AGAIN) {
		switch (replay->phase) {
		case QBD_REPLAY_HEADER:
			step = qbd_replay_header(replay, io);
			break;
		case QBD_REPLAY_PAYLOAD:
			step = qbd_replay_payload(replay, io);
			break;
		case QBD_REPLAY_SCAN:
			step = qbd_replay_scan(replay, io);
			break;
		case QBD_REPLAY_ACCEPT:
			step = qbd_replay_accept(replay);
			break;
		case QBD_REPLAY_RECORDS:
			step = qbd_replay_records(replay);
			break;
		case QBD_REPLAY_FINISH:
			step = qbd_replay_finish(replay);
			break;
		case QBD_REPLAY_DONE:
			step = QBD_REPLAY_END;
			break;
		}
	}
	return step;
}
