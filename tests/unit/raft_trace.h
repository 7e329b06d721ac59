/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One Raft server on its own, driven by scripts: tests/traces/raft_*.txt.
 *
 * Verbs: init id=N conf=C (term=, vote=, snap=T.I, log=ENTRIES, slots=,
 * append=, damaged), tick, stored (err=), chunk (err=), propose DATA, read N,
 * config voters=IDS learners=IDS, transfer id=N, snapshot index=I through=I,
 * state, and messages: prevote, vote, append, beat, snapshot, timeout-now, and
 * with -reply, from=N (term=, pos=T.I, index=, commit=, round=, no, handover,
 * e=ENTRIES; snapshots: snap=T.I, bytes=, piece=, conf=C); now=MS with any
 * moves the clock. The election timeout is 100 ms, a heartbeat 25 ms.
 *
 * IDS are digits. C is OLD, OLD>NEXT, each with +LEARNERS. ENTRIES are
 * term:data,term:data...; data - is a no-op, !C a configuration.
 */
#ifndef QBD_TESTS_RAFT_TRACE_H
#define QBD_TESTS_RAFT_TRACE_H

#include "raft/codec.h"
#include "raft/state.h"
#include "trace.h"

#define RT_ENTRIES 32

static struct {
	struct raft raft;
	struct raft_slot slot[64];
	u8 pool[4096];
	struct raft_entry entry[RT_ENTRIES];
	char data[RT_ENTRIES][RAFT_CONF_BYTES_MAX];
	u64 now_ns;
	struct raft_update update;
} rt;

static const char *const rt_types[] = {
	[RAFT_MSG_PREVOTE] = "prevote",
	[RAFT_MSG_PREVOTE_REPLY] = "prevote-reply",
	[RAFT_MSG_VOTE] = "vote",
	[RAFT_MSG_VOTE_REPLY] = "vote-reply",
	[RAFT_MSG_APPEND] = "append",
	[RAFT_MSG_APPEND_REPLY] = "append-reply",
	[RAFT_MSG_BEAT] = "beat",
	[RAFT_MSG_BEAT_REPLY] = "beat-reply",
	[RAFT_MSG_SNAPSHOT] = "snap",
	[RAFT_MSG_SNAPSHOT_REPLY] = "snap-reply",
	[RAFT_MSG_TIMEOUT_NOW] = "timeout-now",
};

static inline struct raft_pos rt_pos(const char *line, const char *key)
{
	return (struct raft_pos){ trace_num(line, key, 0),
				  trace_index(line, key) };
}

/* --- configurations ---------------------------------------------- */

static inline void rt_conf(const char *word, struct raft_config *conf)
{
	u16 *set = &conf->old;
	u32 i;

	memset(conf, 0, sizeof(*conf));
	for (; word && *word && *word != ',' && !isspace(*word); word++) {
		if (*word == '>' || *word == '+') {
			set = *word == '>' ? &conf->next : &conf->learn;
			continue;
		}
		for (i = 0; i < conf->nr && conf->id[i] != (u64)(*word - '0');
		     i++)
			;
		conf->id[i] = *word - '0';
		conf->nr = max(conf->nr, (u8)(i + 1));
		*set |= 1U << i;
	}
}

static inline void rt_set(FILE *out, const struct raft_config *conf, u16 set)
{
	u32 i;

	for (i = 0; i < conf->nr; i++)
		if (set & (1U << i))
			fprintf(out, "%llu", conf->id[i]);
}

static inline void rt_show_conf(FILE *out, const struct raft_config *conf)
{
	rt_set(out, conf, conf->old);
	if (conf->next)
		fprintf(out, ">");
	rt_set(out, conf, conf->next);
	if (conf->learn)
		fprintf(out, "+");
	rt_set(out, conf, conf->learn);
}

/* --- entries ---------------------------------------------------------------
 */

static inline u32 rt_entries(const char *word, u64 index)
{
	struct raft_config conf;
	u32 nr = 0;

	while (word && *word && !isspace(*word) && nr < RT_ENTRIES) {
		struct raft_entry *entry = &rt.entry[nr];
		char *data = rt.data[nr++];

		entry->pos =
			(struct raft_pos){ strtoull(word, NULL, 10), index++ };
		word = strchr(word, ':') + 1;
		entry->data = data;
		entry->bytes = strcspn(word, ", ");
		entry->type = RAFT_ENTRY_DATA;
		memcpy(data, word, entry->bytes);
		if (*word == '-') {
			entry->type = RAFT_ENTRY_NOOP;
			entry->bytes = 0;
		} else if (*word == '!') {
			rt_conf(word + 1, &conf);
			entry->type = RAFT_ENTRY_CONFIG;
			entry->bytes = raft_conf_encode(&conf, data,
							RAFT_CONF_BYTES_MAX);
		}
		word += strcspn(word, ", ");
		word += *word == ',';
	}
	return nr;
}

static inline void rt_show_entry(FILE *out, u64 index)
{
	struct raft_config conf;
	struct raft_entry entry;

	if (raft_log_get(&rt.raft.log, index, &entry)) {
		fprintf(out, " %llu?", index);
		return;
	}
	fprintf(out, " %llu:", entry.pos.term);
	if (entry.type == RAFT_ENTRY_NOOP) {
		fprintf(out, "-");
	} else if (entry.type == RAFT_ENTRY_DATA) {
		fprintf(out, "%.*s", (int)entry.bytes,
			(const char *)entry.data);
	} else {
		fprintf(out, "!");
		raft_conf_decode(entry.data, entry.bytes, &conf);
		rt_show_conf(out, &conf);
	}
}

/* --- what came out -----------------------------------------------------------
 */

static inline void rt_show_msg(FILE *out, const struct raft_msg *msg)
{
	u32 i;

	fprintf(out, "  > %llu %s%s%s t%llu", msg->to, rt_types[msg->type],
		msg->reject ? " no" : "", msg->transfer ? " handover" : "",
		msg->term);
	if (msg->pos.index)
		fprintf(out, " pos=%llu.%llu", msg->pos.term, msg->pos.index);
	if (msg->snap.pos.index)
		fprintf(out, " of %llu.%llu", msg->snap.pos.term,
			msg->snap.pos.index);
	if (msg->index || msg->type == RAFT_MSG_APPEND_REPLY)
		fprintf(out, " index=%llu", msg->index);
	if (msg->bytes)
		fprintf(out, " bytes=%u", msg->bytes);
	if (msg->commit)
		fprintf(out, " commit=%llu", msg->commit);
	if (msg->round)
		fprintf(out, " round=%llu", msg->round);
	for (i = 0; i < msg->nr; i++)
		rt_show_entry(out, msg->pos.index + 1 + i);
	fprintf(out, "\n");
}

static inline void rt_show_batch(FILE *out, const struct raft_batch *batch)
{
	u64 index;

	fprintf(out, "  store #%llu", batch->seq);
	if (batch->what & RAFT_STORE_STATE)
		fprintf(out, " term=%llu vote=%llu", batch->term, batch->vote);
	if (batch->what & RAFT_STORE_INSTALL)
		fprintf(out, " install=%llu.%llu", batch->snap.term,
			batch->snap.index);
	if (batch->what & RAFT_STORE_TRUNCATE)
		fprintf(out, " keep=%llu", batch->keep);
	if (batch->what & RAFT_STORE_DROP)
		fprintf(out, " drop=%llu", batch->drop);
	if (batch->what & RAFT_STORE_ENTRIES) {
		fprintf(out, " from %llu", batch->first);
		for (index = batch->first; index <= batch->last; index++)
			rt_show_entry(out, index);
	}
	fprintf(out, "\n");
}

static inline int rt_step(struct raft_event *event, FILE *out)
{
	struct raft_update *up = &rt.update;
	u8 role = rt.raft.role;
	u64 term = rt.raft.term;
	u32 i;
	int err;

	event->now_ns = rt.now_ns;
	err = raft_step(&rt.raft, event, up);
	if (err)
		fprintf(out, "  error %d\n", err);
	if (rt.raft.role != role || rt.raft.term != term)
		fprintf(out, "  %s in term %llu\n",
			raft_role_name(rt.raft.role), rt.raft.term);
	for (i = 0; i < up->nr_msgs; i++)
		rt_show_msg(out, &up->msg[i]);
	if (up->batch.seq)
		rt_show_batch(out, &up->batch);
	if (up->chunk.snap)
		fprintf(out, "  piece of %llu.%llu at %llu, %u bytes\n",
			up->chunk.snap->pos.term, up->chunk.snap->pos.index,
			up->chunk.offset, up->chunk.bytes);
	if (up->restore)
		fprintf(out, "  restore %llu\n", rt.raft.snap.pos.index);
	if (up->apply_first <= up->apply_last)
		fprintf(out, "  apply %llu to %llu\n", up->apply_first,
			up->apply_last);
	for (i = 0; i < up->nr_reads; i++)
		fprintf(out, "  read %llu at %llu error %d\n",
			up->read[i].cookie, up->read[i].index, up->read[i].err);
	return err;
}

static inline void rt_state(FILE *out)
{
	const struct raft *r = &rt.raft;
	u64 index;

	fprintf(out, "  %s term=%llu vote=%llu leader=%llu commit=%llu conf=",
		raft_role_name(r->role), r->term, r->vote, r->leader,
		r->commit);
	rt_show_conf(out, &r->conf);
	fprintf(out, "@%llu base=%llu.%llu durable=%llu log", r->conf.index,
		r->log.base.term, r->log.base.index, r->log.durable);
	for (index = r->log.base.index + 1; index <= r->log.last; index++)
		rt_show_entry(out, index);
	fprintf(out, "\n");
}

#endif /* QBD_TESTS_RAFT_TRACE_H */
