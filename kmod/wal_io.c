// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bios of the log: a segment is written, a record's payload is read back.
 *
 * A segment is a stream of pages, its header's and those of the payloads; it
 * goes to one place on the device, or to two if it wraps round the end of the
 * log, and needs a bio for each 256 of its pages.  Each bio carries FUA: all
 * of them together prove the segment, and none proves anything alone, so
 * there is no order between them, and no flush.
 *
 * Context: may sleep for bios, GFP_NOIO, never for more than one at a time.
 */
#include <linux/bio.h>
#include <linux/delay.h>
#include <linux/highmem.h>
#include "core/block.h"
#include "fault.h"
#include "store_object.h"

#define QBD_WAL_OPF (REQ_OP_WRITE | REQ_SYNC | REQ_IDLE | REQ_FUA)

/**
 * struct qbd_wal_pages - where in the stream of pages of a segment we are
 * @wal: the segment
 * @rec: payload, as in @wal->payload
 * @page: page of it
 * @header: the header comes next
 */
struct qbd_wal_pages {
	const struct qbd_wal *wal;
	u32 rec;
	u32 page;
	bool header;
};

static struct page *qbd_wal_pages_next(struct qbd_wal_pages *pages)
{
	const struct qbd_wal *wal = pages->wal;

	if (pages->header) {
		pages->header = false;
		return virt_to_page(wal->header);
	}
	while (pages->rec < wal->plan.nr_recs) {
		const struct qbd_payload *payload = wal->payload[pages->rec];

		if (payload && pages->page < payload->nr_pages)
			return payload->page[pages->page++];
		pages->rec++;
		pages->page = 0;
	}
	return NULL;
}

static void qbd_wal_group_end(struct qbd_bio_group *group)
{
	struct qbd_wal *wal = container_of(group, struct qbd_wal, group);

	unsigned long flags;

	/* Under the queue's lock: see qbd_wait_settle(). */
	spin_lock_irqsave(&wal->wait.lock, flags);
	/* Pairs with qbd_wal_ended(). */
	smp_store_release(&wal->ended, true);
	wake_up_locked(&wal->wait);
	spin_unlock_irqrestore(&wal->wait.lock, flags);
}

static void qbd_wal_faults(struct qbd_store *store)
{
	if (qbd_fault(QBD_FAULT_WAL_SLOW))
		wait_event_idle_timeout(store->wal.wait, qbd_kstore_dead(store),
					HZ / 2);
	if (qbd_fault(QBD_FAULT_WAL_CRASH_BEFORE))
		qbd_kstore_crash(store);
	if (qbd_fault(QBD_FAULT_WAL_ERROR))
		qbd_group_fail(&store->wal.group, -EIO);
}

/**
 * qbd_wal_write() - start to write the segment in store->wal.plan
 * @store: the store
 *
 * wal->ended is set, and the thread woken, when all has ended.
 */
void qbd_wal_write(struct qbd_store *store)
{
	struct qbd_wal *wal = &store->wal;
	struct qbd_wal_pages pages = { .wal = wal, .header = true };
	struct qbd_bio_build build;
	struct blk_plug plug;
	struct page *page;
	u32 i, blocks;

	WRITE_ONCE(wal->ended, false);
	qbd_group_init(&wal->group, &store->backend, qbd_wal_group_end);
	qbd_wal_faults(store);
	blk_start_plug(&plug);
	for (i = 0; i < wal->plan.nr_extents; i++) {
		blocks = wal->plan.extent[i].blocks;
		qbd_build_start(&build, &wal->group, QBD_WAL_OPF,
				wal->plan.extent[i].block, blocks);
		for (; blocks; blocks--) {
			page = qbd_wal_pages_next(&pages);
			if (WARN_ON_ONCE(!page)) {
				qbd_group_fail(&wal->group, -EUCLEAN);
				break;
			}
			qbd_build_add(&build, page, 0, QBD_BLOCK_SIZE);
		}
		qbd_build_end(&build);
	}
	blk_finish_plug(&plug);
	qbd_group_submitted(&wal->group);
}

/**
 * qbd_wal_read() - start to read a payload back from the log
 * @group: one more part of it
 * @extent: where it lies
 * @nr_extents: 1 or 2
 * @payload: where to; as many pages as @extent has blocks
 */
void qbd_wal_read(struct qbd_bio_group *group, const struct qbd_extent *extent,
		  u32 nr_extents, struct qbd_payload *payload)
{
	struct qbd_bio_build build;
	u32 i, j, at = 0;

	for (i = 0; i < nr_extents; i++) {
		qbd_build_start(&build, group, REQ_OP_READ | REQ_SYNC,
				extent[i].block, extent[i].blocks);
		for (j = 0; j < extent[i].blocks; j++)
			qbd_build_add(&build, payload->page[at++], 0,
				      QBD_BLOCK_SIZE);
		qbd_build_end(&build);
	}
}

/**
 * qbd_payload_crc_check() - is what was read from the log what was written?
 * @payload: the payload
 * @blocks: how much of it
 * @crc: of its record
 *
 * Context: may sleep: up to 1 MiB is read.
 * Return: 0 or -EBADMSG.
 */
int qbd_payload_crc_check(const struct qbd_payload *payload, u32 blocks,
			  u32 crc)
{
	if (qbd_fault(QBD_FAULT_READ_CRC))
		return -EBADMSG;
	return qbd_payload_verify(payload, blocks, crc);
}
