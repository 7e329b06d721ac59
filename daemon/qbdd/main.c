// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdd: what is started, in which order; see qbdd.h.
 */
#include <stdio.h>

#include "../opt.h"
#include "../version.h"
#include "qbdd.h"

static const struct service *const qbdd_services[] = {
	&state_service, &module_service, &cluster_service,
	&hands_service, &volume_service, &status_service,
	NULL,
};

/* The file, and what the command line says instead. */
static int qbdd_configure(struct qbdd *qbdd)
{
	const struct qbdd_options *options = &qbdd->options;

	if (!conf_load(&qbdd->conf, options->config)) {
		conf_error_print(&qbdd->conf, stderr);
		return QBDD_USAGE;
	}
	/* both were measured when the command line was taken: nothing is cut */
	if (options->state_dir)
		snprintf(qbdd->conf.state_dir, sizeof(qbdd->conf.state_dir),
			 "%s", options->state_dir);
	if (options->socket)
		snprintf(qbdd->conf.socket, sizeof(qbdd->conf.socket), "%s",
			 options->socket);
	qbdd_level(qbdd,
		   options->level_given ? options->level : qbdd->conf.level);
	return QBDD_OK;
}

int main(int argc, char **argv)
{
	static struct qbdd qbdd;
	int code;

	qbdd.options.config = CONF_FILE;
	code = qbdd_options_take(&qbdd.options, argc, argv);
	if (code)
		return code == OPT_HELPED ? QBDD_OK : QBDD_USAGE;
	if (qbdd.options.version) {
		puts("qbdd " QBD_VERSION);
		return QBDD_OK;
	}
	code = qbdd_configure(&qbdd);
	if (code)
		return code;
	if (qbdd.options.check) {
		printf("%s: ok\n", qbdd.conf.file);
		return QBDD_OK;
	}
	process_prepare(qbdd.options.core_dumps);
	return qbdd_run(&qbdd, qbdd_services);
}
