// SPDX-License-Identifier: GPL-2.0-only
/*
 * A simulated disk; see disk.h.
 *
 * The image is what reads see.  As long as a block has writes in the cache its
 * base is what the medium has, and the cached writes are kept in their order:
 * a power cut puts the base back and lays a subset of their sectors over it.
 * A FUA write is kept in that order too, as one of which all survives.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "disk.h"

#define QBD_DISK_SECTORS (QBD_DISK_BLOCK / QBD_DISK_SECTOR)

/* A block that was written and not flushed since. */
struct qbd_disk_cached {
	uint64_t block;
	uint8_t *data;
	bool stable;
};

struct qbd_disk {
	uint64_t blocks;
	uint8_t **image; /* NULL = never written */
	uint8_t **base; /* NULL = the image is on the medium */
	uint8_t **kept; /* an image, NULL = never written */
	uint32_t *nr_volatile; /* cached writes, by block */
	struct qbd_disk_cached *cached;
	size_t nr_cached;
	uint64_t saved; /* counts cached writes that were flushed */
	size_t max_cached;
	struct qbd_disk_req **pending;
	size_t nr_pending;
	size_t max_pending;
	uint8_t *spare; /* free blocks, linked by their first bytes */
	struct qbd_rng rng;
	struct qbd_disk_faults faults;
	struct qbd_disk_counts counts;
};

static void *qbd_disk_grow(void *array, size_t *max, size_t nr, size_t size)
{
	if (nr < *max)
		return array;
	*max = *max ? *max * 2 : 64;
	array = realloc(array, *max * size);
	if (!array)
		abort();
	return array;
}

static uint8_t *qbd_disk_block_get(struct qbd_disk *disk)
{
	uint8_t *data = disk->spare;

	if (data) {
		memcpy(&disk->spare, data, sizeof(disk->spare));
		return data;
	}
	data = malloc(QBD_DISK_BLOCK);
	if (!data)
		abort();
	return data;
}

static void qbd_disk_block_put(struct qbd_disk *disk, uint8_t *data)
{
	memcpy(data, &disk->spare, sizeof(disk->spare));
	disk->spare = data;
}

static void qbd_disk_block_clear(struct qbd_disk *disk, uint8_t **data)
{
	if (*data)
		qbd_disk_block_put(disk, *data);
	*data = NULL;
}

struct qbd_disk *qbd_disk_new(uint64_t blocks, uint64_t seed)
{
	struct qbd_disk *disk = calloc(1, sizeof(*disk));

	if (!disk)
		abort();
	disk->blocks = blocks;
	disk->rng.state = seed;
	disk->image = calloc(blocks, sizeof(*disk->image));
	disk->base = calloc(blocks, sizeof(*disk->base));
	disk->kept = calloc(blocks, sizeof(*disk->kept));
	disk->nr_volatile = calloc(blocks, sizeof(*disk->nr_volatile));
	if (!disk->image || !disk->base || !disk->kept || !disk->nr_volatile)
		abort();
	return disk;
}

void qbd_disk_free(struct qbd_disk *disk)
{
	uint64_t i;

	for (i = 0; i < disk->blocks; i++) {
		free(disk->image[i]);
		free(disk->base[i]);
		free(disk->kept[i]);
	}
	for (i = 0; i < disk->nr_cached; i++)
		free(disk->cached[i].data);
	while (disk->spare)
		free(qbd_disk_block_get(disk));
	free(disk->cached);
	free(disk->pending);
	free(disk->image);
	free(disk->base);
	free(disk->kept);
	free(disk->nr_volatile);
	free(disk);
}

/* As new, with another seed; its memory is used again. */
void qbd_disk_reset(struct qbd_disk *disk, uint64_t seed)
{
	uint64_t i;

	for (i = 0; i < disk->blocks; i++) {
		qbd_disk_block_clear(disk, &disk->image[i]);
		qbd_disk_block_clear(disk, &disk->base[i]);
		qbd_disk_block_clear(disk, &disk->kept[i]);
		disk->nr_volatile[i] = 0;
	}
	for (i = 0; i < disk->nr_cached; i++)
		qbd_disk_block_put(disk, disk->cached[i].data);
	disk->nr_cached = 0;
	disk->nr_pending = 0;
	disk->saved = 0;
	disk->rng.state = seed;
	memset(&disk->faults, 0, sizeof(disk->faults));
	memset(&disk->counts, 0, sizeof(disk->counts));
}

void qbd_disk_faults_set(struct qbd_disk *disk,
			 const struct qbd_disk_faults *faults)
{
	disk->faults = *faults;
}

const struct qbd_disk_counts *qbd_disk_counts(const struct qbd_disk *disk)
{
	return &disk->counts;
}

/* --- the medium and the cache ------------------------------------------ */

static uint8_t *qbd_disk_image(struct qbd_disk *disk, uint64_t block)
{
	if (!disk->image[block]) {
		disk->image[block] = qbd_disk_block_get(disk);
		memset(disk->image[block], QBD_DISK_JUNK, QBD_DISK_BLOCK);
	}
	return disk->image[block];
}

/* @sectors of @data are in the cache, or, if @stable, on the medium too. */
static void qbd_disk_store(struct qbd_disk *disk, uint64_t block,
			   const uint8_t *data, bool stable, uint8_t sectors)
{
	uint8_t *image = qbd_disk_image(disk, block);
	struct qbd_disk_cached *cached;
	uint32_t i;

	if (stable && sectors == 0xff && !disk->nr_volatile[block]) {
		memcpy(image, data, QBD_DISK_BLOCK);
		if (disk->base[block])
			qbd_disk_block_put(disk, disk->base[block]);
		disk->base[block] = NULL;
		return;
	}
	if (!disk->base[block]) {
		disk->base[block] = qbd_disk_block_get(disk);
		memcpy(disk->base[block], image, QBD_DISK_BLOCK);
	}
	for (i = 0; i < QBD_DISK_SECTORS; i++)
		if (sectors & (1U << i))
			memcpy(image + (size_t)i * QBD_DISK_SECTOR,
			       data + (size_t)i * QBD_DISK_SECTOR,
			       QBD_DISK_SECTOR);
	disk->cached = qbd_disk_grow(disk->cached, &disk->max_cached,
				     disk->nr_cached, sizeof(*disk->cached));
	cached = &disk->cached[disk->nr_cached++];
	disk->nr_volatile[block]++;
	cached->block = block;
	cached->stable = stable;
	cached->data = qbd_disk_block_get(disk);
	memcpy(cached->data, image, QBD_DISK_BLOCK);
}

/*
 * A flush saves what was in the cache when it was submitted, no more: who
 * submits one before a write has ended finds out here.
 */
static void qbd_disk_flush(struct qbd_disk *disk, uint64_t mark)
{
	size_t nr = mark > disk->saved ? mark - disk->saved : 0;
	size_t i;

	for (i = 0; i < nr; i++) {
		struct qbd_disk_cached *cached = &disk->cached[i];

		/* The newer buffer becomes the base: no need to copy. */
		qbd_disk_block_put(disk, disk->base[cached->block]);
		disk->base[cached->block] = cached->data;
		disk->nr_volatile[cached->block]--;
	}
	if (!nr)
		return;
	disk->saved += nr;
	disk->nr_cached -= nr;
	memmove(disk->cached, disk->cached + nr,
		disk->nr_cached * sizeof(*disk->cached));
}

/* --- requests ---------------------------------------------------------- */

void qbd_disk_submit(struct qbd_disk *disk, struct qbd_disk_req *req,
		     uint64_t now_ns)
{
	req->error = 0;
	req->mark = disk->saved + disk->nr_cached;
	req->ready_ns =
		now_ns + qbd_rng_below(&disk->rng, disk->faults.latency_ns);
	if (qbd_rng_ppm(&disk->rng, disk->faults.stalled))
		req->ready_ns +=
			qbd_rng_below(&disk->rng, disk->faults.stall_ns);
	disk->pending = qbd_disk_grow(disk->pending, &disk->max_pending,
				      disk->nr_pending, sizeof(void *));
	disk->pending[disk->nr_pending++] = req;
}

uint32_t qbd_disk_pending(const struct qbd_disk *disk)
{
	return (uint32_t)disk->nr_pending;
}

uint64_t qbd_disk_next_ns(const struct qbd_disk *disk)
{
	uint64_t next_ns = UINT64_MAX;
	size_t i;

	for (i = 0; i < disk->nr_pending; i++)
		if (disk->pending[i]->ready_ns < next_ns)
			next_ns = disk->pending[i]->ready_ns;
	return next_ns;
}

static void qbd_disk_read(struct qbd_disk *disk, struct qbd_disk_req *req)
{
	uint8_t *buf = req->buf;
	uint32_t i;

	for (i = 0; i < req->blocks; i++)
		qbd_disk_peek(disk, req->block + i,
			      buf + (size_t)i * QBD_DISK_BLOCK);
}

/* Where a block of a write really goes, and what of it. */
static void qbd_disk_write_block(struct qbd_disk *disk, uint64_t block,
				 const uint8_t *data, bool fua)
{
	const struct qbd_disk_faults *f = &disk->faults;
	uint8_t copy[QBD_DISK_BLOCK];
	bool bad = block >= f->bad_first && block <= f->bad_last;

	if (bad && qbd_rng_ppm(&disk->rng, f->lost)) {
		disk->counts.bad++;
		return;
	}
	if (bad && qbd_rng_ppm(&disk->rng, f->misdirected)) {
		disk->counts.bad++;
		block = qbd_rng_range(&disk->rng, f->bad_first, f->bad_last);
	}
	if (bad && qbd_rng_ppm(&disk->rng, f->flipped)) {
		uint64_t bit = qbd_rng_below(&disk->rng, QBD_DISK_BLOCK * 8);

		disk->counts.bad++;
		memcpy(copy, data, sizeof(copy));
		copy[bit / 8] ^= 1U << (bit % 8);
		data = copy;
	}
	qbd_disk_store(disk, block, data, fua, 0xff);
}

static void qbd_disk_write(struct qbd_disk *disk, struct qbd_disk_req *req)
{
	static const uint8_t zero[QBD_DISK_BLOCK];
	const uint8_t *data = req->buf;
	uint32_t i;

	for (i = 0; i < req->blocks; i++) {
		const uint8_t *at = req->op == QBD_DISK_ZERO ?
					    zero :
					    data + (size_t)i * QBD_DISK_BLOCK;

		qbd_disk_write_block(disk, req->block + i, at, req->fua);
	}
}

/* Some sectors of a write arrive: it failed, or the power went. */
static void qbd_disk_write_torn(struct qbd_disk *disk, struct qbd_disk_req *req)
{
	static const uint8_t zero[QBD_DISK_BLOCK];
	const uint8_t *data = req->buf;
	uint32_t how = (uint32_t)qbd_rng_below(&disk->rng, 4);
	uint32_t i;

	for (i = 0; i < req->blocks; i++) {
		const uint8_t *at = req->op == QBD_DISK_ZERO ?
					    zero :
					    data + (size_t)i * QBD_DISK_BLOCK;
		uint8_t sectors = (uint8_t)qbd_rng_next(&disk->rng);

		/* All, nothing, whole blocks, or any sectors. */
		if (how < 2)
			sectors = how ? 0xff : 0;
		else if (how == 2)
			sectors = sectors & 1 ? 0xff : 0;
		if (sectors)
			qbd_disk_store(disk, req->block + i, at, true, sectors);
	}
}

static void qbd_disk_carry_out(struct qbd_disk *disk, struct qbd_disk_req *req)
{
	const struct qbd_disk_faults *f = &disk->faults;
	bool write = req->op == QBD_DISK_WRITE || req->op == QBD_DISK_ZERO;

	if (req->block + req->blocks > disk->blocks)
		abort();
	if ((req->op == QBD_DISK_READ &&
	     qbd_rng_ppm(&disk->rng, f->read_eio)) ||
	    (req->op == QBD_DISK_FLUSH &&
	     qbd_rng_ppm(&disk->rng, f->flush_eio)))
		req->error = -EIO;
	else if (write && qbd_rng_ppm(&disk->rng, f->write_eio))
		req->error = -EIO;
	if (req->error) {
		disk->counts.eio++;
		if (write)
			qbd_disk_write_torn(disk, req);
		return;
	}
	if (req->op == QBD_DISK_READ)
		qbd_disk_read(disk, req);
	else if (write)
		qbd_disk_write(disk, req);
	else
		qbd_disk_flush(disk, req->mark);
}

/* Return: false if no request is ready. */
bool qbd_disk_step(struct qbd_disk *disk, uint64_t now_ns)
{
	size_t start = qbd_rng_below(&disk->rng, disk->nr_pending);
	struct qbd_disk_req *req = NULL;
	size_t i, at = 0;

	for (i = 0; i < disk->nr_pending && !req; i++) {
		at = (start + i) % disk->nr_pending;
		if (disk->pending[at]->ready_ns <= now_ns)
			req = disk->pending[at];
	}
	if (!req)
		return false;
	disk->pending[at] = disk->pending[--disk->nr_pending];
	disk->counts.ops++;
	qbd_disk_carry_out(disk, req);
	req->done(req);
	return true;
}

void qbd_disk_cut(struct qbd_disk *disk)
{
	uint32_t keep = (uint32_t)qbd_rng_below(&disk->rng, 4) * 33;
	size_t i;
	uint32_t k;

	for (i = 0; i < disk->nr_pending; i++)
		if (disk->pending[i]->op == QBD_DISK_WRITE ||
		    disk->pending[i]->op == QBD_DISK_ZERO)
			qbd_disk_write_torn(disk, disk->pending[i]);
	disk->nr_pending = 0;
	for (i = 0; i < disk->nr_cached; i++) {
		uint64_t block = disk->cached[i].block;

		memcpy(disk->image[block], disk->base[block], QBD_DISK_BLOCK);
	}
	for (i = 0; i < disk->nr_cached; i++) {
		struct qbd_disk_cached *cached = &disk->cached[i];
		uint8_t *image = disk->image[cached->block];

		for (k = 0; k < QBD_DISK_SECTORS; k++) {
			size_t at = (size_t)k * QBD_DISK_SECTOR;

			if (cached->stable || qbd_rng_percent(&disk->rng, keep))
				memcpy(image + at, cached->data + at,
				       QBD_DISK_SECTOR);
		}
		qbd_disk_block_put(disk, cached->data);
		/* The power was off: nothing is volatile any more. */
		disk->nr_volatile[cached->block]--;
		memcpy(disk->base[cached->block], image, QBD_DISK_BLOCK);
	}
	disk->saved += disk->nr_cached;
	disk->nr_cached = 0;
}

/* --- at rest ----------------------------------------------------------- */

void qbd_disk_peek(const struct qbd_disk *disk, uint64_t block, void *buf)
{
	if (disk->image[block])
		memcpy(buf, disk->image[block], QBD_DISK_BLOCK);
	else
		memset(buf, QBD_DISK_JUNK, QBD_DISK_BLOCK);
}

void qbd_disk_poke(struct qbd_disk *disk, uint64_t block, const void *buf)
{
	memcpy(qbd_disk_image(disk, block), buf, QBD_DISK_BLOCK);
	if (disk->base[block])
		memcpy(disk->base[block], buf, QBD_DISK_BLOCK);
}

static void qbd_disk_block_copy(struct qbd_disk *disk, uint8_t **to,
				const uint8_t *from)
{
	if (!from) {
		qbd_disk_block_clear(disk, to);
		return;
	}
	if (!*to)
		*to = qbd_disk_block_get(disk);
	memcpy(*to, from, QBD_DISK_BLOCK);
}

void qbd_disk_keep(struct qbd_disk *disk)
{
	uint64_t i;

	for (i = 0; i < disk->blocks; i++)
		qbd_disk_block_copy(disk, &disk->kept[i], disk->image[i]);
}

/* After a cut: nothing is on its way, and nothing in the cache. */
void qbd_disk_back(struct qbd_disk *disk)
{
	uint64_t i;

	for (i = 0; i < disk->blocks; i++) {
		qbd_disk_block_copy(disk, &disk->image[i], disk->kept[i]);
		qbd_disk_block_clear(disk, &disk->base[i]);
		disk->nr_volatile[i] = 0;
	}
}

void qbd_disk_flip(struct qbd_disk *disk, uint64_t block, uint32_t bit)
{
	uint8_t data[QBD_DISK_BLOCK];

	qbd_disk_peek(disk, block, data);
	data[bit / 8] ^= (uint8_t)(1U << (bit % 8));
	qbd_disk_poke(disk, block, data);
}
