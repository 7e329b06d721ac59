/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A connection to the administrator's door, and what is open on it: what
 * server.c, conn.c and reply.c share. See server.h.
 */
#ifndef QBD_ADMIN_CONN_H
#define QBD_ADMIN_CONN_H

#include <stdbool.h>
#include <sys/types.h>

#include "../log.h"
#include "request.h"
#include "server.h"

struct admin_conn;

/**
 * struct admin_request - a request that is not answered yet
 * @conn: its client
 * @next: in the list of @conn
 * @request: what was asked
 * @later: it will be answered later
 * @left: to be called when the client is gone
 * @left_arg: passed to it
 */
struct admin_request {
	struct admin_conn *conn;
	struct admin_request *next;
	struct request request;
	bool later;
	void (*left)(struct admin_request *request, void *arg);
	void *left_arg;
};

/**
 * struct admin_conn - a client
 * @source: its socket, first member
 * @server: whose client
 * @next: in the list of @server
 * @work: takes lines, ends the connection: what may not be done at once
 * @timer: the next deadline
 * @peer: process id, for the log
 * @deaf: nothing more comes: its half is closed, or it talked rubbish
 * @gone: nobody is there, or ought to be: ends with @work
 * @since_ns: since when it has nothing to do
 * @begun_ns: when the request that is half there began; 0: there is none
 * @moved_ns: when it read the last time, or had nothing to read
 * @requests: not answered yet
 * @nr_requests: how many
 * @out: not sent yet, owned
 * @out_room: bytes there
 * @out_from: the first that is not sent
 * @out_to: behind the last
 * @in_len: bytes in @in
 * @in: not taken yet
 */
struct admin_conn {
	struct loop_source source;
	struct admin_server *server;
	struct admin_conn *next;
	struct loop_call work;
	struct loop_timer timer;
	pid_t peer;
	bool deaf;
	bool gone;
	uint64_t since_ns;
	uint64_t begun_ns;
	uint64_t moved_ns;
	struct admin_request *requests;
	unsigned int nr_requests;
	char *out;
	size_t out_room;
	size_t out_from;
	size_t out_to;
	size_t in_len;
	char in[REQUEST_LINE_MAX + 1];
};

/**
 * struct admin_slot - a handler and whose it is
 * @handler: of a verb
 * @owner: passed to it
 */
struct admin_slot {
	const struct admin_handler *handler;
	void *owner;
};

/**
 * struct admin_server - the door
 * @listener: its socket, first member
 * @loop: the loop
 * @verbs: what may be asked for
 * @nr_slots: handlers
 * @slot: the handlers
 * @path: of the socket; "" while it is closed
 * @lock: descriptor of the lock beside it; -1: none
 * @pause: when to accept again
 * @conns: the clients
 * @stats: what happened
 * @refused: lines about connections
 * @told: lines about requests
 */
struct admin_server {
	struct loop_source listener;
	struct loop *loop;
	const struct verb *verbs;
	size_t nr_slots;
	struct admin_slot slot[ADMIN_HANDLERS_MAX];
	char path[ADMIN_PATH_MAX + 1];
	int lock;
	struct loop_timer pause;
	struct admin_conn *conns;
	struct admin_stats stats;
	struct log_limit refused;
	struct log_limit told;
};

/* server.c */
void admin_run(struct admin_server *server, struct admin_request *request);

/* conn.c */
int admin_conn_add(struct admin_server *server, int fd, pid_t peer);
void admin_conn_free(struct admin_conn *conn);
void admin_conn_write(struct admin_conn *conn, const char *text, size_t len);
void admin_conn_wake(struct admin_conn *conn);

/* reply.c */
struct admin_request *admin_request_add(struct admin_conn *conn,
					const struct request *request);
void admin_request_free(struct admin_request *request);
void admin_answer_bad(struct admin_conn *conn, const struct request *request);
size_t admin_line_error(char *line, size_t room, const struct request *request);

/* listen.c */
int admin_listen(struct admin_server *server, const char *path,
		 char why[ADMIN_WHY_MAX]);
void admin_unlisten(struct admin_server *server);

#endif /* QBD_ADMIN_CONN_H */
