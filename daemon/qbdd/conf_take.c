// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values of the daemon's file, each taken to its last character; see conf.h.
 */
#include "conf.h"

#include <string.h>
#include <arpa/inet.h>

#include "../parse.h"

/* Letters and digits at both ends, between them also what hosts have. */
static bool conf_name_good(const char *word)
{
	static const char ends[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
	size_t len = strlen(word);
	size_t i;

	if (!len || len > CONF_NAME_MAX)
		return false;
	if (!strchr(ends, word[0]) || !strchr(ends, word[len - 1]))
		return false;
	for (i = 0; i < len; i++)
		if (!strchr(ends, word[i]) && !strchr("-_.", word[i]))
			return false;
	return true;
}

const char *conf_take_name(const char *word, void *to)
{
	if (!conf_name_good(word))
		return "not a name";
	memcpy(to, word, strlen(word) + 1);
	return NULL;
}

/* A number, without its port: 10.0.0.1 or fd00::1. */
static bool conf_addr_parse(const char *word, union links_addr *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (inet_pton(AF_INET, word, &addr->v4.sin_addr) == 1) {
		addr->any.sa_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, word, &addr->v6.sin6_addr) != 1)
		return false;
	addr->any.sa_family = AF_INET6;
	return true;
}

static bool conf_addr_is_any(const union links_addr *addr)
{
	if (addr->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr);
	return addr->v4.sin_addr.s_addr == htonl(INADDR_ANY);
}

/* What no node ever has. */
static bool conf_addr_is_nobody(const union links_addr *addr)
{
	uint32_t v4 = ntohl(addr->v4.sin_addr.s_addr);

	if (addr->any.sa_family == AF_INET6)
		return IN6_IS_ADDR_MULTICAST(&addr->v6.sin6_addr);
	return v4 == INADDR_BROADCAST || IN_MULTICAST(v4);
}

static const char *conf_addr_take(const char *word, bool any,
				  struct conf_addrs *addrs)
{
	union links_addr *addr = &addrs->addr[addrs->nr];
	unsigned int i;

	if (addrs->nr == CONF_ADDRS_MAX)
		return "more than 8 addresses";
	if (!conf_addr_parse(word, addr))
		return "not an address";
	/* it would need to say on which interface */
	if (addr->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LINKLOCAL(&addr->v6.sin6_addr))
		return "a link-local address";
	if (conf_addr_is_nobody(addr) || (!any && conf_addr_is_any(addr)))
		return "nobody can be reached there";
	for (i = 0; i < addrs->nr; i++)
		if (links_addr_same_host(&addrs->addr[i], addr))
			return "an address twice";
	addrs->nr++;
	return NULL;
}

/* A list with commas; one that is empty, or has an empty part, is refused. */
static const char *conf_take_addrs(const char *list, bool any, void *to)
{
	struct conf_addrs made = { 0 };
	const char *why = NULL;

	for (;;) {
		size_t len = strcspn(list, ",");
		size_t from = strspn(list, " \t");
		char word[INET6_ADDRSTRLEN + 1];
		size_t end = len;

		from = from < len ? from : len;
		while (end > from && strchr(" \t", list[end - 1]))
			end--;
		if (end - from >= sizeof(word))
			return "not an address";
		memcpy(word, list + from, end - from);
		word[end - from] = '\0';
		why = conf_addr_take(word, any, &made);
		if (why || !list[len])
			break;
		list += len + 1;
	}
	if (!why)
		memcpy(to, &made, sizeof(made));
	return why;
}

const char *conf_take_listen(const char *word, void *to)
{
	return conf_take_addrs(word, true, to);
}

const char *conf_take_hosts(const char *word, void *to)
{
	return conf_take_addrs(word, false, to);
}

const char *conf_take_port(const char *word, void *to)
{
	/* a port is decimal: parse_u32() would take 0x10 and 010 too */
	if (word[0] == '0' || !parse_u32(word, 1, UINT16_MAX, to))
		return "not a port";
	return NULL;
}

static const char *conf_take_file(const char *word, size_t max, char *to)
{
	size_t len = strlen(word);

	if (word[0] != '/' || word[1] == '\0' || word[len - 1] == '/')
		return "not a path from the root";
	if (len > max)
		return "too long";
	memcpy(to, word, len + 1);
	return NULL;
}

const char *conf_take_path(const char *word, void *to)
{
	return conf_take_file(word, CONF_PATH_MAX, to);
}

const char *conf_take_socket(const char *word, void *to)
{
	return conf_take_file(word, CONF_SOCKET_MAX, to);
}

const char *conf_take_level(const char *word, void *to)
{
	return log_level_parse(word, to) ? NULL : "not a level";
}

/* Give all of them a port. */
void conf_addrs_port(struct conf_addrs *addrs, uint32_t port)
{
	unsigned int i;

	for (i = 0; i < addrs->nr; i++) {
		union links_addr *addr = &addrs->addr[i];

		if (addr->any.sa_family == AF_INET6)
			addr->v6.sin6_port = htons((uint16_t)port);
		else
			addr->v4.sin_port = htons((uint16_t)port);
	}
}
