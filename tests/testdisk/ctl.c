// SPDX-License-Identifier: GPL-2.0-only
/*
 * Commands of the test disk, one line each.
 *
 *   create NAME size=N [block=4096|512] [cache=on|off] [backing=PATH]
 *               [read_ns=N] [write_ns=N] [flush_ns=N] [kib_ns=N]
 *               [prealloc=on] [depth=N]
 *   remove NAME | vanish NAME | revive NAME | release NAME
 *   latency NAME [read_ns=N] [write_ns=N] [flush_ns=N] [kib_ns=N]
 *   crash NAME [CRASH], crash_after NAME N [CRASH]   (N = 0 disarms)
 *     CRASH: [seed=N] [keep=random|none|all] [grain=512|4096] [io=eio|hold]
 *            [vanish=on]
 *   record NAME on|off [limit=N]
 *   snapshot NAME N NEW [seed=N] [keep=...] [grain=N]
 *   clone NAME NEW
 *   fault NAME KIND [op=...] [from=SECTOR] [len=SECTORS] [nth=N] [count=N] ...
 *   faults NAME | clear NAME [id=N]
 *   peek NAME OFFSET LEN | poke NAME OFFSET HEX | flip NAME OFFSET BIT
 *   stat NAME | ops NAME | list
 *
 * "crash_after NAME N" cuts the power when the Nth write, flush, discard or
 * zeroes operation from now arrives, so that this operation is in flight.
 *
 * Context: process, one command of an open file at a time.
 */
#include <linux/blkdev.h>
#include <linux/ctype.h>
#include <linux/slab.h>

#include "testdisk.h"

#define TD_DEPTH_MAX 1024U
#define TD_RECORD_LIMIT (256ULL << 20)

static int td_name_check(struct td_args *args, const char *name)
{
	const char *c;

	if (!*name || strlen(name) > TD_NAME_MAX)
		return td_args_fail(args, -EINVAL, "bad length of the name");
	for (c = name; *c; c++) {
		if (!isalnum(*c) && *c != '_' && *c != '-')
			return td_args_fail(args, -EINVAL,
					    "bad character in the name");
	}
	return 0;
}

static int td_latency_parse(struct td_args *args, struct td_latency *lat)
{
	int err;

	err = td_args_u64(args, "read_ns", &lat->read_ns);
	if (!err)
		err = td_args_u64(args, "write_ns", &lat->write_ns);
	if (!err)
		err = td_args_u64(args, "flush_ns", &lat->flush_ns);
	if (!err)
		err = td_args_u64(args, "kib_ns", &lat->kib_ns);
	if (!err && max3(lat->read_ns, lat->write_ns, lat->flush_ns) >
			    3600 * NSEC_PER_SEC)
		err = td_args_fail(args, -ERANGE, "latency above one hour");
	if (!err && lat->kib_ns > NSEC_PER_SEC)
		err = td_args_fail(args, -ERANGE, "kib_ns= above one second");
	return err;
}

static int td_keep_parse(struct td_args *args, struct td_keep *keep)
{
	static const char *const modes[] = { "random", "none", "all" };
	unsigned int mode = TD_KEEP_RANDOM;
	u64 grain = SECTOR_SIZE;
	int err;

	keep->seed = 0;
	err = td_args_u64(args, "seed", &keep->seed);
	if (!err)
		err = td_args_pick(args, "keep", modes, ARRAY_SIZE(modes),
				   &mode);
	if (!err)
		err = td_args_u64(args, "grain", &grain);
	if (!err && grain != SECTOR_SIZE && grain != TD_BLK_SIZE)
		err = td_args_fail(args, -EINVAL, "grain= is not 512 or 4096");
	keep->mode = mode;
	keep->grain = grain;
	return err;
}

static int td_crash_parse(struct td_args *args, struct td_crash *crash)
{
	static const char *const modes[] = { "eio", "hold" };
	unsigned int hold = 0;
	int err;

	crash->vanish = false;
	err = td_keep_parse(args, &crash->keep);
	if (!err)
		err = td_args_pick(args, "io", modes, ARRAY_SIZE(modes), &hold);
	if (!err)
		err = td_args_bool(args, "vanish", &crash->vanish);
	if (!err)
		err = td_args_end(args);
	crash->hold = hold;
	return err;
}

/* Enter a new device, whose store is complete, and let its disk appear. */
static int td_ctl_publish(struct td_dev *td, struct td_args *args)
{
	int err;

	mutex_lock(&td->ctl);
	err = td_dev_publish(td);
	if (err) {
		mutex_unlock(&td->ctl);
		return td_args_fail(args, err, "%s exists", td->name);
	}
	err = td_disk_add(td);
	mutex_unlock(&td->ctl);
	if (!err)
		return 0;
	td_dev_unlist(td);
	return td_args_fail(args, err, "cannot add the disk");
}

/* Options of "create". */
struct td_create {
	u64 size;
	u64 block;
	u64 depth;
	bool cache;
	bool prealloc;
	char *backing;
	struct td_latency latency;
};

static int td_create_parse(struct td_args *args, struct td_create *opt)
{
	int err;

	opt->block = TD_BLK_SIZE;
	opt->depth = 128;
	opt->cache = true;
	opt->backing = td_args_text(args, "backing");
	err = td_args_u64(args, "size", &opt->size);
	if (!err)
		err = td_args_u64(args, "block", &opt->block);
	if (!err)
		err = td_args_u64(args, "depth", &opt->depth);
	if (!err)
		err = td_args_bool(args, "cache", &opt->cache);
	if (!err)
		err = td_args_bool(args, "prealloc", &opt->prealloc);
	if (!err)
		err = td_latency_parse(args, &opt->latency);
	if (!err)
		err = td_args_end(args);
	if (err)
		return err;
	if (opt->size % TD_BLK_SIZE || opt->size > TD_MAX_BYTES ||
	    (!opt->size && !opt->backing))
		return td_args_fail(args, -EINVAL, "bad size=");
	if (opt->block != SECTOR_SIZE && opt->block != TD_BLK_SIZE)
		return td_args_fail(args, -EINVAL, "block= is not 512 or 4096");
	if (!opt->depth || opt->depth > TD_DEPTH_MAX)
		return td_args_fail(args, -EINVAL, "bad depth=");
	return 0;
}

static int td_do_create(struct td_dev *none, struct td_args *args)
{
	struct td_create opt = {};
	struct td_dev *td;
	int err;

	err = td_name_check(args, args->words[1]);
	if (!err)
		err = td_create_parse(args, &opt);
	if (err)
		return err;
	td = td_dev_alloc(args->words[1], opt.block, opt.depth);
	if (!td)
		return -ENOMEM;
	td_store_init(&td->store, opt.size, opt.cache);
	td->latency = opt.latency;
	if (opt.backing) {
		err = td_backing_open(td, opt.backing);
		if (err)
			td_args_fail(args, err, "backing device: error %d",
				     err);
	}
	if (!err && opt.prealloc)
		err = td_store_prealloc(&td->store);
	if (!err)
		err = td_ctl_publish(td, args);
	if (err)
		td_dev_remove(td);
	td_dev_put(td);
	return err;
}

static int td_do_remove(struct td_dev *td, struct td_args *args)
{
	td_dev_remove(td);
	return 0;
}

static int td_do_vanish(struct td_dev *td, struct td_args *args)
{
	mutex_lock(&td->ctl);
	td_disk_del(td);
	mutex_unlock(&td->ctl);
	return 0;
}

static int td_do_revive(struct td_dev *td, struct td_args *args)
{
	int err;

	/* the crash may still be taking the disk away */
	flush_work(&td->vanish_work);
	mutex_lock(&td->ctl);
	if (td->ended) {
		mutex_unlock(&td->ctl);
		return -ENODEV;
	}
	/* what the power cut left is the medium's content now */
	err = td_backing_save(td);
	if (!err)
		td_io_revive(td);
	if (!err && !td->disk)
		err = td_disk_add(td);
	else if (!err)
		invalidate_bdev(td->disk->gd->part0);
	mutex_unlock(&td->ctl);
	return err;
}

static int td_do_release(struct td_dev *td, struct td_args *args)
{
	td_io_release(td);
	return 0;
}

static int td_do_latency(struct td_dev *td, struct td_args *args)
{
	struct td_latency lat;
	int err;

	spin_lock_bh(&td->lock);
	lat = td->latency;
	spin_unlock_bh(&td->lock);
	err = td_latency_parse(args, &lat);
	if (!err)
		err = td_args_end(args);
	if (err)
		return err;
	spin_lock_bh(&td->lock);
	td->latency = lat;
	spin_unlock_bh(&td->lock);
	return 0;
}

static int td_do_crash(struct td_dev *td, struct td_args *args)
{
	struct td_crash crash;
	int err;

	err = td_crash_parse(args, &crash);
	if (err)
		return err;
	spin_lock_bh(&td->lock);
	if (td->state == TD_RUN)
		td_crash_now(td, &crash);
	else
		err = -EALREADY;
	spin_unlock_bh(&td->lock);
	if (err)
		return td_args_fail(args, err, "it has crashed already");
	flush_work(&td->vanish_work);
	return 0;
}

static int td_do_crash_after(struct td_dev *td, struct td_args *args)
{
	struct td_crash crash;
	u64 nr;
	int err;

	err = td_word_u64(args, 2, &nr);
	if (!err)
		err = td_crash_parse(args, &crash);
	if (err)
		return err;
	spin_lock_bh(&td->lock);
	if (td->state == TD_RUN) {
		td->armed = crash;
		td->crash_left = nr;
	} else {
		err = -EALREADY;
	}
	spin_unlock_bh(&td->lock);
	return err ? td_args_fail(args, err, "it has crashed already") : 0;
}

static int td_do_record(struct td_dev *td, struct td_args *args)
{
	u64 limit = TD_RECORD_LIMIT;
	bool on;
	int err;

	err = td_args_u64(args, "limit", &limit);
	if (!err)
		err = td_args_end(args);
	if (!err && kstrtobool(args->words[2], &on))
		err = td_args_fail(args, -EINVAL, "record: on or off");
	if (err)
		return err;
	mutex_lock(&td->ctl);
	if (on)
		err = td->ended ? -ENODEV : td_record_start(td, limit);
	else
		td_record_stop(td);
	mutex_unlock(&td->ctl);
	if (err == -EBUSY)
		td_args_fail(args, err, "requests are in flight, or crashed");
	return err;
}

/* A device like @td, empty and unknown. */
static struct td_dev *td_ctl_twin(struct td_dev *td, struct td_args *args,
				  const char *name)
{
	struct td_dev *twin;
	int err;

	err = td_name_check(args, name);
	if (err)
		return ERR_PTR(err);
	twin = td_dev_alloc(name, td->block, td->depth);
	if (!twin)
		return ERR_PTR(-ENOMEM);
	td_store_init(&twin->store, td->store.size, td->store.cache);
	return twin;
}

static int td_do_snapshot(struct td_dev *td, struct td_args *args)
{
	struct td_keep keep;
	struct td_dev *twin;
	u64 no;
	int err;

	err = td_word_u64(args, 2, &no);
	if (!err)
		err = td_keep_parse(args, &keep);
	if (!err)
		err = td_args_end(args);
	if (err)
		return err;
	twin = td_ctl_twin(td, args, args->words[3]);
	if (IS_ERR(twin))
		return PTR_ERR(twin);
	mutex_lock(&td->ctl);
	err = td_record_snapshot(td, no, &keep, &twin->store);
	mutex_unlock(&td->ctl);
	if (err)
		td_args_fail(args, err, "snapshot of operation %llu: error %d",
			     no, err);
	else
		err = td_ctl_publish(twin, args);
	td_dev_put(twin);
	return err;
}

static int td_do_clone(struct td_dev *td, struct td_args *args)
{
	struct td_dev *twin;
	int err;

	twin = td_ctl_twin(td, args, args->words[2]);
	if (IS_ERR(twin))
		return PTR_ERR(twin);
	spin_lock_bh(&td->lock);
	if (td->nr_inflight)
		err = -EBUSY;
	else
		err = td_store_clone(&twin->store, &td->store,
				     GFP_ATOMIC | __GFP_NOWARN);
	spin_unlock_bh(&td->lock);
	if (err)
		td_args_fail(args, err, "requests in flight or no memory");
	else
		err = td_ctl_publish(twin, args);
	td_dev_put(twin);
	return err;
}

static int td_do_fault(struct td_dev *td, struct td_args *args)
{
	return td_fault_add(td, args);
}

static int td_do_faults(struct td_dev *td, struct td_args *args)
{
	td_fault_list(td, args->reply);
	return 0;
}

static int td_do_clear(struct td_dev *td, struct td_args *args)
{
	u64 id = 0;
	int err;

	err = td_args_u64(args, "id", &id);
	if (!err)
		err = td_args_end(args);
	if (!err && (id > U32_MAX || !td_fault_clear(td, id)))
		err = td_args_fail(args, -ENOENT, "no such fault");
	return err;
}

static int td_do_list(struct td_dev *none, struct td_args *args)
{
	td_dev_names(args->reply);
	return 0;
}

/**
 * struct td_verb - a command
 * @name: its first word
 * @words: how many words it has, options not counted
 * @dev: the second word names an existing device
 * @opts: it takes options, and looks at all of them
 * @run: does it; the reference to the device is the caller's
 */
struct td_verb {
	const char *name;
	unsigned int words;
	bool dev;
	bool opts;
	int (*run)(struct td_dev *td, struct td_args *args);
};

/* clang-format off */
static const struct td_verb td_verbs[] = {
	{ "create",	 2, false, true,  td_do_create },
	{ "remove",	 2, true,  false, td_do_remove },
	{ "vanish",	 2, true,  false, td_do_vanish },
	{ "revive",	 2, true,  false, td_do_revive },
	{ "release",	 2, true,  false, td_do_release },
	{ "latency",	 2, true,  true,  td_do_latency },
	{ "crash",	 2, true,  true,  td_do_crash },
	{ "crash_after", 3, true,  true,  td_do_crash_after },
	{ "record",	 3, true,  true,  td_do_record },
	{ "snapshot",	 4, true,  true,  td_do_snapshot },
	{ "clone",	 3, true,  false, td_do_clone },
	{ "fault",	 3, true,  true,  td_do_fault },
	{ "faults",	 2, true,  false, td_do_faults },
	{ "clear",	 2, true,  true,  td_do_clear },
	{ "peek",	 4, true,  false, td_do_peek },
	{ "poke",	 4, true,  false, td_do_poke },
	{ "flip",	 4, true,  false, td_do_flip },
	{ "stat",	 2, true,  false, td_do_stat },
	{ "ops",	 2, true,  false, td_do_ops },
	{ "list",	 1, false, false, td_do_list },
};

/* clang-format on */

static const struct td_verb *td_verb_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(td_verbs); i++) {
		if (!strcmp(td_verbs[i].name, name))
			return &td_verbs[i];
	}
	return NULL;
}

/**
 * td_ctl_run() - run a command line
 * @line: the line, cut up in place
 * @reply: empty; the answer, or the reason of a failure
 *
 * Return: 0 or a negative errno
 */
int td_ctl_run(char *line, struct seq_buf *reply)
{
	struct td_args args = { .reply = reply };
	const struct td_verb *verb;
	struct td_dev *td = NULL;
	int err;

	err = td_args_parse(&args, line);
	if (err)
		return err;
	verb = args.nr_words ? td_verb_find(args.words[0]) : NULL;
	if (!verb)
		return td_args_fail(&args, -EINVAL, "unknown command");
	if (args.nr_words != verb->words)
		return td_args_fail(&args, -EINVAL, "%s takes %u words",
				    verb->name, verb->words);
	err = verb->opts ? 0 : td_args_end(&args);
	if (err)
		return err;
	if (verb->dev) {
		td = td_dev_find(args.words[1]);
		if (!td)
			return td_args_fail(&args, -ENOENT, "no device '%s'",
					    args.words[1]);
	}
	err = verb->run(td, &args);
	if (td)
		td_dev_put(td);
	return err;
}
