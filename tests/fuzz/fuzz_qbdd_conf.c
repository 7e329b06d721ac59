// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's file, whatever is in it: each thing that is wrong has a line
 * that exists and words that can be shown, and what is taken is what the kernel
 * and others may be given.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/qbdd/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_name(const char *name, bool must)
{
	if (strlen(name) > CONF_NAME_MAX || (must && !*name) ||
	    strpbrk(name, " /\\\"'\n"))
		abort();
}

static void fuzz_addrs(const struct conf_addrs *addrs)
{
	char text[LINKS_ADDR_TEXT];
	union links_addr again;
	unsigned int i;

	if (!addrs->nr || addrs->nr > CONF_ADDRS_MAX)
		abort();
	for (i = 0; i < addrs->nr; i++) {
		links_addr_format(text, &addrs->addr[i]);
		if (!links_addr_parse(text, &again) ||
		    !links_addr_same_host(&again, &addrs->addr[i]))
			abort();
	}
}

static void fuzz_taken(const struct conf *conf)
{
	fuzz_name(conf->name, true);
	fuzz_name(conf->zone, false);
	fuzz_name(conf->rack, false);
	fuzz_name(conf->host, false);
	fuzz_addrs(&conf->listen);
	fuzz_addrs(&conf->data);
	if (conf->state_dir[0] != '/' || conf->socket[0] != '/' ||
	    conf->level > LOG_LEVEL_DEBUG || !conf->port ||
	    conf->port > UINT16_MAX || !conf->data_port)
		abort();
}

static void fuzz_refused(const struct conf *conf)
{
	unsigned int i;
	const char *at;

	for (i = 0; i < conf->nr_errors && i < CONF_ERRORS_MAX; i++) {
		if (conf->error[i].line > conf->line || !*conf->error[i].text)
			abort();
		for (at = conf->error[i].text; *at; at++)
			if ((*at < ' ' && *at != '\t') || *at > '~')
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct conf conf;
	FILE *file;
	bool good;

	if (!size)
		return 0;
	file = fmemopen((void *)data, size, "r");
	if (!file)
		abort();
	good = conf_read(&conf, "f", file);
	fclose(file);
	if (good != !conf.nr_errors)
		abort();
	if (good)
		fuzz_taken(&conf);
	else
		fuzz_refused(&conf);
	return 0;
}
