// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replica with hostile peers and a store that somebody made up: messages
 * that decode, in any order with what the store reports. What it sends must
 * encode, what it has logged must continue the log, and nothing breaks. What it
 * asks of the store in a resync is what the store allows: no record beside a
 * shadow, no two writes to a chunk, no switch before they have ended.
 */
#include "fuzz_input.h"
#include "replica.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_LOG 512 /* no input has more */
#define FUZZ_ROUNDS 4096

/* Of the store's shadow: it is filled, becomes the replica, or is given up. */
enum fuzz_shadow {
	FUZZ_NONE,
	FUZZ_OPEN,
	FUZZ_SWITCH,
	FUZZ_LEAVING,
};

/* The newest records of a log, and what is under way to the medium. */
struct fuzz_store {
	struct qbd_log_rec rec[FUZZ_LOG];
	u64 first;
	u64 last;
	struct qbd_promise promise;
	struct qbd_msg read;
	bool reading;
	bool forget; /* what waits for the log: nothing does */
	struct fuzz_input *in;
	enum fuzz_shadow shadow;
	struct qbd_pos at;
	struct qbd_msg write[QBD_RESYNC_SLOTS];
	u32 nr_writes;
};

/* Of the last one that left the log, too. */
static u64 fuzz_term_at(void *ctx, u64 index)
{
	struct fuzz_store *store = ctx;

	if (!index || index + 1 < store->first || index > store->last)
		return 0;
	return store->rec[index % FUZZ_LOG].pos.term;
}

static bool fuzz_log_get(void *ctx, u64 index, struct qbd_log_rec *rec)
{
	struct fuzz_store *store = ctx;

	if (index < store->first || !fuzz_term_at(ctx, index))
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
	if (store->last + 1 - store->first >= FUZZ_LOG)
		abort();
}

/* --- what a resync asks of the store ------------------------------------ */

static int fuzz_pick(struct fuzz_store *store, const int *err, u32 nr)
{
	return err[fuzz_byte(store->in) % nr];
}

static int fuzz_pin(void *ctx, struct qbd_pin_info *info)
{
	static const int err[] = { 0, 0, -EAGAIN, -EIO, -ENOSPC, -ENOENT };
	struct fuzz_store *store = ctx;
	int got = fuzz_pick(store, err, ARRAY_SIZE(err));

	if (got)
		return got;
	*info = (struct qbd_pin_info){
		.seq = FUZZ_SEQ,
		.at = { .term = 1, .index = 1 + fuzz_byte(store->in) },
		.chunks = FUZZ_CHUNKS,
		.chunk_blocks = FUZZ_CHUNK_BLOCKS,
	};
	return 0;
}

static int fuzz_pin_map(void *ctx, u64 seq, u64 have, u32 *from,
			struct qbd_map_entry entry[QBD_MAP_MAX])
{
	struct fuzz_store *store = ctx;
	int nr = 0;

	if (seq != FUZZ_SEQ || fuzz_byte(store->in) % 8 == 0)
		return -ENODATA;
	for (; *from < FUZZ_CHUNKS && nr < QBD_MAP_MAX; (*from)++)
		if (have < 200 && fuzz_byte(store->in) % 2)
			entry[nr++] = (struct qbd_map_entry){
				.chunk = *from,
				.last = have + 1,
			};
	return nr;
}

static void fuzz_unpin(void *ctx)
{
}

static int fuzz_shadow(void *ctx, const struct qbd_pin_info *info,
		       const void *config, u64 *seq)
{
	static const int err[] = { 0,	   0,	    0,	     -EAGAIN,
				   -EBUSY, -EINVAL, -EPROTO, -ENOSPC };
	struct fuzz_store *store = ctx;
	int got = fuzz_pick(store, err, ARRAY_SIZE(err));

	if (info->chunks != FUZZ_CHUNKS ||
	    info->chunk_blocks != FUZZ_CHUNK_BLOCKS)
		return -EPROTO;
	if (info->at.index <= store->last)
		abort();
	if (store->shadow == FUZZ_SWITCH || store->shadow == FUZZ_LEAVING)
		return -EBUSY;
	if (store->shadow && info->at.index < store->at.index)
		return -EINVAL;
	if (got)
		return got;
	store->shadow = FUZZ_OPEN;
	store->at = info->at;
	*seq = 1;
	return 0;
}

static int fuzz_look(void *ctx, const struct qbd_map_entry *entry)
{
	static const int err[] = { 0, 1, 1, 1, -EBUSY, -ENOMEM, -ENOSPC, 1 };
	struct fuzz_store *store = ctx;
	u32 i;

	if (store->shadow != FUZZ_OPEN || entry->chunk >= FUZZ_CHUNKS ||
	    entry->last <= store->last || entry->last > store->at.index)
		abort();
	for (i = 0; i < store->nr_writes; i++)
		if (store->write[i].diff_reply.chunk == entry->chunk)
			abort();
	return fuzz_pick(store, err, ARRAY_SIZE(err));
}

static int fuzz_switch(void *ctx)
{
	static const int err[] = { 0, 0, 0, 0, 0, 0, -EBUSY, -ENOENT };
	struct fuzz_store *store = ctx;
	int got = fuzz_pick(store, err, ARRAY_SIZE(err));

	if (store->shadow != FUZZ_OPEN || store->nr_writes)
		abort();
	if (!got)
		store->shadow = FUZZ_SWITCH;
	return got;
}

/* The switch is made when it is asked for, sometimes. */
static int fuzz_state(void *ctx)
{
	struct fuzz_store *store = ctx;

	if (store->shadow == FUZZ_OPEN)
		return 0;
	if (store->shadow && fuzz_byte(store->in) % 4)
		return -EAGAIN;
	if (store->shadow == FUZZ_SWITCH && fuzz_byte(store->in) % 8) {
		store->first = store->at.index + 1;
		fuzz_put(store, store->at, QBD_OP_TERM, 0, 0);
	}
	store->shadow = FUZZ_NONE;
	return -ENOENT;
}

static int fuzz_drop(void *ctx)
{
	struct fuzz_store *store = ctx;

	if (store->shadow == FUZZ_SWITCH)
		abort();
	if (store->nr_writes)
		return -EBUSY;
	if (store->shadow)
		store->shadow = FUZZ_LEAVING;
	return 0;
}

static struct qbd_pos fuzz_switched(void *ctx)
{
	struct fuzz_store *store = ctx;

	return (struct qbd_pos){
		.term = fuzz_term_at(ctx, store->last),
		.index = store->last,
	};
}

static const struct qbd_resync_ops fuzz_resync_ops = {
	.pin = fuzz_pin,
	.pin_map = fuzz_pin_map,
	.unpin = fuzz_unpin,
	.shadow = fuzz_shadow,
	.shadow_look = fuzz_look,
	.shadow_switch = fuzz_switch,
	.shadow_state = fuzz_state,
	.shadow_drop = fuzz_drop,
	.switched = fuzz_switched,
};

/* --- actions ------------------------------------------------------------ */

/* What a DIFF_REPLY brought is on its way to the shadow. */
static void fuzz_write(struct fuzz_store *store, const struct qbd_action *act)
{
	const struct qbd_msg_diff_reply *reply = &act->msg.diff_reply;
	u32 i;

	if (store->nr_writes == ARRAY_SIZE(store->write) ||
	    reply->chunk >= FUZZ_CHUNKS || !act->index ||
	    reply->differs[0] >> FUZZ_CHUNK_BLOCKS || reply->differs[1] ||
	    reply->differs[2] || reply->differs[3])
		abort();
	for (i = 0; i < store->nr_writes; i++)
		if (store->write[i].diff_reply.chunk == reply->chunk)
			abort();
	store->write[store->nr_writes++] = act->msg;
}

static void fuzz_store_act(struct fuzz_store *store,
			   const struct qbd_action *act)
{
	const struct qbd_msg_append *append = &act->msg.append;

	switch (act->kind) {
	case QBD_ACT_LOG_APPEND:
		if (append->pos.index != store->last + 1 || store->shadow)
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
	case QBD_ACT_LOG_FORGET:
		store->forget = true;
		break;
	case QBD_ACT_LOG_PROMISE:
		store->promise = act->promise;
		break;
	case QBD_ACT_READ:
		store->read = act->msg;
		store->reading = true;
		break;
	case QBD_ACT_SHADOW:
		fuzz_write(store, act);
		break;
	default:
		break;
	}
}

static void fuzz_steps(struct qbd_replica_core *rep, struct fuzz_store *store,
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

static void fuzz_step(struct qbd_replica_core *rep, struct fuzz_store *store,
		      struct qbd_replica_event *event)
{
	fuzz_steps(rep, store, event);
	if (!store->forget)
		return;
	store->forget = false;
	fuzz_steps(rep, store,
		   &(struct qbd_replica_event){ .kind = QBD_REPLICA_FORGOT,
						.pos = rep->last });
}

static bool fuzz_asked(struct fuzz_input *in,
		       const struct qbd_replica_core *rep, struct qbd_msg *msg)
{
	static const u16 type[] = { QBD_MSG_OPEN,	QBD_MSG_APPEND,
				    QBD_MSG_READ,	QBD_MSG_FETCH,
				    QBD_MSG_RELEASE,	QBD_MSG_RESYNC,
				    QBD_MSG_PIN,	QBD_MSG_MAP,
				    QBD_MSG_DIFF,	QBD_MSG_UNPIN,
				    QBD_MSG_PIN_REPLY,	QBD_MSG_MAP_REPLY,
				    QBD_MSG_DIFF_REPLY, QBD_MSG_DIFF_REPLY };
	u16 asked = type[fuzz_byte(in) % ARRAY_SIZE(type)];

	*msg = (struct qbd_msg){
		.replica = 101,
		.term = rep->promise.term ?: 1,
		.nonce = rep->promise.nonce ?: 1,
		.epoch = rep->promise.epoch,
		.session = rep->session,
	};
	if (asked == QBD_MSG_PIN_REPLY || asked == QBD_MSG_MAP_REPLY ||
	    asked == QBD_MSG_DIFF_REPLY) {
		msg->replica = rep->resync.source ?: 1;
		msg->session = rep->resync.session;
	}
	if (!fuzz_msg(in, asked, msg))
		return false;
	if (asked == QBD_MSG_DIFF_REPLY && fuzz_byte(in) % 4)
		msg->diff_reply.id = rep->resync.id;
	return true;
}

/* One of the chunks on their way is there, or not. */
static bool fuzz_written(struct fuzz_input *in, struct fuzz_store *store,
			 struct qbd_replica_event *event, struct qbd_msg *msg)
{
	static const int err[] = { 0, 0, 0, 0, 0, -EIO, -ENODATA, -ENOSPC };
	u32 i;

	if (!store->nr_writes)
		return false;
	i = fuzz_byte(in) % store->nr_writes;
	*msg = store->write[i];
	store->write[i] = store->write[--store->nr_writes];
	event->msg = msg;
	event->err = fuzz_pick(store, err, ARRAY_SIZE(err));
	return true;
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
		if (msg.replica == rep->resync.source && event.node)
			event.node = rep->resync.node;
		break;
	case QBD_REPLICA_SHADOWED:
		if (!fuzz_written(in, store, &event, &msg))
			return;
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
	case QBD_REPLICA_FORGOT:
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
	if (pos.index)
		pos.term = min(fuzz_number(in) + 1, QBD_WAL_TERM_MAX - nr) ?: 1;
	cfg->commit = pos.index; /* what has left the log is at home */
	store->first = pos.index + 1;
	fuzz_put(store, pos, QBD_OP_TERM, 0, 0);
	while (nr--) {
		pos.index++;
		pos.term = max(pos.term, 1ULL) + (fuzz_byte(in) % 8 == 0);
		fuzz_put(store, pos, 1 + fuzz_byte(in) % 5, 0,
			 1 + fuzz_byte(in) % 2);
	}
	cfg->last = pos;
	cfg->commit = max(cfg->commit, fuzz_number(in));
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
		.resync = &fuzz_resync_ops,
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
		.retry_ns = 100 * NSEC_PER_MSEC,
	};
	u64 now_ns = NSEC_PER_MSEC;

	memset(&store, 0, sizeof(store));
	store.in = &in;
	fuzz_init(&in, &store, &cfg);
	qbd_replica_init(&rep, &cfg, now_ns);
	while (in.left)
		fuzz_event(&in, &rep, &store, &now_ns);
	return 0;
}
