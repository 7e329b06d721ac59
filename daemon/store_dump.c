// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl store dump: what a store says, as one list: its superblock, its
 * replicas, or the records in its log.
 */
#include "store_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "store_cmd.h"

static const struct out_col store_dump_super_cols[] = {
	{ "uuid", "STORE", false },
	{ "cluster", "CLUSTER", false },
	{ "node", "NODE", true },
	{ "opens", "OPENS", true },
	{ "clean", "CLEAN", false },
	{ "generation", NULL, true },
	{ "incarnation", NULL, true },
	{ "run", NULL, true },
	{ "log_bytes", "LOG", true },
	{ "log_used_bytes", "USED", true },
	{ "tail", NULL, true },
	{ "tail_segment", NULL, true },
	{ "known", NULL, true },
	{ "known_segment", NULL, true },
	{ "carried_segment", NULL, true },
	{ "head", NULL, true },
	{ "head_segment", NULL, true },
	{ "chunk_bytes", "CHUNK", true },
	{ "chunks", "CHUNKS", true },
	{ "chunks_free", "FREE", true },
	{ "metadata_pages", NULL, true },
};

/**
 * struct store_dump - a list being made
 * @out: the list
 * @why: why it can't be used as a store, or NULL
 */
struct store_dump {
	struct out out;
	const char *why;
};

static void store_dump_finding(struct store_scan *scan,
			       const struct qbd_finding *finding)
{
	struct store_dump *dump = scan->data;

	if (qbd_finding_severity(finding->kind) == QBD_SEVERITY_STORE)
		dump->why = qbd_finding_text(finding->kind);
}

static void store_dump_super(struct store_scan *scan, struct out *out)
{
	const struct qbd_super *super = &scan->check.open.super;
	const struct qbd_lpos *head = &scan->check.open.replay.at;
	const struct qbd_layout *layout = &super->layout;
	struct qbd_store_stats stats;

	qbd_store_stats_get(scan->core, &stats);
	out_uuid(out, super->store);
	out_uuid(out, super->cluster);
	out_u64(out, super->node);
	out_u64(out, super->opens);
	out_raw(out, super->flags & QBD_SUPER_CLEAN ? "true" : "false",
		super->flags & QBD_SUPER_CLEAN ? "yes" : "no");
	out_u64(out, super->gen);
	out_u64(out, super->incarnation);
	out_u64(out, super->run);
	out_bytes(out, layout->wal_blocks * QBD_BLOCK_SIZE);
	out_bytes(out, (head->lpos - super->tail.lpos) * QBD_BLOCK_SIZE);
	out_u64(out, super->tail.lpos);
	out_u64(out, super->tail.seq);
	out_u64(out, super->known.lpos);
	out_u64(out, super->known.seq);
	out_u64(out, super->carried);
	out_u64(out, head->lpos);
	out_u64(out, head->seq);
	out_bytes(out, (u64)QBD_BLOCK_SIZE << layout->chunk_shift);
	out_u64(out, layout->data_chunks);
	out_u64(out, stats.chunks_free);
	out_u64(out, layout->meta.nr_pages);
}

static const struct out_col store_dump_replica_cols[] = {
	{ "replica", "REPLICA", true }, { "volume", "VOLUME", true },
	{ "shard", "SHARD", true },	{ "bytes", "SIZE", true },
	{ "state", "STATE", false },	{ "promise_term", "PROMISED", true },
	{ "promise_node", "TO", true }, { "epoch", "EPOCH", true },
	{ "applied_term", NULL, true }, { "applied_index", "APPLIED", true },
	{ "commit", "COMMIT", true },	{ "last_term", "TERM", true },
	{ "last_index", "LAST", true }, { "log_first", "LOG FROM", true },
};

static const char *store_dump_state(u32 flags)
{
	if (flags & QBD_REPLICA_LOST)
		return "lost";
	if (flags & QBD_REPLICA_SUSPECT)
		return "suspect";
	return flags & QBD_REPLICA_NONVOTING ? "nonvoting" : "good";
}

static void store_dump_replicas(struct store_scan *scan, struct out *out)
{
	struct qbd_store_replica replica;
	u32 slot;
	int err;

	for (slot = 0;; slot++) {
		err = qbd_store_replica_get(scan->core, slot, &replica);
		if (err == -ERANGE)
			return;
		if (err)
			continue;
		out_u64(out, replica.table.replica);
		out_u64(out, replica.table.volume);
		out_u64(out, replica.table.shard);
		out_bytes(out, (u64)replica.table.blocks * QBD_BLOCK_SIZE);
		out_str(out, store_dump_state(replica.table.flags));
		out_u64(out, replica.table.promise.term);
		out_u64(out, replica.table.promise.node);
		out_u64(out, replica.table.config.epoch);
		out_u64(out, replica.applied.term);
		out_u64(out, replica.applied.index);
		out_u64(out, replica.table.commit);
		out_u64(out, replica.last.term);
		out_u64(out, replica.last.index);
		out_u64(out, replica.log_first);
	}
}

static const struct out_col store_dump_log_cols[] = {
	{ "segment", "SEGMENT", true },
	{ "position", "POSITION", true },
	{ "run", NULL, true },
	{ "op", "OP", false },
	{ "replica", "REPLICA", true },
	{ "term", "TERM", true },
	{ "index", "INDEX", true },
	{ "previous_term", NULL, true },
	{ "block", "BLOCK", true },
	{ "blocks", "BLOCKS", true },
	{ "payload_blocks", NULL, true },
	{ "relogged", "COPY", false },
};

static const char *store_dump_op(u8 op)
{
	static const char *const name[] = {
		[QBD_OP_WRITE] = "write",	[QBD_OP_DISCARD] = "discard",
		[QBD_OP_ZERO] = "zero",		[QBD_OP_TERM] = "term",
		[QBD_OP_CONFIG] = "config",	[QBD_OP_PROMISE] = "promise",
		[QBD_OP_TRUNCATE] = "truncate", [QBD_OP_CREATE] = "create",
		[QBD_OP_DELETE] = "delete",
	};

	return op < ARRAY_SIZE(name) && name[op] ? name[op] : "unknown";
}

static void store_dump_segment(struct store_scan *scan)
{
	const struct qbd_replay *replay = &scan->check.open.replay;
	struct store_dump *dump = scan->data;
	struct out *out = &dump->out;
	struct qbd_desc desc;
	u32 i;

	for (i = 0; i < replay->head.nr_descs; i++) {
		qbd_seg_desc(replay->header, i, &desc);
		out_u64(out, replay->head.seq);
		out_u64(out, replay->head.lpos);
		out_u64(out, replay->head.run);
		out_str(out, store_dump_op(desc.op));
		out_u64(out, desc.replica);
		out_u64(out, desc.term);
		out_u64(out, desc.index);
		out_u64(out, qbd_op_has_index(desc.op) ? desc.aux0 : 0);
		out_u64(out, desc.block);
		out_u64(out, desc.blocks);
		out_u64(out, desc.payload_blocks);
		out_raw(out, desc.flags & QBD_REC_RELOG ? "true" : "false",
			desc.flags & QBD_REC_RELOG ? "yes" : "no");
	}
}

/**
 * struct store_dump_part - one of the lists
 * @name: of the option, and of the list
 * @cols: its columns
 * @nr_cols: how many
 * @fill: makes the list when the store was read, NULL = @ops does
 * @ops: for reading the store
 */
struct store_dump_part {
	const char *name;
	const struct out_col *cols;
	size_t nr_cols;
	void (*fill)(struct store_scan *scan, struct out *out);
	struct store_scan_ops ops;
};

static const struct store_dump_part store_dump_parts[] = {
	{ "super",
	  store_dump_super_cols,
	  ARRAY_SIZE(store_dump_super_cols),
	  store_dump_super,
	  { store_dump_finding, NULL } },
	{ "replicas",
	  store_dump_replica_cols,
	  ARRAY_SIZE(store_dump_replica_cols),
	  store_dump_replicas,
	  { store_dump_finding, NULL } },
	{ "log",
	  store_dump_log_cols,
	  ARRAY_SIZE(store_dump_log_cols),
	  NULL,
	  { store_dump_finding, store_dump_segment } },
};

static int store_dump_dev(const struct store_dev *dev,
			  const struct store_dump_part *part, bool json)
{
	struct store_scan *scan = malloc(sizeof(*scan));
	struct store_dump dump = { .why = NULL };
	int err;

	if (!scan) {
		perror("qbdctl");
		return 1;
	}
	out_begin(&dump.out, part->cols, part->nr_cols, json);
	err = store_scan_run(scan, dev, &part->ops, &dump);
	if (!err && part->fill)
		part->fill(scan, &dump.out);
	/* what was read before the error is worth something */
	if (!err || json || dump.out.nr_cells)
		out_end(&dump.out);
	if (err)
		fprintf(stderr, "qbdctl: %s: %s%s; see 'qbdctl store check'\n",
			dev->path, dump.why ? dump.why : strerror(-err),
			err == -ENXIO ? ": not a store" : "");
	store_scan_end(scan);
	free(scan);
	return err ? 1 : 0;
}

/**
 * store_dump() - qbdctl store dump
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int store_dump(const struct opt_cmd *cmd, int argc, char **argv)
{
	bool super = false, replicas = false, log = false;
	const char *path = NULL;
	bool json = false;
	const struct opt opts[] = {
		{ "DEVICE", &opt_name, OPT_WORD, &path, NULL,
		  "a block device that nobody uses, or an image file" },
		{ "super", &opt_flag, OPT_MAY, &super, NULL,
		  "its superblock (the default)" },
		{ "replicas", &opt_flag, OPT_MAY, &replicas, NULL,
		  "its replicas" },
		{ "log", &opt_flag, OPT_MAY, &log, NULL,
		  "the records in its log" },
		{ "json", &opt_flag, OPT_MAY, &json, NULL,
		  "one JSON document instead of a table" },
		OPT_END,
	};
	struct store_dev dev;
	int code = opt_parse(cmd, argc, argv, opts);

	if (code)
		return code;
	if (super + replicas + log > 1)
		return opt_usage(cmd, opts,
				 "--super, --replicas, --log: one at a time");
	if (!store_dev_open(&dev, path, false))
		return 1;
	code = store_dump_dev(&dev, &store_dump_parts[log ? 2 : replicas],
			      json);
	store_dev_close(&dev);
	return code;
}
