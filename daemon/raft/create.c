// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server is made from what its store has (raft.h: struct raft_start), or is
 * told that the store has lost something (rule 9).
 */
#include "state.h"

/**
 * raft_size() - bytes of a server
 *
 * Return: what raft_create() wants.
 */
size_t raft_size(void)
{
	return sizeof(struct raft);
}

static int raft_options_check(const struct raft_options *opt)
{
	if (!opt->id || !opt->election_ns || !opt->beat_ns ||
	    opt->beat_ns > opt->election_ns / 2 || !opt->window ||
	    !opt->append_entries ||
	    opt->append_entries > RAFT_APPEND_ENTRIES_MAX ||
	    !opt->chunk_bytes || opt->chunk_bytes > RAFT_CHUNK_BYTES_MAX)
		return -EINVAL;
	if (!opt->slot || opt->slots < 4 * RAFT_RESERVE ||
	    (opt->slots & (opt->slots - 1)) || !opt->pool || !opt->pool_bytes)
		return -EINVAL;
	return 0;
}

/* One entry of the stored log. */
static int raft_load(struct raft *r, const struct raft_entry *entry)
{
	struct raft_config conf;
	int err;

	if (entry->pos.index != r->log.last + 1 ||
	    entry->pos.term < raft_log_term(&r->log, r->log.last) ||
	    entry->pos.term > r->term)
		return -EUCLEAN;
	if (entry->type == RAFT_ENTRY_CONFIG) {
		if (raft_conf_of(entry, &conf))
			return -EUCLEAN;
		r->conf = conf;
	}
	err = raft_log_append(&r->log, entry);
	r->log.stored = r->log.last;
	r->log.durable = r->log.last;
	return err;
}

/*
 * The stored log may be from before the snapshot, if a crash came between the
 * two: what contradicts it goes.
 */
static int raft_load_all(struct raft *r, const struct raft_start *start)
{
	const struct raft_entry *entry;
	u32 i;
	int err;

	for (i = 0; i < start->nr; i++) {
		entry = &start->entry[i];
		if (entry->pos.index == start->snap.pos.index &&
		    entry->pos.term != start->snap.pos.term) {
			r->dirty = RAFT_STORE_TRUNCATE | RAFT_STORE_DROP;
			r->keep = start->snap.pos.index;
			return 0;
		}
		if (entry->pos.index <= start->snap.pos.index)
			continue;
		err = raft_load(r, entry);
		if (err)
			return err;
	}
	return 0;
}

/**
 * raft_create() - a server, from what its store has
 * @r: raft_size() bytes
 * @opt: what it is made of; copied
 * @start: what its store has; copied
 *
 * Return: 0; -EINVAL: options; -ENOSPC: the log does not fit; -EUCLEAN: what
 * the store has can not be: call it again with @start->damaged.
 */
int raft_create(struct raft *r, const struct raft_options *opt,
		const struct raft_start *start)
{
	int err = raft_options_check(opt);

	if (err)
		return err;
	memset(r, 0, sizeof(*r));
	r->opt = *opt;
	r->now_ns = start->now_ns;
	r->rand = opt->seed;
	r->log.slot = opt->slot;
	r->log.slots = opt->slots;
	r->log.pool = opt->pool;
	r->log.pool_bytes = opt->pool_bytes;
	r->damaged = start->damaged && !QBD_MUTANT(raft_wiped_voter_votes);
	raft_rearm(r);
	if (r->damaged)
		return 0;
	if (start->term > RAFT_NUMBER_MAX ||
	    raft_config_check(&start->snap.conf))
		return -EUCLEAN;
	r->durable_term = start->term;
	r->durable_vote = start->vote;
	r->term = start->term;
	r->vote = start->vote;
	if (start->snap.pos.term > r->term) {
		/* made while that term was not durable: nothing was promised */
		r->term = start->snap.pos.term;
		r->vote = 0;
	}
	r->snap = start->snap;
	r->conf = start->snap.conf;
	r->commit = start->snap.pos.index;
	r->applied = r->commit;
	raft_log_reset(&r->log, start->snap.pos);
	err = raft_load_all(r, start);
	if (err)
		return err;
	r->committed = start->snap.conf;
	r->base_conf = start->snap.conf;
	r->incoming = start->partial;
	r->incoming_bytes = start->partial_bytes;
	r->matched = r->commit;
	return 0;
}
