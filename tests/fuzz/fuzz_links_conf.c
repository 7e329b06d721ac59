// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of peers, whatever is in it: it is refused with its place and a
 * reason, or what was understood is written out and understood again.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/links_conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_addr(const union links_addr *addr)
{
	char text[LINKS_ADDR_TEXT], twice[LINKS_ADDR_TEXT];
	union links_addr again;

	links_addr_format(text, addr);
	if (!links_addr_parse(text, &again))
		abort();
	links_addr_format(twice, &again);
	if (strcmp(text, twice) || !links_addr_same_host(addr, &again) ||
	    links_addr_len(addr) != links_addr_len(&again))
		abort();
}

static void fuzz_taken(const struct links_conf *conf)
{
	unsigned int i;

	if (conf->nr_listens > LINKS_LISTENS_MAX ||
	    conf->nr_peers > LINKS_PEERS_MAX || conf->links > 8)
		abort();
	for (i = 0; i < conf->nr_listens; i++)
		fuzz_addr(&conf->listen[i].addr);
	for (i = 0; i < conf->nr_peers; i++) {
		if (!conf->peer[i].id || conf->peer[i].line > conf->line)
			abort();
		fuzz_addr(&conf->peer[i].addr);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct links_conf conf;
	FILE *file;
	bool taken;

	if (!size)
		return 0;
	file = fmemopen((void *)data, size, "r");
	if (!file)
		abort();
	taken = links_conf_read(&conf, "f", file);
	fclose(file);
	if (taken)
		fuzz_taken(&conf);
	else if (strncmp(conf.error, "f:", 2))
		abort();
	return 0;
}
