// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file of peers: read whole, checked whole, before anything is done.
 */
#include "links_conf.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <arpa/inet.h>
#include <linux/qbd.h>

#include "parse.h"

#define LINKS_WORDS_MAX 4

__attribute__((__format__(printf, 2, 3))) static bool
links_conf_bad(struct links_conf *conf, const char *format, ...)
{
	size_t room = sizeof(conf->error);
	va_list args;
	int len;

	len = snprintf(conf->error, room, "%s:%u: ", conf->name, conf->line);
	if (len < 0 || (size_t)len >= room)
		return false;
	va_start(args, format);
	vsnprintf(conf->error + len, room - (size_t)len, format, args);
	va_end(args);
	return false;
}

static bool links_conf_addr(struct links_conf *conf, const char *word,
			    union links_addr *addr)
{
	if (!links_addr_parse(word, addr))
		return links_conf_bad(
			conf, "%.80s: expected 10.0.0.1:7789 or [fd00::1]:7789",
			word);
	/* it would need to say on which interface */
	if (addr->any.sa_family == AF_INET6 &&
	    IN6_IS_ADDR_LINKLOCAL(&addr->v6.sin6_addr))
		return links_conf_bad(
			conf, "%.80s: link-local addresses are not supported",
			word);
	return true;
}

/* Can somebody be reached there? */
static bool links_addr_is_host(const union links_addr *addr)
{
	uint32_t v4 = ntohl(addr->v4.sin_addr.s_addr);

	if (addr->any.sa_family == AF_INET6)
		return !IN6_IS_ADDR_UNSPECIFIED(&addr->v6.sin6_addr) &&
		       !IN6_IS_ADDR_MULTICAST(&addr->v6.sin6_addr);
	return v4 != INADDR_ANY && v4 != INADDR_BROADCAST && !IN_MULTICAST(v4);
}

static bool links_addr_same(const union links_addr *a,
			    const union links_addr *b)
{
	if (!links_addr_same_host(a, b))
		return false;
	if (a->any.sa_family == AF_INET6)
		return a->v6.sin6_port == b->v6.sin6_port;
	return a->v4.sin_port == b->v4.sin_port;
}

static bool links_conf_listen(struct links_conf *conf, char **word, int nr)
{
	struct links_conf_listen *made = &conf->listen[conf->nr_listens];
	unsigned int i;

	if (nr != 2)
		return links_conf_bad(conf, "expected: listen ADDRESS:PORT");
	if (conf->nr_listens == LINKS_LISTENS_MAX)
		return links_conf_bad(conf, "more than %d listen lines",
				      LINKS_LISTENS_MAX);
	if (!links_conf_addr(conf, word[1], &made->addr))
		return false;
	for (i = 0; i < conf->nr_listens; i++)
		if (links_addr_same(&conf->listen[i].addr, &made->addr))
			return links_conf_bad(conf, "%s: already in line %u",
					      word[1], conf->listen[i].line);
	made->line = conf->line;
	conf->nr_listens++;
	return true;
}

static bool links_conf_links(struct links_conf *conf, char **word, int nr)
{
	if (nr != 2)
		return links_conf_bad(conf, "expected: links N");
	if (conf->links_line)
		return links_conf_bad(conf, "links: already in line %u",
				      conf->links_line);
	if (!parse_u32(word[1], 1, QBD_PEER_LINKS_MAX, &conf->links))
		return links_conf_bad(conf, "links %.80s: expected 1 to %d",
				      word[1], QBD_PEER_LINKS_MAX);
	conf->links_line = conf->line;
	return true;
}

/* What is too much in the line of a peer. */
static bool links_conf_rest(struct links_conf *conf, const char *word)
{
	static const char links[] = "links=";

	if (strncmp(word, links, sizeof(links) - 1))
		return links_conf_bad(conf, "expected: peer ID ADDRESS:PORT");
	return links_conf_bad(
		conf,
		"%.80s: say it once for all peers, in a line of its own: links %.80s",
		word, word + sizeof(links) - 1);
}

/* An id or an address twice: one of the two lines is wrong. */
static bool links_conf_twice(struct links_conf *conf,
			     const struct links_conf_peer *peer, char **word)
{
	unsigned int i;

	for (i = 0; i < conf->nr_peers; i++) {
		if (conf->peer[i].id == peer->id)
			return !links_conf_bad(conf,
					       "peer %u: already in line %u",
					       peer->id, conf->peer[i].line);
		if (links_addr_same(&conf->peer[i].addr, &peer->addr))
			return !links_conf_bad(conf, "%s: already in line %u",
					       word[2], conf->peer[i].line);
	}
	return false;
}

static bool links_conf_peer(struct links_conf *conf, char **word, int nr)
{
	struct links_conf_peer made = { .line = conf->line };

	if (nr != 3)
		return links_conf_rest(conf, nr > 3 ? word[3] : "");
	if (conf->nr_peers == LINKS_PEERS_MAX)
		return links_conf_bad(conf, "more than %d peers",
				      LINKS_PEERS_MAX);
	if (!parse_u32(word[1], 1, UINT32_MAX, &made.id))
		return links_conf_bad(conf, "%.80s: expected a node id",
				      word[1]);
	if (!links_conf_addr(conf, word[2], &made.addr))
		return false;
	if (!links_addr_is_host(&made.addr))
		return links_conf_bad(conf, "%s: nobody can be reached there",
				      word[2]);
	if (links_conf_twice(conf, &made, word))
		return false;
	conf->peer[conf->nr_peers++] = made;
	return true;
}

static bool links_conf_line(struct links_conf *conf, char *line)
{
	static const char blanks[] = " \t\r\n";
	char *word[LINKS_WORDS_MAX + 1];
	char *save = NULL;
	char *next;
	int nr = 0;

	line[strcspn(line, "#")] = '\0';
	for (next = strtok_r(line, blanks, &save);
	     next && nr <= LINKS_WORDS_MAX;
	     next = strtok_r(NULL, blanks, &save))
		word[nr++] = next;
	if (!nr)
		return true;
	if (!strcmp(word[0], "listen"))
		return links_conf_listen(conf, word, nr);
	if (!strcmp(word[0], "peer"))
		return links_conf_peer(conf, word, nr);
	if (!strcmp(word[0], "links"))
		return links_conf_links(conf, word, nr);
	return links_conf_bad(conf, "%.80s: expected listen, links or peer",
			      word[0]);
}

/* One line without its end: 1; 0 at the end of the file; -1 if it is bad. */
static int links_conf_fetch(struct links_conf *conf, FILE *file,
			    char line[LINKS_LINE_MAX])
{
	size_t len = 0;
	int byte = fgetc(file);

	if (byte == EOF)
		return 0;
	conf->line++;
	for (; byte != EOF && byte != '\n'; byte = fgetc(file)) {
		if (!byte)
			return links_conf_bad(conf, "a zero byte") - 1;
		if (len == LINKS_LINE_MAX - 1)
			return links_conf_bad(conf, "the line is too long") - 1;
		line[len++] = (char)byte;
	}
	line[len] = '\0';
	return 1;
}

/**
 * links_conf_read() - read a file of peers
 * @conf: what it says; @error if it is refused
 * @name: for messages; @conf keeps it
 * @file: the file
 *
 * Return: whether all of it was understood.
 */
bool links_conf_read(struct links_conf *conf, const char *name, FILE *file)
{
	char line[LINKS_LINE_MAX];
	int got;

	memset(conf, 0, sizeof(*conf));
	conf->name = name;
	while ((got = links_conf_fetch(conf, file, line)) > 0)
		if (!links_conf_line(conf, line))
			return false;
	if (got < 0)
		return false;
	if (ferror(file))
		return links_conf_bad(conf, "%s", strerror(errno));
	if (!conf->nr_peers)
		return links_conf_bad(conf, "there is no peer in it");
	return true;
}

/**
 * links_conf_load() - open a file of peers and read it
 * @conf: what it says; @error if it is refused
 * @name: of the file; @conf keeps it
 *
 * Return: whether all of it was understood.
 */
bool links_conf_load(struct links_conf *conf, const char *name)
{
	FILE *file = fopen(name, "re");
	bool good;

	if (!file) {
		snprintf(conf->error, sizeof(conf->error), "%.200s: %s", name,
			 strerror(errno));
		return false;
	}
	good = links_conf_read(conf, name, file);
	fclose(file);
	return good;
}
