// SPDX-License-Identifier: GPL-2.0-only
/*
 * All verbs that qbdd takes; see verb.h. A verb that is added here is in
 * qbdctl, its help, manual page and completion; and qbdd does not start before
 * a service brings what does it.
 */
#include "verb.h"

/* A word of up to so many bytes that must be there; an option that may be. */
#define VERB_WORD(key, most, value, text)                              \
	{                                                              \
		.name = (key), .type = VERB_STRING, .must = true,      \
		.word = true, .min = 1, .max = (most), .arg = (value), \
		.help = (text)                                         \
	}
#define VERB_MAY(key, most, value, text)                           \
	{                                                          \
		.name = (key), .type = VERB_STRING, .max = (most), \
		.arg = (value), .help = (text)                     \
	}

static const char *const verb_levels[] = { "none", "error", "warn",
					   "info", "debug", NULL };

static const struct verb_arg daemon_log_level_args[] = {
	{ .name = "level",
	  .type = VERB_STRING,
	  .must = true,
	  .word = true,
	  .min = 1,
	  .max = 16,
	  .choice = verb_levels,
	  .arg = "LEVEL",
	  .help = "none, error, warn, info or debug" },
	{ .name = NULL }
};

static const struct verb_col daemon_log_level_cols[] = {
	{ "log_level", "log level", VERB_TEXT },
	{ "before", "before", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view daemon_log_level_view = {
	.cols = daemon_log_level_cols,
};

static const struct verb_col daemon_status_cols[] = {
	{ "node", "node", VERB_TEXT },
	{ "version", "version", VERB_TEXT },
	{ "pid", "pid", VERB_COUNT },
	{ "uptime_ns", "up for", VERB_NS },
	{ "log_level", "log level", VERB_TEXT },
	{ "config", "configuration", VERB_TEXT },
	{ "state_dir", "state", VERB_TEXT },
	{ "socket", "socket", VERB_TEXT },
	{ "kernel.module", "kernel module", VERB_TEXT },
	{ "memory_bytes", "memory", VERB_BYTES },
	{ "loop.turns", "turns of the loop", VERB_COUNT },
	{ "loop.slow", "slow callbacks", VERB_COUNT },
	{ "loop.longest_ns", "longest callback", VERB_NS },
	{ "loop.longest", "its name", VERB_TEXT },
	{ "loop.laps_slow", "slow turns", VERB_COUNT },
	{ "loop.laps_slept", "of them, slept in", VERB_COUNT },
	{ "loop.longest_lap_ns", "longest turn", VERB_NS },
	{ "loop.longest_lap", "mostly in", VERB_TEXT },
	{ "admin.clients", "clients now", VERB_COUNT },
	{ "admin.requests", "requests", VERB_COUNT },
	{ "admin.refused_user", "refused: not root", VERB_COUNT },
	{ "admin.refused_full", "refused: too many", VERB_COUNT },
	{ "admin.bad", "bad requests", VERB_COUNT },
	{ "admin.cut", "clients cut off", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view daemon_status_view = {
	.cols = daemon_status_cols,
};

static const struct verb_col ping_cols[] = {
	{ "node", "node", VERB_TEXT },
	{ "version", "version", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view ping_view = {
	.cols = ping_cols,
};

/* --- the cluster ------------------------------------------------------------
 */

static const char *const verb_votes[] = { "any", "never", "rather", NULL };

static const struct verb_arg cluster_init_args[] = {
	VERB_WORD("name", 63, "NAME", "of the cluster"),
	{ .name = NULL }
};

static const struct verb_arg cluster_join_args[] = {
	{ .name = "address",
	  .type = VERB_STRING,
	  .must = true,
	  .word = true,
	  .min = 2,
	  .max = 63,
	  .arg = "ADDRESS",
	  .help = "of a member: a number, with or without a port" },
	{ .name = "token",
	  .type = VERB_STRING,
	  .must = true,
	  .min = 8,
	  .max = 100,
	  .arg = "TOKEN",
	  .help = "that 'token create' there has made" },
	{ .name = NULL }
};

static const struct verb_arg cluster_set_args[] = {
	VERB_WORD("key", 63, "KEY",
		  "of a setting: 'cluster show --json' has them"),
	{ .name = "value",
	  .type = VERB_NUMBER,
	  .must = true,
	  .max = 4294967295,
	  .arg = "N",
	  .help = "its new value" },
	{ .name = "force",
	  .type = VERB_FLAG,
	  .help = "feature-level: also if a node that is away may not know it" },
	{ .name = NULL }
};

static const struct verb_arg node_args[] = { VERB_WORD("name", 63, "NAME",
						       "of the node"),
					     { .name = NULL } };

static const struct verb_arg node_label_args[] = {
	VERB_WORD("name", 63, "NAME", "of the node"),
	VERB_MAY("zone", 31, "ZONE", "failure domain"),
	VERB_MAY("rack", 31, "RACK", "failure domain"),
	VERB_MAY("host", 31, "HOST", "failure domain"),
	{ .name = "votes",
	  .type = VERB_STRING,
	  .max = 16,
	  .choice = verb_votes,
	  .arg = "any|never|rather",
	  .help = "may it be a member of the group that decides?" },
	{ .name = NULL }
};

static const struct verb_arg token_create_args[] = {
	{ .name = "expires",
	  .type = VERB_NUMBER,
	  .min = 1,
	  .max = 31536000,
	  .arg = "SECONDS",
	  .help = "good for so long (default 3600)" },
	{ .name = "uses",
	  .type = VERB_NUMBER,
	  .min = 1,
	  .max = 1000,
	  .arg = "N",
	  .help = "good for so many nodes (default 1)" },
	{ .name = NULL }
};

static const struct verb_arg token_revoke_args[] = {
	{ .name = "id",
	  .type = VERB_NUMBER,
	  .must = true,
	  .min = 1,
	  .max = 1099511627775,
	  .arg = "ID",
	  .help = "of the token: 'token list' has it" },
	{ .name = NULL }
};

static const struct verb_col copies_cols[] = {
	{ "name", "VOLUME", VERB_TEXT },
	{ "unknown", "UNKNOWN", VERB_COUNT },
	{ "bad", "TO REPAIR", VERB_COUNT },
	{ "repair", "WAITS FOR", VERB_TEXT },
	{ "todo", "WHAT TO DO", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view copies_view = {
	.rows = "copies",
	.cols = copies_cols,
};

static const struct verb_col problem_cols[] = {
	{ "problem", "PROBLEM", VERB_TEXT },
	{ "do", "WHAT TO DO", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view problem_view = {
	.rows = "problems",
	.cols = problem_cols,
	.more = &copies_view,
};

static const struct verb_col member_cols[] = {
	{ "name", "MEMBER", VERB_TEXT },
	{ "node", "ID", VERB_COUNT },
	{ "role", "ROLE", VERB_TEXT },
	{ "heard", "HEARD", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view member_view = {
	.rows = "members",
	.cols = member_cols,
	.more = &problem_view,
};

static const struct verb_col cluster_status_cols[] = {
	{ "node", "node", VERB_TEXT },
	{ "id", "its id", VERB_COUNT },
	{ "phase", "in a cluster", VERB_TEXT },
	{ "cluster", "cluster", VERB_TEXT },
	{ "uuid", "its uuid", VERB_TEXT },
	{ "leader", "who leads", VERB_TEXT },
	{ "role", "role of this node", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view cluster_status_view = {
	.cols = cluster_status_cols,
	.more = &member_view,
};

static const struct verb_col cluster_show_cols[] = {
	{ "name", "cluster", VERB_TEXT },
	{ "uuid", "uuid", VERB_TEXT },
	{ "settings.voters", "voters", VERB_COUNT },
	{ "settings.repair-after-ms", "repair-after-ms", VERB_COUNT },
	{ "settings.suspect-after-ms", "suspect-after-ms", VERB_COUNT },
	{ "settings.replace-voter-after-ms", "replace-voter-after-ms",
	  VERB_COUNT },
	{ "settings.repairs-at-once", "repairs-at-once", VERB_COUNT },
	{ "settings.lease-ms", "lease-ms", VERB_COUNT },
	{ "settings.feature-level", "feature-level", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view cluster_show_view = {
	.cols = cluster_show_cols,
};

static const struct verb_col node_cols[] = {
	{ "name", "NODE", VERB_TEXT },	 { "id", "ID", VERB_COUNT },
	{ "state", "STATE", VERB_TEXT }, { "heard", "HEARD", VERB_TEXT },
	{ "group", "GROUP", VERB_TEXT }, { "copies", "COPIES", VERB_COUNT },
	{ "zone", "ZONE", VERB_TEXT },	 { "rack", "RACK", VERB_TEXT },
	{ "host", "HOST", VERB_TEXT },	 { .key = NULL },
};

static const struct verb_view node_list_view = {
	.rows = "nodes",
	.cols = node_cols,
};

static const struct verb_view node_show_view = {
	.cols = node_cols,
};

static const struct verb_col token_cols[] = {
	{ "token", "token", VERB_TEXT },
	{ "id", "id", VERB_COUNT },
	{ "uses", "uses", VERB_COUNT },
	{ "expires_s", "good for (s)", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view token_view = {
	.cols = token_cols,
};

static const struct verb_col token_list_cols[] = {
	{ "id", "TOKEN", VERB_COUNT },
	{ "uses", "USES LEFT", VERB_COUNT },
	{ "good_s", "GOOD FOR (S)", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view token_list_view = {
	.rows = "tokens",
	.cols = token_list_cols,
};

/* --- stores, volumes, jobs --------------------------------------------------
 */

static const char *const verb_no_quorum[] = { "suspend", "error", NULL };
static const char *const verb_reads[] = { "lease", "quorum", NULL };

#define VERB_NO_WAIT                                                        \
	{                                                                   \
		.name = "no-wait", .type = VERB_FLAG,                       \
		.help = "answer when it is decided; 'volume show' has more" \
	}
#define VERB_VOLUME VERB_WORD("name", 63, "NAME", "of the volume")
#define VERB_POLICIES                                                   \
	{ .name = "on-no-quorum",                                       \
	  .type = VERB_STRING,                                          \
	  .max = 16,                                                    \
	  .choice = verb_no_quorum,                                     \
	  .help = "what I/O does without a quorum" },                   \
		{ .name = "no-quorum-after",                            \
		  .type = VERB_NUMBER,                                  \
		  .min = 1,                                             \
		  .max = 4294967295,                                    \
		  .arg = "MS",                                          \
		  .help = "error: after so many ms without a quorum" }, \
	{                                                               \
		.name = "reads", .type = VERB_STRING, .max = 16,        \
		.choice = verb_reads,                                   \
		.help = "how a read knows that its node still holds it" \
	}

static const struct verb_arg list_args[] = {
	{ .name = "from",
	  .type = VERB_NUMBER,
	  .max = 4294967295,
	  .arg = "N",
	  .help = "go on where a list that was too long said" },
	{ .name = NULL }
};

static const struct verb_arg store_args[] = {
	VERB_WORD("store", 40, "STORE", "id, or uuid, of the store"),
	{ .name = NULL }
};

#define VERB_GONE                                                                     \
	{                                                                             \
		.name = "force", .type = VERB_FLAG,                                   \
		.help = "it never comes back: its copies are made anew, then it goes" \
	}

static const struct verb_arg node_remove_args[] = {
	VERB_WORD("name", 63, "NAME", "of the node"),
	VERB_GONE,
	{ .name = NULL }
};

static const struct verb_arg store_remove_args[] = {
	VERB_WORD("store", 40, "STORE", "id, or uuid, of the store"),
	VERB_GONE,
	{ .name = NULL }
};

static const struct verb_col removed_cols[] = {
	{ "copies", "copies to be replaced", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view removed_view = {
	.cols = removed_cols,
};

#define VERB_CANCEL                                                    \
	{                                                              \
		.name = "cancel", .type = VERB_FLAG,                   \
		.help = "do not: what has moved stays where it is now" \
	}

static const struct verb_arg node_drain_args[] = { VERB_WORD("name", 63, "NAME",
							     "of the node"),
						   VERB_CANCEL,
						   { .name = NULL } };

static const struct verb_arg store_drain_args[] = {
	VERB_WORD("store", 40, "STORE", "id, or uuid, of the store"),
	VERB_CANCEL,
	{ .name = NULL }
};

static const struct verb_col drain_cols[] = {
	{ "copies", "copies to be moved", VERB_COUNT },
	{ "deleting", "copies being deleted", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view drain_view = {
	.cols = drain_cols,
};

static const struct verb_arg store_add_args[] = {
	VERB_WORD("device", 255, "DEVICE", "path of the device"),
	{ .name = NULL }
};

static const struct verb_arg volume_create_args[] = {
	VERB_VOLUME,
	{ .name = "size",
	  .type = VERB_SIZE,
	  .must = true,
	  .min = 4096,
	  .max = 1ULL << 62,
	  .help = "of the device" },
	{ .name = "copies",
	  .type = VERB_NUMBER,
	  .min = 1,
	  .max = 7,
	  .arg = "N",
	  .help = "of everything, each on another host (default 3)" },
	{ .name = "shard-size",
	  .type = VERB_SIZE,
	  .min = 64ULL << 20,
	  .max = 64ULL << 30,
	  .help = "a power of two, 64M to 64G (default 4G)" },
	VERB_POLICIES,
	VERB_NO_WAIT,
	{ .name = NULL }
};

static const struct verb_arg volume_show_args[] = {
	VERB_VOLUME,
	{ .name = "shard",
	  .type = VERB_NUMBER,
	  .max = 65535,
	  .arg = "N",
	  .help = "show sets from this shard on (default 0)" },
	{ .name = NULL }
};

static const struct verb_arg volume_set_args[] = {
	VERB_VOLUME,
	{ .name = "auto-attach",
	  .type = VERB_STRING,
	  .min = 1,
	  .max = 255,
	  .arg = "NODE,NODE",
	  .help = "nodes that may attach it by themselves, in this order" },
	VERB_MAY("unit", 255, "UNIT", "systemd unit that runs where it is"),
	VERB_MAY("run", 255, "CMD", "command, from the root, that runs there"),
	{ .name = "no-auto-attach",
	  .type = VERB_FLAG,
	  .help = "no node may, and nothing is run" },
	VERB_POLICIES,
	{ .name = NULL }
};

static const struct verb_arg volume_attach_args[] = {
	VERB_VOLUME,
	VERB_MAY("node", 63, "NODE", "where (default: this node)"),
	{ .name = "force",
	  .type = VERB_FLAG,
	  .help = "also if it is attached: whoever holds it is fenced" },
	VERB_NO_WAIT,
	{ .name = NULL }
};

static const struct verb_arg volume_detach_args[] = {
	VERB_VOLUME,
	{ .name = "force",
	  .type = VERB_FLAG,
	  .help = "do not ask its node: what is not on stable media is lost" },
	VERB_NO_WAIT,
	{ .name = NULL }
};

static const struct verb_arg volume_resize_args[] = {
	VERB_VOLUME,
	{ .name = "size",
	  .type = VERB_SIZE,
	  .must = true,
	  .min = 4096,
	  .max = 1ULL << 62,
	  .help = "new size; not smaller than it is" },
	VERB_NO_WAIT,
	{ .name = NULL }
};

static const struct verb_arg volume_delete_args[] = { VERB_VOLUME,
						      VERB_NO_WAIT,
						      { .name = NULL } };

static const struct verb_col note_cols[] = {
	{ "note", "NOTE", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view note_view = {
	.rows = "notes",
	.cols = note_cols,
};

static const struct verb_col store_cols[] = {
	{ "id", "STORE", VERB_COUNT },
	{ "node", "NODE", VERB_TEXT },
	{ "heard", "HEARD", VERB_TEXT },
	{ "state", "STATE", VERB_TEXT },
	{ "capacity", "SIZE", VERB_BYTES },
	{ "free", "FREE", VERB_BYTES },
	{ "replicas", "COPIES", VERB_COUNT },
	{ "deleting", "DELETING", VERB_COUNT },
	{ "uuid", "UUID", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_col store_added_cols[] = {
	{ "store", "store", VERB_COUNT },
	{ .key = NULL },
};

static const struct verb_view store_added_view = {
	.cols = store_added_cols,
};

static const struct verb_view store_list_view = {
	.rows = "stores",
	.cols = store_cols,
	.more = &note_view,
};

static const struct verb_view store_show_view = {
	.cols = store_cols,
};

static const struct verb_col volume_cols[] = {
	{ "name", "VOLUME", VERB_TEXT },
	{ "id", "ID", VERB_COUNT },
	{ "state", "STATE", VERB_TEXT },
	{ "size", "SIZE", VERB_BYTES },
	{ "copies", "COPIES", VERB_COUNT },
	{ "shards", "SHARDS", VERB_COUNT },
	{ "attached", "ATTACHED", VERB_TEXT },
	{ "repaired", "REPAIRED BY", VERB_TEXT },
	{ "serves", "SERVES", VERB_TEXT },
	{ "device", "DEVICE", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view volume_list_view = {
	.rows = "volumes",
	.cols = volume_cols,
	.more = &note_view,
};

static const struct verb_col volume_set_cols[] = {
	{ "shard", "SHARD", VERB_COUNT },
	{ "epoch", "EPOCH", VERB_COUNT },
	{ "stage", "STAGE", VERB_TEXT },
	{ "set", "COPIES ON", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view volume_sets_view = {
	.rows = "sets",
	.cols = volume_set_cols,
	.more = &note_view,
};

static const struct verb_col volume_show_cols[] = {
	{ "name", "volume", VERB_TEXT },
	{ "id", "id", VERB_COUNT },
	{ "state", "state", VERB_TEXT },
	{ "size", "size", VERB_BYTES },
	{ "grow", "grows to", VERB_BYTES },
	{ "copies", "copies", VERB_COUNT },
	{ "shard_size", "shard size", VERB_BYTES },
	{ "shards", "shards", VERB_COUNT },
	{ "shards_wanted", "of", VERB_COUNT },
	{ "unmade", "copies to be made", VERB_COUNT },
	{ "attached", "attached on", VERB_TEXT },
	{ "wanted", "wanted on", VERB_TEXT },
	{ "repaired", "repaired by", VERB_TEXT },
	{ "serves", "device is", VERB_TEXT },
	{ "device", "device", VERB_TEXT },
	{ "term", "term", VERB_COUNT },
	{ "on_no_quorum", "without a quorum", VERB_TEXT },
	{ "no_quorum_ms", "after (ms)", VERB_COUNT },
	{ "reads", "reads", VERB_TEXT },
	{ "auto", "auto-attach", VERB_TEXT },
	{ "run", "runs there", VERB_TEXT },
	{ "failed", "failed", VERB_TEXT },
	{ "waits", "waits for", VERB_TEXT },
	{ "unknown", "copies unknown", VERB_COUNT },
	{ "bad", "to be repaired", VERB_COUNT },
	{ "repair", "repair waits for", VERB_TEXT },
	{ "todo", "what to do", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view volume_show_view = {
	.cols = volume_show_cols,
	.more = &volume_sets_view,
};

static const struct verb_col volume_done_cols[] = {
	{ "name", "volume", VERB_TEXT },
	{ "state", "state", VERB_TEXT },
	{ "attached", "attached on", VERB_TEXT },
	{ "device", "device", VERB_TEXT },
	{ "waits", "waits for", VERB_TEXT },
	{ .key = NULL },
};

static const struct verb_view volume_done_view = {
	.cols = volume_done_cols,
};

static const struct verb_col job_cols[] = {
	{ "job", "JOB", VERB_TEXT },	     { "of", "OF", VERB_TEXT },
	{ "done", "DONE", VERB_COUNT },	     { "total", "OF", VERB_COUNT },
	{ "waits", "WAITS FOR", VERB_TEXT }, { .key = NULL },
};

static const struct verb_view job_list_view = {
	.rows = "jobs",
	.cols = job_cols,
	.more = &note_view,
};

const struct verb verb_table[] = {
	{ .name = "daemon status",
	  .help = "show how the daemon of this node is",
	  .view = &daemon_status_view },
	{ .name = "daemon log-level",
	  .help = "change what is logged, until the daemon ends or reloads",
	  .change = true,
	  .args = daemon_log_level_args,
	  .view = &daemon_log_level_view },
	{ .name = "cluster init",
	  .help = "make a cluster, with this node as its first",
	  .change = true,
	  .args = cluster_init_args,
	  .view = &cluster_status_view },
	{ .name = "cluster join",
	  .help = "have this node join a cluster",
	  .change = true,
	  .args = cluster_join_args,
	  .view = &cluster_status_view },
	{ .name = "cluster status",
	  .help = "show how the cluster looks from here, and what to do",
	  .view = &cluster_status_view },
	{ .name = "cluster show",
	  .help = "show the cluster and its settings",
	  .view = &cluster_show_view },
	{ .name = "cluster set",
	  .help = "change a setting",
	  .change = true,
	  .args = cluster_set_args },
	{ .name = "node list",
	  .help = "list the nodes of the cluster",
	  .view = &node_list_view },
	{ .name = "node show",
	  .help = "show one node",
	  .args = node_args,
	  .view = &node_show_view },
	{ .name = "node label",
	  .help = "change failure domains of a node, and whether it votes",
	  .change = true,
	  .args = node_label_args },
	{ .name = "node remove",
	  .help = "remove a node for ever: its key is refused from then on",
	  .change = true,
	  .args = node_remove_args,
	  .view = &removed_view },
	{ .name = "node drain",
	  .help = "move all copies away from a node, or leave off doing so",
	  .change = true,
	  .args = node_drain_args,
	  .view = &drain_view },
	{ .name = "node rekey",
	  .help = "await a node whose state directory, with its key, is lost: who "
		  "joins under its name, with a token, is it from then on",
	  .change = true,
	  .args = node_args },
	{ .name = "token create",
	  .help = "make a token, with which a node can join",
	  .change = true,
	  .args = token_create_args,
	  .view = &token_view },
	{ .name = "token list",
	  .help = "list tokens that may still be used",
	  .view = &token_list_view },
	{ .name = "token revoke",
	  .help = "end a token",
	  .change = true,
	  .args = token_revoke_args },
	{ .name = "store add",
	  .help = "give a formatted device of this node to the cluster",
	  .change = true,
	  .args = store_add_args,
	  .view = &store_added_view },
	{ .name = "store list",
	  .help = "list the stores of the cluster",
	  .args = list_args,
	  .view = &store_list_view },
	{ .name = "store show",
	  .help = "show one store",
	  .args = store_args,
	  .view = &store_show_view },
	{ .name = "store remove",
	  .help = "remove a store for ever; refused if it has copies",
	  .change = true,
	  .args = store_remove_args,
	  .view = &removed_view },
	{ .name = "store drain",
	  .help = "move all copies away from a store, or leave off doing so",
	  .change = true,
	  .args = store_drain_args,
	  .view = &drain_view },
	{ .name = "volume create",
	  .help = "make a volume, and wait until it is ready",
	  .change = true,
	  .args = volume_create_args,
	  .view = &volume_done_view },
	{ .name = "volume list",
	  .help = "list the volumes of the cluster",
	  .args = list_args,
	  .view = &volume_list_view },
	{ .name = "volume show",
	  .help = "show one volume, its sets, and what it waits for",
	  .args = volume_show_args,
	  .view = &volume_show_view },
	{ .name = "volume set",
	  .help = "change policies of a volume, and where it may go by itself",
	  .change = true,
	  .args = volume_set_args },
	{ .name = "volume attach",
	  .help = "attach a volume to a node, and wait until it serves",
	  .change = true,
	  .args = volume_attach_args,
	  .view = &volume_done_view },
	{ .name = "volume detach",
	  .help = "detach a volume, and wait until its node released it",
	  .change = true,
	  .args = volume_detach_args,
	  .view = &volume_done_view },
	{ .name = "volume resize",
	  .help = "make a volume larger, and wait until it is",
	  .change = true,
	  .args = volume_resize_args,
	  .view = &volume_done_view },
	{ .name = "volume delete",
	  .help = "delete a volume with all its data, and wait until it is gone",
	  .change = true,
	  .args = volume_delete_args,
	  .view = &volume_done_view },
	{ .name = "job list",
	  .help = "list what is under way, and what it waits for",
	  .args = list_args,
	  .view = &job_list_view },
	{ .name = "ping",
	  .help = "see whether the daemon of this node answers",
	  .view = &ping_view },
	{ .name = NULL },
};
