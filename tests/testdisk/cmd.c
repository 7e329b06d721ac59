// SPDX-License-Identifier: GPL-2.0-only
/*
 * One request of a test disk: what it asks, and its effect on the store.
 *
 * Does not know of time: io.c decides when a request takes effect.
 *
 * Context: any, under td_dev.lock except for td_cmd_decode().
 */
#include <linux/highmem.h>

#include "testdisk.h"

/**
 * td_cmd_decode() - translate a request
 * @td: the device
 * @rq: the request
 *
 * Return: BLK_STS_OK or BLK_STS_NOTSUPP
 */
blk_status_t td_cmd_decode(struct td_dev *td, struct request *rq)
{
	struct td_cmd *cmd = blk_mq_rq_to_pdu(rq);
	struct td_op *op = &cmd->op;

	INIT_LIST_HEAD(&cmd->link);
	cmd->no = 0;
	cmd->delay_ns = 0;
	cmd->status = BLK_STS_OK;
	cmd->torn = false;
	cmd->held = false;
	cmd->dead = false;
	op->fua = rq->cmd_flags & REQ_FUA;
	op->effect = true;
	op->flip = U64_MAX;
	op->pos = (u64)blk_rq_pos(rq) << SECTOR_SHIFT;
	op->len = blk_rq_bytes(rq);
	switch (req_op(rq)) {
	case REQ_OP_READ:
		op->kind = TD_READ;
		break;
	case REQ_OP_WRITE:
		op->kind = TD_WRITE;
		break;
	case REQ_OP_FLUSH:
		op->kind = TD_FLUSH;
		op->pos = 0;
		op->len = 0;
		break;
	case REQ_OP_DISCARD:
		op->kind = TD_DISCARD;
		break;
	case REQ_OP_WRITE_ZEROES:
		op->kind = TD_ZEROES;
		break;
	default:
		return BLK_STS_NOTSUPP;
	}
	if (op->pos + op->len > td->store.size)
		return BLK_STS_IOERR;
	return BLK_STS_OK;
}

static void td_cmd_read(struct td_dev *td, struct td_cmd *cmd)
{
	const struct td_op *op = &cmd->op;
	struct req_iterator iter;
	struct bio_vec bv;
	u64 off = 0;
	void *data;

	rq_for_each_segment(bv, blk_mq_rq_from_pdu(cmd), iter) {
		data = bvec_kmap_local(&bv);
		td_store_read(&td->store, op->pos + off, data, bv.bv_len);
		if (op->flip >= off && op->flip - off < bv.bv_len)
			((u8 *)data)[op->flip - off] ^= BIT(op->flip_bit);
		flush_dcache_page(bv.bv_page);
		kunmap_local(data);
		off += bv.bv_len;
	}
}

static void td_cmd_change(struct td_dev *td, struct td_cmd *cmd)
{
	struct td_store *st = &td->store;
	struct req_iterator iter;
	struct bio_vec bv;
	u64 off = 0;
	void *data;

	td_op_begin(st);
	if (cmd->op.kind == TD_WRITE) {
		rq_for_each_segment(bv, blk_mq_rq_from_pdu(cmd), iter) {
			data = bvec_kmap_local(&bv);
			td_op_piece(st, &cmd->op, off, data, bv.bv_len);
			kunmap_local(data);
			off += bv.bv_len;
		}
	}
	td_op_end(st, &cmd->op);
}

/**
 * td_cmd_finish() - let a request take effect and leave the device
 * @td: the device
 * @cmd: the request, which then may be ended
 */
void td_cmd_finish(struct td_dev *td, struct td_cmd *cmd)
{
	const struct td_op *op = &cmd->op;

	lockdep_assert_held(&td->lock);
	list_del_init(&cmd->link);
	td->nr_inflight--;
	if (cmd->held)
		td->nr_held--;
	cmd->held = false;
	if (cmd->dead) {
		cmd->status = BLK_STS_IOERR;
	} else {
		if (op->kind == TD_FLUSH)
			td_store_flush_end(&td->store, cmd->flush_seq,
					   op->effect);
		else if (op->kind == TD_READ && op->effect)
			td_cmd_read(td, cmd);
		else if (op->effect)
			td_cmd_change(td, cmd);
		td_record_complete(td, cmd);
	}
	if (cmd->status != BLK_STS_OK)
		td->stats.errors++;
	td_store_unreserve(&td->store, cmd->reserved);
	cmd->reserved = 0;
}

/**
 * td_cmd_tear() - the power fails while the request is in flight
 * @td: the device, td_store_resolve() done
 * @cmd: the request; it stays in flight, without effect from now on
 * @keep: which sectors reach the medium
 */
void td_cmd_tear(struct td_dev *td, struct td_cmd *cmd,
		 const struct td_keep *keep)
{
	struct td_store *st = &td->store;
	const struct td_op *op = &cmd->op;
	struct req_iterator iter;
	struct bio_vec bv;
	u64 off = 0;
	void *data;

	lockdep_assert_held(&td->lock);
	cmd->dead = true;
	if (!op->effect || !(op->kind & TD_CHANGES))
		return;
	if (op->kind != TD_WRITE) {
		td_op_zero_torn(st, op, keep);
		return;
	}
	rq_for_each_segment(bv, blk_mq_rq_from_pdu(cmd), iter) {
		data = bvec_kmap_local(&bv);
		td_op_piece_torn(st, op, off, data, bv.bv_len, keep);
		kunmap_local(data);
		off += bv.bv_len;
	}
	td_op_end_torn(st, op, keep);
}
