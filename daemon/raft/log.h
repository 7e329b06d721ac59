/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The log as the core sees it: what is behind the last snapshot, in memory.
 *
 *	   base              durable   stored      last
 *	    |                   |         |          |
 *	----+---+---+---+---+---+---+---+---+---+---+
 *	 in the snapshot        | being   | not yet
 *	                        | written | told
 *
 * Entries up to @base are gone; its term is kept, for the check of the entry
 * that follows.  @stored: handed to the store.  @durable: PERSISTED said so;
 * only that is acknowledged or counted.  A truncation takes both back.
 *
 * Slots and bytes are rings of fixed size, handed over at create.  An append
 * that finds no room fails with -ENOSPC and changes nothing.
 */
#ifndef QBD_RAFT_LOG_H
#define QBD_RAFT_LOG_H

#include "env.h"

#define RAFT_ENTRY_BYTES_MAX (64 * 1024)

/**
 * struct raft_pos - a place in a log
 * @term: term of the entry
 * @index: its number, from 1
 */
struct raft_pos {
	u64 term;
	u64 index;
};

/**
 * enum raft_entry_type - what an entry is
 * @RAFT_ENTRY_NOOP: the first of a leader
 * @RAFT_ENTRY_DATA: a command of the state machine
 * @RAFT_ENTRY_CONFIG: a configuration, as codec.h writes it
 */
enum raft_entry_type {
	RAFT_ENTRY_NOOP = 1,
	RAFT_ENTRY_DATA,
	RAFT_ENTRY_CONFIG,
};

/**
 * struct raft_entry - one entry
 * @pos: its place
 * @type: enum raft_entry_type
 * @bytes: length of @data, up to RAFT_ENTRY_BYTES_MAX
 * @data: belongs to whoever made this struct
 */
struct raft_entry {
	struct raft_pos pos;
	u8 type;
	u32 bytes;
	const void *data;
};

/**
 * struct raft_slot - an entry in memory
 * @term: its term
 * @at: where its bytes are: a position that only grows, modulo the pool
 * @bytes: how many
 * @type: enum raft_entry_type
 */
struct raft_slot {
	u64 term;
	u64 at;
	u32 bytes;
	u8 type;
};

/**
 * struct raft_log - the log
 * @base: the entry before the first one in memory
 * @last: index of the last one; @base.index if there is none
 * @stored: the store has them up to here, or is about to
 * @durable: they are on stable media up to here
 * @slot: ring of @slots, handed over
 * @slots: a power of two
 * @pool: ring of @pool_bytes for their data, handed over
 * @pool_bytes: at least RAFT_ENTRY_BYTES_MAX, or no such entry fits
 */
struct raft_log {
	struct raft_pos base;
	u64 last;
	u64 stored;
	u64 durable;
	struct raft_slot *slot;
	u32 slots;
	u8 *pool;
	u64 pool_bytes;
};

void raft_log_reset(struct raft_log *log, struct raft_pos base);
bool raft_log_has(const struct raft_log *log, struct raft_pos pos);
u64 raft_log_term(const struct raft_log *log, u64 index);
struct raft_pos raft_log_last(const struct raft_log *log);
struct raft_pos raft_log_agree(const struct raft_log *log,
			       struct raft_pos limit);
bool raft_log_newer(const struct raft_log *log, struct raft_pos last);
int raft_log_append(struct raft_log *log, const struct raft_entry *entry);
int raft_log_get(const struct raft_log *log, u64 index,
		 struct raft_entry *entry);
void raft_log_truncate(struct raft_log *log, u64 keep);
void raft_log_drop(struct raft_log *log, u64 through);
u64 raft_log_space(const struct raft_log *log);
u64 raft_log_room(const struct raft_log *log);

#endif /* QBD_RAFT_LOG_H */
