/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the port share; kport.h is for everybody else.
 */
#ifndef QBD_KPORT_INNER_H
#define QBD_KPORT_INNER_H

#include "../log.h"
#include "kport.h"

#define KPORT_MS 1000000ULL
#define KPORT_BYTES_MAX \
	65536 /* the kernel makes no piece of more than 32 KiB */
#define KPORT_TURN_MAX 16 /* pieces of a dump taken in a turn */
#define KPORT_EVENTS_MAX 256 /* events taken in a turn */

/**
 * struct kport_flight - the request that was sent
 * @busy: there is one
 * @request: whose, NULL = it was taken back, but its answer still comes
 * @msg: the message, for a dump that begins anew
 * @kind: what kind
 * @seq: number that its answers have
 * @type: family that they have
 * @cmd: command that its objects have
 * @intr: the dump was interrupted
 * @got: its object has come
 * @error: of who is given the objects
 * @begins: times that it was sent
 */
struct kport_flight {
	bool busy;
	struct kport_request *request;
	struct nl_msg *msg;
	enum kport_kind kind;
	uint32_t seq;
	uint16_t type;
	uint8_t cmd;
	bool intr;
	bool got;
	int error;
	unsigned int begins;
};

/**
 * struct kport_found - what the kernel says about the family
 * @family: its number, 0 = there is none
 * @group: of its events, 0 = none
 */
struct kport_found {
	uint16_t family;
	uint32_t group;
};

/**
 * struct kport - the port
 * @loop: it runs there
 * @options: with defaults filled in
 * @counts: what happened
 * @state: is there a module?
 * @asks: socket for requests
 * @tells: socket for events
 * @pump: sends what is first in the queue
 * @late: deadline of @flight
 * @flight: what was sent
 * @seq: of the last request
 * @first: the queue
 * @last: where the next goes
 * @nr: in it
 * @object: being handed over
 * @watch: who is told
 * @guard: place in it of who is told next
 * @now: the family
 * @found: the family, as it is being looked for
 * @find: asks for it
 * @find_again: it may have changed meanwhile
 * @retry: looks for it
 * @tries: in vain
 * @said_error: why there is none, as the log said
 * @self: asks for the node
 * @self_again: it may have changed meanwhile
 * @self_floor: number that it has reached at least
 * @seen: the node, as it is being looked at
 * @seen_seq: number of its newest event
 * @node: the node
 * @other: the next one that is seen is another one
 * @settle: compares @seen and @node
 * @stock: asks for the node
 * @event_seq: number of the last event
 * @lost: events are missing
 * @noise: what the log said about sockets
 * @bytes: what an answer is read into
 * @event_bytes: what an event is read into
 */
struct kport {
	struct loop *loop;
	struct kport_options options;
	struct kport_counts counts;
	enum kport_state state;
	struct loop_source asks;
	struct loop_source tells;
	struct loop_call pump;
	struct loop_timer late;
	struct kport_flight flight;
	uint32_t seq;
	struct kport_request *first;
	struct kport_request **last;
	unsigned int nr;
	struct nlmsghdr *object;
	struct kport_watch *watch;
	struct kport_watch guard;
	struct kport_found now;
	struct kport_found found;
	struct kport_request find;
	bool find_again;
	struct loop_timer retry;
	unsigned int tries;
	int said_error;
	struct kport_request self;
	bool self_again;
	uint64_t self_floor;
	struct kport_node seen;
	uint64_t seen_seq;
	struct kport_node node;
	bool other;
	struct loop_call settle;
	struct loop_timer stock;
	uint64_t event_seq;
	bool lost;
	struct log_limit noise;
	uint8_t bytes[KPORT_BYTES_MAX] __attribute__((__aligned__(8)));
	uint8_t event_bytes[KPORT_BYTES_MAX] __attribute__((__aligned__(8)));
};

/* kport.c */
void kport_own(struct kport *port, struct kport_request *request);
void kport_refuse_all(struct kport *port);
int kport_flight_send(struct kport *port);
void kport_flight_end(struct kport *port, const struct kport_answer *answer);
void kport_flight_broken(struct kport *port, int error);

/* answer.c */
void kport_answered(struct loop_source *source, uint32_t events);

/* event.c */
bool kport_events_read(struct kport *port);
void kport_told(struct loop_source *source, uint32_t events);
void kport_tell_changed(struct kport *port);
void kport_tell_stale(struct kport *port);

/* life.c */
void kport_life_init(struct kport *port);
void kport_life_end(struct kport *port);
void kport_look(struct kport *port);
void kport_look_self(struct kport *port);
void kport_absent(struct kport *port, int error);

/* sock.c */
extern const struct kport_sys kport_netlink;

int kport_sock_open(struct kport *port, struct loop_source *source);
void kport_sock_close(struct kport *port, struct loop_source *source);
int kport_sock_read(struct loop_source *source, void *to, size_t room);

#endif /* QBD_KPORT_INNER_H */
