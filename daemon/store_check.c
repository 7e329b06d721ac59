// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl store check: read a store, say what is wrong with it.
 *
 * Changes nothing: what a store needs is done by the kernel when it opens it,
 * or by its replicas. The exit code says whether anything was found that a
 * healthy store does not show.
 */
#include "store_scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "store_cmd.h"

/**
 * struct store_check - a check
 * @out: list of findings
 * @json: --json
 * @worst: severity of the worst finding
 * @nr: how many findings
 */
struct store_check {
	struct out out;
	bool json;
	enum qbd_severity worst;
	u32 nr;
};

static const struct out_col store_check_cols[] = {
	{ "severity", "SEVERITY", false },  { "kind", "FINDING", false },
	{ "replica", "REPLICA", true },	    { "first", "FIRST", true },
	{ "last", "LAST", true },	    { "block", "BLOCK", true },
	{ "blocks", "BLOCKS", true },	    { "error", NULL, true },
	{ "text", "WHAT IT MEANS", false },
};

static void store_check_finding(struct store_scan *scan,
				const struct qbd_finding *finding)
{
	enum qbd_severity severity = qbd_finding_severity(finding->kind);
	struct store_check *check = scan->data;
	struct out *out = &check->out;

	check->nr++;
	check->worst = max(check->worst, severity);
	out_str(out, qbd_severity_name(severity));
	out_str(out, qbd_finding_name(finding->kind));
	if (finding->replica)
		out_u64(out, finding->replica);
	else
		out_none(out);
	out_u64(out, finding->first);
	out_u64(out, finding->last);
	if (finding->blocks)
		out_u64(out, finding->block);
	else
		out_none(out);
	out_u64(out, finding->blocks);
	out_s64(out, finding->error);
	out_str(out, qbd_finding_text(finding->kind));
}

static u32 store_check_replicas(const struct qbd_store_core *core)
{
	struct qbd_store_replica replica;
	u32 slot = 0, nr = 0;
	int err;

	while ((err = qbd_store_replica_get(core, slot++, &replica)) != -ERANGE)
		nr += !err;
	return nr;
}

/* For people; programs have the list and the exit code. */
static void store_check_summary(const struct store_scan *scan, int err)
{
	const struct qbd_replay *replay = &scan->check.open.replay;
	const struct store_check *check = scan->data;

	if (err) {
		printf("%s: can not be used as a store\n", scan->dev->path);
		return;
	}
	printf("%s: %u replicas, %llu segments with %llu records in the log: %s\n",
	       scan->dev->path, store_check_replicas(scan->core),
	       replay->nr_segs, replay->nr_recs,
	       check->worst > QBD_SEVERITY_NOTE ? "damaged" : "healthy");
}

static int store_check_dev(const struct store_dev *dev, bool json)
{
	static const struct store_scan_ops ops = {
		.finding = store_check_finding,
	};
	struct store_check check = { .json = json };
	struct store_scan *scan = malloc(sizeof(*scan));
	int err;

	if (!scan) {
		perror("qbdctl");
		return 1;
	}
	out_begin(&check.out, store_check_cols, ARRAY_SIZE(store_check_cols),
		  json);
	err = store_scan_run(scan, dev, &ops, &check);
	if (json || check.nr)
		out_end(&check.out);
	if (err == -ENOMEM)
		fprintf(stderr, "qbdctl: out of memory\n");
	else if (!json)
		store_check_summary(scan, err);
	store_scan_end(scan);
	free(scan);
	return err || check.worst > QBD_SEVERITY_NOTE ? 1 : 0;
}

/**
 * store_check() - qbdctl store check
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int store_check(const struct opt_cmd *cmd, int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;
	const struct opt opts[] = {
		{ "DEVICE", &opt_name, OPT_WORD, &path, NULL,
		  "a block device that nobody uses, or an image file" },
		{ "json", &opt_flag, OPT_MAY, &json, NULL,
		  "one JSON document instead of a table" },
		OPT_END,
	};
	struct store_dev dev;
	int code = opt_parse(cmd, argc, argv, opts);

	if (code)
		return code;
	if (!store_dev_open(&dev, path, false))
		return 1;
	code = store_check_dev(&dev, json);
	store_dev_close(&dev);
	return code;
}
