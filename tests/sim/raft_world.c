// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time and network of a simulated group: events in the order of their times,
 * messages that are lost, doubled, late or cut off.
 */
#include <stdarg.h>

#include "raft_sim.h"

struct rs_world *rs_world_new(void)
{
	return calloc(1, sizeof(struct rs_world));
}

void rs_trace(struct rs_world *w, const char *fmt, ...)
{
	va_list args;

	if (!w->tracing)
		return;
	printf("%9.3f ", (double)w->now / 1e6);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
}

void rs_broken(struct rs_world *w, const char *rule, const char *fmt, ...)
{
	va_list args;

	if (w->rule)
		return;
	w->rule = rule;
	va_start(args, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, args);
	va_end(args);
	rs_trace(w, "BROKEN %s: %s\n", w->rule, w->why);
}

u64 rs_clock(const struct rs_world *w, const struct rs_node *n)
{
	return n->clock + (w->now - n->clock_at) * n->rate / 1000000;
}

u64 rs_hash_of(u64 chain, const struct raft_entry *entry)
{
	const u8 *data = entry->data;
	u64 hash = chain ^ entry->pos.term << 32 ^ entry->pos.index ^
		   (u64)entry->type << 60;
	u64 word;
	u32 i;

	for (i = 0; i < entry->bytes; i += sizeof(word)) {
		word = 0;
		memcpy(&word, data + i,
		       min((u32)sizeof(word), entry->bytes - i));
		hash = qbd_rng_mix(hash ^ word);
	}
	return qbd_rng_mix(hash);
}

/* --- events ------------------------------------------------------ */

static bool rs_before(const struct rs_event *a, const struct rs_event *b)
{
	return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void rs_at(struct rs_world *w, u64 at, u8 kind, u32 node, u32 arg)
{
	struct rs_event event = { .at = at,
				  .order = w->order++,
				  .kind = kind,
				  .node = node,
				  .life = w->node[node].life,
				  .arg = arg };
	u32 i = w->nr_events++;

	if (w->nr_events > RS_EVENTS) {
		w->nr_events--;
		rs_broken(w, "R0", "the simulator has too many events");
		return;
	}
	while (i && rs_before(&event, &w->heap[(i - 1) / 2])) {
		w->heap[i] = w->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	w->heap[i] = event;
}

static struct rs_event rs_next(struct rs_world *w)
{
	struct rs_event first = w->heap[0];
	struct rs_event last = w->heap[--w->nr_events];
	u32 i = 0, child;

	while ((child = 2 * i + 1) < w->nr_events) {
		if (child + 1 < w->nr_events &&
		    rs_before(&w->heap[child + 1], &w->heap[child]))
			child++;
		if (!rs_before(&w->heap[child], &last))
			break;
		w->heap[i] = w->heap[child];
		i = child;
	}
	w->heap[i] = last;
	return first;
}

/* --- network ----------------------------------------------------- */

static void rs_post(struct rs_world *w, u32 to, const u8 *data, u32 bytes)
{
	u64 delay = qbd_rng_range(&w->rng, RS_MS / 10, w->delay);
	struct rs_packet *packet;
	u32 slot;

	if (!w->nr_free)
		return; /* queues are finite */
	if (qbd_rng_ppm(&w->rng, w->reorder))
		delay += qbd_rng_below(&w->rng, 120 * RS_MS);
	slot = w->free_packet[--w->nr_free];
	packet = &w->packet[slot];
	packet->bytes = bytes;
	packet->to = to;
	memcpy(packet->data, data, bytes);
	rs_at(w, w->now + delay, RS_EV_MSG, to, slot);
}

void rs_send(struct rs_world *w, u32 from, const struct raft_msg *msg)
{
	static u8 data[RS_MSG_BYTES];
	u32 to = msg->to - 1;
	int bytes;

	w->counts.msgs++;
	bytes = raft_msg_encode(msg, &w->node[from].raft.log, data,
				sizeof(data));
	if (bytes < 0) {
		rs_broken(w, "R0", "%llu sends type %u, which is none: %d",
			  msg->from, msg->type, bytes);
		return;
	}
	rs_trace(w,
		 "  %llu > %llu type=%u%s term=%llu pos=%llu.%llu nr=%u "
		 "index=%llu commit=%llu round=%llu\n",
		 msg->from, msg->to, msg->type, msg->reject ? " no" : "",
		 msg->term, msg->pos.term, msg->pos.index, msg->nr, msg->index,
		 msg->commit, msg->round);
	if (to >= w->nr_nodes || !w->node[to].used || w->cut[from][to] ||
	    qbd_rng_ppm(&w->rng, w->loss))
		return;
	rs_post(w, to, data, bytes);
	if (qbd_rng_ppm(&w->rng, w->dup))
		rs_post(w, to, data, bytes);
}

static void rs_deliver(struct rs_world *w, u32 slot)
{
	static struct raft_entry entry[RAFT_APPEND_ENTRIES_MAX];
	static u8 data[RS_MSG_BYTES];
	struct rs_packet *packet = &w->packet[slot];
	struct raft_event event = { .kind = RAFT_EV_RECV };
	struct rs_node *n = &w->node[packet->to];
	struct raft_msg msg;
	u32 to = packet->to, bytes = packet->bytes;

	memcpy(data, packet->data, bytes);
	w->free_packet[w->nr_free++] = slot;
	if (!n->alive)
		return;
	if (raft_msg_decode(data, bytes, &msg, entry)) {
		rs_broken(w, "R0", "a message can not be read");
		return;
	}
	event.msg = &msg;
	w->ask = msg.pos;
	n->heard[msg.from - 1] = rs_clock(w, n);
	if (w->node[msg.from - 1].alive)
		raft_seen_heard(&n->known[msg.from - 1], msg.from,
				w->node[msg.from - 1].disk.generation);
	rs_trace(w, "%llu < %llu type=%u term=%llu\n", msg.to, msg.from,
		 msg.type, msg.term);
	if (rs_step(w, to, &event) == -EBADMSG)
		rs_broken(w, "R0", "%llu refuses type %u of %llu as bad", n->id,
			  msg.type, msg.from);
}

/* --- a schedule ------------------------------------------------------------
 */

/* A process that is stopped gets all of it when it runs again, in any order. */
static bool rs_deferred(struct rs_world *w, const struct rs_event *event)
{
	struct rs_node *n = &w->node[event->node];
	u64 at = n->paused_until + qbd_rng_below(&w->rng, 5 * RS_MS);

	if (event->kind > RS_EV_TAKEN || !n->alive || n->paused_until <= w->now)
		return false;
	if (event->kind == RS_EV_TICK) {
		if (n->tick_at != event->at)
			return true;
		n->tick_at = at;
	}
	rs_at(w, at, event->kind, event->node, event->arg);
	return true;
}

static void rs_event(struct rs_world *w, const struct rs_event *event)
{
	struct rs_node *n = &w->node[event->node];
	bool same = n->alive && event->life == n->life;

	if ((event->kind == RS_EV_MSG || same) && rs_deferred(w, event))
		return;
	switch (event->kind) {
	case RS_EV_MSG:
		rs_deliver(w, event->arg);
		break;
	case RS_EV_TICK:
		if (!same || n->tick_at != event->at)
			break;
		n->tick_at = 0;
		rs_step(w, event->node,
			&(struct raft_event){ .kind = RAFT_EV_TICK });
		break;
	case RS_EV_STORED:
		if (same)
			rs_stored(w, event->node);
		break;
	case RS_EV_CHUNK:
		n->chunk = false;
		if (same)
			rs_step(w, event->node,
				&(struct raft_event){ .kind = RAFT_EV_CHUNK });
		break;
	case RS_EV_TAKEN:
		if (same)
			rs_snapshot_taken(w, event->node);
		break;
	case RS_EV_CLIENT:
		rs_client_run(w, event->arg);
		break;
	case RS_EV_FAULT:
		rs_nemesis_run(w);
		break;
	case RS_EV_START:
		rs_node_start(w, event->node);
		break;
	case RS_EV_HEAL:
		if (w->healed)
			rs_rest(w);
		else
			rs_heal(w);
		break;
	}
}

static void rs_reset(struct rs_world *w, u64 seed, bool trace)
{
	u64 hit[RS_FAULTS][RS_PHASES];
	u32 i;

	memcpy(hit, w->hit, sizeof(hit));
	for (i = 0; i < RS_NODES; i++)
		memset(&w->node[i], 0, offsetof(struct rs_node, raft));
	memset(w->read, 0, sizeof(w->read));
	memset(w->client, 0, sizeof(w->client));
	memset(&w->cut, 0,
	       offsetof(struct rs_world, done) -
		       offsetof(struct rs_world, cut));
	memset(w->done, 0, sizeof(w->done));
	memset(w->leader_of, 0,
	       offsetof(struct rs_world, update) -
		       offsetof(struct rs_world, leader_of));
	memcpy(w->hit, hit, sizeof(hit));
	w->seed = seed;
	w->rng.state = seed;
	w->tracing = trace;
	w->now = RS_MS;
	w->order = 0;
	w->nr_events = 0;
	w->nr_nodes = 0;
	w->nr_free = RS_MSGS;
	for (i = 0; i < RS_MSGS; i++)
		w->free_packet[i] = i;
}

void rs_world_run(struct rs_world *w, u64 seed, bool trace)
{
	struct raft_members members = { 0 };
	struct raft_config conf = { 0 };
	u32 i;

	rs_reset(w, seed, trace);
	members.voters = qbd_rng_percent(&w->rng, 70) ? 3 : 5;
	for (i = 0; i < members.voters; i++)
		members.id[i] = 1 + i;
	raft_config_simple(&conf, &members);
	w->delay = qbd_rng_range(&w->rng, 1, 8) * RS_MS;
	w->append_entries = qbd_rng_range(&w->rng, 1, 8);
	w->window = qbd_rng_range(&w->rng, 4, 32);
	for (i = 0; i < members.voters; i++)
		rs_node_add(w, 1 + i, &conf);
	for (i = 0; i < RS_CLIENTS; i++)
		rs_at(w, w->now + 150 * RS_MS, RS_EV_CLIENT, 0, i);
	rs_nemesis_start(w);
	while (w->nr_events && !w->rule) {
		struct rs_event event = rs_next(w);

		w->now = event.at;
		if (w->now > w->end)
			break;
		rs_event(w, &event);
		rs_traps(w);
	}
	if (!w->rule)
		rs_oracle_end(w);
	w->counts.virtual_ns = w->now;
}
