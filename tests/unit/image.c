// SPDX-License-Identifier: GPL-2.0-only
/*
 * A store in memory, for unit tests and fuzzers; see image.h.
 *
 * Helpers that can not go on abort: a test that can not make its log by hand
 * tests nothing.
 */
#include "image.h"

int image_io(struct image *img, const struct qbd_io *io)
{
	u8 *at = img->data + io->block * QBD_BLOCK_SIZE;
	size_t bytes = (size_t)io->blocks * QBD_BLOCK_SIZE;

	if (io->block > img->blocks || io->blocks > img->blocks - io->block)
		return -EIO;
	switch (io->op) {
	case QBD_IO_READ:
		img->reads++;
		if (img->unreadable && img->unreadable >= io->block &&
		    img->unreadable - io->block < io->blocks)
			return -EIO;
		memcpy(io->buf, at, bytes);
		return 0;
	case QBD_IO_WRITE:
		img->writes++;
		memcpy(at, io->buf, bytes);
		return 0;
	case QBD_IO_CLONE:
		memcpy(at, img->data + io->from * QBD_BLOCK_SIZE, bytes);
		return 0;
	case QBD_IO_ZERO:
		memset(at, 0, bytes);
		return 0;
	case QBD_IO_FLUSH:
		img->flushes++;
		return 0;
	case QBD_IO_COPY:
	case QBD_IO_LOAD:
		break;
	}
	return -EOPNOTSUPP;
}

void image_format(struct image *img, u64 blocks, u32 wal_blocks)
{
	struct qbd_format_options options = {
		.dev_blocks = blocks,
		.wal_blocks = wal_blocks,
		.replicas = 7,
		.run = IMAGE_RUN,
	};
	struct qbd_format format;
	u8 block[QBD_BLOCK_SIZE];
	struct qbd_io io;

	memset(img, 0, offsetof(struct image, payload));
	img->blocks = blocks;
	img->data = calloc(blocks, QBD_BLOCK_SIZE);
	memcpy(options.cluster, IMAGE_CLUSTER, QBD_UUID_SIZE);
	memcpy(options.store, IMAGE_STORE, QBD_UUID_SIZE);
	if (!img->data || qbd_format_plan(&format, &options))
		abort();
	while (qbd_format_next(&format, block, &io) > 0)
		if (image_io(img, &io))
			abort();
	img->super = format.super;
	img->at = img->super.known;
	img->run = IMAGE_RUN;
	qbd_seg_start(img->header);
}

/* Take the store apart; the device stays. */
void image_close(struct image *img)
{
	void *page;

	if (!img->core)
		return;
	while (qbd_store_destroy_step(img->core))
		;
	while (qbd_store_release_next(img->core))
		;
	while ((page = qbd_store_page_take(img->core)))
		free(page);
	free(img->core_mem);
	img->core = NULL;
}

void image_free(struct image *img)
{
	image_close(img);
	free(img->data);
}

void image_note(struct image *img, const struct qbd_finding *finding)
{
	if (img->nr_findings < IMAGE_FINDINGS)
		img->finding[img->nr_findings] = *finding;
	img->nr_findings++;
}

void image_core_init(struct image *img, const struct qbd_super *super)
{
	size_t bytes =
		ALIGN(qbd_store_mem_bytes(super), (size_t)QBD_BLOCK_SIZE);

	img->core_mem = aligned_alloc(QBD_BLOCK_SIZE, bytes);
	if (!img->core_mem)
		abort();
	memset(img->core_mem, 0, bytes);
	img->core = qbd_store_init(img->core_mem, super);
}

void image_pages(struct image *img)
{
	while (qbd_store_pages_wanted(img->core) ||
	       qbd_store_pin_pages_wanted(img->core))
		qbd_store_page_give(img->core, calloc(1, QBD_BLOCK_SIZE));
}

/* Opens the store; findings are in @img->finding. */
int image_open(struct image *img, const struct qbd_open_config *config)
{
	static u8 buf[16 * QBD_BLOCK_SIZE] __aligned(QBD_BLOCK_SIZE);
	struct qbd_io io;

	image_close(img);
	img->nr_findings = 0;
	qbd_open_init(&img->open, config, buf, 16);
	for (;;) {
		switch (qbd_open_next(&img->open, &io)) {
		case QBD_OPEN_IO:
			qbd_open_io_end(&img->open, image_io(img, &io));
			break;
		case QBD_OPEN_CORE:
			image_core_init(img, &img->open.super);
			qbd_open_core_give(&img->open, img->core);
			break;
		case QBD_OPEN_PAGES:
			image_pages(img);
			break;
		case QBD_OPEN_FINDING:
			image_note(img, &img->open.finding);
			break;
		case QBD_OPEN_SEGMENT:
			break;
		case QBD_OPEN_DONE:
			return 0;
		case QBD_OPEN_FAILED:
			return img->open.error;
		}
	}
}

/* As a node opens it after a crash. */
int image_open_rw(struct image *img)
{
	struct qbd_open_config config = {
		.dev_blocks = img->blocks,
		.node = 1,
		.incarnation = 77,
		.run = IMAGE_RUN_2 + img->opens++,
	};

	return image_open(img, &config);
}

int image_open_ro(struct image *img, bool verify_all)
{
	struct qbd_open_config config = {
		.dev_blocks = img->blocks,
		.readonly = true,
		.verify_all = verify_all,
	};

	return image_open(img, &config);
}

bool image_found(const struct image *img, enum qbd_finding_kind kind)
{
	u32 i;

	for (i = 0; i < img->nr_findings && i < IMAGE_FINDINGS; i++)
		if (img->finding[i].kind == kind)
			return true;
	return false;
}

/* --- a checkpoint of the opened store ---------------------------------- */

/* The payload of record @rec, from the log: no cookies here. */
static int image_copy(struct image *img, const struct qbd_io *io)
{
	const struct qbd_rec *rec = qbd_store_rec(img->core, io->rec);
	u64 wal_blocks = img->open.super.layout.wal_blocks;
	u64 first = img->open.super.layout.wal_first;
	u32 i;

	for (i = 0; i < io->blocks; i++)
		memcpy(img->data + (io->block + i) * QBD_BLOCK_SIZE,
		       img->data + (first +
				    (rec->lpos + io->offset + i) % wal_blocks) *
					   QBD_BLOCK_SIZE,
		       QBD_BLOCK_SIZE);
	return 0;
}

int image_checkpoint(struct image *img, bool close)
{
	struct qbd_io io;
	int error;

	error = qbd_ckpt_begin(img->core, close);
	if (error)
		return error;
	for (;;) {
		image_pages(img);
		switch (qbd_ckpt_next(img->core, &io)) {
		case QBD_CKPT_MORE:
			break;
		case QBD_CKPT_IO:
			error = io.op == QBD_IO_COPY ? image_copy(img, &io) :
						       image_io(img, &io);
			if (error)
				return error;
			break;
		case QBD_CKPT_WAIT:
		case QBD_CKPT_GRACE:
		case QBD_CKPT_COMMIT:
			qbd_ckpt_phase_end(img->core, 0);
			break;
		case QBD_CKPT_DONE:
			return 0;
		case QBD_CKPT_FAILED:
			return -EIO;
		}
	}
}

/*
 * The writer goes on where the store that was opened stands: its run, its
 * head, its superblock.
 */
void image_resume(struct image *img)
{
	img->super = *qbd_store_super(img->core);
	img->at = img->open.replay.at;
	img->run = img->super.run;
}

/* --- the writer -------------------------------------------------------- */

/* Adds a record; @desc->crc and its payload are made from @fill. */
void image_rec(struct image *img, struct qbd_desc desc, u8 fill)
{
	u8 *payload = img->payload[img->payload_blocks];

	if (desc.payload_blocks) {
		memset(payload, fill,
		       (size_t)desc.payload_blocks * QBD_BLOCK_SIZE);
		desc.crc = qbd_payload_crc(~0U, payload,
					   (size_t)desc.payload_blocks *
						   QBD_BLOCK_SIZE);
	}
	if (qbd_seg_add(img->header, &desc))
		abort();
	img->payload_blocks += desc.payload_blocks;
}

void image_write(struct image *img, u64 replica, u64 term, u64 index,
		 u64 prev_term, u32 block)
{
	struct qbd_desc desc = {
		.replica = replica,
		.term = term,
		.index = index,
		.aux0 = prev_term,
		.op = QBD_OP_WRITE,
		.block = block,
		.blocks = 2,
		.payload_blocks = 2,
	};

	image_rec(img, desc, (u8)(index * 16 + term));
}

void image_create(struct image *img, u64 replica, u32 no)
{
	struct qbd_desc desc = { .replica = replica,
				 .op = QBD_OP_CREATE,
				 .payload_blocks = 1 };
	u8 *payload = img->payload[img->payload_blocks];
	struct qbd_table_slot table = {
		.replica = replica,
		.volume = 1,
		.shard = no,
		.flags = QBD_REPLICA_USED,
		.blocks = 1024,
		.config = { .epoch = 1, .nr_old = 1 },
	};

	table.meta_pages = qbd_table_map_pages(&img->super.layout, 1024);
	table.meta_first =
		img->super.layout.meta.table_pages + no * table.meta_pages;
	table.config.set[0].replica = replica;
	table.config.set[0].node = 1;
	memset(payload, 0, QBD_BLOCK_SIZE);
	qbd_table_encode(&table, (struct qbd_disk_replica *)payload);
	desc.crc = qbd_payload_crc(~0U, payload, QBD_BLOCK_SIZE);
	if (qbd_seg_add(img->header, &desc))
		abort();
	img->payload_blocks++;
}

void image_promise(struct image *img, u64 replica, u64 term)
{
	image_rec(img,
		  (struct qbd_desc){ .replica = replica,
				     .term = term,
				     .op = QBD_OP_PROMISE,
				     .aux0 = term * 1000,
				     .aux1 = 1,
				     .aux2 = 1 },
		  0);
}

u8 *image_lpos(struct image *img, u64 lpos)
{
	return img->data +
	       qbd_layout_lpos_block(&img->super.layout, lpos) * QBD_BLOCK_SIZE;
}

/* Writes the segment; returns where it begins. */
u64 image_commit(struct image *img)
{
	struct qbd_seg_head head = {
		.run = img->run,
		.seq = img->at.seq,
		.lpos = img->at.lpos,
		.durable_seq = img->at.seq - 1 - img->durable_lag,
		.prev_crc = img->at.prev_crc,
	};
	struct qbd_disk_seg *seg = (struct qbd_disk_seg *)img->header;
	u32 i;

	if (!seg->nr_descs)
		head.flags = QBD_SEG_SEAL;
	if (qbd_seg_finish(img->header, qbd_block_seed(img->super.store),
			   img->super.layout.wal_blocks, &head))
		abort();
	memcpy(image_lpos(img, head.lpos), img->header, QBD_BLOCK_SIZE);
	for (i = 0; i < head.payload_blocks; i++)
		memcpy(image_lpos(img, head.lpos + 1 + i), img->payload[i],
		       QBD_BLOCK_SIZE);
	qbd_seg_end(&head, &img->at);
	img->payload_blocks = 0;
	qbd_seg_start(img->header);
	return head.lpos;
}

/* Both superblock slots, as img->super says. */
void image_super(struct image *img)
{
	static struct qbd_meta_entry none[QBD_SUPER_ROOTS];
	u32 slot;

	for (slot = 0; slot < QBD_SUPER_SLOTS; slot++)
		if (qbd_super_encode(&img->super, none,
				     img->data + qbd_super_block(slot) *
							 QBD_BLOCK_SIZE))
			abort();
}
