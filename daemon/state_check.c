// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl state check, repair: what is wrong with a log store, and the part of
 * it that can be put right without losing what may have been promised. Repair
 * is what the daemon does when it opens one; nothing is invented, and what is
 * damaged is left as it is.
 */
#include "state_image.h"

#include <stdio.h>
#include <string.h>

#include "out.h"
#include "state_cmd.h"

static const struct out_col state_check_cols[] = {
	{ "severity", "SEVERITY", false }, { "file", "FILE", false },
	{ "offset", "OFFSET", true },	   { "text", "FINDING", false },
	{ "next", NULL, false },
};

static void state_findings(const struct raftlog_report *report, bool json)
{
	const struct raftlog_finding *finding;
	struct out out;
	u32 i;

	out_begin(&out, state_check_cols, ARRAY_SIZE(state_check_cols), json);
	for (i = 0; i < report->nr; i++) {
		finding = &report->finding[i];
		out_str(&out, raftlog_severity_name(finding->severity));
		out_str(&out, finding->file);
		out_u64(&out, finding->offset);
		out_str(&out, finding->text);
		out_str(&out, state_advice(finding->severity));
	}
	if (json || report->nr)
		out_end(&out);
}

static void state_summary(const struct state_image *state)
{
	const struct raftlog_report *report = &state->report;
	const struct rl_image *img = &state->img;

	if (report->total > report->nr)
		printf("%u more\n", report->total - report->nr);
	if (!img->err)
		printf("server %llu: term %llu, snapshot at %llu, log to %llu, "
		       "known to %llu\n",
		       img->id.server, img->hard.term, img->snap.snap.pos.index,
		       max(img->last.index, img->snap.snap.pos.index),
		       img->hard.known);
	if (!report->total)
		printf("healthy\n");
	else
		printf("next: %s\n", state_advice(report->worst));
}

/**
 * state_check() - qbdctl state check
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int state_check(const struct opt_cmd *cmd, int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;
	const struct opt opts[] = {
		{ "DIRECTORY", &opt_name, OPT_WORD, &path, NULL,
		  "of a Raft server that does not run" },
		{ "json", &opt_flag, OPT_MAY, &json, NULL,
		  "one JSON document instead of a table" },
		OPT_END,
	};
	struct state_image state;
	int code = opt_parse(cmd, argc, argv, opts);

	if (code)
		return code;
	if (!state_image_open(&state, path))
		return 1;
	state_findings(&state.report, json);
	if (!json)
		state_summary(&state);
	code = state_image_verdict(&state);
	state_image_close(&state);
	return code;
}

/* The directory is opened, and closed again. */
static int state_mend(const struct state_image *state,
		      struct raftlog_report *report)
{
	const struct raftlog_options opt = { .id = state->img.id,
					     .batch_bytes = 1 };
	struct raftlog *rl;
	int err = raftlog_open(&state->env, &opt, report, &rl);

	if (!err)
		raftlog_close(rl);
	return err;
}

/**
 * state_repair() - qbdctl state repair
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int state_repair(const struct opt_cmd *cmd, int argc, char **argv)
{
	const char *path = NULL;
	bool json = false;
	const struct opt opts[] = {
		{ "DIRECTORY", &opt_name, OPT_WORD, &path, NULL,
		  "of a Raft server that does not run" },
		{ "json", &opt_flag, OPT_MAY, &json, NULL,
		  "one JSON document instead of a table" },
		OPT_END,
	};
	struct state_image state;
	struct raftlog_report report;
	int code = opt_parse(cmd, argc, argv, opts);

	if (code)
		return code;
	if (!state_image_open(&state, path))
		return 1;
	code = !rl_image_good(&state.img);
	if (!code && state_mend(&state, &report)) {
		state.report = report;
		code = 1;
	}
	state_findings(&state.report, json);
	if (code && !json)
		state_summary(&state);
	else if (!json)
		printf("%u findings, put right\n", state.report.total);
	state_image_close(&state);
	return code;
}
