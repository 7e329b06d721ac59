// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: one at a time, of the first kind that is stale.
 */
#include <errno.h>

#include "../log.h"
#include "inner.h"

static struct hands_dump *dump_of(struct kport_request *request)
{
	return (struct hands_dump *)request;
}

static void dump_begin(struct kport_request *request)
{
	struct hands_dump *dump = dump_of(request);

	seen_begin(&dump->hands->seen, dump->kind, hands_now_ms(dump->hands));
}

static int dump_object(struct kport_request *request, struct nlattr **attrs)
{
	struct hands_dump *dump = dump_of(request);

	return seen_take(&dump->hands->seen, dump->kind, attrs,
			 kport_object(dump->hands->port));
}

static void dump_done(struct kport_request *request,
		      const struct kport_answer *answer)
{
	struct hands_dump *dump = dump_of(request);
	struct hands *h = dump->hands;
	bool none = dump->kind == SEEN_NODE && answer->error == -ENOENT;
	static struct log_limit limit;
	char text[KPORT_SAY_MAX];
	u64 took = loop_now(h->loop) - dump->from_ns;

	dump->running = false;
	dump->next_ns = loop_now(h->loop) + took * HANDS_LOOK_PART;
	/* no node is an answer, and it may have come before any object did */
	if (none)
		seen_begin(&h->seen, dump->kind, hands_now_ms(h));
	seen_end(&h->seen, dump->kind, none || !answer->error);
	if (answer->error && !none)
		log_limited(&limit, loop_now(h->loop), LOG_LEVEL_WARN,
			    "kernel-dump", "kind=%u reason=\"%s\"", dump->kind,
			    kport_say(text, answer));
	hands_look_later(h);
}

static bool dump_start(struct hands *h, enum seen_kind kind)
{
	struct hands_dump *dump = &h->dump;

	dump->hands = h;
	dump->kind = kind;
	dump->from_ns = loop_now(h->loop);
	dump->request = (struct kport_request){
		.kind = kind == SEEN_NODE ? KPORT_GET : KPORT_DUMP,
		.msg = kport_msg(seen_cmd(kind), 0),
		.attr_max = seen_attr_max(kind),
		.begin = dump_begin,
		.object = dump_object,
		.done = dump_done,
	};
	if (!dump->request.msg)
		return false;
	dump_begin(&dump->request);
	dump->running = !kport_send(h->port, &dump->request);
	if (!dump->running)
		seen_end(&h->seen, kind, false);
	return dump->running;
}

/**
 * dump_next() - have the next kind dumped that is stale
 * @h: the hands
 * @again_ns: made earlier if there is one, and it is too early
 *
 * Return: true if all that there can be is fresh.
 */
bool dump_next(struct hands *h, u64 *again_ns)
{
	struct hands_dump *dump = &h->dump;
	enum seen_kind kind = 0;

	if (dump->running || kport_state(h->port) != KPORT_READY)
		return false;
	/* without a node there is nothing else to be dumped */
	while (kind < SEEN_KINDS &&
	       (seen_fresh(&h->seen, kind) || (kind && !h->seen.node)))
		kind++;
	if (kind == SEEN_KINDS)
		return true;
	if (loop_now(h->loop) < dump->next_ns || !dump_start(h, kind))
		*again_ns = min_t(u64, *again_ns,
				  max_t(u64, dump->next_ns,
					loop_now(h->loop) + HANDS_LOOK_NS));
	return false;
}
