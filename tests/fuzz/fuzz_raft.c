// SPDX-License-Identifier: GPL-2.0-only
/*
 * A Raft server among peers that say whatever they like, in any order with
 * time, proposals, changes and its store. It may get nowhere; but what is
 * committed stays, what it sends is a message, and nothing breaks. Bytes of
 * messages and of a stored log, with their CRC made right, are read too.
 */
#include "fuzz_bytes.h"
#include "raft/bytes.h"
#include "raft/state.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define FUZZ_SLOTS 32
#define FUZZ_POOL 512
#define FUZZ_BUF 4096

static struct {
	struct raft raft;
	struct raft_slot slot[FUZZ_SLOTS];
	u8 pool[FUZZ_POOL];
	struct raft_update update;
	struct raft_entry entry[RAFT_APPEND_ENTRIES_MAX];
	struct raft_snap made;
	u64 now_ns;
	u64 commit;
	u64 term;
} fz;

static void fuzz_must(bool good)
{
	if (!good)
		abort();
}

/* Whatever it says, the other side can read. */
static void fuzz_said(struct raft_msg *msg)
{
	static const u8 piece[RAFT_CHUNK_BYTES_MAX];
	static u8 buf[2 * RAFT_CHUNK_BYTES_MAX];
	struct raft_msg back;
	int len;

	if (msg->type == RAFT_MSG_SNAPSHOT)
		msg->data = piece;
	len = raft_msg_encode(msg, &fz.raft.log, buf, sizeof(buf));
	fuzz_must(len > 0 && !raft_msg_decode(buf, len, &back, fz.entry));
}

static void fuzz_step(struct raft_event *event)
{
	struct raft *r = &fz.raft;
	u32 i;

	event->now_ns = fz.now_ns;
	raft_step(r, event, &fz.update);
	for (i = 0; i < fz.update.nr_msgs; i++)
		fuzz_said(&fz.update.msg[i]);
	fuzz_must(r->term >= fz.term && r->commit >= fz.commit);
	fuzz_must(r->log.last >= r->commit && r->log.durable <= r->log.last &&
		  r->log.base.index <= r->commit && r->applied == r->commit);
	fuzz_must(!raft_config_check(&r->conf) && r->conf.index <= r->log.last);
	fz.term = r->term;
	fz.commit = r->commit;
}

/* Members of some of six servers. */
static void fuzz_conf(struct fuzz_input *in, struct raft_config *conf)
{
	u32 i;

	memset(conf, 0, sizeof(*conf));
	conf->nr = 1 + fuzz_byte(in) % 6;
	for (i = 0; i < conf->nr; i++)
		conf->id[i] = 1 + i;
	conf->old = fuzz_byte(in) & ((1U << conf->nr) - 1);
	conf->next = fuzz_byte(in) % 4 ? 0 : fuzz_byte(in);
	conf->next &= (1U << conf->nr) - 1;
	conf->learn = ((1U << conf->nr) - 1) & ~conf->old & ~conf->next;
}

static struct raft_pos fuzz_place(struct fuzz_input *in)
{
	struct qbd_pos pos = fuzz_pos(in);

	return (struct raft_pos){ pos.term, pos.index };
}

static void fuzz_entries(struct fuzz_input *in, struct raft_msg *msg)
{
	static u8 conf_buf[RAFT_CONF_BYTES_MAX];
	struct raft_pos at = msg->pos;
	struct raft_config conf;
	u32 i;

	msg->nr = fuzz_byte(in) % 8;
	msg->entry = fz.entry;
	for (i = 0; i < msg->nr; i++) {
		u8 how = fuzz_byte(in);

		at.index++;
		if (!(how & 3) || !at.term)
			at.term = fuzz_number(in);
		fz.entry[i] = (struct raft_entry){ .pos = at,
						   .type = 1 + how / 4 % 3,
						   .data = conf_buf };
		fz.entry[i].bytes = how / 16;
		if (fz.entry[i].type != RAFT_ENTRY_CONFIG)
			continue;
		fuzz_conf(in, &conf);
		fz.entry[i].bytes = max(0, raft_conf_encode(&conf, conf_buf,
							    sizeof(conf_buf)));
	}
}

static void fuzz_msg(struct fuzz_input *in)
{
	struct raft *r = &fz.raft;
	struct raft_msg msg = { .to = 1, .from = 2 + fuzz_byte(in) % 4 };
	struct raft_event event = { .kind = RAFT_EV_RECV, .msg = &msg };
	u8 how = fuzz_byte(in);

	msg.type = 1 + fuzz_byte(in) % RAFT_MSG_TYPE_MAX;
	msg.term = how & 3 ? r->term + (how & 1) : fuzz_number(in);
	msg.reject = how & 4;
	msg.transfer = how & 8 && msg.type == RAFT_MSG_VOTE;
	msg.pos = how & 16 ? raft_log_last(&r->log) : fuzz_place(in);
	msg.index = fuzz_number(in);
	msg.commit = fuzz_number(in);
	msg.round = fuzz_number(in);
	if (msg.type == RAFT_MSG_APPEND)
		fuzz_entries(in, &msg);
	if (msg.type == RAFT_MSG_SNAPSHOT ||
	    msg.type == RAFT_MSG_SNAPSHOT_REPLY) {
		msg.snap = r->snap;
		if (how & 32) {
			msg.snap.pos = fuzz_place(in);
			msg.snap.bytes = fuzz_number(in);
		}
	}
	if (msg.type == RAFT_MSG_SNAPSHOT) {
		fuzz_conf(in, &msg.snap.conf);
		msg.bytes = fuzz_number(in);
		msg.data = fz.pool;
	}
	fuzz_step(&event);
}

static void fuzz_local(struct fuzz_input *in, u8 kind)
{
	struct raft_event event = { .kind = kind,
				    .seq = fz.raft.flight.seq,
				    .data = "0123456789abcdef",
				    .bytes = 16 };
	struct raft_members members = { 0 };
	u32 i;

	event.id = fuzz_byte(in) % 7;
	event.index = fuzz_number(in);
	if (kind == RAFT_EV_PERSISTED || kind == RAFT_EV_CHUNK)
		event.err = event.id == 6 ? -EIO : 0;
	if (kind == RAFT_EV_CONFIG) {
		members.voters = fuzz_byte(in) % 8;
		members.learners = fuzz_byte(in) % 3;
		for (i = 0; i < members.voters + members.learners; i++)
			members.id[i] = (event.id + i) % 6 + 1;
		event.want = &members;
	}
	if (kind == RAFT_EV_COMPACT) {
		if (raft_snapshot_begin(&fz.raft, event.index, &fz.made))
			return;
		fz.made.bytes = 100;
		event.snap = &fz.made;
		event.index -= min(event.index, event.id);
	}
	fuzz_step(&event);
}

static void fuzz_server(struct fuzz_input *in)
{
	struct raft_options opt = { .id = 1,
				    .seed = fuzz_byte(in),
				    .election_ns = 100,
				    .beat_ns = 25,
				    .window = 8,
				    .append_entries = 4,
				    .append_bytes = 64,
				    .chunk_bytes = 40,
				    .slot = fz.slot,
				    .slots = FUZZ_SLOTS,
				    .pool = fz.pool,
				    .pool_bytes = FUZZ_POOL };
	struct raft_start start = { .now_ns = 1000 };

	fuzz_conf(in, &start.snap.conf);
	if (raft_create(&fz.raft, &opt, &start))
		return;
	fz.now_ns = 1000;
	fz.commit = 0;
	fz.term = 0;
	while (in->left) {
		u8 what = fuzz_byte(in);

		fz.now_ns += (what >> 5) * 40;
		if (what % 16 <= RAFT_EV_CHUNK && what % 16 != RAFT_EV_RECV)
			fuzz_local(in, what % 16);
		else
			fuzz_msg(in);
	}
}

/* Bytes of a peer: what is read is written as the same bytes. */
static void fuzz_bytes_msg(u8 *buf, u32 size)
{
	static u8 again[FUZZ_BUF];
	struct raft_msg msg;
	int len;

	if (size < RAFT_MSG_HEAD_BYTES)
		return;
	raft_put32(buf, RAFT_MAGIC_MSG);
	raft_put32(buf + 8, size);
	raft_put32(buf + 4, crc32c(~0U, buf + 8, size - 8));
	if (raft_msg_decode(buf, size, &msg, fz.entry))
		return;
	len = raft_msg_encode(&msg, NULL, again, sizeof(again));
	fuzz_must(len < 0 || (len == size && !memcmp(buf, again, len)));
}

static void fuzz_bytes_log(const u8 *buf, u32 size)
{
	struct raft_scan scan = { 0 };
	u64 known = size ? buf[0] : 0;
	u32 nr = 0;

	while (raft_scan_next(&scan, buf, size, known) > 0)
		fuzz_must(++nr <= size / RAFT_ENTRY_HEAD_BYTES);
	fuzz_must(scan.at <= size);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = { .at = data, .left = size };
	u8 how = fuzz_byte(&in);
	u8 *buf;

	if (how % 8 > 1) {
		fuzz_server(&in);
		return 0;
	}
	if (in.left > FUZZ_BUF)
		return 0;
	/* exactly so many bytes exist: reading on is seen by ASan */
	buf = malloc(in.left ? in.left : 1);
	memcpy(buf, in.at, in.left);
	if (how % 8)
		fuzz_bytes_msg(buf, in.left);
	else
		fuzz_bytes_log(buf, in.left);
	free(buf);
	return 0;
}
