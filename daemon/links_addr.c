// SPDX-License-Identifier: GPL-2.0-only
/*
 * Addresses with a port, as words and as sockets take them.
 */
#include "links_conf.h"

#include <string.h>
#include <arpa/inet.h>

#include "parse.h"

static bool links_port_parse(const char *word, in_port_t *port)
{
	uint32_t number;

	/* a port is decimal: parse_u32() would take 0x10 and 010 too */
	if (word[0] == '0' || !parse_u32(word, 1, UINT16_MAX, &number))
		return false;
	*port = htons((uint16_t)number);
	return true;
}

/**
 * links_addr_parse() - take ADDRESS:PORT apart
 * @word: "10.0.0.1:7789" or "[fd00::1]:7789"
 * @addr: where it goes; left alone if the word is not understood
 *
 * Return: whether it was understood.
 */
bool links_addr_parse(const char *word, union links_addr *addr)
{
	char host[INET6_ADDRSTRLEN + 2];
	const char *colon = strrchr(word, ':');
	union links_addr made = { 0 };
	size_t len;

	if (!colon || (size_t)(colon - word) >= sizeof(host))
		return false;
	len = (size_t)(colon - word);
	memcpy(host, word, len);
	host[len] = '\0';
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		made.v6.sin6_family = AF_INET6;
		if (inet_pton(AF_INET6, host + 1, &made.v6.sin6_addr) != 1 ||
		    !links_port_parse(colon + 1, &made.v6.sin6_port))
			return false;
	} else {
		made.v4.sin_family = AF_INET;
		if (inet_pton(AF_INET, host, &made.v4.sin_addr) != 1 ||
		    !links_port_parse(colon + 1, &made.v4.sin_port))
			return false;
	}
	*addr = made;
	return true;
}

/**
 * links_addr_format() - the other way
 * @text: where it goes
 * @addr: the address
 */
void links_addr_format(char text[LINKS_ADDR_TEXT], const union links_addr *addr)
{
	char host[INET6_ADDRSTRLEN] = "?";

	if (addr->any.sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &addr->v6.sin6_addr, host, sizeof(host));
		snprintf(text, LINKS_ADDR_TEXT, "[%s]:%u", host,
			 ntohs(addr->v6.sin6_port));
	} else {
		inet_ntop(AF_INET, &addr->v4.sin_addr, host, sizeof(host));
		snprintf(text, LINKS_ADDR_TEXT, "%s:%u", host,
			 ntohs(addr->v4.sin_port));
	}
}

/**
 * links_addr_same_host() - are two addresses the same but for the port?
 * @a: one
 * @b: the other
 *
 * Return: whether they are.
 */
bool links_addr_same_host(const union links_addr *a, const union links_addr *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET6)
		return !memcmp(&a->v6.sin6_addr, &b->v6.sin6_addr,
			       sizeof(a->v6.sin6_addr));
	return a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
}

/**
 * links_addr_len() - how long is it, for the system calls?
 * @addr: the address
 *
 * Return: bytes.
 */
socklen_t links_addr_len(const union links_addr *addr)
{
	return addr->any.sa_family == AF_INET6 ? sizeof(addr->v6) :
						 sizeof(addr->v4);
}
