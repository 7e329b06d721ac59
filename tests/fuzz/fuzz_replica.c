// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replica with hostile peers and a store that somebody made up: messages
 * that decode, in any order with what the store reports. What it sends must
 * encode, what it has logged must continue the log, and nothing breaks.
 */
#include "fuzz_input.h"
#include "replica.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_LOG 64
#define FUZZ_ROUNDS 4096

/* The newest records of a log, and what is under way to the medium. */
struct fuzz_store {
	struct qbd_log_rec rec[FUZZ_LOG];
	u64 first;
	u64 last;
	struct qbd_promise promise;
	struct qbd_msg read;
	bool reading;
};

static u64 fuzz_term_at(void *ctx, u64 index)
{
	struct fuzz_store *store = ctx;

	if (!index || index < store->first || index > store->last)
		return 0;
	return store->rec[index % FUZZ_LOG].pos.term;
}

static bool fuzz_log_get(void *ctx, u64 index, struct qbd_log_rec *rec)
{
	struct fuzz_store *store = ctx;

	if (!fuzz_term_at(ctx, index))
		return false;
	*rec = store->rec[index % FUZZ_LOG];
	return true;
}

static struct qbd_lease_stamp fuzz_stamp(void *ctx, u32 node)
{
	return (struct qbd_lease_stamp){ .beat = 1, .version = 1 };
}

static u64 fuzz_leave(void *ctx, u32 node)
{
	return 0;
}

static const struct qbd_replica_ops fuzz_ops = {
	.term_at = fuzz_term_at,
	.log_get = fuzz_log_get,
	.lease_stamp = fuzz_stamp,
	.lease_leave = fuzz_leave,
};

/* As wal_format.c has it: a range, and so much payload, by the operation. */
static void fuzz_put(struct fuzz_store *store, struct qbd_pos pos, u8 op,
		     u32 block, u32 blocks)
{
	if (op == QBD_OP_TERM || op == QBD_OP_CONFIG)
		blocks = 0;
	store->last = pos.index;
	store->rec[pos.index % FUZZ_LOG] = (struct qbd_log_rec){
		.pos = pos,
		.op = op,
		.payload_blocks = op == QBD_OP_WRITE ? blocks :
						       op == QBD_OP_CONFIG,
		.block = block,
		.blocks = blocks,
	};
	if (store->last - store->first >= FUZZ_LOG)
		store->first = store->last - FUZZ_LOG + 1;
}

static void fuzz_store_act(struct fuzz_store *store,
			   const struct qbd_action *act)
{
	const struct qbd_msg_append *append = &act->msg.append;

	switch (act->kind) {
	case QBD_ACT_LOG_APPEND:
		if (append->pos.index != store->last + 1)
			abort();
		fuzz_put(store, append->pos, append->op, append->block,
			 append->blocks);
		break;
	case QBD_ACT_LOG_TRUNCATE:
		if (act->index > store->last)
			abort();
		store->last = act->index;
		store->first = min(store->first, store->last + 1);
		break;
	case QBD_ACT_LOG_PROMISE:
		store->promise = act->promise;
		break;
	case QBD_ACT_READ:
		store->read = act->msg;
		store->reading = true;
		break;
	default:
		break;
	}
}

static void fuzz_step(struct qbd_replica_core *rep, struct fuzz_store *store,
		      struct qbd_replica_event *event)
{
	struct qbd_action act[QBD_ACTIONS_MIN];
	struct qbd_actions acts = { .act = act, .max = QBD_ACTIONS_MIN };
	u32 rounds = 0, i;

	do {
		acts.nr = 0;
		qbd_replica_step(rep, event, &acts);
		for (i = 0; i < acts.nr; i++) {
			fuzz_sent(&act[i]);
			fuzz_store_act(store, &act[i]);
		}
		event->kind = QBD_REPLICA_MORE;
		if (rounds++ > FUZZ_ROUNDS)
			abort();
	} while (acts.more);
}

static bool fuzz_asked(struct fuzz_input *in,
		       const struct qbd_replica_core *rep, struct qbd_msg *msg)
{
	static const u16 type[] = { QBD_MSG_OPEN, QBD_MSG_APPEND, QBD_MSG_READ,
				    QBD_MSG_FETCH, QBD_MSG_RELEASE };

	*msg = (struct qbd_msg){
		.replica = 101,
		.term = rep->promise.term ?: 1,
		.nonce = rep->promise.nonce ?: 1,
		.epoch = rep->promise.epoch,
		.session = rep->session,
	};
	return fuzz_msg(in, type[fuzz_byte(in) % ARRAY_SIZE(type)], msg);
}

static void fuzz_event(struct fuzz_input *in, struct qbd_replica_core *rep,
		       struct fuzz_store *store, u64 *now_ns)
{
	struct qbd_replica_event event = {
		.kind = fuzz_byte(in) % (QBD_REPLICA_MORE + 4),
		.node = fuzz_byte(in) % 4,
		.term = store->promise.term,
		.nonce = store->promise.nonce,
		.pos = { .term = rep->last.term, .index = store->last },
	};
	struct qbd_msg msg;

	*now_ns += (fuzz_byte(in) % 8) * 100 * NSEC_PER_MSEC;
	event.now_ns = *now_ns;
	if (event.kind >= QBD_REPLICA_MORE || event.kind == QBD_REPLICA_LOG_BAD)
		event.kind = QBD_REPLICA_MSG;
	switch (event.kind) {
	case QBD_REPLICA_MSG:
		if (!fuzz_asked(in, rep, &msg))
			return;
		event.msg = &msg;
		break;
	case QBD_REPLICA_READ_DONE:
		if (!store->reading)
			return;
		event.msg = &store->read;
		event.err = fuzz_byte(in) % 2 ? -EIO : 0;
		store->reading = false;
		break;
	case QBD_REPLICA_PROMISED:
		if (!event.term)
			return;
		break;
	case QBD_REPLICA_UNLOGGED:
		return;
	case QBD_REPLICA_FLOOR:
		event.term = fuzz_byte(in);
		break;
	case QBD_REPLICA_FAILED:
		if (fuzz_byte(in) % 8)
			return;
		event.err = -EIO;
		break;
	default:
		break;
	}
	fuzz_step(rep, store, &event);
}

/* Any log that a store would take: terms do not go down in it. */
static void fuzz_init(struct fuzz_input *in, struct fuzz_store *store,
		      struct qbd_replica_config *cfg)
{
	struct qbd_pos pos = { .index = fuzz_number(in) };
	u32 nr = fuzz_byte(in) % 16;

	pos.index = min(pos.index, QBD_WAL_INDEX_MAX - nr);
	store->first = pos.index + 1;
	store->last = pos.index;
	if (pos.index)
		pos.term = min(fuzz_number(in) + 1, QBD_WAL_TERM_MAX - nr) ?: 1;
	while (nr--) {
		pos.index++;
		pos.term = max(pos.term, 1ULL) + (fuzz_byte(in) % 8 == 0);
		fuzz_put(store, pos, 1 + fuzz_byte(in) % 5, 0,
			 1 + fuzz_byte(in) % 2);
	}
	cfg->last = pos;
	cfg->commit = fuzz_number(in);
	if (pos.index)
		cfg->promise.term = min(fuzz_number(in), QBD_WAL_TERM_MAX);
	if (cfg->promise.term)
		cfg->promise.nonce = 1 + fuzz_byte(in) % 2;
	if (cfg->promise.term)
		cfg->promise.node = fuzz_byte(in) % 4;
	cfg->flags = fuzz_byte(in) % 2 ? QBD_REPLICA_NONVOTING : 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { .at = data, .left = size };
	static struct fuzz_store store;
	static struct qbd_replica_core rep;
	struct qbd_replica_config cfg = {
		.ops = &fuzz_ops,
		.ctx = &store,
		.key = { .volume = 1 },
		.replica = 101,
		.node = 1,
		.blocks = 64,
		.incarnation = 7,
		.opens = 1,
		.max_lease_ns = 1500 * NSEC_PER_MSEC,
		.window_records = 16,
		.window_bytes = QBD_WIRE_PAYLOAD_MAX,
	};
	u64 now_ns = NSEC_PER_MSEC;

	memset(&store, 0, sizeof(store));
	fuzz_init(&in, &store, &cfg);
	qbd_replica_init(&rep, &cfg, now_ns);
	while (in.left)
		fuzz_event(&in, &rep, &store, &now_ns);
	return 0;
}
