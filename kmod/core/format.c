// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making a store: the layout for a device, and the I/Os in their order.
 *
 * Looks at nothing that is on the device: whether it may be overwritten is
 * the caller's question.
 *
 * Context: any; in practice qbdctl, the simulator and tests.
 */
#include "format.h"
#include "store_limits.h"

/* Regions begin at multiples of 1 MiB: what flash and RAID stripes like. */
#define QBD_FORMAT_ALIGN 256ULL
/* Log: a sixteenth of the device, within 64 MiB and 4 GiB ... */
#define QBD_FORMAT_WAL_PART 16
#define QBD_FORMAT_WAL_MIN 16384ULL
#define QBD_FORMAT_WAL_MAX 1048576ULL
/* ... but never more than a quarter of a small one. */
#define QBD_FORMAT_WAL_SHARE 4
#define QBD_FORMAT_CHUNK_SHIFT 6
#define QBD_FORMAT_OVERCOMMIT 4
#define QBD_FORMAT_OVERCOMMIT_MAX 1000
/* Signatures at a device's end (GPT, md) lie within its last 64 KiB. */
#define QBD_FORMAT_END_BLOCKS 16

static u64 qbd_format_wal_blocks(const struct qbd_format_options *options)
{
	u64 dev_blocks = options->dev_blocks;
	u64 wal_blocks;

	if (options->wal_blocks)
		return options->wal_blocks;
	wal_blocks = clamp_t(u64, dev_blocks / QBD_FORMAT_WAL_PART,
			     QBD_FORMAT_WAL_MIN, QBD_FORMAT_WAL_MAX);
	wal_blocks = min_t(u64, wal_blocks, dev_blocks / QBD_FORMAT_WAL_SHARE);
	return round_down(wal_blocks, QBD_FORMAT_ALIGN);
}

/* Metadata region and, behind it, the chunks. */
static int qbd_format_plan_data(struct qbd_layout *layout, u32 replicas,
				u32 overcommit)
{
	u32 table_pages = replicas / QBD_TABLE_ENTRIES;
	u64 align = max_t(u64, QBD_FORMAT_ALIGN, 1ULL << layout->chunk_shift);
	u64 meta_first = layout->wal_first + layout->wal_blocks;
	u64 chunks, map_pages;
	int error;

	meta_first = round_up(meta_first, QBD_FORMAT_ALIGN);
	if (meta_first >= layout->dev_blocks)
		return -ENOSPC;
	/* Too many by what the metadata itself takes, which is little. */
	chunks = (layout->dev_blocks - meta_first) >> layout->chunk_shift;
	/* Each replica's last map page may be nearly empty. */
	map_pages = DIV_ROUND_UP_ULL(chunks * overcommit, QBD_MAP_ENTRIES) +
		    table_pages * QBD_TABLE_ENTRIES;
	layout->meta.first = meta_first;
	error = qbd_meta_geom_plan(&layout->meta, table_pages, map_pages);
	if (error)
		return error;
	layout->data_first =
		round_up(meta_first + 2 * (u64)layout->meta.nr_pages, align);
	if (layout->data_first >= layout->dev_blocks)
		return -ENOSPC;
	layout->data_chunks = (layout->dev_blocks - layout->data_first) >>
			      layout->chunk_shift;
	if (!layout->data_chunks)
		return -ENOSPC;
	return layout->data_chunks > U32_MAX ? -EFBIG : 0;
}

static int qbd_format_check_options(const struct qbd_format_options *options)
{
	if (options->wal_blocks && options->wal_blocks < QBD_WAL_BLOCKS_MIN)
		return -EINVAL;
	if (options->chunk_shift &&
	    (options->chunk_shift < QBD_CHUNK_SHIFT_MIN ||
	     options->chunk_shift > QBD_CHUNK_SHIFT_MAX))
		return -EINVAL;
	if (options->overcommit > QBD_FORMAT_OVERCOMMIT_MAX ||
	    options->replicas > QBD_STORE_REPLICAS_MAX)
		return -EINVAL;
	if (!options->run ||
	    mem_is_zero(options->store, sizeof(options->store)))
		return -EINVAL;
	return 0;
}

/**
 * qbd_format_plan() - divide a device
 * @format: result; @format->super.layout says how
 * @options: what is wanted
 *
 * Return: 0; -EINVAL if an option is out of its bounds; -ENOSPC if the device
 * is too small; -EFBIG if it is too large for this size of chunks.
 */
int qbd_format_plan(struct qbd_format *format,
		    const struct qbd_format_options *options)
{
	u32 overcommit = options->overcommit ?: QBD_FORMAT_OVERCOMMIT;
	u32 replicas = options->replicas ?: QBD_STORE_REPLICAS_MAX;
	struct qbd_super *super = &format->super;
	struct qbd_layout *layout = &super->layout;
	int error;

	error = qbd_format_check_options(options);
	if (error)
		return error;
	memset(format, 0, sizeof(*format));
	memcpy(super->cluster, options->cluster, sizeof(super->cluster));
	memcpy(super->store, options->store, sizeof(super->store));
	super->gen = 1;
	super->run = options->run;
	super->flags = QBD_SUPER_CLEAN;
	super->tail.seq = 1;
	super->known.seq = 1;
	super->carried = 1;
	layout->dev_blocks = options->dev_blocks;
	layout->chunk_shift = options->chunk_shift ?: QBD_FORMAT_CHUNK_SHIFT;
	layout->wal_first = QBD_FORMAT_ALIGN;
	layout->wal_blocks = qbd_format_wal_blocks(options);
	if (layout->wal_blocks < QBD_WAL_BLOCKS_MIN ||
	    layout->wal_blocks > layout->dev_blocks)
		return -ENOSPC;
	/* Whole table pages, not more slots than there may be replicas. */
	replicas = min_t(u32, roundup(replicas, QBD_TABLE_ENTRIES),
			 rounddown(QBD_STORE_REPLICAS_MAX, QBD_TABLE_ENTRIES));
	error = qbd_format_plan_data(layout, replicas, overcommit);
	if (error)
		return error;
	return QBD_CORE_BUG(qbd_super_check(super)) ? -EUCLEAN : 0;
}

static int qbd_format_super(const struct qbd_format *format, u32 slot,
			    void *block, struct qbd_io *io)
{
	/* A new tree has no pages: its roots say so. */
	static const struct qbd_meta_entry none[QBD_SUPER_ROOTS];

	io->op = QBD_IO_WRITE;
	io->fua = true;
	io->block = qbd_super_block(slot);
	io->blocks = 1;
	io->buf = block;
	return qbd_super_encode(&format->super, none, block);
}

/**
 * qbd_format_next() - next I/O that makes the store
 * @format: planned; call again when the I/O has ended well
 * @block: QBD_BLOCK_SIZE bytes, aligned to a block, for the I/O's use
 * @io: what to do
 *
 * Return: 1; 0 if the store is made; -EUCLEAN for a defect.
 */
int qbd_format_next(struct qbd_format *format, void *block, struct qbd_io *io)
{
	const struct qbd_layout *layout = &format->super.layout;
	int error = 0;

	memset(io, 0, sizeof(*io));
	switch (format->step++) {
	case 0:
		io->op = QBD_IO_ZERO;
		io->blocks = (u32)layout->wal_first;
		break;
	case 1:
		io->op = QBD_IO_ZERO;
		io->block = layout->dev_blocks - QBD_FORMAT_END_BLOCKS;
		io->blocks = QBD_FORMAT_END_BLOCKS;
		break;
	case 2:
		io->op = QBD_IO_FLUSH;
		break;
	case 3:
	case 4:
		error = qbd_format_super(format, format->step - 4, block, io);
		break;
	case 5:
		io->op = QBD_IO_FLUSH;
		break;
	default:
		return 0;
	}
	return error ? error : 1;
}
