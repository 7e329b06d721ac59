/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The file that says who the peers of a node are and where they listen.
 *
 *	# a comment, to the end of its line
 *	listen ADDRESS:PORT
 *	links N
 *	peer ID ADDRESS:PORT
 *
 * One entry a line; "links" is how many links there are to each peer, and may
 *be left out. It is one number for all, because the nodes at both ends of a
 *link refuse it if theirs differ, and all nodes may have the same file.
 *Addresses are numbers, "10.0.0.1:7789" or
 * "[fd00::1]:7789": a name server must not decide whether two nodes find each
 * other. A line for the node itself is skipped by whoever uses the list.
 *
 * What is not understood to the last character is refused with file and line;
 * nothing is guessed.
 */
#ifndef QBD_DAEMON_LINKS_CONF_H
#define QBD_DAEMON_LINKS_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define LINKS_LISTENS_MAX 8
#define LINKS_PEERS_MAX 1024 /* as many as a cluster has nodes */
#define LINKS_LINE_MAX 512

#define LINKS_ADDR_TEXT 64 /* "[...]:65535" with its end */

/**
 * union links_addr - address and port
 * @any: its family says which
 * @v4: AF_INET
 * @v6: AF_INET6
 */
union links_addr {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

/**
 * struct links_conf_listen - where to listen
 * @addr: there
 * @line: of the file
 */
struct links_conf_listen {
	union links_addr addr;
	unsigned int line;
};

/**
 * struct links_conf_peer - a peer
 * @id: its node id
 * @addr: where it listens
 * @line: of the file
 */
struct links_conf_peer {
	uint32_t id;
	union links_addr addr;
	unsigned int line;
};

/**
 * struct links_conf - what the file says
 * @name: of the file, for messages
 * @nr_listens: how many
 * @nr_peers: how many
 * @line: that was read last
 * @links: to each peer; 0: the kernel's default
 * @links_line: where that was said; 0: nowhere
 * @listen: where to listen
 * @peer: the peers, in the order of the file
 * @error: what is wrong, with file and line
 */
struct links_conf {
	const char *name;
	unsigned int nr_listens;
	unsigned int nr_peers;
	unsigned int line;
	uint32_t links;
	unsigned int links_line;
	struct links_conf_listen listen[LINKS_LISTENS_MAX];
	struct links_conf_peer peer[LINKS_PEERS_MAX];
	char error[256];
};

bool links_conf_read(struct links_conf *conf, const char *name, FILE *file);
bool links_conf_load(struct links_conf *conf, const char *name);

bool links_addr_parse(const char *word, union links_addr *addr);
void links_addr_format(char text[LINKS_ADDR_TEXT],
		       const union links_addr *addr);
bool links_addr_same_host(const union links_addr *a, const union links_addr *b);
socklen_t links_addr_len(const union links_addr *addr);

#endif /* QBD_DAEMON_LINKS_CONF_H */
