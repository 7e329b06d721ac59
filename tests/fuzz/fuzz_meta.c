// SPDX-License-Identifier: GPL-2.0-only
/*
 * Metadata pages from a hostile disk: any page of a small tree, its checksum
 * right. Table slots that are accepted are encoded again and must be the same
 * bytes. The first byte of the input is the page's number.
 */
#include "meta.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED 0x12345678U

static struct qbd_layout layout = {
	.chunk_shift = 6,
	.data_chunks = 3000,
	.meta.first = 1000,
};

static void table_page(u8 *block)
{
	struct qbd_disk_replica again;
	struct qbd_table_slot slot;
	u32 i;

	for (i = 0; i < QBD_TABLE_ENTRIES; i++) {
		struct qbd_disk_replica *disk = qbd_table_page_slot(block, i);

		if (qbd_table_decode(disk, &layout, &slot))
			continue;
		qbd_table_encode(&slot, &again);
		if (memcmp(disk, &again, sizeof(again)))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static u8 block[QBD_BLOCK_SIZE] __aligned(8);
	const struct qbd_disk_page *page = (const struct qbd_disk_page *)block;
	struct qbd_meta meta;
	void *mem;
	u32 no;

	if (!size || qbd_meta_geom_plan(&layout.meta, 3, 1000))
		return 0;
	mem = malloc(qbd_meta_size(&layout.meta));
	qbd_meta_init(&meta, &layout.meta, SEED, mem);
	/* A few of each kind: tables, maps, directories. */
	no = data[0] % 8;
	if (no >= 5)
		no = layout.meta.nr_pages - (8 - no);
	memset(block, 0, sizeof(block));
	memcpy(block, data + 1, min(size - 1, sizeof(block)));
	meta.cur[no].gen = max(1U, le32_to_cpu(page->gen));
	meta.cur[no].crc = qbd_block_crc(SEED, block, QBD_BLOCK_SIZE);
	if (qbd_meta_kind(&layout.meta, no) == QBD_PAGE_DIR) {
		if (qbd_meta_load_dir(&meta, no, block) > 0)
			abort();
	} else if (!qbd_meta_verify(&meta, no, block)) {
		if (no < layout.meta.table_pages)
			table_page(block);
		else if (qbd_map_page_check(block, layout.data_chunks) > 0)
			abort();
	}
	free(mem);
	return 0;
}
