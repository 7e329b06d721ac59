// SPDX-License-Identifier: GPL-2.0-only
/*
 * What comes back to a request: objects, an end, an error; see kport.h.
 *
 * The kernel is believed, but not blindly: lengths are checked here before
 * anything is looked at, and what makes no sense ends the request as "unknown"
 * and costs the socket.
 */
#include "inner.h"

#include <errno.h>
#include <string.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>

#include "../knl_ext.h"

#define ANSWER_ERRNO_MAX 4095

static bool answer_errno(int error)
{
	return error <= 0 && error >= -ANSWER_ERRNO_MAX;
}

/* The kernel says yes, or no and why. */
static int answer_error(struct kport *port, struct nlmsghdr *hdr)
{
	struct kport_flight *flight = &port->flight;
	const struct nlmsgerr *err = nlmsg_data(hdr);
	struct kport_answer answer = { 0 };
	struct knl_ext ext;

	if (hdr->nlmsg_len < NLMSG_LENGTH(sizeof(*err)) ||
	    !answer_errno(err->error))
		return -EBADMSG;
	answer.error = err->error;
	/* done, but where is it? */
	if (!answer.error && (flight->kind == KPORT_DUMP ||
			      (flight->kind == KPORT_GET && !flight->got)))
		return -EBADMSG;
	if (answer.error) {
		knl_ext_take(hdr, hdr->nlmsg_len, &ext);
		answer.word = ext.word;
		answer.text = ext.text;
	} else {
		answer.error = flight->error;
	}
	kport_flight_end(port, &answer);
	return 0;
}

/* The dump is over; or begins anew, if it was not one picture. */
static int answer_done(struct kport *port, struct nlmsghdr *hdr)
{
	struct kport_flight *flight = &port->flight;
	struct kport_answer answer = { 0 };

	if (flight->kind != KPORT_DUMP)
		return -EBADMSG;
	if (nlmsg_datalen(hdr) >= (int)sizeof(answer.error))
		memcpy(&answer.error, nlmsg_data(hdr), sizeof(answer.error));
	if (!answer_errno(answer.error))
		return -EBADMSG;
	if (!answer.error)
		answer.error = flight->error;
	if (!answer.error && flight->intr && flight->request) {
		port->counts.again++;
		answer.error = flight->begins < KPORT_AGAIN_MAX ?
				       kport_flight_send(port) :
				       -EAGAIN;
		if (!answer.error)
			return 0;
	}
	kport_flight_end(port, &answer);
	return 0;
}

static int answer_object(struct kport *port, struct nlmsghdr *hdr)
{
	struct kport_flight *flight = &port->flight;
	struct kport_request *request = flight->request;
	struct nlattr *attrs[KPORT_ATTR_MAX + 1] = { NULL };
	int error;

	if (hdr->nlmsg_type != flight->type || !genlmsg_valid_hdr(hdr, 0) ||
	    genlmsg_hdr(hdr)->cmd != flight->cmd || flight->kind == KPORT_DO ||
	    (flight->kind == KPORT_GET && flight->got))
		return -EBADMSG;
	flight->got = true;
	/* interrupted: what comes until the end is void anyway */
	if (!request || flight->intr || flight->error)
		return 0;
	if (genlmsg_parse(hdr, 0, attrs, request->attr_max, NULL))
		return -EBADMSG;
	port->object = hdr;
	error = request->object(request, attrs);
	port->object = NULL;
	flight->error = error;
	return 0;
}

static int answer_message(struct kport *port, struct nlmsghdr *hdr)
{
	struct kport_flight *flight = &port->flight;

	if (!flight->busy || hdr->nlmsg_seq != flight->seq) {
		port->counts.strays++;
		return 0;
	}
	if (flight->kind == KPORT_DUMP && hdr->nlmsg_flags & NLM_F_DUMP_INTR)
		flight->intr = true;
	switch (hdr->nlmsg_type) {
	case NLMSG_NOOP:
		return 0;
	case NLMSG_OVERRUN:
		return -EOVERFLOW;
	case NLMSG_ERROR:
		return answer_error(port, hdr);
	case NLMSG_DONE:
		return answer_done(port, hdr);
	default:
		return answer_object(port, hdr);
	}
}

/* All messages of one read. */
static int answer_messages(struct kport *port, int left)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)port->bytes;
	int error = 0;

	while (!error && nlmsg_ok(hdr, left)) {
		error = answer_message(port, hdr);
		hdr = nlmsg_next(hdr, &left);
	}
	/* of the last one, padding may be missing */
	return !error && left > 0 ? -EBADMSG : error;
}

/**
 * kport_answered() - something came back
 * @source: the port's
 * @events: of epoll
 */
void kport_answered(struct loop_source *source, uint32_t events)
{
	struct kport *port =
		(struct kport *)((char *)source - offsetof(struct kport, asks));
	int budget = KPORT_TURN_MAX;
	int error = 0;

	(void)events;
	while (!error && budget--) {
		int len = kport_sock_read(source, port->bytes,
					  sizeof(port->bytes));

		if (len == -EAGAIN)
			return;
		error = len < 0 ? len : answer_messages(port, len);
	}
	if (!error)
		return; /* the rest in the next turn */
	port->counts.bad++;
	kport_flight_broken(port, error);
}
