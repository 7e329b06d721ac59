// SPDX-License-Identifier: GPL-2.0-only
/*
 * Checking a store that is not in use: an open that writes nothing, then what
 * must be true of each replica if this code wrote the store.
 *
 * Home blocks carry no checksum in this version of the format: bit rot there
 * is not found here but by comparing replicas.
 *
 * Context: one owner; in practice qbdctl and tests.
 */
#include "check.h"

/**
 * qbd_check_init() - prepare to check a store
 * @check: the check
 * @dev_blocks: size of the device
 * @buf: memory for I/O, aligned to a block
 * @buf_blocks: its size, at least 1; more makes fewer I/Os
 */
void qbd_check_init(struct qbd_check *check, u64 dev_blocks, void *buf,
		    u32 buf_blocks)
{
	struct qbd_open_config config = {
		.dev_blocks = dev_blocks,
		.readonly = true,
		.verify_all = true,
	};

	qbd_open_init(&check->open, &config, buf, buf_blocks);
	check->opened = false;
	check->slot = 0;
}

/* First of the numbers of a replica that can not be true, 0 = none. */
static u32 qbd_check_numbers(const struct qbd_store_replica *replica)
{
	const struct qbd_table_slot *table = &replica->table;

	/* Whoever logs for a leader has promised its term. */
	if (replica->last.term > table->promise.term)
		return 1;
	if (replica->applied.index > replica->last.index)
		return 2;
	/* Only what is committed goes home. */
	if (table->commit < replica->applied.index)
		return 3;
	if (replica->log_first > replica->last.index + 1)
		return 4;
	return 0;
}

static enum qbd_open_step qbd_check_slot(struct qbd_check *check)
{
	struct qbd_open *open = &check->open;
	struct qbd_store_replica replica;
	u32 wrong;
	int error;

	for (;;) {
		error = qbd_store_replica_get(open->core, check->slot,
					      &replica);
		if (error == -ERANGE)
			return QBD_OPEN_DONE;
		check->slot++;
		if (error)
			continue;
		wrong = qbd_check_numbers(&replica);
		if (!wrong)
			continue;
		memset(&open->finding, 0, sizeof(open->finding));
		open->finding.kind = QBD_FIND_NUMBERS;
		open->finding.replica = replica.table.replica;
		open->finding.first = wrong;
		open->nr_findings[qbd_finding_severity(QBD_FIND_NUMBERS)]++;
		return QBD_OPEN_FINDING;
	}
}

/**
 * qbd_check_next() - go on
 * @check: the check
 * @io: filled in for QBD_OPEN_IO
 *
 * Return: what is wanted, as from qbd_open_next().
 */
enum qbd_open_step qbd_check_next(struct qbd_check *check, struct qbd_io *io)
{
	enum qbd_open_step step;

	if (!check->opened) {
		step = qbd_open_next(&check->open, io);
		if (step != QBD_OPEN_DONE)
			return step;
		check->opened = true;
	}
	return qbd_check_slot(check);
}
