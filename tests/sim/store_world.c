// SPDX-License-Identifier: GPL-2.0-only
/*
 * The simulated shell of a store; see store_world.h.
 *
 * It does what kmod's shell does, in the same order and with no more
 * knowledge: commits one segment at a time, runs checkpoints step by step,
 * reads payloads back and checks their CRC.
 */
#include "store_world.h"

/* Something under way on the disk: one or two requests, then @end. */
struct qbd_world_io {
	struct list_head link;
	struct qbd_world *w;
	struct qbd_disk_req req[2];
	u32 left;
	int error;
	void (*end)(struct qbd_world_io *io);
	struct qbd_io what;
	u32 crc;
	u32 payload_blocks;
	u8 *buf;
	bool sync_done;
};

void qbd_world_broken(struct qbd_world *w, const char *why)
{
	qbd_world_trace(w, "BROKEN: %s\n", why);
	if (!w->why)
		w->why = why;
}

/* --- payloads and pages ------------------------------------------------ */

struct qbd_payload *qbd_world_payload(struct qbd_world *w, u32 blocks)
{
	struct qbd_payload *payload;

	payload = malloc(sizeof(*payload) + (size_t)blocks * QBD_BLOCK_SIZE);
	if (!payload)
		abort();
	payload->blocks = blocks;
	w->nr_payloads++;
	return payload;
}

void qbd_world_payload_free(struct qbd_world *w, void *payload)
{
	w->nr_payloads--;
	free(payload);
}

void qbd_world_release(struct qbd_world *w)
{
	void *payload;

	while ((payload = qbd_store_release_next(w->core)))
		qbd_world_payload_free(w, payload);
}

void qbd_world_pages(struct qbd_world *w)
{
	void *page;

	while (qbd_store_pages_wanted(w->core) ||
	       (w->pin_pages && qbd_store_pin_pages_wanted(w->core))) {
		page = malloc(QBD_BLOCK_SIZE);
		if (!page)
			abort();
		w->nr_pages++;
		qbd_store_page_give(w->core, page);
	}
	while ((page = qbd_store_page_take(w->core))) {
		w->nr_pages--;
		free(page);
	}
}

/* --- requests ---------------------------------------------------------- */

static struct qbd_world_io *qbd_world_io_new(struct qbd_world *w, u32 blocks,
					     void (*end)(struct qbd_world_io *))
{
	struct qbd_world_io *io = calloc(1, sizeof(*io));

	if (!io)
		abort();
	io->w = w;
	io->end = end;
	if (blocks) {
		io->buf = malloc((size_t)blocks * QBD_BLOCK_SIZE);
		if (!io->buf)
			abort();
	}
	list_add_tail(&io->link, &w->ios);
	return io;
}

static void qbd_world_io_free(struct qbd_world_io *io)
{
	list_del(&io->link);
	free(io->buf);
	free(io);
}

static void qbd_world_req_done(struct qbd_disk_req *req)
{
	struct qbd_world_io *io = req->ctx;

	if (req->error) {
		io->error = req->error;
		io->w->eios = true;
	}
	if (!--io->left)
		io->end(io);
}

static void qbd_world_submit(struct qbd_world_io *io, enum qbd_disk_op op,
			     bool fua, const struct qbd_extent *extent, u32 nr,
			     void *buf)
{
	u8 *at = buf;
	u32 i;

	io->left = nr;
	for (i = 0; i < nr; i++) {
		struct qbd_disk_req *req = &io->req[i];

		req->op = op;
		req->fua = fua;
		req->block = extent[i].block;
		req->blocks = extent[i].blocks;
		req->buf = at;
		req->done = qbd_world_req_done;
		req->ctx = io;
		if (at)
			at += (size_t)extent[i].blocks * QBD_BLOCK_SIZE;
		qbd_disk_submit(io->w->disk, req, io->w->now_ns);
	}
}

/* Carry out one request. Return: false if there is none, or no power. */
bool qbd_world_disk_step(struct qbd_world *w)
{
	u64 next_ns;

	if (w->off)
		return false;
	if (!qbd_disk_pending(w->disk))
		return false;
	if (!w->cut_after) {
		qbd_world_trace(w, "power cut\n");
		w->off = true;
		qbd_disk_cut(w->disk);
		return false;
	}
	if (w->cut_after != U64_MAX)
		w->cut_after--;
	if (qbd_disk_step(w->disk, w->now_ns))
		return true;
	if (w->busy)
		return false;
	next_ns = qbd_disk_next_ns(w->disk);
	w->now_ns = next_ns;
	return qbd_disk_step(w->disk, w->now_ns);
}

static void qbd_world_sync_end(struct qbd_world_io *io)
{
	io->sync_done = true;
}

static enum qbd_disk_op qbd_world_disk_op(enum qbd_io_op op)
{
	if (op == QBD_IO_READ)
		return QBD_DISK_READ;
	if (op == QBD_IO_ZERO)
		return QBD_DISK_ZERO;
	return op == QBD_IO_FLUSH ? QBD_DISK_FLUSH : QBD_DISK_WRITE;
}

/* One I/O of format or open. Return: -ENODEV if the power went. */
int qbd_world_io_sync(struct qbd_world *w, const struct qbd_io *what)
{
	struct qbd_world_io *io = qbd_world_io_new(w, 0, qbd_world_sync_end);
	struct qbd_extent extent = { what->block, what->blocks };
	int error;

	qbd_world_submit(io, qbd_world_disk_op(what->op), what->fua, &extent, 1,
			 what->buf);
	while (!io->sync_done && qbd_world_disk_step(w))
		;
	error = io->sync_done ? io->error : -ENODEV;
	qbd_world_io_free(io);
	return error;
}

/* The power is gone: nobody reports anything any more. */
void qbd_world_drop_ios(struct qbd_world *w)
{
	struct qbd_world_io *io, *next;

	list_for_each_entry_safe(io, next, &w->ios, link)
		qbd_world_io_free(io);
	qbd_world_drop_reads(w);
	qbd_sync_drop_ios(w);
	w->seg_ios = 0;
	w->ckpt_ios = 0;
	w->ckpt = false;
}

/* --- commit ------------------------------------------------------------ */

static void qbd_world_acked(struct qbd_world *w)
{
	for (; w->op_first < w->seg_ops; w->op_first++)
		qbd_model_apply(&w->durable,
				&w->ops[w->op_first % QBD_WORLD_OPS]);
}

static void qbd_world_seg_end(struct qbd_world_io *io)
{
	struct qbd_world *w = io->w;

	w->seg_ios = 0;
	qbd_world_trace(w, "segment %llu: %d\n", w->seg.head.seq, io->error);
	qbd_commit_end(w->core, io->error);
	if (!io->error)
		qbd_world_acked(w);
	qbd_world_io_free(io);
	qbd_world_release(w);
}

void qbd_world_commit_step(struct qbd_world *w, bool seal)
{
	static u8 header[QBD_BLOCK_SIZE];
	struct qbd_world_io *io;
	u8 *at;
	u32 i;

	if (w->seg_ios || !(qbd_commit_wanted(w->core) ||
			    (seal && qbd_commit_seal_wanted(w->core))))
		return;
	if (qbd_commit_begin(w->core, header, &w->seg))
		return;
	io = qbd_world_io_new(w, qbd_seg_blocks(&w->seg.head),
			      qbd_world_seg_end);
	if (!io->buf)
		abort();
	memcpy(io->buf, header, sizeof(header));
	at = io->buf + sizeof(header);
	w->seg_ops = w->op_first;
	for (i = 0; i < w->seg.nr_recs; i++) {
		const struct qbd_rec *rec =
			qbd_store_rec(w->core, w->seg.rec[i]);
		const struct qbd_payload *payload = rec->payload;
		size_t bytes =
			(size_t)rec->desc.payload_blocks * QBD_BLOCK_SIZE;

		w->seg_ops = max(w->seg_ops, w->op_of[w->seg.rec[i]]);
		if (!bytes)
			continue;
		if (!payload) {
			qbd_world_broken(w, "commit: payload is gone");
			continue;
		}
		memcpy(at, payload->data, bytes);
		at += bytes;
	}
	qbd_world_trace(w, "segment %llu at %llu: %u records, %u blocks\n",
			w->seg.head.seq, w->seg.head.lpos, w->seg.nr_recs,
			w->seg.head.payload_blocks);
	w->seg_ios = 1;
	qbd_world_submit(io, QBD_DISK_WRITE, true, w->seg.extent,
			 w->seg.nr_extents, io->buf);
}

/* --- checkpoint -------------------------------------------------------- */

static void qbd_world_ckpt_io_end(struct qbd_world_io *io)
{
	struct qbd_world *w = io->w;

	w->ckpt_ios--;
	if (io->error)
		w->ckpt_error = io->error;
	qbd_world_io_free(io);
}

/* The payload came from the log: check it, then use it. */
static void qbd_world_loaded(struct qbd_world_io *io)
{
	struct qbd_world *w = io->w;
	size_t bytes = (size_t)io->payload_blocks * QBD_BLOCK_SIZE;
	struct qbd_extent extent = { io->what.block, io->what.blocks };
	struct qbd_payload *payload;

	if (!io->error && qbd_payload_crc(~0U, io->buf, bytes) != io->crc) {
		io->error = -EBADMSG;
		qbd_world_trace(w, "payload of record %u is bad\n",
				io->what.rec);
	}
	if (!io->error && io->what.op == QBD_IO_COPY) {
		io->end = qbd_world_ckpt_io_end;
		qbd_world_submit(io, QBD_DISK_WRITE, false, &extent, 1,
				 io->buf + (size_t)io->what.offset *
						   QBD_BLOCK_SIZE);
		return;
	}
	if (!io->error) {
		payload = qbd_world_payload(w, io->payload_blocks);
		memcpy(payload->data, io->buf, bytes);
		if (qbd_store_payload_set(w->core, io->what.rec, payload))
			qbd_world_payload_free(w, payload);
	}
	qbd_world_ckpt_io_end(io);
}

static void qbd_world_load(struct qbd_world *w, const struct qbd_io *what)
{
	const struct qbd_rec *rec = qbd_store_rec(w->core, what->rec);
	struct qbd_extent extent[2];
	struct qbd_world_io *io;
	u32 nr;

	io = qbd_world_io_new(w, rec->desc.payload_blocks, qbd_world_loaded);
	io->what = *what;
	io->crc = rec->desc.crc;
	io->payload_blocks = rec->desc.payload_blocks;
	nr = qbd_store_log_extents(w->core, rec->lpos, rec->desc.payload_blocks,
				   extent);
	qbd_world_submit(io, QBD_DISK_READ, false, extent, nr, io->buf);
}

/* What was read is written elsewhere. */
static void qbd_world_cloned(struct qbd_world_io *io)
{
	struct qbd_extent extent = { io->what.block, io->what.blocks };

	if (io->error) {
		qbd_world_ckpt_io_end(io);
		return;
	}
	io->end = qbd_world_ckpt_io_end;
	qbd_world_submit(io, QBD_DISK_WRITE, false, &extent, 1, io->buf);
}

static void qbd_world_clone(struct qbd_world *w, const struct qbd_io *what)
{
	struct qbd_extent extent = { what->from, what->blocks };
	struct qbd_world_io *io;

	io = qbd_world_io_new(w, what->blocks, qbd_world_cloned);
	io->what = *what;
	qbd_world_submit(io, QBD_DISK_READ, false, &extent, 1, io->buf);
}

static void qbd_world_ckpt_io(struct qbd_world *w, const struct qbd_io *what)
{
	struct qbd_extent extent = { what->block, what->blocks };
	const struct qbd_payload *payload;
	struct qbd_world_io *io;
	void *buf = what->buf;

	w->ckpt_ios++;
	if (what->op == QBD_IO_LOAD || what->op == QBD_IO_COPY) {
		qbd_world_load(w, what);
		return;
	}
	if (what->op == QBD_IO_CLONE) {
		qbd_world_clone(w, what);
		return;
	}
	io = qbd_world_io_new(w, what->blocks, qbd_world_ckpt_io_end);
	if (what->op == QBD_IO_WRITE && !buf) {
		payload = qbd_store_rec(w->core, what->rec)->payload;
		if (!io->buf)
			abort();
		memcpy(io->buf,
		       payload->data + (size_t)what->offset * QBD_BLOCK_SIZE,
		       (size_t)what->blocks * QBD_BLOCK_SIZE);
		buf = io->buf;
	}
	qbd_world_submit(io, qbd_world_disk_op(what->op), what->fua, &extent, 1,
			 buf);
}

void qbd_world_ckpt_begin(struct qbd_world *w, bool close)
{
	if (w->ckpt || qbd_ckpt_begin(w->core, close))
		return;
	qbd_world_trace(w, "checkpoint%s\n", close ? ", the last one" : "");
	w->ckpt = true;
	w->ckpt_wait = QBD_CKPT_MORE;
	w->ckpt_error = 0;
}

/* Has what the checkpoint waits for come to pass? */
static bool qbd_world_ckpt_waits(struct qbd_world *w)
{
	switch (w->ckpt_wait) {
	case QBD_CKPT_WAIT:
		return w->ckpt_ios;
	case QBD_CKPT_GRACE:
		return qbd_world_reads_before(w, w->grace_mark);
	case QBD_CKPT_COMMIT:
		return qbd_ckpt_commit_pending(w->core);
	default:
		return false;
	}
}

void qbd_world_ckpt_step(struct qbd_world *w)
{
	enum qbd_ckpt_step step;
	struct qbd_io io;

	if (qbd_world_ckpt_waits(w))
		return;
	if (w->ckpt_wait != QBD_CKPT_MORE) {
		w->ckpt_wait = QBD_CKPT_MORE;
		qbd_ckpt_phase_end(w->core, w->ckpt_error);
	}
	step = qbd_ckpt_next(w->core, &io);
	qbd_sync_poll(w);
	switch (step) {
	case QBD_CKPT_IO:
		qbd_world_ckpt_io(w, &io);
		break;
	case QBD_CKPT_MORE:
		break;
	case QBD_CKPT_DONE:
		qbd_world_trace(w, "checkpoint done: log %llu..%llu\n",
				w->core->ring.tail.lpos,
				w->core->ring.head.lpos);
		w->ckpt = false;
		qbd_world_audit(w);
		break;
	case QBD_CKPT_FAILED:
		w->ckpt = w->ckpt_ios;
		break;
	default:
		w->ckpt_wait = step;
		w->grace_mark = w->read_seq;
	}
	qbd_world_release(w);
	qbd_world_pages(w);
}

/* --- the store --------------------------------------------------------- */

/* A record was accepted: so was its operation. */
void qbd_world_accept(struct qbd_world *w, u32 id,
		      const struct qbd_model_op *op)
{
	qbd_model_apply(&w->live, op);
	w->ops[w->op_end++ % QBD_WORLD_OPS] = *op;
	w->op_of[id] = w->op_end;
}

/* Take the store apart; everything it was given has to come back. */
void qbd_world_destroy(struct qbd_world *w)
{
	bool more;

	if (!w->core)
		return;
	qbd_world_drop_ios(w);
	do {
		more = qbd_store_destroy_step(w->core);
		qbd_world_release(w);
		qbd_world_pages(w);
	} while (more);
	free(w->mem);
	free(w->op_of);
	w->mem = NULL;
	w->core = NULL;
	w->op_of = NULL;
	if (w->nr_payloads)
		qbd_world_broken(w, "leak: payloads were not released");
	if (w->nr_pages)
		qbd_world_broken(w, "leak: map pages were not given back");
}
