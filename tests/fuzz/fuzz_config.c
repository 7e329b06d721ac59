// SPDX-License-Identifier: GPL-2.0-only
/*
 * Replica sets and table slots from a hostile disk, bare: what is accepted is
 * sound by its own check, and encodes to the same bytes.
 */
#include "table.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static struct qbd_layout layout = {
	.chunk_shift = 6,
	.data_chunks = 3000,
};

static void fuzz_set(const struct qbd_disk_config *disk)
{
	struct qbd_disk_config again;
	struct qbd_config config;

	if (qbd_config_decode(disk, &config))
		return;
	if (config.nr_old > QBD_SET_MAX || config.nr_new > QBD_SET_MAX ||
	    qbd_config_check(&config))
		abort();
	qbd_config_encode(&config, &again);
	if (memcmp(disk, &again, sizeof(again)))
		abort();
}

static void fuzz_slot(const struct qbd_disk_replica *disk)
{
	struct qbd_disk_replica again;
	struct qbd_table_slot slot;

	if (qbd_table_decode(disk, &layout, &slot))
		return;
	/* one that is not in use is all zero, and no slot to be written */
	if (slot.flags && qbd_table_check(&slot, &layout))
		abort();
	qbd_table_encode(&slot, &again);
	if (memcmp(disk, &again, sizeof(again)))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct qbd_disk_replica disk = { 0 };

	if (qbd_meta_geom_plan(&layout.meta, 3, 100))
		abort();
	memcpy(&disk, data, min(size, sizeof(disk)));
	fuzz_slot(&disk);
	fuzz_set(&disk.config);
	fuzz_set((const struct qbd_disk_config *)&disk);
	return 0;
}
