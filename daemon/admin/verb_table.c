// SPDX-License-Identifier: GPL-2.0-only
/*
 * All verbs that qbdd takes; see verb.h. A verb that is added here is in
 * qbdctl, its help, manual page and completion; and qbdd does not start before
 * a service brings what does it.
 */
#include "verb.h"

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

const struct verb verb_table[] = {
	{ .name = "daemon status",
	  .help = "show how the daemon of this node is",
	  .view = &daemon_status_view },
	{ .name = "daemon log-level",
	  .help = "change what is logged, until the daemon ends or reloads",
	  .change = true,
	  .args = daemon_log_level_args,
	  .view = &daemon_log_level_view },
	{ .name = "ping",
	  .help = "see whether the daemon of this node answers",
	  .view = &ping_view },
	{ .name = NULL },
};
