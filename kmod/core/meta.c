// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metadata tree: entries, marks and the batches of a checkpoint.
 *
 * See meta.h for the life of a batch.  Does no I/O and looks into no page but
 * directory pages, whose contents are the entries that are kept here anyway.
 *
 * Context: any; under the store's lock, or by the only owner at open.
 */
#include "meta.h"
#include "table.h"

#define QBD_META_NONE U32_MAX

/**
 * qbd_meta_level_first() - first page of a level
 * @geom: shape of the tree
 * @level: 0 to @geom->levels
 *
 * Return: page number.
 */
u32 qbd_meta_level_first(const struct qbd_meta_geom *geom, u32 level)
{
	u32 first = 0;
	u32 i;

	for (i = 0; i < level; i++)
		first += geom->level_pages[i];
	return first;
}

/**
 * qbd_meta_level() - level of a page
 * @geom: shape of the tree
 * @no: page
 *
 * Return: 0 for table and map pages, above for directory pages.
 */
u32 qbd_meta_level(const struct qbd_meta_geom *geom, u32 no)
{
	u32 level = 0;

	while (level < geom->levels && no >= geom->level_pages[level])
		no -= geom->level_pages[level++];
	return level;
}

/**
 * qbd_meta_kind() - what a page holds
 * @geom: shape of the tree
 * @no: page
 *
 * Return: the kind.
 */
enum qbd_page_kind qbd_meta_kind(const struct qbd_meta_geom *geom, u32 no)
{
	if (no < geom->table_pages)
		return QBD_PAGE_TABLE;
	return no < geom->level_pages[0] ? QBD_PAGE_MAP : QBD_PAGE_DIR;
}

/**
 * qbd_meta_geom_check() - is this the shape of a tree?
 * @geom: shape, not trusted
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_meta_geom_check(const struct qbd_meta_geom *geom)
{
	u64 pages = 0;
	u32 level;

	if (!geom->levels || geom->levels > QBD_META_LEVELS_MAX)
		return -EUCLEAN;
	if (!geom->table_pages || geom->table_pages >= geom->level_pages[0])
		return -EUCLEAN;
	for (level = 0; level <= QBD_META_LEVELS_MAX; level++) {
		pages += geom->level_pages[level];
		if (level > geom->levels && geom->level_pages[level])
			return -EUCLEAN;
		if (level == 0 || level > geom->levels)
			continue;
		if (geom->level_pages[level] !=
		    DIV_ROUND_UP_ULL(geom->level_pages[level - 1],
				     QBD_DIR_ENTRIES))
			return -EUCLEAN;
	}
	if (geom->level_pages[geom->levels] > QBD_SUPER_ROOTS)
		return -EUCLEAN;
	if (pages != geom->nr_pages || pages > QBD_META_PAGES_MAX)
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_meta_geom_plan() - the shape for so many pages
 * @geom: shape; all but @geom->first is set
 * @table_pages: pages of the replica table
 * @map_pages: map pages of all replicas
 *
 * Return: 0, or -EFBIG.
 */
int qbd_meta_geom_plan(struct qbd_meta_geom *geom, u32 table_pages,
		       u64 map_pages)
{
	u64 pages = table_pages + map_pages;
	u32 level;

	if (pages > QBD_META_PAGES_MAX)
		return -EFBIG;
	geom->table_pages = table_pages;
	geom->nr_pages = (u32)pages;
	geom->levels = 0;
	memset(geom->level_pages, 0, sizeof(geom->level_pages));
	geom->level_pages[0] = (u32)pages;
	for (level = 1; level <= QBD_META_LEVELS_MAX; level++) {
		pages = DIV_ROUND_UP_ULL(pages, QBD_DIR_ENTRIES);
		geom->level_pages[level] = (u32)pages;
		geom->nr_pages += (u32)pages;
		geom->levels = level;
		if (pages <= QBD_SUPER_ROOTS)
			break;
	}
	return qbd_meta_geom_check(geom) ? -EFBIG : 0;
}

static size_t qbd_meta_bitmap_bytes(const struct qbd_meta_geom *geom)
{
	return BITS_TO_LONGS(geom->nr_pages) * sizeof(unsigned long);
}

/**
 * qbd_meta_size() - memory that qbd_meta_init() wants
 * @geom: shape, checked
 *
 * Return: bytes.
 */
size_t qbd_meta_size(const struct qbd_meta_geom *geom)
{
	return 2 * sizeof(struct qbd_meta_entry) * geom->nr_pages +
	       4 * qbd_meta_bitmap_bytes(geom);
}

/**
 * qbd_meta_init() - make an empty tree
 * @meta: the tree
 * @geom: shape, checked
 * @seed: of the store's block checksums
 * @mem: qbd_meta_size() bytes, aligned to a long, need not be zero
 */
void qbd_meta_init(struct qbd_meta *meta, const struct qbd_meta_geom *geom,
		   u32 seed, void *mem)
{
	size_t bitmap_bytes = qbd_meta_bitmap_bytes(geom);
	u8 *bytes = mem;

	memset(mem, 0, qbd_meta_size(geom));
	memset(meta, 0, sizeof(*meta));
	meta->geom = *geom;
	meta->seed = seed;
	meta->pending = QBD_META_NONE;
	meta->marked = (unsigned long *)bytes;
	meta->zeroed = (unsigned long *)(bytes + bitmap_bytes);
	meta->batch = (unsigned long *)(bytes + 2 * bitmap_bytes);
	meta->sealed = (unsigned long *)(bytes + 3 * bitmap_bytes);
	meta->cur = (struct qbd_meta_entry *)(bytes + 4 * bitmap_bytes);
	meta->next = meta->cur + geom->nr_pages;
}

/* Pages of the level below that a directory page has entries for. */
static u32 qbd_meta_children(const struct qbd_meta_geom *geom, u32 no,
			     u32 *first)
{
	u32 level = qbd_meta_level(geom, no);
	u32 begin = (no - qbd_meta_level_first(geom, level)) * QBD_DIR_ENTRIES;

	*first = qbd_meta_level_first(geom, level - 1) + begin;
	return min_t(u32, geom->level_pages[level - 1] - begin,
		     QBD_DIR_ENTRIES);
}

static void qbd_meta_entry_set(struct qbd_meta *meta, u32 no,
			       struct qbd_meta_entry entry)
{
	meta->cur[no] = entry;
	meta->next[no] = entry;
}

/**
 * qbd_meta_load_roots() - take over the entries of the superblock
 * @meta: the tree
 * @roots: entries of the highest level's pages
 */
void qbd_meta_load_roots(struct qbd_meta *meta,
			 const struct qbd_meta_entry *roots)
{
	u32 first = qbd_meta_level_first(&meta->geom, meta->geom.levels);
	u32 i;

	for (i = 0; i < meta->geom.level_pages[meta->geom.levels]; i++)
		qbd_meta_entry_set(meta, first + i, roots[i]);
}

/**
 * qbd_meta_verify() - is this block the page that its parent means?
 * @meta: the tree, with the page's entry loaded
 * @no: page, ever written
 * @block: QBD_BLOCK_SIZE bytes from its place
 *
 * Return: 0; -EBADMSG if the checksum is not the parent's; -EUCLEAN if it is,
 * but the page says that it is another one.
 */
int qbd_meta_verify(const struct qbd_meta *meta, u32 no, const void *block)
{
	const struct qbd_disk_page *page = block;
	struct qbd_meta_entry entry = meta->cur[no];
	enum qbd_page_kind kind = qbd_meta_kind(&meta->geom, no);

	if (QBD_CORE_BUG(!entry.gen))
		return -EUCLEAN;
	if (qbd_block_crc(meta->seed, block, QBD_BLOCK_SIZE) != entry.crc)
		return -EBADMSG;
	if (le32_to_cpu(page->magic) != QBD_PAGE_MAGIC || page->reserved)
		return -EUCLEAN;
	if (le32_to_cpu(page->kind) != kind || le32_to_cpu(page->no) != no ||
	    le32_to_cpu(page->gen) != entry.gen)
		return -EUCLEAN;
	if (kind == QBD_PAGE_MAP ? !page->owner : page->owner != 0)
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_meta_load_dir() - take over the entries of a directory page
 * @meta: the tree, with the page's own entry loaded
 * @no: page, a directory
 * @block: QBD_BLOCK_SIZE bytes from its place
 *
 * Return: 0, or as qbd_meta_verify().
 */
int qbd_meta_load_dir(struct qbd_meta *meta, u32 no, const void *block)
{
	const struct qbd_disk_entry *disk =
		block + sizeof(struct qbd_disk_page);
	struct qbd_meta_entry entry;
	u32 first, nr, i;
	int error;

	if (QBD_CORE_BUG(qbd_meta_kind(&meta->geom, no) != QBD_PAGE_DIR))
		return -EINVAL;
	error = qbd_meta_verify(meta, no, block);
	if (error)
		return error;
	nr = qbd_meta_children(&meta->geom, no, &first);
	for (i = 0; i < QBD_DIR_ENTRIES; i++) {
		entry.gen = le32_to_cpu(disk[i].gen);
		entry.crc = le32_to_cpu(disk[i].crc);
		if ((!entry.gen || i >= nr) && (entry.gen || entry.crc))
			return -EUCLEAN;
		if (i < nr)
			qbd_meta_entry_set(meta, first + i, entry);
	}
	return 0;
}

/**
 * qbd_meta_mark() - the page has to be written with the next batch
 * @meta: the tree
 * @no: table or map page
 */
void qbd_meta_mark(struct qbd_meta *meta, u32 no)
{
	if (QBD_CORE_BUG(no >= meta->geom.level_pages[0]))
		return;
	if (!__test_and_set_bit(no, meta->marked))
		meta->nr_marked++;
	__clear_bit(no, meta->zeroed);
}

/**
 * qbd_meta_zero() - the page becomes all zero with the next batch
 * @meta: the tree
 * @no: map page; its content no longer counts
 */
void qbd_meta_zero(struct qbd_meta *meta, u32 no)
{
	qbd_meta_mark(meta, no);
	__set_bit(no, meta->zeroed);
}

static void qbd_meta_batch_parents(struct qbd_meta *meta, u32 no)
{
	u32 level = qbd_meta_level(&meta->geom, no);
	u32 pos = no - qbd_meta_level_first(&meta->geom, level);

	while (level < meta->geom.levels) {
		level++;
		pos /= QBD_DIR_ENTRIES;
		__set_bit(qbd_meta_level_first(&meta->geom, level) + pos,
			  meta->batch);
	}
}

/**
 * qbd_meta_begin() - begin a batch of all marked pages
 * @meta: the tree, not within a batch
 */
void qbd_meta_begin(struct qbd_meta *meta)
{
	unsigned long no;

	if (QBD_CORE_BUG(meta->in_batch))
		return;
	meta->in_batch = true;
	meta->cursor = 0;
	meta->nr_marked = 0;
	for_each_set_bit(no, meta->marked, meta->geom.level_pages[0]) {
		__clear_bit(no, meta->marked);
		if (!__test_and_clear_bit(no, meta->zeroed)) {
			__set_bit(no, meta->batch);
		} else {
			if (!meta->cur[no].gen)
				continue; /* it never was anything else */
			meta->next[no] = (struct qbd_meta_entry){ 0 };
			__set_bit(no, meta->sealed);
		}
		qbd_meta_batch_parents(meta, (u32)no);
	}
}

/**
 * qbd_meta_next() - next page of the batch, bottom-up
 * @meta: the tree, within a batch; the page yielded before is sealed
 * @no: page to be filled and sealed
 *
 * Return: false if there is none left.
 */
bool qbd_meta_next(struct qbd_meta *meta, u32 *no)
{
	unsigned long found;

	if (QBD_CORE_BUG(!meta->in_batch || meta->pending != QBD_META_NONE))
		return false;
	found = find_next_bit(meta->batch, meta->geom.nr_pages, meta->cursor);
	if (found >= meta->geom.nr_pages)
		return false;
	__clear_bit(found, meta->batch);
	meta->cursor = (u32)found + 1;
	meta->pending = (u32)found;
	*no = (u32)found;
	return true;
}

/**
 * qbd_meta_fill_dir() - make the contents of a directory page
 * @meta: the tree
 * @no: page, a directory, yielded by qbd_meta_next()
 * @block: QBD_BLOCK_SIZE bytes
 */
void qbd_meta_fill_dir(const struct qbd_meta *meta, u32 no, void *block)
{
	struct qbd_disk_entry *disk = block + sizeof(struct qbd_disk_page);
	u32 first, nr, i;

	memset(block, 0, QBD_BLOCK_SIZE);
	if (QBD_CORE_BUG(qbd_meta_kind(&meta->geom, no) != QBD_PAGE_DIR))
		return;
	nr = qbd_meta_children(&meta->geom, no, &first);
	for (i = 0; i < nr; i++) {
		disk[i].gen = cpu_to_le32(meta->next[first + i].gen);
		disk[i].crc = cpu_to_le32(meta->next[first + i].crc);
	}
}

/* Generation 0 means never written, and each write changes the low bit. */
static u32 qbd_meta_gen_next(u32 gen)
{
	return gen == U32_MAX ? 2 : gen + 1;
}

/**
 * qbd_meta_seal() - make a filled block the page's next version
 * @meta: the tree
 * @no: page, yielded by qbd_meta_next()
 * @owner: replica id of a map page, else 0
 * @block: QBD_BLOCK_SIZE bytes, contents filled in; its head is set here
 * @dev_block: where to write it
 *
 * Return: 0; -EUCLEAN if a map page would not be accepted when read again.
 */
int qbd_meta_seal(struct qbd_meta *meta, u32 no, u64 owner, void *block,
		  u64 *dev_block)
{
	enum qbd_page_kind kind = qbd_meta_kind(&meta->geom, no);
	u32 gen = qbd_meta_gen_next(meta->cur[no].gen);
	struct qbd_disk_page *page = block;

	if (QBD_CORE_BUG(!meta->in_batch || meta->pending != no))
		return -EINVAL;
	if (QBD_CORE_BUG(kind == QBD_PAGE_MAP ? !owner : owner != 0))
		return -EUCLEAN;
	if (kind == QBD_PAGE_MAP &&
	    QBD_CORE_BUG(qbd_map_page_check(block, U64_MAX)))
		return -EUCLEAN;
	page->magic = cpu_to_le32(QBD_PAGE_MAGIC);
	page->kind = cpu_to_le32(kind);
	page->gen = cpu_to_le32(gen);
	page->no = cpu_to_le32(no);
	page->owner = cpu_to_le64(owner);
	page->reserved = 0;
	meta->next[no].gen = gen;
	meta->next[no].crc = qbd_block_crc(meta->seed, block, QBD_BLOCK_SIZE);
	__set_bit(no, meta->sealed);
	meta->pending = QBD_META_NONE;
	*dev_block = qbd_meta_block(&meta->geom, no, gen);
	return 0;
}

/**
 * qbd_meta_roots() - entries for the superblock
 * @meta: the tree; within a batch only after its last page was sealed
 *
 * Return: entries of the highest level's pages.
 */
const struct qbd_meta_entry *qbd_meta_roots(const struct qbd_meta *meta)
{
	return meta->next +
	       qbd_meta_level_first(&meta->geom, meta->geom.levels);
}

/**
 * qbd_meta_commit() - the superblock with the batch's roots is on the disk
 * @meta: the tree, within a batch of which nothing is left
 */
void qbd_meta_commit(struct qbd_meta *meta)
{
	unsigned long no;

	if (QBD_CORE_BUG(!meta->in_batch || meta->pending != QBD_META_NONE))
		return;
	for_each_set_bit(no, meta->sealed, meta->geom.nr_pages) {
		meta->cur[no] = meta->next[no];
		__clear_bit(no, meta->sealed);
	}
	meta->in_batch = false;
}

/**
 * qbd_meta_abort() - the batch is given up; its pages are marked again
 * @meta: the tree, within a batch whose roots are in no superblock
 */
void qbd_meta_abort(struct qbd_meta *meta)
{
	u32 level0 = meta->geom.level_pages[0];
	unsigned long no;
	bool zero;

	if (QBD_CORE_BUG(!meta->in_batch))
		return;
	if (meta->pending != QBD_META_NONE)
		__set_bit(meta->pending, meta->batch);
	meta->pending = QBD_META_NONE;
	for_each_set_bit(no, meta->batch, meta->geom.nr_pages) {
		__clear_bit(no, meta->batch);
		if (no < level0)
			qbd_meta_mark(meta, (u32)no);
	}
	for_each_set_bit(no, meta->sealed, meta->geom.nr_pages) {
		__clear_bit(no, meta->sealed);
		zero = !meta->next[no].gen && !test_bit(no, meta->marked);
		meta->next[no] = meta->cur[no];
		if (no < level0 && zero)
			qbd_meta_zero(meta, (u32)no);
		else if (no < level0 && !test_bit(no, meta->marked))
			qbd_meta_mark(meta, (u32)no);
	}
	meta->in_batch = false;
}
