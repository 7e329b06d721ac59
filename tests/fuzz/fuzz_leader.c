// SPDX-License-Identifier: GPL-2.0-only
/*
 * A leader among hostile peers: messages that decode, from nodes that say
 * whatever they like, in any order with requests, time, and links that come
 * and go. It may get nowhere; what it sends must encode, and nothing breaks.
 */
#include "fuzz_input.h"
#include "leader.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_RING 8
#define FUZZ_READS 4
#define FUZZ_NODES 5
#define FUZZ_ROUNDS                                               \
	4096 /* of MORE after one event: it has to come to an end \
	      */

static struct qbd_lease_view fuzz_lease(void *ctx, u32 node)
{
	const u64 *now_ns = ctx;

	return (struct qbd_lease_view){ .base_ns = *now_ns, .version = 1 };
}

static const struct qbd_leader_ops fuzz_ops = { .lease = fuzz_lease };

static void fuzz_step(struct qbd_leader_core *lead,
		      struct qbd_leader_event *event)
{
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	u32 rounds = 0, i;

	do {
		acts.nr = 0;
		qbd_leader_step(lead, event, &acts);
		for (i = 0; i < acts.nr; i++)
			fuzz_sent(&act[i]);
		event->kind = QBD_LEADER_MORE;
		if (rounds++ > FUZZ_ROUNDS)
			abort();
	} while (acts.more);
}

/* A member's answer as it should be, but for what the input changes. */
static bool fuzz_answer(struct fuzz_input *in,
			const struct qbd_leader_core *lead, u32 member,
			struct qbd_msg *msg)
{
	static const u16 type[] = { QBD_MSG_OPEN_REPLY,	 QBD_MSG_APPEND_ACK,
				    QBD_MSG_NACK,	 QBD_MSG_READ_REPLY,
				    QBD_MSG_FETCH_REPLY, QBD_MSG_RELEASE_ACK,
				    QBD_MSG_RESYNC_REPLY };
	int at = qbd_set_find(qbd_leader_set(lead), 1 + member);

	*msg = (struct qbd_msg){
		.replica = 1 + member,
		.term = 6,
		.nonce = 66,
		.epoch = 1,
		.session = at < 0 ? 1 : qbd_leader_member(lead, at)->session,
	};
	return fuzz_msg(in, type[fuzz_byte(in) % ARRAY_SIZE(type)], msg);
}

/* A replica set of some nodes; often one that may follow. */
static void fuzz_set(struct fuzz_input *in, struct qbd_set *set)
{
	u32 all = fuzz_byte(in) | 1, i;

	memset(set, 0, sizeof(*set));
	set->epoch = fuzz_byte(in) % 8;
	for (i = 0; i < FUZZ_NODES; i++)
		if (all & (1U << i))
			set->member[set->nr++] =
				(struct qbd_member){ 1 + i, 1 + i };
	set->old = fuzz_byte(in) % 64;
	set->next = fuzz_byte(in) % 64;
	if (set->old & 32)
		set->old = 7;
	if (set->next & 32)
		set->next = 0;
}

static void fuzz_event(struct fuzz_input *in, struct qbd_leader_core *lead,
		       u64 *now_ns)
{
	struct qbd_leader_event event = {
		.kind = fuzz_byte(in) % (QBD_LEADER_MORE + 4),
		.node = 1 + fuzz_byte(in) % FUZZ_NODES,
	};
	struct qbd_set set;
	struct qbd_msg msg;

	*now_ns += (fuzz_byte(in) % 8) * 100 * NSEC_PER_MSEC;
	event.now_ns = *now_ns;
	if (event.kind == QBD_LEADER_START)
		return;
	if (event.kind >= QBD_LEADER_MORE)
		event.kind = QBD_LEADER_MSG;
	if (event.kind == QBD_LEADER_MSG) {
		if (!fuzz_answer(in, lead, event.node - 1, &msg))
			return;
		event.msg = &msg;
	} else if (event.kind == QBD_LEADER_WRITE ||
		   event.kind == QBD_LEADER_READ) {
		event.req = now_ns;
		event.op = fuzz_byte(in) % 8;
		event.block = fuzz_number(in);
		event.blocks = fuzz_number(in);
		event.payload = event.op == QBD_OP_WRITE ? now_ns : NULL;
	} else if (event.kind == QBD_LEADER_READ_DONE) {
		event.id = fuzz_number(in) << 16 | fuzz_byte(in) % FUZZ_READS;
		event.index = fuzz_number(in);
		event.err = fuzz_byte(in) % 2 ? -EIO : 0;
	} else if (event.kind == QBD_LEADER_CONFIG) {
		fuzz_set(in, &set);
		event.set = &set;
		event.payload = now_ns;
	} else if (event.kind == QBD_LEADER_STOP) {
		event.err = -EIO;
	}
	fuzz_step(lead, &event);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static const struct qbd_member member[] = { { 1, 1 },
						    { 2, 2 },
						    { 3, 3 } };
	struct qbd_leader_event start = { .kind = QBD_LEADER_START };
	struct qbd_leader_core *lead = malloc(qbd_leader_size());
	struct qbd_leader_read read[FUZZ_READS];
	struct qbd_inflight ring[FUZZ_RING];
	struct fuzz_input in = { .at = data, .left = size };
	u64 now_ns = NSEC_PER_MSEC;
	u32 node;
	struct qbd_leader_config cfg = {
		.ops = &fuzz_ops,
		.ctx = &now_ns,
		.key = { .volume = 1 },
		.node = 1,
		.blocks = 64,
		.term = 6,
		.nonce = 66,
		.lease_ns = 1500 * NSEC_PER_MSEC,
		.retry_ns = 500 * NSEC_PER_MSEC,
		.recover_ns = 3000 * NSEC_PER_MSEC,
		.error_ns = fuzz_byte(&in) % 2 * 1000 * NSEC_PER_MSEC,
		.window_bytes = 1 << 20,
		.ring = ring,
		.ring_records = FUZZ_RING,
		.read = read,
		.nr_reads = FUZZ_READS,
		.reads_quorum = fuzz_byte(&in) % 2,
		.resync = true,
	};

	if (!lead || qbd_set_init(&cfg.set, 1, member, ARRAY_SIZE(member)) ||
	    qbd_leader_init(lead, &cfg))
		abort();
	fuzz_step(lead, &start);
	for (node = 1; node <= ARRAY_SIZE(member); node++)
		fuzz_step(lead, &(struct qbd_leader_event){
					.kind = QBD_LEADER_UP,
					.now_ns = now_ns,
					.node = node,
				});
	while (in.left)
		fuzz_event(&in, lead, &now_ns);
	free(lead);
	return 0;
}
