/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One leader on its own, for scripts: its making, its steps, its replica sets,
 * and what is shown of it. Part of leader_trace.h.
 */
#ifndef QBD_TESTS_LEADER_WORLD_H
#define QBD_TESTS_LEADER_WORLD_H

#include "leader.h"
#include "print.h"
#include "trace.h"

#define TRACE_RING 16
#define TRACE_READS 4

static struct {
	struct qbd_leader_core *lead;
	struct qbd_inflight ring[4 * TRACE_RING];
	struct qbd_leader_read read[TRACE_READS];
	struct qbd_lease_view view[QBD_MEMBERS_MAX + 1];
	char name[64][8];
	u32 names;
	u64 now_ns;
} lt;

static inline struct qbd_lease_view lt_lease(void *ctx, u32 node)
{
	return lt.view[node];
}

static const struct qbd_leader_ops lt_ops = { .lease = lt_lease };

static inline struct qbd_pos lt_pos(const char *line, const char *key)
{
	return (struct qbd_pos){
		.term = trace_num(line, key, 0),
		.index = trace_index(line, key),
	};
}

static inline void lt_step(struct qbd_leader_event *event, FILE *out)
{
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	int err;
	u32 i;

	event->now_ns = lt.now_ns;
	do {
		acts.nr = 0;
		err = qbd_leader_step(lt.lead, event, &acts);
		if (err)
			fprintf(out, "  refused %d\n", err);
		for (i = 0; i < acts.nr; i++)
			print_action(out, &act[i]);
		event->kind = QBD_LEADER_MORE;
	} while (acts.more);
}

static inline void lt_event(enum qbd_leader_event_kind kind, FILE *out)
{
	lt_step(&(struct qbd_leader_event){ .kind = kind }, out);
}

static inline void lt_init(const char *line, FILE *out)
{
	struct qbd_leader_config cfg = {
		.ops = &lt_ops,
		.key = { .volume = 1, .shard = 2 },
		.node = 1,
		.blocks = trace_num(line, "blocks", 1024),
		.term = trace_num(line, "term", 6),
		.nonce = 66,
		.lease_ns = 1500 * NSEC_PER_MSEC,
		.retry_ns = 500 * NSEC_PER_MSEC,
		.recover_ns = 3000 * NSEC_PER_MSEC,
		.error_ns = trace_num(line, "error", 0) * NSEC_PER_MSEC,
		.window_bytes = trace_num(line, "bytes", 1 << 20),
		.ring = lt.ring,
		.ring_records = trace_num(line, "ring", TRACE_RING),
		.read = lt.read,
		.nr_reads = TRACE_READS,
		.reads_quorum = trace_flag(line, "reads-quorum"),
		.repair = trace_flag(line, "repair"),
		.resync = trace_flag(line, "resync"),
	};
	u32 copies = trace_num(line, "copies", 3), i;
	struct qbd_member member[QBD_SET_MAX];

	free(lt.lead);
	memset(&lt, 0, sizeof(lt));
	lt.now_ns = 1000 * NSEC_PER_MSEC;
	lt.lead = malloc(qbd_leader_size());
	for (i = 0; i < copies; i++)
		member[i] = (struct qbd_member){ 101 + i, 1 + i };
	ASSERT_EQ(0, qbd_set_init(&cfg.set, 1, member, copies));
	ASSERT_EQ(0, qbd_leader_init(lt.lead, &cfg));
	lt_event(QBD_LEADER_START, out);
}

/* Replica 101 + @nr, whatever its number is by now; NULL if it is no member. */
static inline const struct qbd_progress *lt_member(u32 nr)
{
	int at = qbd_set_find(qbd_leader_set(lt.lead), 101 + nr);

	return at < 0 ? NULL : qbd_leader_member(lt.lead, (u32)at);
}

/* A replica set; its record's payload is named by its epoch. */
static inline void lt_config(const char *line, struct qbd_leader_event *event)
{
	static struct qbd_set set;
	u32 old = trace_num(line, "old", 0), next = trace_num(line, "next", 0);
	u32 all = old | next | trace_num(line, "learn", 0), node;
	char *name = lt.name[lt.names++ % 64];

	memset(&set, 0, sizeof(set));
	set.epoch = trace_num(line, "epoch", 1);
	for (node = 1; node < QBD_MEMBERS_MAX; node++) {
		if (!(all & (1U << node)))
			continue;
		set.member[set.nr] = (struct qbd_member){ 100 + node, node };
		set.old |= (old >> node & 1) << set.nr;
		set.next |= (next >> node & 1) << set.nr;
		set.nr++;
	}
	snprintf(name, 8, "e%llu", set.epoch);
	event->set = &set;
	event->payload = name;
}

/* What a member is, if it is not simply one of the set in force. */
static inline const char *lt_role(const struct qbd_set *set, u32 member)
{
	bool old = set->old >> member & 1, next = set->next >> member & 1;

	if (!set->next)
		return old ? "" : " learner";
	if (old)
		return next ? " both" : " old";
	return next ? " next" : " learner";
}

static inline void lt_show(FILE *out)
{
	struct qbd_leader_info info;
	const struct qbd_progress *prog;
	const struct qbd_set *set = qbd_leader_set(lt.lead);
	u32 i;

	qbd_leader_info(lt.lead, &info);
	fprintf(out, "  %s%s history=%llu.%llu last=%llu commit=%llu\n",
		qbd_leader_name(info.state), info.suspended ? " suspended" : "",
		info.history.term, info.history.index, info.last, info.commit);
	if (info.verified || info.verifying)
		fprintf(out,
			"  verify%s %u: %d, compared %u missing %u written %u skipped %u "
			"differ %u repaired %u undecided %u\n",
			info.verifying ? " under way" : "", info.verified,
			info.verify_err, info.verify.compared,
			info.verify.missing, info.verify.written,
			info.verify.skipped, info.verify.differ,
			info.verify.repaired, info.verify.undecided);
	for (i = 0; (prog = qbd_leader_member(lt.lead, i)); i++)
		fprintf(out, "  %u %s matched=%llu durable=%llu pin=%llu%s\n",
			i, qbd_progress_name(prog->state), prog->matched,
			prog->durable, prog->pin, lt_role(set, i));
}

#endif /* QBD_TESTS_LEADER_WORLD_H */
