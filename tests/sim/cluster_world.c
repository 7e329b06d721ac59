// SPDX-License-Identifier: GPL-2.0-only
/*
 * Time, chance, memory, and the life of a schedule; see cluster_world.h.
 *
 * The world is made once and used for all schedules: nothing of its size is
 * cleared or allocated anew, or a schedule would cost more than what it tests.
 */
#include <stdlib.h>

#include "cluster.h"
#include "cluster_log.h"

#define CL_HEAP 65536
#define CL_REST_NS (60000 * CL_MS)
#define CL_SURE_NS (5000 * CL_MS) /* until a leader knows who is away */
#define CL_STEPS_MIN 1000
#define CL_FAULTS_MIN 3

/* --- chance ------------------------------------------------------------- */

u64 cl_rand(struct cl_world *w, u64 below)
{
	return qbd_rng_below(&w->rng, below);
}

bool cl_chance(struct cl_world *w, u32 percent)
{
	return qbd_rng_percent(&w->rng, percent);
}

/* What a schedule did, in one number: the same seed gives the same one. */
void cl_mix(struct cl_world *w, u64 value)
{
	w->hash = (w->hash ^ value) * 0x100000001b3ULL;
}

/* --- memory ------------------------------------------------------------- */

static struct cl_item *cl_items;
static struct cl_payload *cl_payloads[QBD_DIFF_MAX + 1];
static struct cl_payload **cl_payload_all;
static u32 cl_nr_payloads;
static u32 cl_nr_live;

struct cl_item *cl_item_new(void)
{
	struct cl_item *item = cl_items;

	if (item) {
		cl_items = item->next;
	} else {
		item = malloc(sizeof(*item));
		if (!item)
			abort();
	}
	item->next = NULL;
	return item;
}

void cl_item_free(struct cl_item *item)
{
	item->next = cl_items;
	cl_items = item;
}

void cl_push(struct cl_fifo *fifo, struct cl_item *item)
{
	item->next = NULL;
	if (fifo->head)
		fifo->tail->next = item;
	else
		fifo->head = item;
	fifo->tail = item;
}

/* What was taken is first again. */
void cl_push_back(struct cl_fifo *fifo, struct cl_item *item)
{
	item->next = fifo->head;
	if (!fifo->head)
		fifo->tail = item;
	fifo->head = item;
}

struct cl_item *cl_pop(struct cl_fifo *fifo)
{
	struct cl_item *item = fifo->head;

	if (item)
		fifo->head = item->next;
	return item;
}

static struct cl_payload *cl_payload_make(u32 blocks)
{
	struct cl_payload *payload = calloc(1, sizeof(*payload));

	cl_payload_all =
		realloc(cl_payload_all, (cl_nr_payloads + 1) * sizeof(void *));
	if (!payload || !cl_payload_all)
		abort();
	payload->blocks = blocks;
	cl_payload_all[cl_nr_payloads++] = payload;
	return payload;
}

struct cl_payload *cl_payload_new(struct cl_world *w, u32 blocks)
{
	struct cl_payload *payload = cl_payloads[blocks];

	if (payload)
		cl_payloads[blocks] = payload->next;
	else
		payload = cl_payload_make(blocks);
	if (w->real && !payload->data) {
		payload->data = aligned_alloc(QBD_BLOCK_SIZE,
					      (size_t)blocks * QBD_BLOCK_SIZE);
		if (!payload->data)
			abort();
		memset(payload->data, 0, (size_t)blocks * QBD_BLOCK_SIZE);
	}
	payload->refs = 1;
	payload->lead = 0;
	payload->op = 0;
	payload->crc = 0;
	cl_nr_live++;
	return payload;
}

void cl_payload_get(void *cookie)
{
	struct cl_payload *payload = cookie;

	if (payload)
		payload->refs++;
}

void cl_payload_put(void *cookie)
{
	struct cl_payload *payload = cookie;

	if (!payload || --payload->refs)
		return;
	if (payload->raw)
		memset(payload->data, 0,
		       (size_t)payload->blocks * QBD_BLOCK_SIZE);
	payload->raw = false;
	payload->next = cl_payloads[payload->blocks];
	cl_payloads[payload->blocks] = payload;
	cl_nr_live--;
}

/* A node has crashed: what its leaders held is nobody's. */
void cl_payload_forget(u32 node)
{
	u32 i;

	for (i = 0; i < cl_nr_payloads; i++) {
		if (!cl_payload_all[i]->refs || cl_payload_all[i]->lead != node)
			continue;
		cl_payload_all[i]->lead = 0;
		cl_payload_put(cl_payload_all[i]);
	}
}

u32 cl_payload_live(void)
{
	return cl_nr_live;
}

/* --- events ------------------------------------------------------------- */

static bool cl_before(const struct cl_event *a, const struct cl_event *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->seq < b->seq;
}

void cl_at(struct cl_world *w, u64 delay_ns, const struct cl_event *event)
{
	struct cl_event ev = *event;
	u32 at = w->nr_heap++;

	if (w->nr_heap > CL_HEAP)
		abort();
	ev.due_ns = w->now_ns + delay_ns;
	ev.seq = w->seq++;
	while (at && cl_before(&ev, &w->heap[(at - 1) / 2])) {
		w->heap[at] = w->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	w->heap[at] = ev;
}

static struct cl_event cl_next(struct cl_world *w)
{
	struct cl_event first = w->heap[0];
	struct cl_event last = w->heap[--w->nr_heap];
	u32 at = 0, kid;

	for (kid = 1; kid < w->nr_heap; kid = 2 * at + 1) {
		if (kid + 1 < w->nr_heap &&
		    cl_before(&w->heap[kid + 1], &w->heap[kid]))
			kid++;
		if (!cl_before(&w->heap[kid], &last))
			break;
		w->heap[at] = w->heap[kid];
		at = kid;
	}
	w->heap[at] = last;
	return first;
}

/* Events of a machine wait while it is stalled. */
static bool cl_stalled(struct cl_world *w, const struct cl_event *ev)
{
	u32 node;

	switch (ev->kind) {
	case CL_EV_NET:
		node = ev->b;
		break;
	case CL_EV_LINK:
	case CL_EV_LOG:
	case CL_EV_DISK:
	case CL_EV_READ:
	case CL_EV_PUMP:
	case CL_EV_TICK:
	case CL_EV_FLOOR:
		node = ev->a;
		break;
	default:
		return false;
	}
	if (w->node[node].stall_ns <= w->now_ns)
		return false;
	cl_at(w, w->node[node].stall_ns - w->now_ns, ev);
	return true;
}

static void cl_event_run(struct cl_world *w, const struct cl_event *ev)
{
	switch ((enum cl_event_kind)ev->kind) {
	case CL_EV_NET:
		cl_net_deliver(w, ev->a, ev->b, ev->c);
		break;
	case CL_EV_LINK:
		cl_link_told(w, ev->a, ev->b);
		break;
	case CL_EV_JOIN:
		cl_net_join(w, ev->a, ev->b);
		break;
	case CL_EV_LOG:
		cl_log_step(w, ev->a);
		break;
	case CL_EV_DISK:
		cl_store_disk(w, ev->a);
		break;
	case CL_EV_READ:
		cl_log_read_end(w, ev->arg);
		break;
	case CL_EV_PUMP:
		w->node[ev->a].pump_due &= ~(1U << ev->b);
		cl_pump(w, ev->a, ev->b);
		break;
	case CL_EV_TICK:
		cl_node_tick(w, ev->a);
		break;
	case CL_EV_CLIENT:
		cl_client_run(w, ev->a);
		break;
	case CL_EV_START:
		cl_node_start(w, ev->a);
		break;
	case CL_EV_FAULT:
		cl_fault_run(w);
		break;
	case CL_EV_HEAL:
		cl_fault_heal(w, ev->arg);
		break;
	case CL_EV_FORGET:
		cl_fault_forget(w, ev->arg);
		break;
	case CL_EV_DAEMON:
		cl_daemon_run(w, ev->a);
		break;
	case CL_EV_RELEASE:
		cl_release(w, ev->a);
		break;
	case CL_EV_FLOOR:
		cl_node_floor(w, ev->a);
		break;
	case CL_EV_CONFIG:
		cl_config_report(w, ev->a, ev->arg >> 16, ev->arg & 0xffff);
		break;
	case CL_EV_GROW:
		cl_grow_told(w, ev->a, ev->b, ev->arg, ev->c);
		break;
	}
}

static void cl_step(struct cl_world *w)
{
	struct cl_event ev = cl_next(w);

	w->now_ns = ev.due_ns;
	if (ev.life != U32_MAX && ev.life != w->node[ev.a].life)
		return;
	if (cl_stalled(w, &ev))
		return;
	w->counts.events++;
	cl_mix(w, ev.due_ns ^ ((u64)ev.kind << 56) ^ ((u64)ev.a << 48) ^
			  ((u64)ev.b << 40));
	cl_event_run(w, &ev);
}

/* --- a schedule --------------------------------------------------------- */

/*
 * Some nodes are far from each other, faults or not: a round trip takes longer
 * than what is repeated waits for, and less than a lease that is renewed all
 * the time can bear.
 */
static void cl_layout_far(struct cl_world *w)
{
	u64 min_ns = w->retry_ns / 2 + w->retry_ns / 40;
	u64 max_ns = w->lease_ns * 13 / 40;
	u64 ns = min_ns + cl_rand(w, max_ns - min_ns);
	u32 how = (u32)cl_rand(w, 8), a, b;

	memset(w->far_ns, 0, sizeof(w->far_ns));
	if (how > 2)
		return;
	w->counts.far = 1;
	for (a = 1; a <= w->nr_nodes; a++) {
		for (b = 1; b < a; b++) {
			if (how && b > 1 && (how > 1 || !cl_chance(w, 30)))
				continue;
			w->far_ns[a][b] = ns;
			w->far_ns[b][a] = ns;
		}
	}
}

static void cl_layout(struct cl_world *w)
{
	u32 v, i;

	w->nr_nodes = cl_chance(w, 60) ? 3 : 4 + (u32)cl_rand(w, 2);
	w->nr_volumes = cl_chance(w, 75) ? 1 : 2;
	w->nr_conns = 1 + (u32)cl_rand(w, CL_CONNS);
	w->nr_shards = 0;
	for (v = 0; v < w->nr_volumes; v++) {
		struct cl_volume *vol = &w->volume[v];

		memset(vol, 0, sizeof(*vol));
		vol->first = w->nr_shards;
		vol->nr = 2 + (w->nr_volumes == 1 && cl_chance(w, 20));
		cl_grow_layout(w, v);
		for (i = 0; i < vol->nr; i++) {
			w->shard[w->nr_shards].volume = v;
			w->shard[w->nr_shards].no = i;
			cl_config_layout(w, w->nr_shards++);
		}
	}
	w->lease_ns = (300 + cl_rand(w, 300)) * CL_MS;
	w->retry_ns = w->lease_ns / (2 + cl_rand(w, 3));
	w->net_ns = (1 + cl_rand(w, 30)) * CL_MS / 10;
	w->lag_percent = cl_chance(w, 50) ? 0 : (u32)cl_rand(w, 30);
	w->reads_quorum = cl_chance(w, 35);
	w->scarce = cl_chance(w, 25);
	w->changes = cl_chance(w, 40);
	w->verifies = cl_chance(w, 40);
	w->short_ns = w->lease_ns;
	cl_layout_far(w);
	if (w->counts.far || cl_chance(w, 50))
		return;
	w->counts.leases = 1;
	w->short_ns = w->lease_ns / (4 * CL_MS) * CL_MS;
}

static void cl_node_reset(struct cl_world *w, u32 id)
{
	struct cl_node *node = &w->node[id];
	u32 i;

	node->id = id;
	node->up = false;
	node->open = false;
	node->failed = false;
	node->real = w->real;
	node->life++;
	node->ticks = 0;
	node->crash_in = 0;
	node->stall_ns = 0;
	node->skew_ns = (s64)cl_rand(w, 1000000000);
	node->drift_ppm = (s32)cl_rand(w, 60000) - 30000;
	node->mute = false;
	node->pumping = 0;
	node->pump_due = 0;
	node->disk_ns = (1 + cl_rand(w, 20)) * CL_MS / 10;
	node->read_eio = false;
	node->read_bad = false;
	node->no_room = false;
	node->full = false;
	node->write_eio = false;
	node->damaged = false;
	node->rolled = false;
	node->was_rolled = false;
	node->restored = false;
	for (i = 0; i < w->nr_shards; i++) {
		node->rep[i].ready = false;
		node->lead[i].active = false;
	}
	for (i = 0; i < w->nr_volumes; i++)
		cl_attach_reset(w, i, id);
}

static void cl_begin(struct cl_world *w)
{
	u32 i, v;

	w->now_ns = 1000 * CL_MS;
	w->nr_heap = 0;
	w->seq = 0;
	w->rule = NULL;
	w->healing = false;
	w->nr_ops = 1;
	w->open_ops = 0;
	w->real = cl_chance(w, 25);
	cl_layout(w);
	cl_oracle_start(w);
	for (i = 1; i <= w->nr_nodes; i++)
		cl_node_reset(w, i);
	cl_net_clear(w);
	cl_log_format(w);
	for (i = 1; i <= w->nr_nodes; i++)
		cl_node_start(w, i);
	w->nr_clients = 2 + (u32)cl_rand(w, CL_CLIENTS - 1);
	memset(w->client, 0, sizeof(w->client));
	for (i = 0; i < w->nr_clients; i++) {
		w->client[i].left = (100 + (u32)cl_rand(w, 60)) / w->nr_clients;
		w->client[i].left++;
		cl_at(w, cl_rand(w, 100) * CL_MS,
		      &(struct cl_event){ .kind = CL_EV_CLIENT,
					  .a = (u8)i,
					  .life = U32_MAX });
	}
	for (v = 0; v < w->nr_volumes; v++)
		cl_at(w, cl_rand(w, 20) * CL_MS,
		      &(struct cl_event){ .kind = CL_EV_DAEMON,
					  .a = (u8)v,
					  .life = U32_MAX });
	cl_faults_start(w);
}

/* All that holds references lets go of them. */
static void cl_teardown(struct cl_world *w)
{
	u32 i;

	for (i = 1; i <= w->nr_nodes; i++)
		if (w->node[i].up)
			cl_node_crash(w, i);
	cl_net_clear(w);
	for (i = 1; i < w->nr_ops; i++)
		if (w->op[i].state == CL_OP_HELD)
			cl_payload_put(w->op[i].payload);
	if (cl_payload_live())
		cl_broken(w, "R8", "%u payloads were not given back",
			  cl_payload_live());
}

static void cl_heal(struct cl_world *w)
{
	const char *why = NULL;
	u64 end_ns = w->now_ns + CL_REST_NS;
	u64 look_ns = w->now_ns;
	u32 i;

	w->healing = true;
	w->heal_ns = w->now_ns;
	for (i = 1; i <= w->nr_nodes; i++)
		if (w->node[i].lease_ns != w->short_ns)
			cl_node_crash(w, i);
	cl_trace(w, "--- all is healed\n");
	cl_fault_heal_all(w);
	while (!w->rule) {
		cl_step(w);
		if (w->now_ns < look_ns)
			continue;
		look_ns = w->now_ns + 20 * CL_MS;
		if (cl_end_rest(w, &why))
			break;
		if (w->now_ns > end_ns && cl_end_given_up(w)) {
			w->counts.hopeless++;
			return;
		}
		if (w->now_ns > end_ns + CL_SURE_NS) {
			cl_end_show(w);
			cl_broken(w, "R8", "no rest: %s", why);
			return;
		}
	}
	if (!w->rule)
		cl_end_check(w);
}

/* One schedule; @w->rule says whether a rule was broken. */
void cl_world_run(struct cl_world *w, u64 seed, bool trace)
{
	u64 begin_ns;

	w->seed = seed;
	w->rng.state = qbd_rng_mix(seed);
	w->trace = trace;
	w->hash = 0xcbf29ce484222325ULL;
	memset(&w->counts, 0, sizeof(w->counts));
	cl_begin(w);
	begin_ns = w->now_ns;
	w->end_ns = w->now_ns + (1500 + cl_rand(w, 2500)) * CL_MS;
	while (!w->rule &&
	       (w->now_ns < w->end_ns || w->counts.steps < CL_STEPS_MIN ||
		w->counts.faults < CL_FAULTS_MIN))
		cl_step(w);
	if (!w->rule)
		cl_heal(w);
	w->counts.real = w->real;
	w->counts.virtual_ns = w->now_ns - begin_ns;
	cl_mix(w, w->counts.steps);
	cl_teardown(w);
}

struct cl_world *cl_world_new(void)
{
	struct cl_world *w = calloc(1, sizeof(*w));
	u32 i, k;

	if (!w)
		abort();
	w->heap = malloc(CL_HEAP * sizeof(*w->heap));
	if (!w->heap)
		abort();
	for (i = 1; i <= CL_NODES; i++) {
		for (k = 0; k < CL_SHARDS; k++) {
			w->node[i].lead[k].core = malloc(qbd_leader_size());
			if (!w->node[i].lead[k].core)
				abort();
		}
	}
	cl_log_new(w);
	cl_store_new(w);
	cl_oracle_new(w);
	return w;
}
