// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the planner asks for is sent, and how it ended is told.
 */
#include <errno.h>

#include "../agent/plan_nl.h"
#include "../log.h"
#include "inner.h"

/* NULL: no memory, or something that nobody taught us. */
static struct nl_msg *request_msg(const struct agent_request *req)
{
	struct nl_msg *msg = kport_msg(req->cmd, AGENT_MESSAGE_BYTES);

	if (msg && agent_request_put(msg, req)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static void request_ended(struct hands *h, const struct agent_request *what,
			  int err, const char *reason)
{
	if (err)
		log_write(
			LOG_LEVEL_WARN, "kernel-refused",
			"cmd=%u volume=%u shard=%u replica=%llu error=%d reason=\"%s\"",
			what->cmd, what->volume, what->shard,
			(unsigned long long)what->replica, err, reason);
	agent_done(h->agent, what, err, reason, hands_now_ms(h));
	if (err && what->cmd == QBD_CMD_VOLUME_ATTACH &&
	    agent_give_up(h->agent, what->volume, what->term))
		fault_say(h, what->volume, what->term, DUTY_FAULT_DEVICE);
	/* that a peer was added is no event */
	if (!err && what->cmd == QBD_CMD_PEER_ADD && h->links)
		link_look(h->links);
	hands_look_later(h);
}

static void request_done(struct kport_request *request,
			 const struct kport_answer *answer)
{
	struct hands_request *req = (struct hands_request *)request;
	char text[KPORT_SAY_MAX];

	req->busy = false;
	/* nobody knows what became of it: the planner has to know that */
	request_ended(req->hands, &req->what,
		      answer->unknown ? -ETIMEDOUT : answer->error,
		      answer->error ? kport_say(text, answer) : "");
}

/* What comes and goes with a holder is little, and people look for it. */
static void request_log(const struct agent_request *what, const char *how)
{
	if (what->cmd != QBD_CMD_VOLUME_ATTACH &&
	    what->cmd != QBD_CMD_VOLUME_DETACH)
		return;
	log_write(LOG_LEVEL_INFO, how, "cmd=%s volume=%u term=%llu force=%u",
		  what->cmd == QBD_CMD_VOLUME_ATTACH ? "attach" : "detach",
		  what->volume, (unsigned long long)what->term, what->force);
}

static void request_send(struct hands *h, struct hands_request *req,
			 const struct agent_request *what)
{
	int err = -ENOMEM;

	request_log(what, "kernel-asked");
	req->hands = h;
	req->what = *what;
	req->request = (struct kport_request){
		.kind = KPORT_DO,
		.msg = request_msg(what),
		.done = request_done,
	};
	if (req->request.msg)
		err = kport_send(h->port, &req->request);
	req->busy = !err;
	if (err)
		request_ended(h, what, err, "it could not be sent");
}

/**
 * requests_send() - ask the kernel for what is due
 * @h: the hands
 */
void requests_send(struct hands *h)
{
	struct agent_request what[HANDS_REQUESTS];
	u32 i, nr, at = 0, room = 0;

	for (i = 0; i < HANDS_REQUESTS; i++)
		room += !h->request[i].busy;
	nr = agent_plan(h->agent, hands_now_ms(h), what, room);
	for (i = 0; i < nr; i++) {
		/* what uses the device ends first; then it is planned again */
		if (what[i].cmd == QBD_CMD_VOLUME_DETACH && !what[i].force &&
		    !run_lets_go(h, what[i].volume)) {
			agent_withdraw(h->agent, &what[i]);
			continue;
		}
		while (h->request[at].busy)
			at++;
		request_send(h, &h->request[at++], &what[i]);
	}
}
