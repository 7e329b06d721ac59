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

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/qbd_wal.h>

#include "out.h"
#include "parse.h"
#include "store_cmd.h"
#include "store_dev.h"

/* Blocks at both ends that are looked at for somebody's signature. */
#define STORE_LOOK_BLOCKS 32

/**
 * struct store_format_args - the command line
 * @path: device
 * @options: for the core
 * @has_cluster: --cluster was given
 * @has_uuid: --uuid was given
 * @force: --force
 * @json: --json
 */
struct store_format_args {
	const char *path;
	struct qbd_format_options options;
	bool has_cluster;
	bool has_uuid;
	bool force;
	bool json;
};

/* A size in whole blocks. */
static bool store_format_blocks(const char *word, u64 *blocks)
{
	uint64_t bytes;

	if (!parse_size(word, &bytes) || !bytes || bytes % QBD_BLOCK_SIZE)
		return false;
	*blocks = bytes / QBD_BLOCK_SIZE;
	return true;
}

static bool store_format_option(struct store_format_args *args, int opt)
{
	struct qbd_format_options *options = &args->options;
	u64 blocks;

	switch (opt) {
	case 'c':
		args->has_cluster = true;
		return parse_uuid(optarg, options->cluster);
	case 'u':
		args->has_uuid = true;
		return parse_uuid(optarg, options->store);
	case 'w':
		return store_format_blocks(optarg, &options->wal_blocks);
	case 'k':
		/* One block would be 0: the core's default. */
		if (!store_format_blocks(optarg, &blocks) || blocks == 1 ||
		    !is_power_of_2(blocks))
			return false;
		options->chunk_shift = (u32)ilog2(blocks);
		return true;
	case 'o':
		return parse_u32(optarg, 1, 1000, &options->overcommit);
	case 'r':
		return parse_u32(optarg, 1, QBD_STORE_REPLICAS_MAX,
				 &options->replicas);
	case 'f':
		args->force = true;
		return true;
	case 'j':
		args->json = true;
		return true;
	}
	return false;
}

static int store_format_parse(struct store_format_args *args, int argc,
			      char **argv)
{
	static const struct option options[] = {
		{ "cluster", required_argument, NULL, 'c' },
		{ "uuid", required_argument, NULL, 'u' },
		{ "wal-size", required_argument, NULL, 'w' },
		{ "chunk-size", required_argument, NULL, 'k' },
		{ "overcommit", required_argument, NULL, 'o' },
		{ "replicas", required_argument, NULL, 'r' },
		{ "force", no_argument, NULL, 'f' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1)
		if (!store_format_option(args, opt))
			return store_usage("format", "option not understood");
	if (optind + 1 != argc)
		return store_usage("format", "one device is needed");
	if (!args->has_cluster)
		return store_usage("format", "--cluster is needed");
	args->path = argv[optind];
	return 0;
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
	err = qbd_format_plan(&format, &args->options);
	if (err) {
		fprintf(stderr, "qbdctl: %s: %s\n", dev->path,
			err == -ENOSPC ? "too small for a store" :
					 "these sizes do not fit together");
		return 1;
	}
	if (format.super.layout.wal_blocks < QBD_STORE_LOG_BLOCKS_MIN) {
		fprintf(stderr,
			"qbdctl: %s: a log of %llu MiB is too small: %u MiB are needed for writes of 1 MiB; give --wal-size, or a larger device\n",
			dev->path,
			(unsigned long long)format.super.layout.wal_blocks *
					QBD_BLOCK_SIZE >>
				20,
			(QBD_STORE_LOG_BLOCKS_MIN * QBD_BLOCK_SIZE) >> 20);
		return 1;
	}
	err = store_format_run(dev, &format);
	if (!err)
		store_format_show(args, &format.super);
	return err;
}

/**
 * store_format() - qbdctl store format
 * @argc: number of words, from "format" on
 * @argv: the words
 *
 * Return: exit code.
 */
int store_format(int argc, char **argv)
{
	struct store_format_args args = { 0 };
	struct store_dev dev;
	int code = store_format_parse(&args, argc, argv);

	if (code)
		return code;
	if (!store_dev_open(&dev, args.path, true))
		return 1;
	code = store_format_dev(&args, &dev);
	store_dev_close(&dev);
	return code;
}
