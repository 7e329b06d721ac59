// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on their way: the queue, and the one that was sent; see kport.h.
 */
#include "inner.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#define KPORT_OF(ptr, member) \
	((struct kport *)((char *)(ptr)-offsetof(struct kport, member)))

static const struct kport_answer kport_gone = { .error = -ENODEV };
static const struct kport_answer kport_waited = { .error = -ETIMEDOUT };

/* --- the queue ------------------------------------------------------------ */

static void kport_queue_put(struct kport *port, struct kport_request *request,
			    struct kport_request **at)
{
	request->port = port;
	request->sent = false;
	request->next = *at;
	request->link = at;
	if (request->next)
		request->next->link = &request->next;
	else
		port->last = &request->next;
	*at = request;
	port->nr++;
}

static void kport_queue_drop(struct kport *port, struct kport_request *request)
{
	*request->link = request->next;
	if (request->next)
		request->next->link = request->link;
	else
		port->last = request->link;
	request->next = NULL;
	request->link = NULL;
	loop_timer_stop(port->loop, &request->timer);
	port->nr--;
}

/* It will not be sent. */
static void kport_queue_end(struct kport_request *request,
			    const struct kport_answer *answer)
{
	kport_queue_drop(request->port, request);
	request->port = NULL;
	nlmsg_free(request->msg);
	request->msg = NULL;
	request->done(request, answer);
}

static void kport_queue_expired(struct loop_timer *timer)
{
	struct kport_request *request =
		(struct kport_request *)((char *)timer -
					 offsetof(struct kport_request, timer));

	request->port->counts.timeouts++;
	kport_queue_end(request, &kport_waited);
}

static void kport_queue_timer(struct kport *port, struct kport_request *request)
{
	uint64_t ms = request->timeout_ms ? request->timeout_ms :
					    port->options.timeout_ms;

	request->timer.slot = 0;
	request->timer.name = "kport-request";
	request->timer.expired = kport_queue_expired;
	loop_timer_set(port->loop, &request->timer,
		       loop_now(port->loop) + ms * KPORT_MS);
}

/**
 * kport_own() - a request of the port itself, before all others
 * @port: the port
 * @request: it, with a message
 */
void kport_own(struct kport *port, struct kport_request *request)
{
	request->own = true;
	kport_queue_put(port, request, &port->first);
	kport_queue_timer(port, request);
	loop_call_later(port->loop, &port->pump);
}

/**
 * kport_refuse_all() - there is no family any more
 * @port: the port, no longer KPORT_READY
 *
 * What the answers make somebody ask is refused: this ends.
 */
void kport_refuse_all(struct kport *port)
{
	struct kport_request *request = port->first;

	while (request) {
		if (request->own) {
			request = request->next;
			continue;
		}
		kport_queue_end(request, &kport_gone);
		request = port->first; /* done() may have taken others back */
	}
}

/**
 * kport_msg() - a message for a request
 * @cmd: QBD_CMD_*
 * @bytes: room for its attributes
 *
 * Return: it, for nla_put_*(); NULL: no memory.
 */
struct nl_msg *kport_msg(uint8_t cmd, size_t bytes)
{
	struct nl_msg *msg =
		nlmsg_alloc_size(NLMSG_HDRLEN + GENL_HDRLEN + bytes);

	/* family and number are put in when it is sent */
	if (msg && !genlmsg_put(msg, 0, 1, 0, 0, 0, cmd, QBD_FAMILY_VERSION)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return msg;
}

static int kport_check(const struct kport *port,
		       const struct kport_request *request)
{
	if (!request->msg)
		return -ENOMEM; /* of kport_msg() */
	if (!request->done || request->attr_max < 0 ||
	    request->attr_max > KPORT_ATTR_MAX ||
	    (request->kind != KPORT_DO && !request->object))
		return -EINVAL;
	if (port->state == KPORT_ABSENT)
		return -ENODEV;
	return port->nr >= KPORT_QUEUE_MAX ? -ENOBUFS : 0;
}

/**
 * kport_send() - ask something
 * @port: the port
 * @request: it; not in a queue
 *
 * Return: 0, and there will be an answer; -EBUSY: it is being asked; -ENOMEM:
 * it has no message; -EINVAL; -ENODEV: no module; -ENOBUFS: too many wait. In
 * all cases but -EBUSY the message is the port's.
 */
int kport_send(struct kport *port, struct kport_request *request)
{
	int error;

	if (request->port)
		return -EBUSY;
	error = kport_check(port, request);
	if (error) {
		nlmsg_free(request->msg);
		request->msg = NULL;
		return error;
	}
	request->own = false;
	kport_queue_put(port, request, port->last);
	kport_queue_timer(port, request);
	loop_call_later(port->loop, &port->pump);
	return 0;
}

/**
 * kport_cancel() - nobody wants to know any more
 * @request: need not be asked; done() will not be called
 *
 * What was sent already happens all the same.
 */
void kport_cancel(struct kport_request *request)
{
	struct kport *port = request->port;

	if (!port)
		return;
	if (request->sent) {
		port->flight.request = NULL;
	} else {
		kport_queue_drop(port, request);
		nlmsg_free(request->msg);
		request->msg = NULL;
	}
	request->port = NULL;
}

/* --- the one that was sent ------------------------------------------------ */

/**
 * kport_flight_send() - send it, for the first time or again
 * @port: the port
 *
 * Return: 0 or -errno: it was not.
 */
int kport_flight_send(struct kport *port)
{
	struct kport_flight *flight = &port->flight;
	struct nlmsghdr *hdr = nlmsg_hdr(flight->msg);
	bool dump = flight->kind == KPORT_DUMP;
	ssize_t sent;

	if (!++port->seq)
		port->seq = 1; /* events have 0 */
	flight->seq = port->seq;
	flight->intr = false;
	flight->got = false;
	flight->begins++;
	hdr->nlmsg_type = flight->type;
	hdr->nlmsg_seq = flight->seq;
	hdr->nlmsg_pid = 0;
	hdr->nlmsg_flags = NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK);
	if (dump && flight->request && flight->request->begin)
		flight->request->begin(flight->request);
	sent = send(port->asks.fd, hdr, hdr->nlmsg_len,
		    MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	return (size_t)sent == hdr->nlmsg_len ? 0 : -EIO;
}

/**
 * kport_flight_end() - what was sent has its answer
 * @port: the port
 * @answer: it
 */
void kport_flight_end(struct kport *port, const struct kport_answer *answer)
{
	struct kport_request *request = port->flight.request;

	nlmsg_free(port->flight.msg);
	memset(&port->flight, 0, sizeof(port->flight));
	loop_timer_stop(port->loop, &port->late);
	loop_call_later(port->loop, &port->pump);
	if (!request)
		return;
	request->port = NULL;
	request->done(request, answer);
}

/**
 * kport_flight_broken() - nobody knows what comes next from this socket
 * @port: the port
 * @error: why
 */
void kport_flight_broken(struct kport *port, int error)
{
	const struct kport_answer answer = { .error = error, .unknown = true };

	log_limited(&port->noise, loop_now(port->loop), LOG_LEVEL_WARN,
		    "kernel-socket", "state=replaced error=%d reason=\"%s\"",
		    error, strerror(-error));
	kport_sock_close(port, &port->asks);
	error = kport_sock_open(port, &port->asks);
	if (port->flight.busy)
		kport_flight_end(port, &answer);
	if (error)
		kport_absent(port, error);
}

static void kport_late(struct loop_timer *timer)
{
	struct kport *port = KPORT_OF(timer, late);

	port->counts.timeouts++;
	kport_flight_broken(port, -ETIMEDOUT);
}

/* The deadline goes on where it was. */
static void kport_flight_take(struct kport *port, struct kport_request *request)
{
	struct kport_flight *flight = &port->flight;
	uint64_t due_ns = request->timer.due_ns;
	struct genlmsghdr *genl = nlmsg_data(nlmsg_hdr(request->msg));

	kport_queue_drop(port, request);
	request->sent = true;
	flight->busy = true;
	flight->request = request;
	flight->msg = request->msg;
	flight->kind = request->kind;
	flight->type = request == &port->find ? GENL_ID_CTRL : port->now.family;
	flight->cmd = request == &port->find ? CTRL_CMD_NEWFAMILY : genl->cmd;
	request->msg = NULL;
	loop_timer_set(port->loop, &port->late, due_ns);
}

static void kport_pump(struct loop_call *call)
{
	struct kport *port = KPORT_OF(call, pump);
	struct kport_request *request = port->first;
	struct kport_answer answer = { 0 };

	if (port->flight.busy || !request || port->asks.fd < 0 ||
	    (!request->own && port->state != KPORT_READY))
		return;
	kport_flight_take(port, request);
	port->counts.requests++;
	answer.error = kport_flight_send(port);
	if (answer.error)
		kport_flight_end(port, &answer);
}

/* --- the port ------------------------------------------------------------- */

/**
 * kport_state() - is there a module?
 * @port: the port
 *
 * Return: see enum kport_state.
 */
enum kport_state kport_state(const struct kport *port)
{
	return port->state;
}

/**
 * kport_node() - the node
 * @port: the port
 *
 * Return: it, as it was seen last; good until the port is destroyed.
 */
const struct kport_node *kport_node(const struct kport *port)
{
	return &port->node;
}

/**
 * kport_counts() - what happened
 * @port: the port
 *
 * Return: the numbers; they go on changing.
 */
const struct kport_counts *kport_counts(const struct kport *port)
{
	return &port->counts;
}

/**
 * kport_object() - the message of the object that is being handed over
 * @port: the port
 *
 * An attribute that stands in it more than once is only found there.
 *
 * Return: it; NULL: there is none.
 */
struct nlmsghdr *kport_object(const struct kport *port)
{
	return port->object;
}

/**
 * kport_say() - an answer in words
 * @to: where they go
 * @answer: the answer
 *
 * Return: @to.
 */
const char *kport_say(char to[KPORT_SAY_MAX], const struct kport_answer *answer)
{
	snprintf(to, KPORT_SAY_MAX, "%s%s%s", answer->word ? answer->word : "",
		 answer->word ? ": " : "",
		 answer->text ? answer->text : strerror(-answer->error));
	return to;
}

static void kport_defaults(struct kport_options *options)
{
	if (!options->sys.open)
		options->sys = kport_netlink;
	if (!options->timeout_ms)
		options->timeout_ms = KPORT_TIMEOUT_MS;
	if (!options->retry_ms)
		options->retry_ms = KPORT_RETRY_MIN_MS;
	if (!options->stock_ms)
		options->stock_ms = KPORT_STOCK_MS;
}

/**
 * kport_create() - begin to speak to the kernel
 * @made: the port
 * @loop: it runs there
 * @options: may be all zero
 *
 * That there is no module, or no netlink, is no error of this.
 *
 * Return: 0; -ENOMEM.
 */
int kport_create(struct kport **made, struct loop *loop,
		 const struct kport_options *options)
{
	struct kport *port = calloc(1, sizeof(*port));

	if (!port)
		return -ENOMEM;
	port->loop = loop;
	port->options = *options;
	kport_defaults(&port->options);
	port->last = &port->first;
	port->asks.name = "kport-answer";
	port->asks.fd = -1;
	port->asks.ready = kport_answered;
	port->tells.name = "kport-event";
	port->tells.fd = -1;
	port->tells.ready = kport_told;
	port->pump.name = "kport-pump";
	port->pump.run = kport_pump;
	port->late.name = "kport-late";
	port->late.expired = kport_late;
	kport_life_init(port);
	*made = port;
	return 0;
}

/**
 * kport_destroy() - end it
 * @port: the port, or NULL; not within a callback of it
 *
 * Requests that are not answered are taken back.
 */
void kport_destroy(struct kport *port)
{
	if (!port)
		return;
	while (port->first)
		kport_cancel(port->first);
	if (port->flight.busy) {
		if (port->flight.request)
			kport_cancel(port->flight.request);
		nlmsg_free(port->flight.msg);
	}
	while (port->watch)
		kport_watch_remove(port->watch);
	loop_call_stop(port->loop, &port->pump);
	loop_timer_stop(port->loop, &port->late);
	kport_life_end(port);
	kport_sock_close(port, &port->asks);
	kport_sock_close(port, &port->tells);
	free(port);
}
