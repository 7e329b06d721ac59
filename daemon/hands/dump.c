// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dumps: in rounds of all kinds that are stale when it begins, one at a time.
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
	u64 pause;

	dump->running = false;
	dump->left &= ~(1U << dump->kind);
	dump->took_ns += loop_now(h->loop) - dump->from_ns;
	pause = dump->took_ns * HANDS_LOOK_PART;
	if (answer->error && !none)
		pause = max_t(u64, pause, HANDS_FAILED_NS);
	dump->next_ns = max_t(u64, dump->next_ns, loop_now(h->loop) + pause);
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

/* Kinds that are not known; without a node there is nothing else. */
static u32 dump_stale(const struct hands *h)
{
	enum seen_kind kind;
	u32 stale = 0;

	for (kind = 0; kind < SEEN_KINDS; kind++)
		if (!seen_fresh(&h->seen, kind) && (!kind || h->seen.node))
			stale |= 1U << kind;
	return stale;
}

/**
 * dump_next() - have the next kind dumped that is stale
 * @h: the hands
 * @again_ns: made earlier if there is one, and it is too early
 *
 * A round is not interrupted by pauses: what is waited for is known when all of
 * it is.
 *
 * Return: true if all that there can be is fresh.
 */
bool dump_next(struct hands *h, u64 *again_ns)
{
	struct hands_dump *dump = &h->dump;
	u64 now = loop_now(h->loop);
	u32 stale;

	if (dump->running || kport_state(h->port) != KPORT_READY)
		return false;
	stale = dump_stale(h);
	if (!stale)
		return true;
	if (!(dump->left & stale) && now >= dump->next_ns) {
		dump->left = stale;
		dump->took_ns = 0;
		dump->told = false;
	}
	if (!(dump->left & stale))
		*again_ns = min(*again_ns, dump->next_ns);
	else if (!dump_start(h, __builtin_ctz(dump->left & stale)))
		*again_ns = min_t(u64, *again_ns, now + HANDS_LOOK_NS);
	return false;
}

/**
 * dump_soon() - an event said that something has changed
 * @h: the hands
 *
 * A hundred events are one round: the first of them says when it begins.  (Were
 * it the last one, a kernel that says something all the time would never be
 * looked at.)
 */
void dump_soon(struct hands *h)
{
	struct hands_dump *dump = &h->dump;

	if (dump->told)
		return;
	dump->told = true;
	dump->next_ns =
		max_t(u64, dump->next_ns, loop_now(h->loop) + HANDS_LOOK_NS);
}
