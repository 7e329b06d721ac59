// SPDX-License-Identifier: GPL-2.0-only
/*
 * Generic netlink to the kernel module, over libnl.
 */
#include "knl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include "knl_ext.h"

#define KNL_NEEDS_ROOT "this needs root (CAP_NET_ADMIN)"

/* How long the kernel may take to answer a request: it never waits itself. */
#define KNL_ANSWER_MS 10000

/* Events that are taken in one go: who reads has other work. */
#define KNL_EVENTS_AT_ONCE 1000

/**
 * struct knl_answer - what came back to a request
 * @knl: for the error text
 * @done: the last message was seen
 * @error: negative errno, 0
 * @attr_max: highest attribute of the objects
 * @object: takes objects, or NULL
 * @arg: passed to it
 */
struct knl_answer {
	struct knl *knl;
	bool done;
	int error;
	int attr_max;
	knl_object_fn object;
	void *arg;
};

static int knl_failed(struct knl *knl, int error, const char *what)
{
	snprintf(knl->error, sizeof(knl->error), "%s: %s", what,
		 strerror(-error));
	return error;
}

static struct nl_sock *knl_socket(void)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return NULL;
	if (genl_connect(sock)) {
		nl_socket_free(sock);
		return NULL;
	}
	return sock;
}

static int knl_cap_acks(struct nl_sock *sock)
{
	int on = 1;

	return setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK,
			  &on, sizeof(on));
}

int knl_open(struct knl *knl)
{
	memset(knl, 0, sizeof(*knl));
	knl->sock = knl_socket();
	if (!knl->sock || knl_cap_acks(knl->sock)) {
		knl_close(knl);
		return knl_failed(knl, -EIO, "netlink can not be used");
	}
	knl->family = genl_ctrl_resolve(knl->sock, QBD_FAMILY_NAME);
	if (knl->family < 0) {
		knl_close(knl);
		snprintf(knl->error, sizeof(knl->error),
			 "the kernel module is not loaded: run 'modprobe qbd'");
		return -ENOENT;
	}
	knl->group = genl_ctrl_resolve_grp(knl->sock, QBD_FAMILY_NAME,
					   QBD_MCGRP_EVENTS);
	return 0;
}

void knl_close(struct knl *knl)
{
	if (knl->sock)
		nl_socket_free(knl->sock);
	if (knl->events)
		nl_socket_free(knl->events);
	knl->sock = NULL;
	knl->events = NULL;
}

struct nl_msg *knl_request(struct knl *knl, uint8_t cmd)
{
	struct nl_msg *msg = nlmsg_alloc();

	if (!msg || !genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, knl->family, 0,
				 0, cmd, QBD_FAMILY_VERSION)) {
		nlmsg_free(msg);
		knl_failed(knl, -ENOMEM, "request");
		return NULL;
	}
	return msg;
}

static int knl_on_error(struct sockaddr_nl *from, struct nlmsgerr *err,
			void *arg)
{
	struct nlmsghdr *hdr = (struct nlmsghdr *)((char *)err - NLMSG_HDRLEN);
	struct knl_answer *answer = arg;
	struct knl_ext ext;

	(void)from;
	knl_ext_take(hdr, hdr->nlmsg_len, &ext);
	answer->error = err->error;
	answer->done = true;
	if (ext.text || ext.word)
		snprintf(answer->knl->error, sizeof(answer->knl->error),
			 "%s%s%s", ext.word ? ext.word : "",
			 ext.word ? ": " : "",
			 ext.text ? ext.text : strerror(-err->error));
	else if (err->error == -EPERM)
		snprintf(answer->knl->error, sizeof(answer->knl->error),
			 KNL_NEEDS_ROOT);
	else
		knl_failed(answer->knl, err->error, "the kernel refused");
	return NL_STOP;
}

static int knl_on_end(struct nl_msg *msg, void *arg)
{
	struct knl_answer *answer = arg;
	struct nlmsghdr *hdr = nlmsg_hdr(msg);

	if (hdr->nlmsg_type == NLMSG_DONE &&
	    nlmsg_datalen(hdr) >= (int)sizeof(int)) {
		int error = *(int *)nlmsg_data(hdr);

		if (error < 0) {
			answer->error = error;
			knl_failed(answer->knl, error, "dump");
		}
	}
	answer->done = true;
	return NL_STOP;
}

static int knl_on_object(struct nl_msg *msg, void *arg)
{
	struct nlattr *attrs[64] = { NULL };
	struct knl_answer *answer = arg;

	if (!answer->object || answer->error)
		return NL_OK;
	if (answer->attr_max >= 64 ||
	    genlmsg_parse(nlmsg_hdr(msg), 0, attrs, answer->attr_max, NULL)) {
		answer->error = knl_failed(answer->knl, -EBADMSG,
					   "answer not understood");
		return NL_OK;
	}
	answer->knl->object = nlmsg_hdr(msg);
	answer->error = answer->object(attrs, answer->arg);
	answer->knl->object = NULL;
	return NL_OK;
}

static int64_t knl_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Wait until @sock has something to read; 0 = the time is over. */
static int knl_poll(struct nl_sock *sock, int64_t until_ms)
{
	struct pollfd pfd = { .fd = nl_socket_get_fd(sock), .events = POLLIN };

	for (;;) {
		int64_t left = until_ms - knl_now_ms();
		int got = poll(&pfd, 1, left > 0 ? (int)left : 0);

		if (got >= 0)
			return got;
		if (errno != EINTR)
			return -errno;
	}
}

static int knl_receive(struct knl *knl, struct knl_answer *answer)
{
	int64_t until_ms = knl_now_ms() + KNL_ANSWER_MS;
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err = 0;

	if (!cb)
		return knl_failed(knl, -ENOMEM, "answer");
	nl_cb_err(cb, NL_CB_CUSTOM, knl_on_error, answer);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, knl_on_end, answer);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, knl_on_end, answer);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, knl_on_object, answer);
	while (!answer->done && !err) {
		int got = knl_poll(knl->sock, until_ms);

		if (got <= 0)
			err = knl_failed(knl, got ? got : -ETIMEDOUT,
					 "no answer from the kernel");
		else if (nl_recvmsgs(knl->sock, cb) < 0 && !answer->done)
			err = knl_failed(knl, -EIO, "netlink");
	}
	nl_cb_put(cb);
	return err ? err : answer->error;
}

static int knl_exchange(struct knl *knl, struct nl_msg *msg,
			struct knl_answer *answer)
{
	int err;

	knl->error[0] = '\0';
	answer->knl = knl;
	err = nl_send_auto(knl->sock, msg);
	nlmsg_free(msg);
	if (err < 0)
		return knl_failed(knl, -EIO, nl_geterror(err));
	return knl_receive(knl, answer);
}

/* Send a request and wait for the kernel's yes or no; frees @msg. */
int knl_send(struct knl *knl, struct nl_msg *msg)
{
	struct knl_answer answer = { 0 };

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	return knl_exchange(knl, msg, &answer);
}

/* Ask for the one object that @msg names; frees @msg. */
int knl_ask(struct knl *knl, struct nl_msg *msg, int attr_max,
	    knl_object_fn object, void *arg)
{
	struct knl_answer answer = { .attr_max = attr_max,
				     .object = object,
				     .arg = arg };

	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_ACK;
	return knl_exchange(knl, msg, &answer);
}

/* Ask for the one object that there is. */
int knl_get(struct knl *knl, uint8_t cmd, int attr_max, knl_object_fn object,
	    void *arg)
{
	struct nl_msg *msg = knl_request(knl, cmd);

	if (!msg)
		return -ENOMEM;
	return knl_ask(knl, msg, attr_max, object, arg);
}

int knl_dump(struct knl *knl, const struct knl_dump *dump)
{
	struct knl_answer answer = { .attr_max = dump->attr_max,
				     .object = dump->object,
				     .arg = dump->arg };
	struct nl_msg *msg = dump->filter;

	if (!msg)
		msg = knl_request(knl, dump->cmd);
	if (!msg)
		return -ENOMEM;
	nlmsg_hdr(msg)->nlmsg_flags |= NLM_F_DUMP;
	return knl_exchange(knl, msg, &answer);
}

int knl_events_join(struct knl *knl)
{
	struct nl_sock *sock;
	int err;

	if (knl->events)
		return 0;
	sock = knl_socket();
	err = sock && knl->group >= 0 ?
		      nl_socket_add_membership(sock, knl->group) :
		      -NLE_FAILURE;
	if (err) {
		nl_socket_free(sock);
		if (err != -NLE_PERM)
			return knl_failed(knl, -EIO,
					  "events can not be joined");
		snprintf(knl->error, sizeof(knl->error), KNL_NEEDS_ROOT);
		return -EPERM;
	}
	nl_socket_disable_seq_check(sock);
	nl_socket_set_nonblocking(sock);
	knl->events = sock;
	return 0;
}

/* Wait for an event: 1 = there is one, 0 = the time is over. */
int knl_event_wait(struct knl *knl, int timeout_ms)
{
	return knl_poll(knl->events, knl_now_ms() + timeout_ms);
}

/* An event answers no request: the number in its header means nothing. */
static int knl_on_any_seq(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_OK;
}

/* Hand over the next event, if there is one; lost ones show as gaps. */
int knl_events_read(struct knl *knl, knl_object_fn object, void *arg)
{
	struct knl_answer answer = { .knl = knl,
				     .attr_max = QBD_A_EVENT_MAX,
				     .object = object,
				     .arg = arg };
	struct nl_cb *cb = nl_cb_alloc(NL_CB_CUSTOM);
	int err;

	if (!cb)
		return knl_failed(knl, -ENOMEM, "events");
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, knl_on_any_seq, NULL);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, knl_on_object, &answer);
	err = nl_recvmsgs(knl->events, cb);
	nl_cb_put(cb);
	/* overrun: some are lost, perhaps the last ones that there are */
	if (err == -NLE_NOMEM)
		knl->events_lost = true;
	if (err < 0 && err != -NLE_AGAIN && err != -NLE_NOMEM)
		return knl_failed(knl, -EIO, nl_geterror(err));
	return answer.error;
}

/* Hand over all events that are there now. */
int knl_events_drain(struct knl *knl, knl_object_fn object, void *arg)
{
	int left = KNL_EVENTS_AT_ONCE;
	int err = 0;

	while (!err && left-- && knl_event_wait(knl, 0) > 0)
		err = knl_events_read(knl, object, arg);
	return err;
}

int knl_wait(struct knl *knl, int timeout_ms, knl_done_fn done, void *arg)
{
	int64_t until_ms = knl_now_ms() + timeout_ms;

	for (;;) {
		int64_t left_ms;
		int got = done(knl, arg);

		if (got)
			return got < 0 ? got : 0;
		left_ms = until_ms - knl_now_ms();
		if (left_ms <= 0) {
			snprintf(
				knl->error, sizeof(knl->error),
				"it goes on, but took longer than %d s; see 'qbdctl kernel events' or give --timeout",
				timeout_ms / 1000);
			return -ETIMEDOUT;
		}
		/* an event may be lost: look again every second */
		got = knl_event_wait(knl, left_ms < 1000 ? (int)left_ms : 1000);
		if (got > 0)
			got = knl_events_drain(knl, knl->event, knl->event_arg);
		if (got < 0)
			return got;
	}
}
