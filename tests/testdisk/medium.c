// SPDX-License-Identifier: GPL-2.0-only
/*
 * Looking at a test disk and damaging its medium: peek, poke, flip, stat.
 *
 * Reads and changes here are no operations: they are neither counted nor
 * delayed, and no fault hits them.  The medium of a disk whose log is on cannot
 * be changed, as a snapshot would not show it.
 *
 * Context: process.
 */
#include <linux/hex.h>
#include <linux/slab.h>

#include "testdisk.h"

#define TD_PEEK_MAX 4096U

/* Take OFFSET from the third word; @len bytes there must be on the disk. */
static int td_range_parse(struct td_dev *td, struct td_args *args, u64 *pos,
			  u64 len)
{
	int err = td_word_u64(args, 2, pos);

	if (err)
		return err;
	if (len > TD_PEEK_MAX)
		return td_args_fail(args, -ERANGE, "above %u bytes",
				    TD_PEEK_MAX);
	if (*pos > td->store.size || len > td->store.size - *pos)
		return td_args_fail(args, -ERANGE, "beyond the disk");
	return 0;
}

/**
 * td_do_peek() - peek NAME OFFSET LEN: print current content in hex
 * @td: the device
 * @args: the command
 *
 * Return: 0 or a negative errno
 */
int td_do_peek(struct td_dev *td, struct td_args *args)
{
	u64 pos, len, i;
	u8 *buf;
	int err;

	err = td_word_u64(args, 3, &len);
	if (!err)
		err = td_range_parse(td, args, &pos, len);
	if (err)
		return err;
	buf = kmalloc(TD_PEEK_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	spin_lock_bh(&td->lock);
	td_store_read(&td->store, pos, buf, len);
	spin_unlock_bh(&td->lock);
	for (i = 0; i < len; i++)
		seq_buf_printf(args->reply, "%02x", buf[i]);
	seq_buf_putc(args->reply, '\n');
	kfree(buf);
	return 0;
}

/* Change the medium: store bytes, or invert @bit of one byte if @src is NULL */
static int td_medium_change(struct td_dev *td, u64 pos, const u8 *src, u32 len,
			    unsigned int bit)
{
	struct td_op op = { .kind = TD_WRITE, .pos = pos, .len = len };
	unsigned int reserved;
	u8 byte;
	int err;

	spin_lock_bh(&td->lock);
	err = -EBUSY;
	if (td->record)
		goto out;
	err = td_store_reserve(&td->store, &op, GFP_ATOMIC | __GFP_NOWARN,
			       &reserved);
	if (err)
		goto out;
	if (!src) {
		td_store_read(&td->store, pos, &byte, 1);
		byte ^= BIT(bit);
		src = &byte;
	}
	td_store_poke(&td->store, pos, src, len);
	td_store_unreserve(&td->store, reserved);
out:
	spin_unlock_bh(&td->lock);
	return err;
}

/* Store what was changed; the reply tells why it was refused. */
static int td_medium_done(struct td_dev *td, struct td_args *args, int err)
{
	if (err == -EBUSY)
		return td_args_fail(args, err, "its operations are recorded");
	if (err)
		return err;
	mutex_lock(&td->ctl);
	err = td_backing_save(td);
	mutex_unlock(&td->ctl);
	return err;
}

/**
 * td_do_poke() - poke NAME OFFSET HEX: put bytes on the medium
 * @td: the device
 * @args: the command
 *
 * Return: 0 or a negative errno
 */
int td_do_poke(struct td_dev *td, struct td_args *args)
{
	const char *hex = args->words[3];
	size_t len = strlen(hex) / 2;
	u64 pos;
	u8 *buf;
	int err;

	err = td_range_parse(td, args, &pos, len);
	if (err)
		return err;
	buf = kmalloc(TD_PEEK_MAX, GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	if (!len || strlen(hex) % 2 || hex2bin(buf, hex, len))
		err = td_args_fail(args, -EINVAL, "bad hex digits");
	else
		err = td_medium_done(td, args,
				     td_medium_change(td, pos, buf, len, 0));
	kfree(buf);
	return err;
}

/**
 * td_do_flip() - flip NAME OFFSET BIT: invert a bit of the medium
 * @td: the device
 * @args: the command
 *
 * Return: 0 or a negative errno
 */
int td_do_flip(struct td_dev *td, struct td_args *args)
{
	u64 pos, bit;
	int err;

	err = td_range_parse(td, args, &pos, 1);
	if (!err)
		err = td_word_u64(args, 3, &bit);
	if (!err && bit > 7)
		err = td_args_fail(args, -ERANGE, "a byte has bits 0 to 7");
	if (err)
		return err;
	return td_medium_done(td, args,
			      td_medium_change(td, pos, NULL, 1, bit));
}

static void td_stat_counters(struct td_dev *td, struct seq_buf *reply)
{
	const struct td_stats *stats = &td->stats;

	seq_buf_printf(reply, "ops %llu\n", td->ops);
	seq_buf_printf(reply, "reads %llu\n", stats->reads);
	seq_buf_printf(reply, "writes %llu\n", stats->writes);
	seq_buf_printf(reply, "flushes %llu\n", stats->flushes);
	seq_buf_printf(reply, "fuas %llu\n", stats->fuas);
	seq_buf_printf(reply, "discards %llu\n", stats->discards);
	seq_buf_printf(reply, "zeroes %llu\n", stats->zeroes);
	seq_buf_printf(reply, "read_sectors %llu\n", stats->read_sectors);
	seq_buf_printf(reply, "write_sectors %llu\n", stats->write_sectors);
	seq_buf_printf(reply, "errors %llu\n", stats->errors);
	seq_buf_printf(reply, "crashes %llu\n", stats->crashes);
	seq_buf_printf(reply, "crash_kept %llu\n", stats->crash_kept);
	seq_buf_printf(reply, "crash_lost %llu\n", stats->crash_lost);
	seq_buf_printf(reply, "crash_inflight %llu\n", stats->crash_inflight);
}

/**
 * td_do_stat() - stat NAME: print state and counters, one in a line
 * @td: the device
 * @args: the command
 *
 * Return: 0
 */
int td_do_stat(struct td_dev *td, struct td_args *args)
{
	struct seq_buf *reply = args->reply;

	spin_lock_bh(&td->lock);
	seq_buf_printf(reply, "state %s\n",
		       td->state == TD_RUN ? "running" : "crashed");
	seq_buf_printf(reply, "disk %s\n", td->gone ? "gone" : "present");
	seq_buf_printf(reply, "size %llu\n", td->store.size);
	td_stat_counters(td, reply);
	seq_buf_printf(reply, "crash_left %llu\n", td->crash_left);
	seq_buf_printf(reply, "inflight %u\n", td->nr_inflight);
	seq_buf_printf(reply, "held %u\n", td->nr_held);
	seq_buf_printf(reply, "unflushed_sectors %llu\n",
		       td->store.nr_unflushed);
	seq_buf_printf(reply, "pages %llu\n", td->store.nr_pages);
	seq_buf_printf(reply, "nomem %llu\n", td->store.nomem);
	td_record_stat(td, reply);
	spin_unlock_bh(&td->lock);
	seq_buf_printf(reply, "backing_errors %llu\n", td_backing_errors(td));
	return 0;
}

/**
 * td_do_ops() - ops NAME: print how many operations arrived
 * @td: the device
 * @args: the command
 *
 * Return: 0
 */
int td_do_ops(struct td_dev *td, struct td_args *args)
{
	spin_lock_bh(&td->lock);
	seq_buf_printf(args->reply, "%llu\n", td->ops);
	spin_unlock_bh(&td->lock);
	return 0;
}
