// SPDX-License-Identifier: GPL-2.0-only
/*
 * SIGHUP: the file is read again. What can change while the daemon runs does;
 * of the rest it is said that it needs a restart, instead of doing half of it.
 */
#include "qbdd.h"

#include <stdlib.h>
#include <string.h>

static const char *const reload_levels[] = {
	[LOG_LEVEL_NONE] = "none",   [LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARN] = "warn",   [LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

/**
 * qbdd_level_name() - what a level is called
 * @level: the level
 *
 * Return: its name, as log_level_parse() takes it.
 */
const char *qbdd_level_name(enum log_level level)
{
	return reload_levels[level];
}

/**
 * qbdd_level() - log what is at least so bad from now on
 * @qbdd: the daemon
 * @level: the level
 */
void qbdd_level(struct qbdd *qbdd, enum log_level level)
{
	qbdd->level = level;
	log_level(level);
}

static void reload_bad(const struct conf *conf)
{
	char text[CONF_ERROR_TEXT + 3];
	unsigned int i;

	for (i = 0; i < conf->nr_errors && i < CONF_ERRORS_MAX; i++) {
		const struct conf_error *error = &conf->error[i];

		log_write(LOG_LEVEL_ERROR, "reload-failed", "line=%u reason=%s",
			  error->line,
			  log_quote(text, sizeof(text), error->text,
				    strlen(error->text)));
	}
	if (conf->nr_errors > CONF_ERRORS_MAX)
		log_write(LOG_LEVEL_ERROR, "reload-failed", "more=%u",
			  conf->nr_errors - CONF_ERRORS_MAX);
}

/* Does the command line say it, so that the file has no say? */
static bool reload_overruled(const struct qbdd *qbdd,
			     const struct conf_key *key)
{
	const struct qbdd_options *options = &qbdd->options;

	return (options->state_dir && !strcmp(key->name, "state-dir")) ||
	       (options->socket && !strcmp(key->name, "socket")) ||
	       (options->level_given && !strcmp(key->name, "log-level"));
}

static void reload_good(struct qbdd *qbdd, const struct conf *conf)
{
	unsigned int i;

	for (i = 0; i < conf_keys_nr; i++) {
		const struct conf_key *key = &conf_keys[i];

		if (!conf_changed(&qbdd->conf, conf, i) || key->live)
			continue;
		if (!reload_overruled(qbdd, key))
			log_write(LOG_LEVEL_WARN, "restart-needed",
				  "section=%s key=%s", key->section, key->name);
	}
	if (!qbdd->options.level_given)
		qbdd_level(qbdd, conf->level);
	log_write(LOG_LEVEL_INFO, "reloaded", "level=%s",
		  qbdd_level_name(qbdd->level));
}

/**
 * qbdd_reload() - read the file again
 * @qbdd: the daemon; is left as it is if the file is wrong
 */
void qbdd_reload(struct qbdd *qbdd)
{
	struct conf *conf = malloc(sizeof(*conf));

	if (!conf)
		abort();
	notify_reloading(&qbdd->notify);
	if (conf_load(conf, qbdd->conf.file))
		reload_good(qbdd, conf);
	else
		reload_bad(conf);
	free(conf);
	notify_ready(&qbdd->notify);
}
