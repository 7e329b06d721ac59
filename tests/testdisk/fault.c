// SPDX-License-Identifier: GPL-2.0-only
/*
 * Faults of a test disk: which requests they meet and what they do to them.
 *
 * A fault matches by kind of operation and range of sectors; of its matches it
 * skips the first nth - 1 and then hits @count times, or for ever.  Several
 * faults may hit one request; they apply in the order in which they were set.
 *
 *   eio        fails, nothing is stored; after "torn" the prefix is stored
 *   nospc      fails with ENOSPC, nothing is stored
 *   stall      waits for "release", or ms= longer
 *   flip       one bit is wrong, in what is stored or in what is read: bit= of
 *              the byte offset= of the disk, or byte= of the request's data
 *   misdirect  goes to the sectors from to= on
 *   lost       succeeds, does nothing
 *   torn       only the first sectors= sectors are stored, and it succeeds
 *
 * Context: under td_dev.lock.
 */
#include <linux/slab.h>

#include "testdisk.h"

enum td_fault_kind {
	TD_FAULT_EIO,
	TD_FAULT_NOSPC,
	TD_FAULT_STALL,
	TD_FAULT_FLIP,
	TD_FAULT_MISDIRECT,
	TD_FAULT_LOST,
	TD_FAULT_TORN,
	TD_FAULT_NR,
};

static const char *const td_fault_names[] = {
	[TD_FAULT_EIO] = "eio",
	[TD_FAULT_NOSPC] = "nospc",
	[TD_FAULT_STALL] = "stall",
	[TD_FAULT_FLIP] = "flip",
	[TD_FAULT_MISDIRECT] = "misdirect",
	[TD_FAULT_LOST] = "lost",
	[TD_FAULT_TORN] = "torn",
};

/* The operations that each kind of fault can hit. */
static const u8 td_fault_ops[] = {
	[TD_FAULT_EIO] = TD_READ | TD_CHANGES | TD_FLUSH | TD_FUA,
	[TD_FAULT_NOSPC] = TD_CHANGES | TD_FUA,
	[TD_FAULT_STALL] = TD_READ | TD_CHANGES | TD_FLUSH | TD_FUA,
	[TD_FAULT_FLIP] = TD_READ | TD_WRITE | TD_FUA,
	[TD_FAULT_MISDIRECT] = TD_READ | TD_CHANGES | TD_FUA,
	[TD_FAULT_LOST] = TD_CHANGES | TD_FLUSH | TD_FUA,
	[TD_FAULT_TORN] = TD_CHANGES | TD_FUA,
};

static const char *const td_op_names[] = {
	"read", "write", "flush", "discard", "zeroes", "fua", "any",
};

/**
 * struct td_fault - one fault
 * @link: in td_dev.faults
 * @id: for "clear"
 * @kind: what it does
 * @ops: set of enum td_kind that it meets
 * @op_name: index into td_op_names, for the list
 * @from: first sector of its range
 * @len: sectors of its range
 * @nth: the match that is hit first, from 1
 * @count: hits at most, 0 for any number
 * @seen: matches so far
 * @hits: hits so far
 * @arg: to=, sectors=, ms=, or offset= (U64_MAX without)
 * @byte: for flip without offset=, in the request's data
 * @bit: for flip
 */
struct td_fault {
	struct list_head link;
	u32 id;
	enum td_fault_kind kind;
	u8 ops;
	unsigned int op_name;
	u64 from;
	u64 len;
	u64 nth;
	u64 count;
	u64 seen;
	u64 hits;
	u64 arg;
	u64 byte;
	u64 bit;
};

static int td_fault_kind_parse(struct td_args *args, struct td_fault *fault)
{
	int kind = match_string(td_fault_names, TD_FAULT_NR, args->words[2]);
	int err;

	if (kind < 0)
		return td_args_fail(args, -EINVAL, "unknown fault '%s'",
				    args->words[2]);
	fault->kind = kind;
	fault->op_name = ARRAY_SIZE(td_op_names) - 1;
	err = td_args_pick(args, "op", td_op_names, ARRAY_SIZE(td_op_names),
			   &fault->op_name);
	if (err)
		return err;
	if (fault->op_name == ARRAY_SIZE(td_op_names) - 1)
		fault->ops = td_fault_ops[kind];
	else
		fault->ops = BIT(fault->op_name);
	if (!(fault->ops & td_fault_ops[kind]))
		return td_args_fail(args, -EINVAL, "%s cannot hit a %s",
				    td_fault_names[kind],
				    td_op_names[fault->op_name]);
	return 0;
}

/* The options that only one kind of fault has. */
static int td_fault_arg_parse(struct td_dev *td, struct td_args *args,
			      struct td_fault *fault)
{
	u64 sectors = td->store.size >> SECTOR_SHIFT;
	int err = 0;

	fault->arg = U64_MAX;
	switch (fault->kind) {
	case TD_FAULT_STALL:
		fault->arg = 0;
		err = td_args_u64(args, "ms", &fault->arg);
		if (!err && fault->arg > 3600 * MSEC_PER_SEC)
			err = td_args_fail(args, -ERANGE, "ms= is too long");
		break;
	case TD_FAULT_FLIP:
		err = td_args_u64(args, "byte", &fault->byte);
		if (!err)
			err = td_args_u64(args, "offset", &fault->arg);
		if (!err)
			err = td_args_u64(args, "bit", &fault->bit);
		if (!err && fault->bit > 7)
			err = td_args_fail(args, -ERANGE, "bit= is above 7");
		if (fault->arg != U64_MAX) {
			fault->from = fault->arg >> SECTOR_SHIFT;
			fault->len = 1;
		}
		break;
	case TD_FAULT_MISDIRECT:
		err = td_args_u64(args, "to", &fault->arg);
		if (!err && (fault->arg >= sectors ||
			     fault->arg % (td->block >> SECTOR_SHIFT)))
			err = td_args_fail(args, -ERANGE, "bad to=");
		break;
	case TD_FAULT_TORN:
		err = td_args_u64(args, "sectors", &fault->arg);
		if (!err && fault->arg > sectors)
			err = td_args_fail(args, -ERANGE, "bad sectors=");
		break;
	default:
		break;
	}
	return err;
}

static int td_fault_parse(struct td_dev *td, struct td_args *args,
			  struct td_fault *fault)
{
	int err;

	fault->len = U64_MAX;
	fault->nth = 1;
	err = td_fault_kind_parse(args, fault);
	if (!err)
		err = td_fault_arg_parse(td, args, fault);
	if (!err)
		err = td_args_u64(args, "from", &fault->from);
	if (!err)
		err = td_args_u64(args, "len", &fault->len);
	if (!err)
		err = td_args_u64(args, "nth", &fault->nth);
	if (!err)
		err = td_args_u64(args, "count", &fault->count);
	if (!err)
		err = td_args_end(args);
	if (!err && (!fault->nth || !fault->len))
		err = td_args_fail(args, -EINVAL, "nth= or len= is 0");
	return err;
}

/**
 * td_fault_add() - set a fault: fault NAME KIND [options]
 * @td: the device, unlocked
 * @args: the command; its reply is the fault's identity
 *
 * Return: 0 or a negative errno
 */
int td_fault_add(struct td_dev *td, struct td_args *args)
{
	struct td_fault *fault = kzalloc(sizeof(*fault), GFP_KERNEL);
	int err;

	if (!fault)
		return -ENOMEM;
	err = td_fault_parse(td, args, fault);
	if (err) {
		kfree(fault);
		return err;
	}
	spin_lock_bh(&td->lock);
	fault->id = ++td->fault_id;
	list_add_tail(&fault->link, &td->faults);
	seq_buf_printf(args->reply, "%u\n", fault->id);
	spin_unlock_bh(&td->lock);
	return 0;
}

/**
 * td_fault_list() - print all faults, one in a line
 * @td: the device, unlocked
 * @reply: where to
 */
void td_fault_list(struct td_dev *td, struct seq_buf *reply)
{
	struct td_fault *fault;

	spin_lock_bh(&td->lock);
	list_for_each_entry(fault, &td->faults, link) {
		seq_buf_printf(reply, "%u %s op=%s", fault->id,
			       td_fault_names[fault->kind],
			       td_op_names[fault->op_name]);
		seq_buf_printf(reply, " from=%llu len=%llu", fault->from,
			       fault->len);
		seq_buf_printf(reply, " nth=%llu count=%llu", fault->nth,
			       fault->count);
		seq_buf_printf(reply, " seen=%llu hits=%llu\n", fault->seen,
			       fault->hits);
	}
	spin_unlock_bh(&td->lock);
}

/**
 * td_fault_clear() - drop one fault or all
 * @td: the device, unlocked
 * @id: the fault, 0 for all
 *
 * Return: false when there is no such fault
 */
bool td_fault_clear(struct td_dev *td, u32 id)
{
	struct td_fault *fault, *next;
	bool found = !id;

	spin_lock_bh(&td->lock);
	list_for_each_entry_safe(fault, next, &td->faults, link) {
		if (id && fault->id != id)
			continue;
		found = true;
		list_del(&fault->link);
		kfree(fault);
	}
	spin_unlock_bh(&td->lock);
	return found;
}

/**
 * td_fault_free() - drop all faults of a device that ends
 * @td: the device
 */
void td_fault_free(struct td_dev *td)
{
	td_fault_clear(td, 0);
}

static bool td_fault_match(struct td_fault *fault, const struct td_cmd *cmd)
{
	const struct td_op *op = &cmd->op;
	u64 from = op->pos >> SECTOR_SHIFT;
	u64 len = op->len >> SECTOR_SHIFT;
	u8 ops = op->kind;

	if (op->kind == TD_WRITE && op->fua)
		ops |= TD_FUA;
	if (!(fault->ops & ops))
		return false;
	/* a flush has no range, so no range excludes it */
	if (op->kind != TD_FLUSH &&
	    (from + len <= fault->from ||
	     (from >= fault->from && from - fault->from >= fault->len)))
		return false;
	fault->seen++;
	if (fault->seen < fault->nth ||
	    (fault->count && fault->hits >= fault->count))
		return false;
	fault->hits++;
	return true;
}

static void td_fault_misdirect(struct td_dev *td, struct td_cmd *cmd, u64 to)
{
	struct td_op *op = &cmd->op;
	unsigned int pages;

	op->pos = to << SECTOR_SHIFT;
	op->len = min(op->len, td->store.size - op->pos);
	if (td_store_reserve(&td->store, op, GFP_ATOMIC | __GFP_NOWARN,
			     &pages)) {
		td->store.nomem++;
		op->effect = false;
		return;
	}
	cmd->reserved += pages;
}

/* Return: true when the request is to be held. */
static bool td_fault_hit(struct td_dev *td, struct td_cmd *cmd,
			 const struct td_fault *fault)
{
	struct td_op *op = &cmd->op;

	switch (fault->kind) {
	case TD_FAULT_STALL:
		cmd->delay_ns += fault->arg * NSEC_PER_MSEC;
		return !fault->arg;
	case TD_FAULT_EIO:
		cmd->status = BLK_STS_IOERR;
		op->effect = cmd->torn;
		break;
	case TD_FAULT_NOSPC:
		cmd->status = BLK_STS_NOSPC;
		op->effect = cmd->torn;
		break;
	case TD_FAULT_FLIP:
		if (fault->arg != U64_MAX)
			op->flip = fault->arg - op->pos;
		else if (op->len)
			op->flip = fault->byte % op->len;
		op->flip_bit = fault->bit;
		break;
	case TD_FAULT_MISDIRECT:
		td_fault_misdirect(td, cmd, fault->arg);
		break;
	case TD_FAULT_TORN:
		op->len = min(op->len, fault->arg << SECTOR_SHIFT);
		op->effect = op->effect && op->len;
		cmd->torn = op->effect;
		break;
	default:
		op->effect = false;
		break;
	}
	return false;
}

/**
 * td_fault_apply() - apply the faults that hit a request
 * @td: the device
 * @cmd: the request, just admitted
 *
 * Return: true when the request is to be held
 */
bool td_fault_apply(struct td_dev *td, struct td_cmd *cmd)
{
	struct td_fault *fault;
	bool hold = false;

	lockdep_assert_held(&td->lock);
	list_for_each_entry(fault, &td->faults, link) {
		if (td_fault_match(fault, cmd) && td_fault_hit(td, cmd, fault))
			hold = true;
	}
	return hold;
}
