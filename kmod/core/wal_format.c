// SPDX-License-Identifier: GPL-2.0-only
/*
 * Segments of the log: encode, decode, validate.
 *
 * What a record of each kind may say is one table row.  A descriptor that
 * came out of a header that qbd_seg_decode() accepted is within the bounds of
 * its kind; whether its replica exists and its range lies in the shard is for
 * the caller.
 *
 * Context: any; keeps no state.
 */
#include "store_limits.h"
#include "wal_format.h"

static_assert(sizeof(struct qbd_disk_desc) == 64);
static_assert(offsetof(struct qbd_disk_desc, replica) == 0);
static_assert(offsetof(struct qbd_disk_desc, term) == 8);
static_assert(offsetof(struct qbd_disk_desc, index) == 16);
static_assert(offsetof(struct qbd_disk_desc, op) == 24);
static_assert(offsetof(struct qbd_disk_desc, flags) == 25);
static_assert(offsetof(struct qbd_disk_desc, payload_blocks) == 26);
static_assert(offsetof(struct qbd_disk_desc, crc) == 28);
static_assert(offsetof(struct qbd_disk_desc, block) == 32);
static_assert(offsetof(struct qbd_disk_desc, blocks) == 36);
static_assert(offsetof(struct qbd_disk_desc, aux2) == 40);
static_assert(offsetof(struct qbd_disk_desc, aux3) == 44);
static_assert(offsetof(struct qbd_disk_desc, aux0) == 48);
static_assert(offsetof(struct qbd_disk_desc, aux1) == 56);

static_assert(sizeof(struct qbd_disk_seg) == QBD_BLOCK_SIZE);
static_assert(offsetof(struct qbd_disk_seg, magic) == 0);
static_assert(offsetof(struct qbd_disk_seg, crc) == 4);
static_assert(offsetof(struct qbd_disk_seg, prev_crc) == 8);
static_assert(offsetof(struct qbd_disk_seg, flags) == 12);
static_assert(offsetof(struct qbd_disk_seg, run) == 16);
static_assert(offsetof(struct qbd_disk_seg, seq) == 24);
static_assert(offsetof(struct qbd_disk_seg, lpos) == 32);
static_assert(offsetof(struct qbd_disk_seg, lap) == 40);
static_assert(offsetof(struct qbd_disk_seg, durable_seq) == 48);
static_assert(offsetof(struct qbd_disk_seg, nr_descs) == 56);
static_assert(offsetof(struct qbd_disk_seg, payload_blocks) == 60);
static_assert(offsetof(struct qbd_disk_seg, reserved) == 64);
static_assert(offsetof(struct qbd_disk_seg, desc) == 128);

#define QBD_SEG_CRC_OFFSET offsetof(struct qbd_disk_seg, crc)

/**
 * struct qbd_op_rule - what a record of one kind has
 * @known: there are such records
 * @history: an index of its own, the term of the record before, flags
 * @range_max: most blocks of its range, 0 = no range
 * @data: payload as long as the range
 * @fixed: payload of one block
 * @index: an index that is not its own
 * @nonce: aux0
 * @epoch: aux1
 * @node: aux2 and aux3
 */
struct qbd_op_rule {
	bool known;
	bool history;
	u32 range_max;
	bool data;
	bool fixed;
	bool index;
	bool nonce;
	bool epoch;
	bool node;
};

/* clang-format off */
static const struct qbd_op_rule qbd_op_rules[] = {
	[QBD_OP_WRITE]		= { .known = true, .history = true,
				    .range_max = QBD_REC_BLOCKS_MAX,
				    .data = true },
	[QBD_OP_DISCARD]	= { .known = true, .history = true,
				    .range_max = QBD_RANGE_BLOCKS_MAX },
	[QBD_OP_ZERO]		= { .known = true, .history = true,
				    .range_max = QBD_RANGE_BLOCKS_MAX },
	[QBD_OP_TERM]		= { .known = true, .history = true },
	[QBD_OP_CONFIG]		= { .known = true, .history = true,
				    .fixed = true },
	[QBD_OP_PROMISE]	= { .known = true, .nonce = true,
				    .epoch = true, .node = true },
	[QBD_OP_TRUNCATE]	= { .known = true, .index = true },
	[QBD_OP_CREATE]		= { .known = true, .fixed = true },
	[QBD_OP_DELETE]		= { .known = true, .epoch = true },
};

/* clang-format on */

static int qbd_desc_check_range(const struct qbd_desc *desc,
				const struct qbd_op_rule *rule)
{
	u32 payload_blocks = rule->data ? desc->blocks : rule->fixed ? 1 : 0;

	if (!rule->range_max && (desc->block || desc->blocks))
		return -EUCLEAN;
	if (rule->range_max &&
	    (!desc->blocks || desc->blocks > rule->range_max ||
	     desc->block > U32_MAX - desc->blocks))
		return -EUCLEAN;
	if (desc->payload_blocks != payload_blocks)
		return -EUCLEAN;
	if (!payload_blocks && desc->crc)
		return -EUCLEAN;
	return 0;
}

static int qbd_desc_check_history(const struct qbd_desc *desc)
{
	if (!desc->term || !desc->index || desc->index > QBD_WAL_INDEX_MAX)
		return -EUCLEAN;
	/* Only the first record has none before it; terms never go down. */
	if (!desc->aux0 != !(desc->index - 1) || desc->aux0 > desc->term)
		return -EUCLEAN;
	if (desc->aux1 || desc->aux2 || desc->aux3)
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_desc_check() - is this a record?
 * @desc: descriptor in host form, not trusted
 *
 * Return: 0, or -EUCLEAN.
 */
int qbd_desc_check(const struct qbd_desc *desc)
{
	const struct qbd_op_rule *rule;

	if (desc->op >= ARRAY_SIZE(qbd_op_rules))
		return -EUCLEAN;
	rule = &qbd_op_rules[desc->op];
	if (!rule->known || !desc->replica || desc->term > QBD_WAL_TERM_MAX)
		return -EUCLEAN;
	if (desc->flags & ~QBD_REC_ALL || (desc->flags && !rule->history))
		return -EUCLEAN;
	if (qbd_desc_check_range(desc, rule))
		return -EUCLEAN;
	if (rule->history)
		return qbd_desc_check_history(desc);
	if (!rule->index && desc->index)
		return -EUCLEAN;
	if (rule->nonce ? !desc->aux0 || !desc->term : desc->aux0)
		return -EUCLEAN;
	if ((!rule->epoch && desc->aux1) || (!rule->node && desc->aux2))
		return -EUCLEAN;
	if (desc->aux3 > (rule->node ? QBD_WAL_LEASE_MS_MAX : 0))
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_seg_desc() - a record's descriptor in a header block
 * @block: QBD_BLOCK_SIZE bytes
 * @i: number of the record, below QBD_SEG_DESCS
 * @desc: result; checked only if qbd_seg_decode() accepted the block
 */
void qbd_seg_desc(const void *block, u32 i, struct qbd_desc *desc)
{
	const struct qbd_disk_seg *seg = block;
	const struct qbd_disk_desc *disk = &seg->desc[i];

	memset(desc, 0, sizeof(*desc));
	desc->replica = le64_to_cpu(disk->replica);
	desc->term = le64_to_cpu(disk->term);
	desc->index = le64_to_cpu(disk->index);
	desc->op = disk->op;
	desc->flags = disk->flags;
	desc->payload_blocks = le16_to_cpu(disk->payload_blocks);
	desc->crc = le32_to_cpu(disk->crc);
	desc->block = le32_to_cpu(disk->block);
	desc->blocks = le32_to_cpu(disk->blocks);
	desc->aux0 = le64_to_cpu(disk->aux0);
	desc->aux1 = le64_to_cpu(disk->aux1);
	desc->aux2 = le32_to_cpu(disk->aux2);
	desc->aux3 = le32_to_cpu(disk->aux3);
}

static int qbd_seg_check_descs(const struct qbd_disk_seg *seg, u32 nr,
			       u32 payload_blocks)
{
	struct qbd_desc desc;
	u32 sum_blocks = 0;
	u32 i;

	for (i = 0; i < nr; i++) {
		qbd_seg_desc(seg, i, &desc);
		if (qbd_desc_check(&desc))
			return -EUCLEAN;
		sum_blocks += desc.payload_blocks;
	}
	if (sum_blocks != payload_blocks)
		return -EUCLEAN;
	if (!mem_is_zero(seg->desc + nr,
			 (QBD_SEG_DESCS - nr) * sizeof(seg->desc[0])))
		return -EUCLEAN;
	return 0;
}

static int qbd_seg_check_head(const struct qbd_seg_head *head)
{
	if (head->flags & ~QBD_SEG_ALL)
		return -EUCLEAN;
	if (head->nr_descs > QBD_SEG_DESCS ||
	    head->payload_blocks > QBD_SEG_PAYLOAD_MAX)
		return -EUCLEAN;
	if (!(head->flags & QBD_SEG_SEAL) == !head->nr_descs)
		return -EUCLEAN;
	if (!head->run || !head->seq || head->durable_seq >= head->seq)
		return -EUCLEAN;
	return 0;
}

/**
 * qbd_seg_decode() - header block from the disk
 * @block: QBD_BLOCK_SIZE bytes
 * @seed: of the store's block checksums
 * @wal_blocks: size of the log
 * @head: result, undefined after an error
 *
 * Return: 0; -ENXIO if this is no header at all; -EBADMSG if it is damaged or
 * another store's; -EUCLEAN if it is whole and makes no sense.
 */
int qbd_seg_decode(const void *block, u32 seed, u64 wal_blocks,
		   struct qbd_seg_head *head)
{
	const struct qbd_disk_seg *seg = block;

	if (le32_to_cpu(seg->magic) != QBD_SEG_MAGIC)
		return -ENXIO;
	head->crc = le32_to_cpu(seg->crc);
	if (qbd_block_crc(seed, block, QBD_SEG_CRC_OFFSET) != head->crc)
		return -EBADMSG;
	if (!mem_is_zero(seg->reserved, sizeof(seg->reserved)))
		return -EUCLEAN;
	head->run = le64_to_cpu(seg->run);
	head->seq = le64_to_cpu(seg->seq);
	head->lpos = le64_to_cpu(seg->lpos);
	head->durable_seq = le64_to_cpu(seg->durable_seq);
	head->prev_crc = le32_to_cpu(seg->prev_crc);
	head->flags = le32_to_cpu(seg->flags);
	head->nr_descs = le32_to_cpu(seg->nr_descs);
	head->payload_blocks = le32_to_cpu(seg->payload_blocks);
	if (qbd_seg_check_head(head))
		return -EUCLEAN;
	if (div64_u64(head->lpos, wal_blocks) != le64_to_cpu(seg->lap))
		return -EUCLEAN;
	if (qbd_seg_blocks(head) > wal_blocks)
		return -EUCLEAN;
	return qbd_seg_check_descs(seg, head->nr_descs, head->payload_blocks);
}

/**
 * qbd_seg_follows() - is this segment the next one of the chain?
 * @head: head of a segment
 * @at: where the chain has come to
 *
 * Return: true if so.
 */
bool qbd_seg_follows(const struct qbd_seg_head *head, const struct qbd_lpos *at)
{
	return head->lpos == at->lpos && head->seq == at->seq &&
	       head->prev_crc == at->prev_crc;
}

/**
 * qbd_seg_end() - where the chain goes on after a segment
 * @head: head of the segment
 * @end: result
 */
void qbd_seg_end(const struct qbd_seg_head *head, struct qbd_lpos *end)
{
	end->lpos = head->lpos + qbd_seg_blocks(head);
	end->seq = head->seq + 1;
	end->prev_crc = head->crc;
}

/**
 * qbd_seg_start() - begin to make a header block
 * @block: QBD_BLOCK_SIZE bytes
 */
void qbd_seg_start(void *block)
{
	struct qbd_disk_seg *seg = block;

	memset(block, 0, QBD_BLOCK_SIZE);
	seg->magic = cpu_to_le32(QBD_SEG_MAGIC);
}

/**
 * qbd_seg_add() - add a record to a header block
 * @block: being made since qbd_seg_start()
 * @desc: the record; its payload follows those of the records before
 *
 * Return: 0; -ENOSPC if the segment is full; -EUCLEAN if this is no record.
 */
int qbd_seg_add(void *block, const struct qbd_desc *desc)
{
	struct qbd_disk_seg *seg = block;
	u32 payload_blocks = le32_to_cpu(seg->payload_blocks);
	u32 nr_descs = le32_to_cpu(seg->nr_descs);
	struct qbd_disk_desc *disk;

	if (QBD_CORE_BUG(qbd_desc_check(desc)))
		return -EUCLEAN;
	if (nr_descs >= QBD_SEG_DESCS ||
	    payload_blocks + desc->payload_blocks > QBD_SEG_PAYLOAD_MAX)
		return -ENOSPC;
	disk = &seg->desc[nr_descs];
	disk->replica = cpu_to_le64(desc->replica);
	disk->term = cpu_to_le64(desc->term);
	disk->index = cpu_to_le64(desc->index);
	disk->op = desc->op;
	disk->flags = desc->flags;
	disk->payload_blocks = cpu_to_le16(desc->payload_blocks);
	disk->crc = cpu_to_le32(desc->crc);
	disk->block = cpu_to_le32(desc->block);
	disk->blocks = cpu_to_le32(desc->blocks);
	disk->aux0 = cpu_to_le64(desc->aux0);
	disk->aux1 = cpu_to_le64(desc->aux1);
	disk->aux2 = cpu_to_le32(desc->aux2);
	disk->aux3 = cpu_to_le32(desc->aux3);
	seg->nr_descs = cpu_to_le32(nr_descs + 1);
	seg->payload_blocks =
		cpu_to_le32(payload_blocks + desc->payload_blocks);
	return 0;
}

/**
 * qbd_seg_finish() - complete a header block
 * @block: being made since qbd_seg_start()
 * @seed: of the store's block checksums
 * @wal_blocks: size of the log
 * @head: run, seq, lpos, durable_seq, prev_crc and flags go in; the rest,
 *	as decoded again from the block, comes out
 *
 * Return: 0; -EUCLEAN if it would not be accepted when read again, which is
 * a defect of the caller: such a block must not be written.
 */
int qbd_seg_finish(void *block, u32 seed, u64 wal_blocks,
		   struct qbd_seg_head *head)
{
	struct qbd_disk_seg *seg = block;

	seg->prev_crc = cpu_to_le32(head->prev_crc);
	seg->flags = cpu_to_le32(head->flags);
	seg->run = cpu_to_le64(head->run);
	seg->seq = cpu_to_le64(head->seq);
	seg->lpos = cpu_to_le64(head->lpos);
	seg->lap = cpu_to_le64(div64_u64(head->lpos, wal_blocks));
	seg->durable_seq = cpu_to_le64(head->durable_seq);
	seg->crc = cpu_to_le32(qbd_block_crc(seed, block, QBD_SEG_CRC_OFFSET));
	if (QBD_CORE_BUG(qbd_seg_decode(block, seed, wal_blocks, head)))
		return -EUCLEAN;
	return 0;
}
