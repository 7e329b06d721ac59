/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The daemon's file: what it has to know before it can ask a cluster.
 *
 *	# a comment has a line of its own; so has one behind ';'
 *	[node]
 *	name = alpha
 *	[control]
 *	listen = 10.0.0.1, fd00::1
 *	[data]
 *	addresses = 10.1.0.1
 *
 * WHAT IS IN IT is only what differs from node to node and is needed to come
 * up.  Whatever is the cluster's (volumes, policies, members) is decided by
 * consensus; a copy of it in a file would be a second truth, and an old one.
 *
 * STRICT.  A key that is not known, a key twice, a value that is not understood
 * to its last character: refused with file, line, and what would be right.
 * Nothing is guessed.  (A misspelled "addresses" that is skipped leaves a node
 * on the wrong network, and it is found out on the day of a failure.) Addresses
 * are numbers: a name server must not decide whether nodes find each other.
 *
 * ALL ERRORS AT ONCE: a line that is wrong is noted and the next one is read,
 * up to CONF_ERRORS_MAX of them, so that nobody has to start it eleven times.
 *
 * The bytes are hostile until they are checked: lines, their number, values and
 * lists are bounded, and outside of comments only printable ASCII is taken, so
 * whatever a message quotes can be shown on a terminal.
 */
#ifndef QBD_QBDD_CONF_H
#define QBD_QBDD_CONF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "../links_conf.h"
#include "../log.h"

#define CONF_LINE_MAX 512
#define CONF_LINES_MAX 1000
#define CONF_ERRORS_MAX 16
#define CONF_ERROR_TEXT 384
#define CONF_ADDRS_MAX 8
#define CONF_NAME_MAX 63 /* the kernel's QBD_NAME_MAX */
#define CONF_PATH_MAX 255
#define CONF_SOCKET_MAX 107 /* sun_path and its end */
#define CONF_KEYS_MAX 16

#define CONF_FILE "/etc/qbd/qbdd.conf"
#define CONF_STATE_DIR "/var/lib/qbd"
#define CONF_SOCKET "/run/qbd/qbdd.sock"
#define CONF_CONTROL_PORT 7788
#define CONF_DATA_PORT 7789

/**
 * struct conf_addrs - addresses of this node
 * @nr: how many
 * @addr: each with the port that belongs to it
 */
struct conf_addrs {
	unsigned int nr;
	union links_addr addr[CONF_ADDRS_MAX];
};

/**
 * struct conf_error - something that is wrong
 * @line: where; 0: in no line, something is missing
 * @text: what, and what would be right
 */
struct conf_error {
	unsigned int line;
	char text[CONF_ERROR_TEXT];
};

/**
 * struct conf - what the file says
 * @file: its name, for messages
 * @name: of the node
 * @listen: where the control plane listens
 * @port: there
 * @data: where peers reach this node with data
 * @data_port: there
 * @zone: label; "" if there is none
 * @rack: label; "" if there is none
 * @host: label; "" if there is none
 * @state_dir: where the daemon keeps what it must not forget
 * @socket: the administrator's door
 * @level: of the log
 * @value: of each key, as it stands in the file; "" if it does not
 * @at: line of each key; 0: nowhere
 * @section: in which the last line was; NULL: in none, or an unknown one
 * @sections: bit of each section that was begun
 * @line: that was read last
 * @nr_errors: how many there are; of those above CONF_ERRORS_MAX no text
 * @error: the first of them
 */
struct conf {
	const char *file;
	char name[CONF_NAME_MAX + 1];
	struct conf_addrs listen;
	uint32_t port;
	struct conf_addrs data;
	uint32_t data_port;
	char zone[CONF_NAME_MAX + 1];
	char rack[CONF_NAME_MAX + 1];
	char host[CONF_NAME_MAX + 1];
	char state_dir[CONF_PATH_MAX + 1];
	char socket[CONF_SOCKET_MAX + 1];
	enum log_level level;
	char value[CONF_KEYS_MAX][CONF_LINE_MAX];
	unsigned int at[CONF_KEYS_MAX];
	const char *section;
	unsigned int sections;
	unsigned int line;
	unsigned int nr_errors;
	struct conf_error error[CONF_ERRORS_MAX];
};

/**
 * struct conf_key - a key that the file may have
 * @section: in which
 * @name: of the key
 * @must: it may not be left out
 * @live: takes effect when the file is read again; others need a restart
 * @expected: what a value looks like
 * @take: puts it where it belongs; NULL: good, else what is wrong with it
 * @offset: of that place in struct conf
 * @help: what it means
 */
struct conf_key {
	const char *section;
	const char *name;
	bool must;
	bool live;
	const char *expected;
	const char *(*take)(const char *word, void *to);
	size_t offset;
	const char *help;
};

/* conf.c */
extern const struct conf_key conf_keys[];
extern const unsigned int conf_keys_nr;

bool conf_read(struct conf *conf, const char *name, FILE *file);
bool conf_load(struct conf *conf, const char *name);
void conf_error_print(const struct conf *conf, FILE *to);
bool conf_changed(const struct conf *a, const struct conf *b, unsigned int key);

/* conf_take.c */
const char *conf_take_name(const char *word, void *to);
const char *conf_take_listen(const char *word, void *to);
const char *conf_take_hosts(const char *word, void *to);
const char *conf_take_port(const char *word, void *to);
const char *conf_take_path(const char *word, void *to);
const char *conf_take_socket(const char *word, void *to);
const char *conf_take_level(const char *word, void *to);
void conf_addrs_port(struct conf_addrs *addrs, uint32_t port);

#endif /* QBD_QBDD_CONF_H */
