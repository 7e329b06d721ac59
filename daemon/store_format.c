// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl store format: make an empty store.
 *
 * What is on the device is looked at first: a store, or anything else that is
 * not zero in the first or last blocks, where partition tables, file systems
 * and RAID sets have their marks, is only overwritten with --force.
 */
#include "format.h"
#include "store_limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/qbd_wal.h>

#include "out.h"
#include "parse.h"
#include "store_cmd.h"
#include "store_dev.h"

#define STORE_OVERCOMMIT_MAX 1000 /* the core's */
/* Whole pages of the table. */
#define STORE_REPLICAS_MAX \
	(QBD_STORE_REPLICAS_MAX / QBD_TABLE_ENTRIES * QBD_TABLE_ENTRIES)

#define STORE_MIB_BLOCKS ((1ULL << 20) / QBD_BLOCK_SIZE)
#define STORE_BOUND_MAX (64ULL << 30) /* MiB: 16 times 2^32 chunks of 1M */

/* Blocks at both ends that are looked at for somebody's signature. */
#define STORE_LOOK_BLOCKS 32

/**
 * struct store_format_args - the command line
 * @path: device
 * @options: for the core
 * @has_uuid: --uuid was given
 * @force: --force
 * @json: --json
 */
struct store_format_args {
	const char *path;
	struct qbd_format_options options;
	bool has_uuid;
	bool force;
	bool json;
};

/* A log in whole blocks. */
static bool store_take_log(const char *word, void *to)
{
	uint64_t bytes;

	if (!parse_size(word, &bytes) || bytes % QBD_BLOCK_SIZE ||
	    bytes / QBD_BLOCK_SIZE < QBD_STORE_LOG_BLOCKS_MIN)
		return false;
	*(u64 *)to = bytes / QBD_BLOCK_SIZE;
	return true;
}

static bool store_take_chunk(const char *word, void *to)
{
	uint64_t bytes;

	if (!parse_size(word, &bytes) || !is_power_of_2(bytes) ||
	    bytes < (u64)QBD_BLOCK_SIZE << QBD_CHUNK_SHIFT_MIN ||
	    bytes > (u64)QBD_BLOCK_SIZE << QBD_CHUNK_SHIFT_MAX)
		return false;
	*(u32 *)to = (u32)ilog2(bytes / QBD_BLOCK_SIZE);
	return true;
}

static bool store_take_overcommit(const char *word, void *to)
{
	return parse_u32(word, 1, STORE_OVERCOMMIT_MAX, to);
}

static bool store_take_replicas(const char *word, void *to)
{
	return parse_u32(word, 1, STORE_REPLICAS_MAX, to);
}

/* Zeroes are nobody's. */
static bool store_take_uuid(const char *word, void *to)
{
	return parse_uuid(word, to) && !mem_is_zero(to, QBD_UUID_SIZE);
}

/* The bounds in words; these say that they are still the same. */
static_assert(QBD_STORE_LOG_BLOCKS_MIN * QBD_BLOCK_SIZE == 16 << 20);
static_assert(QBD_BLOCK_SIZE << QBD_CHUNK_SHIFT_MIN == 64 << 10);
static_assert(QBD_BLOCK_SIZE << QBD_CHUNK_SHIFT_MAX == 1 << 20);
static_assert(STORE_REPLICAS_MAX == 511);

static const struct opt_kind store_opt_log = {
	"SIZE", "whole blocks of 4K; 16 MiB are needed for writes of 1 MiB",
	store_take_log, false
};

static const struct opt_kind store_opt_chunk = {
	"SIZE", "a power of two from 64K to 1M", store_take_chunk, false
};

static const struct opt_kind store_opt_overcommit = {
	"TIMES", "a number from 1 to 1000", store_take_overcommit, false
};

static const struct opt_kind store_opt_replicas = {
	"MAX", "a number from 1 to 511", store_take_replicas, false
};

static const struct opt_kind store_opt_uuid = { "UUID",
						"a uuid that is not all zeroes",
						store_take_uuid, false };

static const char store_log_help[] =
	"of the log, 16M or more (default: a sixteenth of the device, "
	"but from 64M to 4G, and never more than a quarter of it); "
	"each replica needs 1.5M of it";

static int store_format_parse(const struct opt_cmd *cmd,
			      struct store_format_args *args, int argc,
			      char **argv)
{
	struct qbd_format_options *options = &args->options;
	const struct opt opts[] = {
		{ "DEVICE", &opt_name, OPT_WORD, &args->path, NULL,
		  "a block device that nobody uses, or an image file" },
		{ "cluster", &opt_uuid, OPT_MUST, options->cluster, NULL,
		  "of the cluster whose nodes may open it" },
		{ "uuid", &store_opt_uuid, OPT_MAY, options->store,
		  &args->has_uuid, "its own (default: a random one)" },
		{ "wal-size", &store_opt_log, OPT_MAY, &options->wal_blocks,
		  NULL, store_log_help },
		{ "chunk-size", &store_opt_chunk, OPT_MAY,
		  &options->chunk_shift, NULL,
		  "unit in which space is given to shards (default 256K)" },
		{ "overcommit", &store_opt_overcommit, OPT_MAY,
		  &options->overcommit, NULL,
		  "sizes of shards may add up to so many times the device (default 4)" },
		{ "replicas", &store_opt_replicas, OPT_MAY, &options->replicas,
		  NULL, "how many it can hold (default 511)" },
		{ "force", &opt_flag, OPT_MAY, &args->force, NULL,
		  "overwrite what is there" },
		{ "json", &opt_flag, OPT_MAY, &args->json, NULL,
		  "one JSON document instead of a table" },
		OPT_END,
	};

	return opt_parse(cmd, argc, argv, opts);
}

/* Is there something from @block on that somebody may miss? */
static int store_format_look_at(const struct store_dev *dev, u64 block)
{
	static _Alignas(QBD_BLOCK_SIZE)
		u8 data[STORE_LOOK_BLOCKS * QBD_BLOCK_SIZE];
	struct qbd_io io = { .op = QBD_IO_READ,
			     .block = block,
			     .blocks = STORE_LOOK_BLOCKS,
			     .buf = data };
	__le64 magic;
	int err;

	err = store_dev_io(dev, &io);
	if (err) {
		fprintf(stderr, "qbdctl: %s: read: %s\n", dev->path,
			strerror(-err));
		return 1;
	}
	if (mem_is_zero(data, sizeof(data)))
		return 0;
	memcpy(&magic, data, sizeof(magic));
	fprintf(stderr, "qbdctl: %s: %s; --force overwrites it\n", dev->path,
		le64_to_cpu(magic) == QBD_SUPER_MAGIC ?
			"there is a store on it" :
			"it is not empty");
	return 1;
}

static int store_format_look(const struct store_dev *dev)
{
	if (dev->blocks < STORE_LOOK_BLOCKS)
		return 0; /* too small for anything */
	if (store_format_look_at(dev, 0))
		return 1;
	return store_format_look_at(dev, dev->blocks - STORE_LOOK_BLOCKS);
}

static int store_format_run(const struct store_dev *dev,
			    struct qbd_format *format)
{
	static _Alignas(QBD_BLOCK_SIZE) u8 block[QBD_BLOCK_SIZE];
	struct qbd_io io;
	int got;

	while ((got = qbd_format_next(format, block, &io)) > 0) {
		int err = store_dev_io(dev, &io);

		if (err) {
			fprintf(stderr, "qbdctl: %s: write: %s\n", dev->path,
				strerror(-err));
			return 1;
		}
	}
	return got ? 1 : 0;
}

static void store_format_show(const struct store_format_args *args,
			      const struct qbd_super *super)
{
	static const struct out_col cols[] = {
		{ "uuid", "STORE", false },
		{ "path", "PATH", false },
		{ "log_bytes", "LOG", true },
		{ "data_bytes", "DATA", true },
		{ "chunk_bytes", "CHUNK", true },
	};
	struct out out;

	out_begin(&out, cols, ARRAY_SIZE(cols), args->json);
	out_uuid(&out, args->options.store);
	out_str(&out, args->path);
	out_bytes(&out, super->layout.wal_blocks * QBD_BLOCK_SIZE);
	out_bytes(&out,
		  (super->layout.data_chunks << super->layout.chunk_shift) *
			  QBD_BLOCK_SIZE);
	out_bytes(&out, (u64)QBD_BLOCK_SIZE << super->layout.chunk_shift);
	out_end(&out);
}

/* A random uuid (RFC 4122, version 4). */
static bool store_format_uuid(u8 uuid[QBD_UUID_SIZE])
{
	if (!store_dev_random(uuid, QBD_UUID_SIZE))
		return false;
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return true;
}

/* The core makes smaller logs, for tests; the kernel would not open them. */
static int store_format_plan(struct qbd_format *format,
			     const struct qbd_format_options *options)
{
	int err = qbd_format_plan(format, options);

	if (!err && format->super.layout.wal_blocks < QBD_STORE_LOG_BLOCKS_MIN)
		return -ENOSPC;
	return err;
}

/*
 * MiB of the smallest device that is not too small, or of the smallest that is
 * too large, by what the plan itself says.
 */
static u64 store_format_bound(const struct qbd_format_options *wanted,
			      bool too_large)
{
	struct qbd_format_options options = *wanted;
	struct qbd_format format;
	u64 low = 0, high = STORE_BOUND_MAX;

	while (low < high) {
		u64 mid = low + (high - low) / 2;
		int err;

		options.dev_blocks = mid * STORE_MIB_BLOCKS;
		err = store_format_plan(&format, &options);
		if (too_large ? err == -EFBIG : err != -ENOSPC)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}

/* Which size is wrong, which way, and what it should be. */
static int store_format_refuse(const struct store_dev *dev,
			       const struct qbd_format_options *options,
			       int err)
{
	unsigned long long mib = store_format_bound(options, err == -EFBIG);
	char has[32], log[32];

	out_size_format(has, sizeof(has), dev->blocks * QBD_BLOCK_SIZE);
	out_size_format(log, sizeof(log), options->wal_blocks * QBD_BLOCK_SIZE);
	if (err == -EFBIG)
		fprintf(stderr,
			"qbdctl: %s: %s is too large: %llu MiB is the most with this --chunk-size and --overcommit; "
			"give larger chunks, or a smaller --overcommit\n",
			dev->path, has, mib - 1);
	else if (err != -ENOSPC)
		fprintf(stderr, "qbdctl: %s: %s\n", dev->path, strerror(-err));
	else if (options->wal_blocks)
		fprintf(stderr,
			"qbdctl: %s: %s is too small for a store with a log of %s: %llu MiB are needed; "
			"give a smaller --wal-size, or a larger device\n",
			dev->path, has, log, mib);
	else
		fprintf(stderr,
			"qbdctl: %s: %s is too small for a store: %llu MiB are needed\n",
			dev->path, has, mib);
	return 1;
}

static int store_format_dev(struct store_format_args *args,
			    const struct store_dev *dev)
{
	struct qbd_format format;
	int err;

	if (!args->force && store_format_look(dev))
		return 1;
	args->options.dev_blocks = dev->blocks;
	if (!args->has_uuid && !store_format_uuid(args->options.store))
		return 1;
	if (!store_dev_random(&args->options.run, sizeof(args->options.run)))
		return 1;
	args->options.run |= 1;
	err = store_format_plan(&format, &args->options);
	if (err)
		return store_format_refuse(dev, &args->options, err);
	err = store_format_run(dev, &format);
	if (!err)
		store_format_show(args, &format.super);
	return err;
}

/**
 * store_format() - qbdctl store format
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int store_format(const struct opt_cmd *cmd, int argc, char **argv)
{
	struct store_format_args args = { 0 };
	struct store_dev dev;
	int code = store_format_parse(cmd, &args, argc, argv);

	if (code)
		return code;
	if (!store_dev_open(&dev, args.path, true))
		return 1;
	code = store_format_dev(&args, &dev);
	store_dev_close(&dev);
	return code;
}
