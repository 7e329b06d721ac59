// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real store of a node: records in, segments and checkpoints out, and what
 * became durable told to the replicas. It does what kmod's shell does.
 */
#include <stdlib.h>

#include "cluster_resync.h"
#include "cluster_store.h"

static void *cl_spare_pages;

/* --- stamps ------------------------------------------------------------- */

struct cl_mark {
	u32 shard;
	u32 block;
	u32 op;
	u32 check;
};

/* Each sector says whose it is; the rest of a payload is always zero. */
void cl_stamp(struct cl_payload *payload, u32 shard, u32 block)
{
	u32 i;

	for (i = 0; i < payload->blocks * (QBD_BLOCK_SIZE / 512); i++) {
		struct cl_mark mark = { shard, block + i / 8, payload->op,
					~payload->op };

		memcpy(payload->data + (size_t)i * 512, &mark, sizeof(mark));
	}
	payload->crc = qbd_payload_crc(
		~0U, payload->data, (size_t)payload->blocks * QBD_BLOCK_SIZE);
}

/* Return: request that a block is of, CL_ZERO, or CL_BAD. */
u32 cl_stamp_read(const u8 *data, u32 shard, u32 block)
{
	struct cl_mark first, mark;
	u32 i;

	memcpy(&first, data, sizeof(first));
	for (i = 1; i < 8; i++) {
		memcpy(&mark, data + (size_t)i * 512, sizeof(mark));
		if (memcmp(&first, &mark, sizeof(mark)) != 0)
			return CL_BAD;
	}
	if (!first.op && !first.check)
		return mem_is_zero(data, QBD_BLOCK_SIZE) ? CL_ZERO : CL_BAD;
	if (first.shard != shard || first.block != block ||
	    first.op != ~first.check)
		return CL_BAD;
	return first.op;
}

/* --- memory of the core ------------------------------------------------- */

void cl_store_release(struct cl_store *s)
{
	void *payload;

	while ((payload = qbd_store_release_next(s->core)))
		cl_payload_put(payload);
}

void cl_store_pages(struct cl_store *s)
{
	void *page;

	while (qbd_store_pages_wanted(s->core) ||
	       qbd_store_pin_pages_wanted(s->core)) {
		page = cl_spare_pages;
		if (page)
			memcpy(&cl_spare_pages, page, sizeof(void *));
		else
			page = malloc(QBD_BLOCK_SIZE);
		if (!page)
			abort();
		memset(page, 0, QBD_BLOCK_SIZE);
		qbd_store_page_give(s->core, page);
	}
	while ((page = qbd_store_page_take(s->core))) {
		memcpy(page, &cl_spare_pages, sizeof(void *));
		cl_spare_pages = page;
	}
}

/* --- requests of the disk ----------------------------------------------- */

struct cl_io *cl_io_new(struct cl_world *w, struct cl_store *s, u32 blocks,
			void (*end)(struct cl_io *))
{
	struct cl_io *io = calloc(1, sizeof(*io));

	if (!io)
		abort();
	io->w = w;
	io->node = s->node;
	io->end = end;
	if (blocks) {
		io->buf = malloc((size_t)blocks * QBD_BLOCK_SIZE);
		if (!io->buf)
			abort();
	}
	list_add_tail(&io->link, &s->ios);
	return io;
}

void cl_io_free(struct cl_io *io)
{
	list_del(&io->link);
	free(io->buf);
	free(io);
}

static void cl_io_done(struct qbd_disk_req *req)
{
	struct cl_io *io = req->ctx;

	if (req->error)
		io->err = req->error;
	if (!--io->left)
		list_move_tail(&io->link, &io->w->node[io->node].store->done);
}

void cl_io_submit(struct cl_io *io, enum qbd_disk_op op, bool fua,
		  const struct qbd_extent *extent, u32 nr, void *buf)
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
		req->done = cl_io_done;
		req->ctx = io;
		if (at)
			at += (size_t)extent[i].blocks * QBD_BLOCK_SIZE;
		qbd_disk_submit(io->w->node[io->node].store->disk, req,
				io->w->now_ns);
	}
}

/* --- commit ------------------------------------------------------------- */

/* Tell the replicas what is durable now. */
static void cl_seg_tell(struct cl_world *w, u32 node, const struct qbd_desc *d)
{
	u32 shard = (u32)(d->replica / 1000) - 1;

	if (w->node[node].store->slot[shard] < 0)
		return; /* it is deleted */
	if (d->op == QBD_OP_PROMISE)
		cl_log_promised(w, node, shard, d->term, d->aux0);
	else if (d->op == QBD_OP_TRUNCATE)
		cl_log_truncated(w, node, shard);
	else if (qbd_op_has_index(d->op))
		cl_log_logged(w, node, shard,
			      (struct qbd_pos){ d->term, d->index });
}

static void cl_seg_end(struct cl_io *io)
{
	struct cl_store *s = io->w->node[io->node].store;
	struct qbd_desc desc[QBD_SEG_DESCS];
	struct cl_world *w = io->w;
	u32 node = io->node, life = w->node[node].life, nr = 0, i;
	int err = io->err;

	cl_io_free(io);
	s->seg_busy = false;
	qbd_commit_end(s->core, err);
	if (!err) {
		cl_saw_segment(w, node);
		s->rot_end = s->seg.head.lpos;
	}
	for (i = 0; i < s->seg.nr_recs && !qbd_store_error(s->core); i++) {
		const struct qbd_rec *rec =
			qbd_store_rec(s->core, s->seg.rec[i]);

		if (!rec->dead && !(rec->desc.flags & QBD_REC_RELOG))
			desc[nr++] = rec->desc;
	}
	cl_store_release(s);
	for (i = 0; i < nr && w->node[node].life == life; i++)
		cl_seg_tell(w, node, &desc[i]);
}

static void cl_seg_begin(struct cl_world *w, struct cl_store *s)
{
	static u8 header[QBD_BLOCK_SIZE] __aligned(8);
	struct cl_io *io;
	u8 *at;
	u32 i;

	if (qbd_commit_begin(s->core, header, &s->seg))
		return;
	s->seg_busy = true;
	io = cl_io_new(w, s, qbd_seg_blocks(&s->seg.head), cl_seg_end);
	if (!io->buf) /* a segment has a header at least */
		abort();
	memcpy(io->buf, header, sizeof(header));
	at = io->buf + sizeof(header);
	for (i = 0; i < s->seg.nr_recs; i++) {
		const struct qbd_rec *rec =
			qbd_store_rec(s->core, s->seg.rec[i]);
		const struct cl_payload *payload = rec->payload;
		size_t bytes =
			(size_t)rec->desc.payload_blocks * QBD_BLOCK_SIZE;

		if (!bytes)
			continue;
		if (!payload) {
			cl_broken(w, "R3",
				  "a payload is gone before it is "
				  "logged");
			continue;
		}
		memcpy(at, payload->data, bytes);
		at += bytes;
	}
	cl_io_submit(io, QBD_DISK_WRITE, true, s->seg.extent, s->seg.nr_extents,
		     io->buf);
}

/* --- checkpoint --------------------------------------------------------- */

static void cl_ckpt_io_end(struct cl_io *io)
{
	struct cl_store *s = io->w->node[io->node].store;

	s->ckpt_ios--;
	if (io->err)
		s->ckpt_err = io->err;
	cl_io_free(io);
}

/* The payload came from the log: check it, then use it. */
static void cl_ckpt_loaded(struct cl_io *io)
{
	struct cl_store *s = io->w->node[io->node].store;
	size_t bytes = (size_t)io->payload_blocks * QBD_BLOCK_SIZE;
	struct qbd_extent extent = { io->what.block, io->what.blocks };
	struct cl_payload *payload;

	if (!io->err && qbd_payload_crc(~0U, io->buf, bytes) != io->crc)
		io->err = -EBADMSG;
	if (!io->err && io->what.op == QBD_IO_COPY) {
		io->end = cl_ckpt_io_end;
		list_move_tail(&io->link, &s->ios);
		cl_io_submit(io, QBD_DISK_WRITE, false, &extent, 1,
			     io->buf +
				     (size_t)io->what.offset * QBD_BLOCK_SIZE);
		return;
	}
	if (!io->err) {
		u32 op;

		payload = cl_payload_new(io->w, io->payload_blocks);
		memcpy(payload->data, io->buf, bytes);
		memcpy(&op, io->buf + offsetof(struct cl_mark, op), sizeof(op));
		payload->op = op;
		payload->crc = io->crc;
		if (qbd_store_payload_set(s->core, io->what.rec, payload))
			cl_payload_put(payload);
	}
	cl_ckpt_io_end(io);
}

static void cl_ckpt_load(struct cl_world *w, struct cl_store *s,
			 const struct qbd_io *what)
{
	const struct qbd_rec *rec = qbd_store_rec(s->core, what->rec);
	struct qbd_extent extent[2];
	struct cl_io *io;
	u32 nr;

	io = cl_io_new(w, s, rec->desc.payload_blocks, cl_ckpt_loaded);
	io->what = *what;
	io->crc = rec->desc.crc;
	io->payload_blocks = rec->desc.payload_blocks;
	nr = qbd_store_log_extents(s->core, rec->lpos, rec->desc.payload_blocks,
				   extent);
	cl_io_submit(io, QBD_DISK_READ, false, extent, nr, io->buf);
}

/* What was read is written elsewhere. */
static void cl_ckpt_cloned(struct cl_io *io)
{
	struct qbd_extent extent = { io->what.block, io->what.blocks };

	if (io->err) {
		cl_ckpt_io_end(io);
		return;
	}
	io->end = cl_ckpt_io_end;
	list_move_tail(&io->link, &io->w->node[io->node].store->ios);
	cl_io_submit(io, QBD_DISK_WRITE, false, &extent, 1, io->buf);
}

static void cl_ckpt_clone(struct cl_world *w, struct cl_store *s,
			  const struct qbd_io *what)
{
	struct qbd_extent extent = { what->from, what->blocks };
	struct cl_io *io = cl_io_new(w, s, what->blocks, cl_ckpt_cloned);

	io->what = *what;
	cl_io_submit(io, QBD_DISK_READ, false, &extent, 1, io->buf);
}

static void cl_ckpt_io(struct cl_world *w, struct cl_store *s,
		       const struct qbd_io *what)
{
	static const u8 op[] = {
		[QBD_IO_READ] = QBD_DISK_READ,
		[QBD_IO_WRITE] = QBD_DISK_WRITE,
		[QBD_IO_COPY] = QBD_DISK_WRITE,
		[QBD_IO_LOAD] = QBD_DISK_READ,
		[QBD_IO_FLUSH] = QBD_DISK_FLUSH,
		[QBD_IO_ZERO] = QBD_DISK_ZERO,
	};
	struct qbd_extent extent = { what->block, what->blocks };
	const struct cl_payload *payload;
	void *buf = what->buf;
	struct cl_io *io;

	s->ckpt_ios++;
	if (what->op == QBD_IO_LOAD || what->op == QBD_IO_COPY) {
		cl_ckpt_load(w, s, what);
		return;
	}
	if (what->op == QBD_IO_CLONE) {
		cl_ckpt_clone(w, s, what);
		return;
	}
	io = cl_io_new(w, s,
		       what->op == QBD_IO_WRITE && !buf ? what->blocks : 0,
		       cl_ckpt_io_end);
	if (io->buf) {
		payload = qbd_store_rec(s->core, what->rec)->payload;
		memcpy(io->buf,
		       payload->data + (size_t)what->offset * QBD_BLOCK_SIZE,
		       (size_t)what->blocks * QBD_BLOCK_SIZE);
		buf = io->buf;
	}
	cl_io_submit(io, (enum qbd_disk_op)op[what->op], what->fua, &extent, 1,
		     buf);
}

/* Has what the checkpoint waits for come to pass? */
static bool cl_ckpt_waits(const struct cl_store *s)
{
	switch (s->ckpt_wait) {
	case QBD_CKPT_WAIT:
		return s->ckpt_ios;
	case QBD_CKPT_GRACE:
		return cl_reads_before(s, s->grace);
	case QBD_CKPT_COMMIT:
		return qbd_ckpt_commit_pending(s->core);
	default:
		return false;
	}
}

/* Which replicas have become what their shadows led to? */
void cl_store_switched(struct cl_world *w, struct cl_store *s)
{
	struct qbd_store_replica have;
	u32 i;

	for (i = 0; i < w->nr_shards; i++) {
		if (!s->to[i].index || s->slot[i] < 0 ||
		    qbd_store_replica_get(s->core, s->slot[i], &have) ||
		    have.applied.index < s->to[i].index)
			continue;
		cl_saw_switch(w, s->node, i, have.applied);
		s->to[i].index = 0;
	}
}

static void cl_ckpt_done(struct cl_world *w, struct cl_store *s)
{
	struct qbd_store_replica have;
	u32 i;

	s->ckpt = false;
	cl_store_switched(w, s);
	for (i = 0; i < w->nr_shards; i++)
		if (s->slot[i] >= 0 &&
		    !qbd_store_replica_get(s->core, s->slot[i], &have))
			cl_saw_home(w, s->node, i, have.applied.index);
}

/* Until it has to wait. */
static void cl_ckpt_run(struct cl_world *w, struct cl_store *s)
{
	enum qbd_ckpt_step step;
	struct qbd_io io;

	while (s->ckpt && !cl_ckpt_waits(s)) {
		if (s->ckpt_wait != QBD_CKPT_MORE) {
			s->ckpt_wait = QBD_CKPT_MORE;
			qbd_ckpt_phase_end(s->core, s->ckpt_err);
		}
		step = qbd_ckpt_next(s->core, &io);
		if (step == QBD_CKPT_IO) {
			cl_ckpt_io(w, s, &io);
		} else if (step == QBD_CKPT_DONE) {
			cl_ckpt_done(w, s);
		} else if (step == QBD_CKPT_FAILED) {
			s->ckpt = false;
		} else if (step != QBD_CKPT_MORE) {
			s->ckpt_wait = step;
			s->grace = s->read_seq;
		}
	}
	cl_store_release(s);
	cl_store_pages(s);
}

/* --- what the shell does ------------------------------------------------ */

static void cl_store_arm(struct cl_world *w, struct cl_store *s)
{
	u64 next_ns;

	if (!qbd_disk_pending(s->disk))
		return;
	next_ns = max(qbd_disk_next_ns(s->disk), w->now_ns + 1000);
	if (s->due_ns && s->due_ns <= next_ns)
		return;
	s->due_ns = next_ns;
	cl_at(w, next_ns - w->now_ns,
	      &(struct cl_event){ .kind = CL_EV_DISK,
				  .a = (u8)s->node,
				  .life = w->node[s->node].life });
}

/* Go on with all that can go on. */
void cl_store_run(struct cl_world *w, struct cl_store *s)
{
	u32 life = w->node[s->node].life;
	enum qbd_ckpt_need need;

	if (qbd_store_error(s->core)) {
		if (!s->failed) {
			s->failed = true;
			cl_node_fail_store(w, s->node,
					   qbd_store_error(s->core));
		}
		return;
	}
	need = qbd_ckpt_wanted(s->core);
	if (!s->ckpt &&
	    (need == QBD_CKPT_NOW ||
	     (need == QBD_CKPT_SOON && cl_chance(w, 3))) &&
	    !qbd_ckpt_begin(s->core, false)) {
		s->ckpt = true;
		s->ckpt_wait = QBD_CKPT_MORE;
		s->ckpt_err = 0;
	}
	cl_ckpt_run(w, s);
	cl_copies_run(w, s);
	if (w->node[s->node].life != life || !w->node[s->node].open)
		return;
	if (!s->seg_busy && (qbd_commit_wanted(s->core) ||
			     (s->sealing && qbd_commit_seal_wanted(s->core))))
		cl_seg_begin(w, s);
	s->sealing = false;
	cl_store_arm(w, s);
}

void cl_store_disk(struct cl_world *w, u32 node)
{
	struct cl_store *s = w->node[node].store;
	u32 life = w->node[node].life;
	struct cl_io *io;

	if (!w->node[node].open)
		return;
	s->due_ns = 0;
	while (qbd_disk_step(s->disk, w->now_ns))
		;
	/* records that there is room for now: before a read goes on, or after
	 */
	if (cl_chance(w, 50))
		cl_log_retry(w, node);
	while (w->node[node].life == life && !list_empty(&s->done)) {
		io = list_first_entry(&s->done, struct cl_io, link);
		io->end(io);
		if (w->node[node].life != life || !w->node[node].open)
			return;
	}
	cl_store_run(w, s);
	if (w->node[node].life == life)
		cl_log_retry(w, node);
}

void cl_store_tick(struct cl_world *w, u32 node)
{
	struct cl_store *s = w->node[node].store;
	u32 i;

	s->sealing = true;
	for (i = 0; s->drops && i < 8; i++)
		cl_payload_put(qbd_store_payload_drop(
			s->core, (u32)cl_rand(w, s->core->index.mask + 1)));
	cl_store_run(w, s);
}

bool cl_store_idle(struct cl_world *w, u32 node)
{
	const struct cl_store *s = w->node[node].store;

	return !s->seg_busy && !s->ckpt && list_empty(&s->reads) &&
	       !qbd_commit_wanted(s->core);
}

/* --- what replicas want logged ------------------------------------------ */

static int cl_store_append(struct cl_store *s, u32 shard,
			   const struct qbd_msg *msg)
{
	const struct qbd_msg_append *append = &msg->append;
	struct qbd_desc desc = {
		.term = append->pos.term,
		.index = append->pos.index,
		.aux0 = append->prev.term,
		.crc = append->crc,
		.block = append->block,
		.blocks = append->blocks,
		.payload_blocks = msg->payload_bytes / QBD_BLOCK_SIZE,
		.op = append->op,
		.flags = append->rec_flags,
	};
	const struct cl_payload *payload = msg->payload;
	bool set = append->op == QBD_OP_CONFIG;
	struct qbd_config config;
	int id;

	if (set && qbd_config_decode((const void *)payload->data, &config))
		return -EINVAL;
	cl_store_pages(s);
	id = qbd_store_append(s->core, s->slot[shard], &desc, msg->payload,
			      set ? &config : NULL);
	if (id >= 0)
		cl_payload_get(msg->payload);
	return min(id, 0);
}

int cl_store_put(struct cl_world *w, u32 node, u32 shard,
		 struct qbd_action *act)
{
	struct cl_store *s = w->node[node].store;
	int err;

	if (s->slot[shard] < 0)
		return -ENOENT;
	if (act->kind == QBD_ACT_LOG_APPEND)
		err = cl_store_append(s, shard, &act->msg);
	else if (act->kind == QBD_ACT_LOG_PROMISE)
		err = qbd_store_promise(s->core, s->slot[shard], &act->promise);
	else
		err = qbd_store_truncate(s->core, s->slot[shard], act->term,
					 act->index);
	err = min(err, 0);
	if (!err && act->kind == QBD_ACT_LOG_TRUNCATE)
		cl_saw_truncate(w, node, shard, act->index);
	cl_store_release(s);
	cl_store_run(w, s);
	return err;
}

int cl_store_delete(struct cl_world *w, u32 node, u32 shard, u64 epoch)
{
	struct cl_store *s = w->node[node].store;
	int err;

	if (s->slot[shard] < 0)
		return 0;
	err = qbd_store_delete(s->core, s->slot[shard], epoch);
	if (err < 0)
		return err;
	s->slot[shard] = -1;
	s->to[shard] = (struct qbd_pos){ 0 };
	cl_store_run(w, s);
	return 0;
}

void cl_store_bound(struct cl_world *w, u32 node, u32 shard, u64 index)
{
	struct cl_store *s = w->node[node].store;

	if (s->slot[shard] >= 0)
		qbd_store_commit_set(s->core, s->slot[shard], index);
}

void cl_store_flags(struct cl_world *w, u32 node, u32 shard, u32 flags)
{
	struct cl_store *s = w->node[node].store;

	if (s->slot[shard] >= 0)
		qbd_store_flags_set(s->core, s->slot[shard], flags);
}
