// SPDX-License-Identifier: GPL-2.0-only
/*
 * The world of a schedule: daemons, sessions, faults, time.
 */
#include <stdarg.h>
#include <sys/mman.h>

#include "agent_sim.h"

#define AS_QUIET 80 /* steps of a second: longer than any pause */
#define AS_HEAL_MAX 8000 /* repairs move copy by copy, two to a store */

static const struct state_limits as_limits = { .nodes = 8,
					       .node_slots = 10,
					       .stores = 8,
					       .store_slots = 12,
					       .store_replicas = 90,
					       .volumes = AS_VOLUMES,
					       .shards = 200,
					       .wides = 40,
					       .changes = 40,
					       .tombs = 100,
					       .tokens = 3,
					       .jobs = 3,
					       .clients = 3 };

bool as_odds(struct as_world *w, u32 percent)
{
	return qbd_rng_percent(&w->rng, percent);
}

u32 as_rnd(struct as_world *w, u32 n)
{
	return qbd_rng_below(&w->rng, n);
}

void as_broken(struct as_world *w, const char *rule, const char *fmt, ...)
{
	va_list args;

	if (w->rule)
		return;
	w->rule = rule;
	va_start(args, fmt);
	vsnprintf(w->why, sizeof(w->why), fmt, args);
	va_end(args);
	if (w->trace)
		printf("# %llu BROKEN %s: %s\n", w->now_ms, rule, w->why);
}

void as_trace(struct as_world *w, const char *fmt, ...)
{
	va_list args;

	if (!w->trace)
		return;
	printf("# %llu ", w->now_ms);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static void *as_map(u64 bytes)
{
	void *mem = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (mem == MAP_FAILED)
		abort();
	return mem;
}

/**
 * as_world_new() - memory for schedules
 *
 * Return: the world.
 */
struct as_world *as_world_new(void)
{
	struct as_world *w = as_map(sizeof(*w));

	w->bytes = state_bytes(&as_limits);
	w->s = as_map(w->bytes);
	w->old = as_map(w->bytes);
	return w;
}

/* --- daemons ----------------------------------------------------------- */

static const char *as_path(void *arg, const u8 uuid[16])
{
	(void)arg;
	(void)uuid;
	return "a disk";
}

static void as_queues_drop(struct as_node *n)
{
	while (n->nr_down)
		free(n->down[--n->nr_down].data);
	n->nr_up = 0;
}

static void as_cut(struct as_world *w, struct as_node *n)
{
	if (n->leader && w->push[n->leader - 1])
		push_down(w->push[n->leader - 1], n->id);
	n->leader = 0;
	as_queues_drop(n);
	want_end(&n->want);
}

static void as_daemon_end(struct as_node *n)
{
	as_queues_drop(n);
	agent_destroy(n->agent);
	n->agent = NULL;
	want_free(&n->want);
	seen_free(&n->seen);
}

static void as_daemon_begin(struct as_world *w, struct as_node *n)
{
	struct agent_ops ops = { .path = as_path };

	want_init(&n->want);
	seen_init(&n->seen);
	n->life = qbd_rng_next(&w->rng);
	if (agent_create(&n->agent, &n->want, &n->seen, n->life, &ops))
		abort();
}

static void as_daemon_restart(struct as_world *w, struct as_node *n)
{
	as_trace(w, "node %u: its daemon is restarted", n->id);
	as_cut(w, n);
	as_daemon_end(n);
	as_daemon_begin(w, n);
}

/* --- sessions ---------------------------------------------------------- */

static void as_lead_begin(struct as_world *w, u32 which)
{
	struct state_delta all = { .all = true };

	push_destroy(w->push[which]);
	w->stream += 1000;
	if (push_create(&w->push[which], which ? w->old : w->s, w->term - which,
			w->stream))
		abort();
	push_applied(w->push[which], which ? w->old_index : w->index, &all);
}

static void as_lead_change(struct as_world *w)
{
	u32 i;

	as_trace(w, "another leader");
	for (i = 1; i <= AS_NODES; i++)
		if (w->node[i].leader == 1)
			as_cut(w, &w->node[i]);
	w->term++;
	as_lead_begin(w, 0);
	as_repair_begin(w);
}

/* Somebody who led does not know that he is none: what he knows stays. */
static void as_lead_old(struct as_world *w)
{
	u32 i;

	for (i = 1; i <= AS_NODES; i++)
		if (w->node[i].leader == 2)
			as_cut(w, &w->node[i]);
	push_destroy(w->push[1]);
	w->push[1] = NULL;
	memset(w->old, 0, w->bytes);
	if (state_clone(w->old, w->bytes, w->s))
		abort();
	w->old_index = w->index;
	as_lead_begin(w, 1);
}

static void as_connect(struct as_world *w, struct as_node *n)
{
	n->leader = !w->heal && w->push[1] && as_odds(w, 15) ? 2 : 1;
	as_trace(w, "node %u: a session with %s", n->id,
		 n->leader == 1 ? "who leads" : "an old leader");
	want_end(&n->want);
	want_hello(&n->want, &n->hello);
	/* some do not look at how far a node is */
	if (n->leader == 2 && as_odds(w, 30))
		n->hello = (struct want_hello){ 0 };
	n->said = false;
	agent_say_again(n->agent);
}

static void as_session(struct as_world *w, struct as_node *n)
{
	u32 i;

	if (!n->leader && (w->heal || as_odds(w, 40)))
		as_connect(w, n);
	if (!n->leader)
		return;
	if (!w->heal && as_odds(w, n->leader == 1 ? 2 : 15)) {
		as_cut(w, n);
		return;
	}
	if (!n->said && as_odds(w, 70)) {
		if (push_hello(w->push[n->leader - 1], n->id, &n->hello))
			abort();
		n->said = true;
	}
	for (i = 0; i < 4 && n->nr_down < AS_QUEUE; i++) {
		u8 *data = malloc(WANT_MSG_MAX);
		u32 size = 2600 + as_rnd(w, 2) * as_rnd(w, 20000);
		int bytes =
			push_next(w->push[n->leader - 1], n->id, data, size);

		if (bytes <= 0) {
			free(data);
			break;
		}
		n->down[n->nr_down++] = (struct as_message){ bytes, data };
	}
}

static void as_deliver(struct as_world *w, struct as_node *n)
{
	struct as_message msg;
	u64 index;
	int err;

	while (n->nr_down && as_odds(w, 60)) {
		msg = n->down[0];
		n->nr_down--;
		memmove(n->down, n->down + 1, n->nr_down * sizeof(msg));
		index = n->want.index;
		err = want_take(&n->want, msg.data, msg.bytes);
		free(msg.data);
		as_check_want(w, n, index);
		if (err && err != -ECANCELED) {
			want_hello(&n->want, &n->hello);
			n->said = false;
		}
	}
	while (n->nr_up && as_odds(w, 60)) {
		struct agent_report report = n->up[0];

		n->nr_up--;
		memmove(n->up, n->up + 1, n->nr_up * sizeof(report));
		if (n->leader == 1)
			as_lead_heard(w, n->id, &report);
	}
}

/* --- requests ---------------------------------------------------------- */

static void as_answer(struct as_world *w, struct as_node *n,
		      const struct as_request *req, int err)
{
	as_trace(w, "node %u: cmd %u volume %u shard %u replica %llu: %d",
		 n->id, req->req.cmd, req->req.volume, req->req.shard,
		 req->req.replica, err);
	w->hash = w->hash * 31 + req->req.cmd * 1000 + err;
	if (req->life == n->life)
		agent_done(n->agent, &req->req, err, "no", w->now_ms);
}

static void as_requests(struct as_world *w, struct as_node *n)
{
	struct as_request *req;
	bool lost;
	int err;

	while (n->nr_req && as_odds(w, 80)) {
		req = &n->req[0];
		lost = !w->heal && as_odds(w, 2);
		err = -ETIMEDOUT;
		if (!lost || as_odds(w, 50)) {
			err = as_kernel_do(w, n, req);
			w->done[req->req.cmd] += !err;
		}
		as_answer(w, n, req, lost ? -ETIMEDOUT : err);
		n->nr_req--;
		memmove(n->req, n->req + 1, n->nr_req * sizeof(*req));
	}
}

static void as_request_keep(struct as_world *w, struct as_node *n,
			    const struct agent_request *from)
{
	struct as_request *req = &n->req[n->nr_req];
	u32 i;

	for (i = 0; i < n->nr_req; i++)
		if (n->req[i].life == n->life &&
		    n->req[i].req.cmd == from->cmd &&
		    !agent_key_cmp(&n->req[i].req.object, &from->object))
			as_broken(w, "R9", "node %u asks twice for %u", n->id,
				  from->cmd);
	if (from->cmd == QBD_CMD_REPLICA_CREATE &&
	    want_mine(&n->want, from->set[0])->made)
		as_broken(w, "R5", "node %u makes replica %llu, which was made",
			  n->id, from->replica);
	if (!n->want.good)
		as_broken(w, "R10", "node %u knows nothing and asks", n->id);
	memset(req, 0, sizeof(*req));
	req->req = *from;
	req->life = n->life;
	for (i = 0; i < from->nr_sets; i++)
		memcpy(&req->set[i], from->set[i],
		       want_item_bytes((const void *)from->set[i]));
	n->nr_req++;
	n->asked++;
}

static void as_report_check(struct as_world *w, struct as_node *n,
			    const struct agent_report *report)
{
	struct as_volume *vol = &n->volume[report->volume];

	if (report->say == AGENT_SAY_SET && vol->there &&
	    vol->term == report->term &&
	    vol->shard[report->shard].committed < report->epoch)
		as_broken(w, "R7", "node %u: shard %u of %u is not at %llu",
			  n->id, report->shard, report->volume, report->epoch);
}

static void as_agent(struct as_world *w, struct as_node *n)
{
	struct agent_request req[AS_REQUESTS];
	struct agent_report report[AS_QUEUE];
	u32 i, nr, kind;

	for (kind = 0; kind < SEEN_KINDS; kind++)
		if (!seen_fresh(&n->seen, kind) && as_odds(w, 60))
			as_kernel_dump(w, n, kind);
	nr = agent_plan(n->agent, w->now_ms, req, AS_REQUESTS - n->nr_req);
	for (i = 0; i < nr; i++)
		as_request_keep(w, n, &req[i]);
	if (!n->leader)
		return;
	nr = agent_reports(n->agent, w->now_ms, report, AS_QUEUE - n->nr_up);
	for (i = 0; i < nr; i++) {
		as_trace(w,
			 "node %u says %u volume %u shard %u replica %llu "
			 "term %llu epoch %llu",
			 n->id, report[i].say, report[i].volume,
			 report[i].shard, report[i].replica, report[i].term,
			 report[i].epoch);
		as_report_check(w, n, &report[i]);
		n->up[n->nr_up++] = report[i];
		n->reported++;
	}
}

/* --- time -------------------------------------------------------------- */

/*
 * What was sent is done before the daemon is gone, for the handler runs inside
 * of send(); the rest never is, and the next daemon waits for the first one's
 * end: for the lock of the state directory.
 */
static void as_requests_end(struct as_world *w, struct as_node *n)
{
	if (n->nr_req && as_odds(w, 50))
		as_kernel_do(w, n, &n->req[0]);
	n->nr_req = 0;
}

/* Its power fails; it comes back with another daemon. */
static void as_die(struct as_world *w, struct as_node *n)
{
	as_trace(w, "node %u is dead until %llu", n->id, n->dead_ms);
	as_kernel_lost(n);
	as_daemon_restart(w, n);
	n->nr_req = 0;
}

static void as_faults(struct as_world *w)
{
	struct as_node *n = as_repair_fault(w);

	if (n)
		as_die(w, n);
	n = &w->node[1 + as_rnd(w, AS_NODES)];

	if (as_odds(w, 2))
		as_lead_change(w);
	if (as_odds(w, 3))
		as_lead_old(w);
	if (as_odds(w, 3)) {
		as_requests_end(w, n);
		as_daemon_restart(w, n);
	}
	if (!as_odds(w, 2))
		return;
	as_trace(w, "node %u is rebooted", n->id);
	as_kernel_lost(n);
	if (as_odds(w, 70)) {
		as_daemon_restart(w, n);
		n->nr_req = 0;
	} else {
		/* the module was loaded anew: events begin anew, too */
		seen_stale_all(&n->seen);
	}
}

static void as_step(struct as_world *w)
{
	u32 i;

	w->now_ms += w->heal ? 1000 : 50 + as_rnd(w, 800);
	if (!w->heal) {
		as_faults(w);
		if (as_odds(w, 25))
			as_lead_act(w);
	}
	for (i = 1; i <= AS_NODES && !w->rule; i++) {
		if (w->node[i].dead_ms > w->now_ms)
			continue;
		as_session(w, &w->node[i]);
		as_deliver(w, &w->node[i]);
		as_requests(w, &w->node[i]);
		as_kernel_tick(w, &w->node[i]);
		as_agent(w, &w->node[i]);
	}
	as_repair_step(w);
}

static u64 as_busy(const struct as_world *w)
{
	u64 sum = w->index;
	u32 i;

	for (i = 1; i <= AS_NODES; i++)
		sum += w->node[i].asked + w->node[i].reported;
	return sum;
}

static void as_heal(struct as_world *w)
{
	u32 i, quiet = 0;
	u64 was = 0;

	w->heal = true;
	as_trace(w, "all faults end");
	for (i = 1; i <= AS_NODES; i++)
		if (w->node[i].leader == 2)
			as_cut(w, &w->node[i]);
	as_lead_finish(w);
	for (i = 0; i < AS_HEAL_MAX && quiet < AS_QUIET && !w->rule; i++) {
		as_step(w);
		quiet = as_busy(w) == was ? quiet + 1 : 0;
		was = as_busy(w);
	}
	if (quiet < AS_QUIET)
		as_broken(w, "R8", "it does not come to rest");
	if (!w->rule)
		as_check_rest(w);
}

/**
 * as_world_end() - what daemons and leaders have is given back
 * @w: the world; good for another schedule
 */
void as_world_end(struct as_world *w)
{
	u32 i;

	for (i = 1; i <= AS_NODES; i++)
		as_daemon_end(&w->node[i]);
	push_destroy(w->push[0]);
	push_destroy(w->push[1]);
	repair_destroy(w->mend.duty);
	w->push[0] = NULL;
	w->push[1] = NULL;
	w->mend.duty = NULL;
}

static void as_world_reset(struct as_world *w, u64 seed, bool trace)
{
	struct state *s = w->s, *old = w->old;
	u64 bytes = w->bytes;
	u64 done[__QBD_CMD_MAX], said[AGENT_SAY_UNKNOWN + 1];
	u64 repaired[STATE_CMD_NR];

	memcpy(done, w->done, sizeof(done));
	memcpy(said, w->said, sizeof(said));
	memcpy(repaired, w->mend.done, sizeof(repaired));
	as_world_end(w);
	memset(w, 0, sizeof(*w));
	w->s = s;
	w->old = old;
	w->bytes = bytes;
	memcpy(w->done, done, sizeof(done));
	memcpy(w->said, said, sizeof(said));
	memcpy(w->mend.done, repaired, sizeof(repaired));
	w->mend.on = seed & 1;
	w->rng.state = seed;
	w->trace = trace;
	w->now_ms = 1000;
	w->term = 5;
	memset(w->s, 0, w->bytes);
	if (state_create(w->s, w->bytes, &as_limits))
		abort();
}

/**
 * as_world_run() - a schedule
 * @w: the world
 * @seed: of its random numbers
 * @trace: print what happens
 */
void as_world_run(struct as_world *w, u64 seed, bool trace)
{
	u32 i;

	as_world_reset(w, seed, trace);
	as_lead_init(w);
	for (i = 1; i <= AS_NODES; i++) {
		w->node[i].id = i;
		w->node[i].store = U32_MAX;
		as_daemon_begin(w, &w->node[i]);
	}
	as_lead_begin(w, 0);
	as_repair_begin(w);
	for (i = 0; i < AS_STEPS && !w->rule; i++)
		as_step(w);
	if (!w->rule)
		as_heal(w);
}
