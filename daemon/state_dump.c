// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl state dump: what a log store says, as one list: its hard state, its
 * snapshots, or the entries behind the one in use. Of a damaged one what can be
 * read is listed, and the exit code says so.
 */
#include "state_image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "out.h"
#include "state_cmd.h"

static const struct out_col state_hard_cols[] = {
	{ "cluster", "CLUSTER", false },  { "server", "SERVER", true },
	{ "lineage", "LINEAGE", true },	  { "generation", "GENERATION", true },
	{ "term", "TERM", true },	  { "vote", "VOTE", true },
	{ "known", "KNOWN", true },	  { "snapshot", "SNAPSHOT", true },
	{ "first", "FIRST", true },	  { "last", "LAST", true },
	{ "segments", "SEGMENTS", true }, { "members", "BEGAN WITH", false },
};

static const struct out_col state_snap_cols[] = {
	{ "state", "STATE", false },	    { "term", "TERM", true },
	{ "index", "INDEX", true },	    { "id", "DIGEST", false },
	{ "bytes", "SIZE", true },	    { "have", "HAVE", true },
	{ "conf_index", "SET FROM", true }, { "members", "MEMBERS", false },
};

static const struct out_col state_entry_cols[] = {
	{ "index", "INDEX", true }, { "term", "TERM", true },
	{ "type", "TYPE", false },  { "bytes", "BYTES", true },
	{ "data", "DATA", false },
};

/* Servers: v votes, V will not any more, + will, l learns. */
static void state_members(struct out *out, const struct raft_config *conf)
{
	char text[RAFT_MEMBERS_MAX * 24] = "";
	size_t at = 0;
	const char *how;
	u32 i;

	for (i = 0; i < conf->nr; i++) {
		if (conf->old & 1U << i)
			how = !conf->next || conf->next & 1U << i ? "" :
								    ":leaving";
		else
			how = conf->next & 1U << i ? ":joining" : ":learner";
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%llu%s",
				       i ? "," : "", conf->id[i], how);
		if (at >= sizeof(text))
			break;
	}
	out_str(out, text);
}

static void state_dump_hard(struct state_image *state, struct out *out)
{
	const struct rl_image *img = &state->img;
	bool some = img->nr_segs && img->last.index >= img->seg[0].first;

	out_uuid(out, img->id.cluster);
	out_u64(out, img->id.server);
	out_u64(out, img->id.lineage);
	out_u64(out, img->hard.generation);
	out_u64(out, img->hard.term);
	out_u64(out, img->hard.vote);
	out_u64(out, img->hard.known);
	out_u64(out, img->snap.snap.pos.index);
	out_u64(out, some ? img->seg[0].first : 0);
	out_u64(out, some ? img->last.index : 0);
	out_u64(out, img->nr_segs);
	state_members(out, &img->id.conf);
}

static void state_dump_snap(struct out *out, const struct rl_snap *snap,
			    const char *is)
{
	char id[24];

	if (!snap->snap.pos.index)
		return;
	snprintf(id, sizeof(id), "%016llx", snap->snap.id);
	out_str(out, is);
	out_u64(out, snap->snap.pos.term);
	out_u64(out, snap->snap.pos.index);
	out_str(out, id);
	out_bytes(out, snap->snap.bytes);
	out_bytes(out, snap->have);
	out_u64(out, snap->snap.conf.index);
	state_members(out, &snap->snap.conf);
}

static void state_dump_snaps(struct state_image *state, struct out *out)
{
	state_dump_snap(out, &state->img.older, "older");
	state_dump_snap(out, &state->img.snap, "in use");
	state_dump_snap(out, &state->img.incoming, "incoming");
}

static const char *state_entry_type(u8 type)
{
	static const char *const name[] = {
		[RAFT_ENTRY_NOOP] = "noop",
		[RAFT_ENTRY_DATA] = "data",
		[RAFT_ENTRY_CONFIG] = "members",
	};

	return type < ARRAY_SIZE(name) && name[type] ? name[type] : "?";
}

/* Bytes; a set of members is told in words. */
static void state_entry_data(struct out *out, const struct raft_entry *entry)
{
	const u8 *data = entry->data;
	struct raft_config conf;
	char *text;
	u32 i;

	if (entry->type == RAFT_ENTRY_CONFIG &&
	    !raft_conf_decode(data, entry->bytes, &conf)) {
		state_members(out, &conf);
		return;
	}
	text = rl_alloc(NULL, 2 * (u64)entry->bytes + 1);
	for (i = 0; i < entry->bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", data[i]);
	text[2 * i] = '\0';
	out_str(out, text);
	free(text);
}

static void state_dump_entries(struct state_image *state, struct out *out)
{
	const struct rl_image *img = &state->img;
	const struct raft_entry *entry;
	u32 i;

	for (i = 0; i < img->nr_entries; i++) {
		entry = &img->entry[i];
		if (entry->pos.index == img->snap.snap.pos.index)
			continue; /* it is in the snapshot */
		out_u64(out, entry->pos.index);
		out_u64(out, entry->pos.term);
		out_str(out, state_entry_type(entry->type));
		out_u64(out, entry->bytes);
		state_entry_data(out, entry);
	}
}

/**
 * struct state_part - one of the lists
 * @cols: its columns
 * @nr_cols: how many
 * @fill: makes it
 */
struct state_part {
	const struct out_col *cols;
	size_t nr_cols;
	void (*fill)(struct state_image *state, struct out *out);
};

static const struct state_part state_parts[] = {
	{ state_hard_cols, ARRAY_SIZE(state_hard_cols), state_dump_hard },
	{ state_snap_cols, ARRAY_SIZE(state_snap_cols), state_dump_snaps },
	{ state_entry_cols, ARRAY_SIZE(state_entry_cols), state_dump_entries },
};

static int state_dump_dir(const char *path, const struct state_part *part,
			  bool json)
{
	const struct raftlog_finding *why;
	struct state_image state;
	struct out out;
	int code;

	if (!state_image_open(&state, path))
		return 1;
	out_begin(&out, part->cols, part->nr_cols, json);
	if (!state.img.err)
		part->fill(&state, &out);
	if (!state.img.err || json)
		out_end(&out);
	code = !rl_image_good(&state.img);
	why = raftlog_worst(&state.report);
	if (code && why)
		fprintf(stderr,
			"qbdctl: %s/%s:%llu: %s; see 'qbdctl state check'\n",
			path, why->file, why->offset, why->text);
	state_image_close(&state);
	return code;
}

/**
 * state_dump() - qbdctl state dump
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int state_dump(const struct opt_cmd *cmd, int argc, char **argv)
{
	bool hard = false, snapshots = false, entries = false, json = false;
	const char *path = NULL;
	const struct opt opts[] = {
		{ "DIRECTORY", &opt_name, OPT_WORD, &path, NULL,
		  "of a Raft server that does not run" },
		{ "hard", &opt_flag, OPT_MAY, &hard, NULL,
		  "whose it is, term and vote, how far it goes (the default)" },
		{ "snapshots", &opt_flag, OPT_MAY, &snapshots, NULL,
		  "its snapshots" },
		{ "entries", &opt_flag, OPT_MAY, &entries, NULL,
		  "the entries behind the snapshot in use" },
		{ "json", &opt_flag, OPT_MAY, &json, NULL,
		  "one JSON document instead of a table" },
		OPT_END,
	};
	int code = opt_parse(cmd, argc, argv, opts);

	if (code)
		return code;
	if (hard + snapshots + entries > 1)
		return opt_usage(cmd, opts,
				 "--hard, --snapshots, --entries: "
				 "one at a time");
	return state_dump_dir(path, &state_parts[entries ? 2 : snapshots],
			      json);
}
