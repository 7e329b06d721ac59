// SPDX-License-Identifier: GPL-2.0-only
/*
 * The superblock: encode, decode, validate, and the choice between its slots.
 *
 * Every field that later code uses to compute a place on the device is ranged
 * here, once; a struct qbd_super that came out of qbd_super_decode() is safe
 * to use.  Does no I/O and keeps no state.
 *
 * Context: any.
 */
#include "store_limits.h"
#include "super.h"
#include "table.h"

static_assert(sizeof(struct qbd_disk_lpos) == 24);
static_assert(offsetof(struct qbd_disk_lpos, lpos) == 0);
static_assert(offsetof(struct qbd_disk_lpos, seq) == 8);
static_assert(offsetof(struct qbd_disk_lpos, prev_crc) == 16);
static_assert(offsetof(struct qbd_disk_lpos, reserved) == 20);

static_assert(sizeof(struct qbd_disk_entry) == 8);
static_assert(offsetof(struct qbd_disk_entry, gen) == 0);
static_assert(offsetof(struct qbd_disk_entry, crc) == 4);

static_assert(sizeof(struct qbd_disk_super) == QBD_BLOCK_SIZE);
static_assert(offsetof(struct qbd_disk_super, magic) == 0);
static_assert(offsetof(struct qbd_disk_super, version) == 8);
static_assert(offsetof(struct qbd_disk_super, crc) == 12);
static_assert(offsetof(struct qbd_disk_super, compat) == 16);
static_assert(offsetof(struct qbd_disk_super, incompat) == 24);
static_assert(offsetof(struct qbd_disk_super, cluster) == 32);
static_assert(offsetof(struct qbd_disk_super, store) == 48);
static_assert(offsetof(struct qbd_disk_super, gen) == 64);
static_assert(offsetof(struct qbd_disk_super, opens) == 72);
static_assert(offsetof(struct qbd_disk_super, incarnation) == 80);
static_assert(offsetof(struct qbd_disk_super, run) == 88);
static_assert(offsetof(struct qbd_disk_super, node) == 96);
static_assert(offsetof(struct qbd_disk_super, flags) == 100);
static_assert(offsetof(struct qbd_disk_super, dev_blocks) == 104);
static_assert(offsetof(struct qbd_disk_super, wal_first) == 112);
static_assert(offsetof(struct qbd_disk_super, wal_blocks) == 120);
static_assert(offsetof(struct qbd_disk_super, meta_first) == 128);
static_assert(offsetof(struct qbd_disk_super, meta_pages) == 136);
static_assert(offsetof(struct qbd_disk_super, data_first) == 144);
static_assert(offsetof(struct qbd_disk_super, data_chunks) == 152);
static_assert(offsetof(struct qbd_disk_super, chunk_shift) == 160);
static_assert(offsetof(struct qbd_disk_super, meta_levels) == 164);
static_assert(offsetof(struct qbd_disk_super, table_pages) == 168);
static_assert(offsetof(struct qbd_disk_super, nr_roots) == 172);
static_assert(offsetof(struct qbd_disk_super, level_pages) == 176);
static_assert(offsetof(struct qbd_disk_super, tail) == 192);
static_assert(offsetof(struct qbd_disk_super, known) == 216);
static_assert(offsetof(struct qbd_disk_super, carried) == 240);
static_assert(offsetof(struct qbd_disk_super, reserved) == 248);
static_assert(offsetof(struct qbd_disk_super, root) == 512);

#define QBD_SUPER_CRC_OFFSET offsetof(struct qbd_disk_super, crc)

/* Far beyond any device, far from where sums of positions could wrap. */
#define QBD_DEV_BLOCKS_MAX BIT_ULL(48)
#define QBD_LPOS_MAX BIT_ULL(62)

/*
 * Where counters and positions of a store that is opened end: they go on from
 * there, and must not reach what qbd_super_encode() refuses, for then it is
 * too late. No store that was only used gets here.
 */
#define QBD_SUPER_COUNT_MAX BIT_ULL(61)

/**
 * qbd_layout_check() - do the regions fit each other and the device?
 * @layout: regions, not trusted
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_layout_check(const struct qbd_layout *layout)
{
	u64 wal_end, meta_end, data_blocks;

	if (layout->dev_blocks > QBD_DEV_BLOCKS_MAX ||
	    layout->wal_first > layout->dev_blocks ||
	    layout->wal_blocks > layout->dev_blocks ||
	    layout->meta.first > layout->dev_blocks ||
	    layout->data_first > layout->dev_blocks ||
	    layout->data_chunks > U32_MAX)
		return -EUCLEAN;
	if (layout->chunk_shift < QBD_CHUNK_SHIFT_MIN ||
	    layout->chunk_shift > QBD_CHUNK_SHIFT_MAX)
		return -EUCLEAN;
	if (qbd_meta_geom_check(&layout->meta))
		return -EUCLEAN;
	if (qbd_table_slots(&layout->meta) > QBD_STORE_REPLICAS_MAX)
		return -EUCLEAN;
	wal_end = layout->wal_first + layout->wal_blocks;
	meta_end = layout->meta.first + 2 * (u64)layout->meta.nr_pages;
	data_blocks = layout->data_chunks << layout->chunk_shift;
	if (layout->wal_first <= QBD_SUPER_BLOCK_1 ||
	    layout->wal_blocks < QBD_WAL_BLOCKS_MIN ||
	    layout->meta.first < wal_end || layout->data_first < meta_end)
		return -EUCLEAN;
	if (!layout->data_chunks ||
	    layout->data_first + data_blocks > layout->dev_blocks)
		return -EUCLEAN;
	return 0;
}

static bool qbd_lpos_valid(const struct qbd_lpos *at)
{
	if (!at->seq || at->lpos > QBD_LPOS_MAX || at->seq > QBD_LPOS_MAX)
		return false;
	/* Before the first segment there is nothing. */
	if (at->seq == 1)
		return !at->lpos && !at->prev_crc;
	return at->lpos >= at->seq - 1;
}

static int qbd_super_check_log(const struct qbd_super *super)
{
	const struct qbd_lpos *tail = &super->tail;
	const struct qbd_lpos *known = &super->known;

	if (!qbd_lpos_valid(tail) || !qbd_lpos_valid(known))
		return -EUCLEAN;
	if (tail->lpos > known->lpos || tail->seq > known->seq)
		return -EUCLEAN;
	if (known->lpos - tail->lpos > super->layout.wal_blocks)
		return -EUCLEAN;
	/* A segment has a block at least, and as many segments, as many. */
	if (known->lpos - tail->lpos < known->seq - tail->seq)
		return -EUCLEAN;
	if (known->seq == tail->seq &&
	    (known->lpos != tail->lpos || known->prev_crc != tail->prev_crc))
		return -EUCLEAN;
	if (!super->carried || super->carried > known->seq)
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_super_check() - is this a superblock that could be used?
 * @super: superblock in host form, not trusted
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_super_check(const struct qbd_super *super)
{
	int error = qbd_layout_check(&super->layout);

	if (error)
		return error;
	if (super->flags & ~QBD_SUPER_ALL)
		return -EUCLEAN;
	if (mem_is_zero(super->store, sizeof(super->store)))
		return -EUCLEAN;
	if (!super->gen || super->gen > QBD_LPOS_MAX ||
	    super->opens > QBD_LPOS_MAX || !super->run)
		return -EUCLEAN;
	if (super->opens && !super->incarnation)
		return -EUCLEAN;
	return qbd_super_check_log(super);
}

static void qbd_lpos_encode(const struct qbd_lpos *at,
			    struct qbd_disk_lpos *disk)
{
	disk->lpos = cpu_to_le64(at->lpos);
	disk->seq = cpu_to_le64(at->seq);
	disk->prev_crc = cpu_to_le32(at->prev_crc);
	disk->reserved = 0;
}

static void qbd_lpos_decode(const struct qbd_disk_lpos *disk,
			    struct qbd_lpos *at)
{
	at->lpos = le64_to_cpu(disk->lpos);
	at->seq = le64_to_cpu(disk->seq);
	at->prev_crc = le32_to_cpu(disk->prev_crc);
}

static void qbd_layout_encode(const struct qbd_layout *layout,
			      struct qbd_disk_super *disk)
{
	const struct qbd_meta_geom *meta = &layout->meta;
	u32 i;

	disk->dev_blocks = cpu_to_le64(layout->dev_blocks);
	disk->wal_first = cpu_to_le64(layout->wal_first);
	disk->wal_blocks = cpu_to_le64(layout->wal_blocks);
	disk->meta_first = cpu_to_le64(meta->first);
	disk->meta_pages = cpu_to_le64(meta->nr_pages);
	disk->data_first = cpu_to_le64(layout->data_first);
	disk->data_chunks = cpu_to_le64(layout->data_chunks);
	disk->chunk_shift = cpu_to_le32(layout->chunk_shift);
	disk->meta_levels = cpu_to_le32(meta->levels);
	disk->table_pages = cpu_to_le32(meta->table_pages);
	disk->nr_roots = cpu_to_le32(meta->level_pages[meta->levels]);
	for (i = 0; i <= QBD_META_LEVELS_MAX; i++)
		disk->level_pages[i] = cpu_to_le32(meta->level_pages[i]);
}

static int qbd_layout_decode(const struct qbd_disk_super *disk,
			     struct qbd_layout *layout)
{
	struct qbd_meta_geom *meta = &layout->meta;
	int error;
	u32 i;

	layout->dev_blocks = le64_to_cpu(disk->dev_blocks);
	layout->wal_first = le64_to_cpu(disk->wal_first);
	layout->wal_blocks = le64_to_cpu(disk->wal_blocks);
	meta->first = le64_to_cpu(disk->meta_first);
	if (le64_to_cpu(disk->meta_pages) > U32_MAX)
		return -EUCLEAN;
	meta->nr_pages = (u32)le64_to_cpu(disk->meta_pages);
	layout->data_first = le64_to_cpu(disk->data_first);
	layout->data_chunks = le64_to_cpu(disk->data_chunks);
	layout->chunk_shift = le32_to_cpu(disk->chunk_shift);
	meta->levels = le32_to_cpu(disk->meta_levels);
	meta->table_pages = le32_to_cpu(disk->table_pages);
	for (i = 0; i <= QBD_META_LEVELS_MAX; i++)
		meta->level_pages[i] = le32_to_cpu(disk->level_pages[i]);
	error = qbd_layout_check(layout);
	if (error)
		return error;
	if (le32_to_cpu(disk->nr_roots) != meta->level_pages[meta->levels])
		return -EUCLEAN;
	return 0;
}

static int qbd_super_check_roots(const struct qbd_disk_super *disk, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (!disk->root[i].gen && disk->root[i].crc)
			return -EUCLEAN;
	if (!mem_is_zero(disk->root + nr,
			 (QBD_SUPER_ROOTS - nr) * sizeof(disk->root[0])))
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_super_decode() - superblock from the disk
 * @block: QBD_BLOCK_SIZE bytes
 * @super: result, undefined after an error
 *
 * Return: 0; -ENXIO if this is no superblock at all; -EBADMSG if it is
 * damaged; -EPROTONOSUPPORT if only a later version can use it; -EUCLEAN if
 * it is whole and makes no sense.
 */
int qbd_super_decode(const void *block, struct qbd_super *super)
{
	const struct qbd_disk_super *disk = block;
	int error;

	if (le64_to_cpu(disk->magic) != QBD_SUPER_MAGIC)
		return -ENXIO;
	/* First: a flipped bit is not another version of the format. */
	if (qbd_block_crc(qbd_block_seed(disk->store), block,
			  QBD_SUPER_CRC_OFFSET) != le32_to_cpu(disk->crc))
		return -EBADMSG;
	if (le32_to_cpu(disk->version) != QBD_FORMAT_VERSION || disk->incompat)
		return -EPROTONOSUPPORT;
	if (!mem_is_zero(disk->reserved, sizeof(disk->reserved)) ||
	    disk->tail.reserved || disk->known.reserved)
		return -EUCLEAN;
	memset(super, 0, sizeof(*super));
	memcpy(super->cluster, disk->cluster, sizeof(super->cluster));
	memcpy(super->store, disk->store, sizeof(super->store));
	super->compat = le64_to_cpu(disk->compat);
	super->gen = le64_to_cpu(disk->gen);
	super->opens = le64_to_cpu(disk->opens);
	super->incarnation = le64_to_cpu(disk->incarnation);
	super->run = le64_to_cpu(disk->run);
	super->node = le32_to_cpu(disk->node);
	super->flags = le32_to_cpu(disk->flags);
	super->carried = le64_to_cpu(disk->carried);
	qbd_lpos_decode(&disk->tail, &super->tail);
	qbd_lpos_decode(&disk->known, &super->known);
	error = qbd_layout_decode(disk, &super->layout);
	if (error)
		return error;
	error = qbd_super_check_roots(disk, le32_to_cpu(disk->nr_roots));
	return error ? error : qbd_super_check(super);
}

/**
 * qbd_super_roots() - the metadata tree's roots in a superblock
 * @block: a block that qbd_super_decode() accepted
 * @roots: the first @nr entries
 * @nr: at most as many as the highest level has pages
 */
void qbd_super_roots(const void *block, struct qbd_meta_entry *roots, u32 nr)
{
	const struct qbd_disk_super *disk = block;
	u32 i;

	for (i = 0; i < min_t(u32, nr, QBD_SUPER_ROOTS); i++) {
		roots[i].gen = le32_to_cpu(disk->root[i].gen);
		roots[i].crc = le32_to_cpu(disk->root[i].crc);
	}
}

/**
 * qbd_super_encode() - superblock for the disk
 * @super: superblock in host form
 * @roots: from qbd_meta_roots()
 * @block: QBD_BLOCK_SIZE bytes
 *
 * Return: 0; -EUCLEAN if it would not be accepted when read again, which is
 * a defect of the caller: such a block must not be written.
 */
int qbd_super_encode(const struct qbd_super *super,
		     const struct qbd_meta_entry *roots, void *block)
{
	u32 nr_roots =
		super->layout.meta.level_pages[super->layout.meta.levels];
	struct qbd_disk_super *disk = block;
	struct qbd_super again;
	u32 i;

	memset(block, 0, QBD_BLOCK_SIZE);
	if (QBD_CORE_BUG(qbd_super_check(super)))
		return -EUCLEAN;
	disk->magic = cpu_to_le64(QBD_SUPER_MAGIC);
	disk->version = cpu_to_le32(QBD_FORMAT_VERSION);
	disk->compat = cpu_to_le64(super->compat);
	memcpy(disk->cluster, super->cluster, sizeof(disk->cluster));
	memcpy(disk->store, super->store, sizeof(disk->store));
	disk->gen = cpu_to_le64(super->gen);
	disk->opens = cpu_to_le64(super->opens);
	disk->incarnation = cpu_to_le64(super->incarnation);
	disk->run = cpu_to_le64(super->run);
	disk->node = cpu_to_le32(super->node);
	disk->flags = cpu_to_le32(super->flags);
	disk->carried = cpu_to_le64(super->carried);
	qbd_layout_encode(&super->layout, disk);
	qbd_lpos_encode(&super->tail, &disk->tail);
	qbd_lpos_encode(&super->known, &disk->known);
	for (i = 0; i < nr_roots; i++) {
		disk->root[i].gen = cpu_to_le32(roots[i].gen);
		disk->root[i].crc = cpu_to_le32(roots[i].crc);
	}
	disk->crc = cpu_to_le32(qbd_block_crc(qbd_block_seed(disk->store),
					      block, QBD_SUPER_CRC_OFFSET));
	return QBD_CORE_BUG(qbd_super_decode(block, &again)) ? -EUCLEAN : 0;
}

/* A slot that is to be gone on from; see QBD_SUPER_COUNT_MAX. */
static int qbd_super_load(const void *block, struct qbd_super *super)
{
	int error = qbd_super_decode(block, super);

	if (error)
		return error;
	if (max(super->gen, super->opens) > QBD_SUPER_COUNT_MAX ||
	    max(super->known.seq, super->known.lpos) > QBD_SUPER_COUNT_MAX)
		return -EUCLEAN;
	return 0;
}

/* Both slots are valid: which one is newer, and do they belong together? */
static int qbd_super_choose_newer(const void *block0, const void *block1,
				  const struct qbd_super *other,
				  struct qbd_super_choice *choice)
{
	const size_t layout = offsetof(struct qbd_disk_super, dev_blocks);
	const size_t layout_end = offsetof(struct qbd_disk_super, tail);
	const struct qbd_super *super = &choice->super;

	choice->differ = memcmp(block0, block1, QBD_BLOCK_SIZE) != 0;
	if (memcmp(super->store, other->store, sizeof(super->store)) ||
	    memcmp(super->cluster, other->cluster, sizeof(super->cluster)) ||
	    memcmp(block0 + layout, block1 + layout, layout_end - layout))
		return -EUCLEAN;
	/* One generation, two contents: somebody else wrote one of them. */
	if (super->gen == other->gen && choice->differ)
		return -EUCLEAN;
	if (super->gen < other->gen) {
		choice->lost_write = true;
		choice->slot = 1;
		choice->super = *other;
	}
	return 0;
}

/**
 * qbd_super_choose() - which slot is the store's state?
 * @block0: QBD_BLOCK_SIZE bytes from slot 0; NULL if it can not be read
 * @block1: the same from slot 1
 * @choice: result, also why a slot was not chosen
 *
 * Return: 0; -ENXIO if neither is a superblock; -EBADMSG if none is whole;
 * -EPROTONOSUPPORT if a later version wrote here; -EUCLEAN if the two
 * contradict each other; -EIO if none can be read.
 */
int qbd_super_choose(const void *block0, const void *block1,
		     struct qbd_super_choice *choice)
{
	struct qbd_super other;
	int *error = choice->error;

	memset(choice, 0, sizeof(*choice));
	choice->slot = QBD_SUPER_NO_SLOT;
	error[0] = block0 ? qbd_super_load(block0, &choice->super) : -EIO;
	error[1] = block1 ? qbd_super_load(block1, &other) : -EIO;
	if (error[0] == -EPROTONOSUPPORT || error[1] == -EPROTONOSUPPORT)
		return -EPROTONOSUPPORT;
	if (!error[0]) {
		choice->slot = 0;
		if (error[1])
			return 0;
		return qbd_super_choose_newer(block0, block1, &other, choice);
	}
	if (!error[1]) {
		choice->slot = 1;
		choice->super = other;
		return 0;
	}
	if (error[0] == -ENXIO && error[1] == -ENXIO)
		return -ENXIO;
	if (error[0] == -EUCLEAN || error[1] == -EUCLEAN)
		return -EUCLEAN;
	if (error[0] == -EBADMSG || error[1] == -EBADMSG)
		return -EBADMSG;
	return -EIO;
}
