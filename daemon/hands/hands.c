// SPDX-License-Identifier: GPL-2.0-only
/*
 * The life of the hands, and the look: dumps, then what is due.
 */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "../log.h"
#include "inner.h"

/* --- links --------------------------------------------------------------- */

static void links_begin(struct hands *h, const struct cluster_self *self)
{
	const struct link_ops ops = { .send = tell_link, .arg = h };
	struct link_options opt = { .node = self->node,
				    .lineage = want_cluster(&h->want)->lineage,
				    .nr_listens = h->opt.nr_listens };
	static struct log_limit limit;
	int err;

	memcpy(opt.cluster, self->cluster, sizeof(opt.cluster));
	memcpy(opt.listen, h->opt.listen, sizeof(opt.listen));
	err = link_net_create(&h->links, h->loop, h->port, &opt, &ops);
	if (!err)
		return;
	h->links = NULL;
	log_limited(&limit, loop_now(h->loop), LOG_LEVEL_ERROR, "links-listen",
		    "reason=\"%s\"", strerror(-err));
}

static bool links_wanted(const struct hands *h, u32 node)
{
	const union want_item *item;
	u32 at = 0;

	while ((item = want_next(&h->want, WANT_PEER, &at)))
		if (item->peer.key.id == node)
			return true;
	return false;
}

static bool links_add(struct hands *h, const struct want_peer *peer)
{
	union links_addr addr[LINK_ADDRS_MAX];
	u32 node = peer->key.id, i;
	unsigned int nr;

	nr = cluster_addrs(peer->addr, peer->nr_addrs, 1, addr, LINK_ADDRS_MAX);
	if (link_peer_set(h->links, node, addr, nr))
		return false;
	for (i = 0; i < h->nr_linked; i++)
		if (h->linked[i] == node)
			return true;
	/* the net takes no more than that */
	if (h->nr_linked < LINK_PEERS_MAX)
		h->linked[h->nr_linked++] = node;
	return true;
}

/* Peers as they are wanted; without a want all stay. */
static void links_look(struct hands *h, const struct cluster_self *self)
{
	const union want_item *item;
	bool all = true;
	u32 at = 0, i;

	if (!self->in || !h->want.good ||
	    (h->links && h->linked_commits == h->want.commits))
		return;
	if (!h->links)
		links_begin(h, self);
	if (!h->links)
		return;
	while ((item = want_next(&h->want, WANT_PEER, &at)))
		all &= links_add(h, &item->peer);
	for (i = 0; i < h->nr_linked;) {
		if (links_wanted(h, h->linked[i])) {
			i++;
			continue;
		}
		link_peer_drop(h->links, h->linked[i]);
		h->linked[i] = h->linked[--h->nr_linked];
	}
	/* one that was not taken is tried again */
	if (all)
		h->linked_commits = h->want.commits;
}

/* --- the look ------------------------------------------------------------ */

/**
 * hands_look_later() - look at all when this turn is over
 * @h: the hands
 */
void hands_look_later(struct hands *h)
{
	loop_call_later(h->loop, &h->look);
}

static u64 hands_agent_due(const struct hands *h)
{
	u64 due_ms = agent_due_ms(h->agent, hands_now_ms(h));

	return due_ms > U64_MAX / 1000000 ? U64_MAX : due_ms * 1000000;
}

static void hands_look(struct loop_call *call)
{
	struct hands *h = HANDS_OF(call, look);
	u64 now = loop_now(h->loop), again = now + HANDS_HELLO_NS;
	struct cluster_self self;

	cluster_self(h->cluster, &self);
	tell_look(h);
	links_look(h, &self);
	if (now >= h->peers_ns) {
		h->peers_ns = now + HANDS_PEERS_NS;
		seen_stale(&h->seen, SEEN_PEER);
	}
	if (dump_next(h, &again)) {
		run_look(h);
		requests_send(h);
		reports_send(h);
		again = min(again, hands_agent_due(h));
	}
	if (h->want.good)
		again = min(again, h->peers_ns);
	loop_timer_set(h->loop, &h->due, max(again, now + 1000000));
}

static void hands_due(struct loop_timer *timer)
{
	hands_look_later(HANDS_OF(timer, due));
}

/* --- the kernel ---------------------------------------------------------- */

static void watch_changed(struct kport_watch *watch)
{
	struct hands *h = HANDS_OF(watch, watch);

	seen_stale_all(&h->seen);
	hands_look_later(h);
}

static void watch_event(struct kport_watch *watch, struct nlattr **attrs)
{
	struct hands *h = HANDS_OF(watch, watch);

	seen_event_take(&h->seen, attrs);
	dump_soon(h);
	hands_look_later(h);
}

/* --- life ---------------------------------------------------------------- */

static int hands_init(struct hands *h, char why[HANDS_WHY_MAX])
{
	const struct agent_ops ops = { .path = stores_path_of, .arg = h };
	const struct kport_options port = { .timeout_ms = 0 };
	u64 life = 0;
	int err;

	snprintf(h->stores_path, sizeof(h->stores_path), "%.200s/stores",
		 h->opt.state_dir);
	err = work_create(&h->work, h->loop);
	if (!err)
		err = stores_load(h, why);
	if (err)
		return err;
	stores_look(h);
	work_settle(h->work);
	if (getrandom(&life, sizeof(life), 0) != sizeof(life))
		return -EIO;
	want_init(&h->want);
	seen_init(&h->seen);
	err = agent_create(&h->agent, &h->want, &h->seen, life, &ops);
	if (err)
		return err;
	err = run_begin(h, why);
	if (err)
		return err;
	return kport_create(&h->port, h->loop, &port);
}

/**
 * hands_create() - the kernel's side of a node begins
 * @made: the hands
 * @loop: runs them
 * @cluster: this node in it; stays
 * @options: options
 * @why: why it can not
 *
 * Return: 0 or -errno.
 */
int hands_create(struct hands **made, struct loop *loop,
		 struct cluster *cluster, const struct hands_options *options,
		 char why[HANDS_WHY_MAX])
{
	struct hands *h = calloc(1, sizeof(*h));
	int err;

	if (!h) {
		snprintf(why, HANDS_WHY_MAX, "no memory");
		return -ENOMEM;
	}
	why[0] = '\0';
	h->loop = loop;
	h->cluster = cluster;
	h->opt = *options;
	h->beside.ops = &tell_ops;
	h->look = (struct loop_call){ .name = "hands", .run = hands_look };
	h->due = (struct loop_timer){ .name = "hands", .expired = hands_due };
	h->pump = (struct loop_timer){ .name = "hands-pump",
				       .expired = tell_pumped };
	h->duty_due = (struct loop_timer){ .name = "failover",
					   .expired = failover_due };
	h->mend_due =
		(struct loop_timer){ .name = "repair", .expired = mend_look };
	err = hands_init(h, why);
	if (err) {
		if (!why[0])
			snprintf(why, HANDS_WHY_MAX, "%s", strerror(-err));
		hands_destroy(h);
		return err;
	}
	h->watch = (struct kport_watch){ .changed = watch_changed,
					 .event = watch_event,
					 .stale = watch_changed };
	kport_watch_add(h->port, &h->watch);
	cluster_beside(cluster, &h->beside);
	hands_look_later(h);
	*made = h;
	return 0;
}

/**
 * hands_destroy() - they end; the kernel goes on
 * @hands: the hands
 */
void hands_destroy(struct hands *hands)
{
	struct hands *h = hands;
	u32 i;

	cluster_beside(h->cluster, NULL);
	work_destroy(h->work);
	loop_call_stop(h->loop, &h->look);
	loop_timer_stop(h->loop, &h->due);
	loop_timer_stop(h->loop, &h->pump);
	for (i = 0; i < HANDS_ASKS; i++) {
		if (!h->ask[i].busy)
			continue;
		cluster_forget(h->cluster, &h->ask[i].ask);
		json_object_put(h->ask[i].ask.args);
	}
	if (h->links)
		link_net_destroy(h->links);
	if (h->dump.running)
		kport_cancel(&h->dump.request);
	for (i = 0; i < HANDS_REQUESTS; i++)
		if (h->request[i].busy)
			kport_cancel(&h->request[i].request);
	if (h->watch.event)
		kport_watch_remove(&h->watch);
	if (h->port)
		kport_destroy(h->port);
	failover_end(h);
	mend_end(h);
	run_end(h);
	if (h->push)
		push_destroy(h->push);
	if (h->agent)
		agent_destroy(h->agent);
	want_free(&h->want);
	seen_free(&h->seen);
	free(h);
}

/**
 * hands_status() - how the kernel's side is
 * @hands: the hands
 *
 * Return: an object.
 */
struct json_object *hands_status(struct hands *hands)
{
	static const char *const states[] = { "looking for the module",
					      "no module", "ready" };
	const struct kport_node *node = kport_node(hands->port);
	struct json_object *doc = json_object_new_object();

	json_object_object_add(
		doc, "kernel",
		json_object_new_string(states[kport_state(hands->port)]));
	json_object_object_add(doc, "node",
			       json_object_new_boolean(node->running));
	json_object_object_add(doc, "wanted",
			       json_object_new_boolean(hands->want.good));
	json_object_object_add(doc, "index",
			       json_object_new_uint64(hands->want.index));
	if (hands->repair)
		json_object_object_add(doc, "repair", mend_status(hands));
	return doc;
}
