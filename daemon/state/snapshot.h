/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Snapshots: the whole state as bytes, and back.
 *
 * Two servers with the same state make the same bytes: objects are written in
 * the order of their slots, which follow from the commands, shards by volume
 * and number, tombstones by store and age.
 *
 * A snapshot is a row of chunks of up to 64 KiB, each with whole records:
 *
 *	 0 magic "qSn1"	 4 crc of the bytes behind it, begun with the crc of
 *			   the chunk before: a chain
 *	 8 length in all	12 section, 2 bytes	14 version 1, 2 bytes
 *	16 number of the chunk, from 0
 *	24 records: the slot, 4 bytes, then the fields of record.c
 *
 * Sections follow each other as in enum state_section; the last one is empty.
 *
 * WITHOUT STOPPING FOR LONG.  A snapshot is of one moment: between its first
 * and its last chunk nothing may be applied, and the encoder says so (-ESTALE)
 * if something was.  The largest state takes about a second.  Where that is too
 * long, state_clone() makes a second state, in a fraction of that, and that one
 * is encoded at leisure, by another thread if one likes; it needs as much
 * memory again meanwhile, which is given back behind it.
 *
 * RESTORE believes nothing: lengths, crc, order, bounds, that what is named is
 * there, that names and ids are unique; at last state_check() looks at all of
 * it.  Its state is not to be used if it failed: make an empty one.
 */
#ifndef QBD_STATE_SNAPSHOT_H
#define QBD_STATE_SNAPSHOT_H

#include "state.h"

#define STATE_CHUNK_BYTES_MAX (64 * 1024)
#define STATE_CHUNK_HEAD 24

/**
 * enum state_section - sections, in their order
 * @STATE_SECTION_HEAD: limits, the cluster, how many there are of each
 * @STATE_SECTION_NODES: nodes
 * @STATE_SECTION_STORES: stores
 * @STATE_SECTION_VOLUMES: volumes
 * @STATE_SECTION_SHARDS: shards with their sets, without slots
 * @STATE_SECTION_TOMBS: tombstones, without slots
 * @STATE_SECTION_TOKENS: tokens
 * @STATE_SECTION_JOBS: jobs
 * @STATE_SECTION_CLIENTS: clients
 * @STATE_SECTION_END: there is no more
 */
enum state_section {
	STATE_SECTION_HEAD,
	STATE_SECTION_NODES,
	STATE_SECTION_STORES,
	STATE_SECTION_VOLUMES,
	STATE_SECTION_SHARDS,
	STATE_SECTION_TOMBS,
	STATE_SECTION_TOKENS,
	STATE_SECTION_JOBS,
	STATE_SECTION_CLIENTS,
	STATE_SECTION_END,
};

/**
 * struct state_snapshot - a state that is being encoded
 * @s: the state
 * @applied: how many commands it had seen
 * @chunk: the next chunk
 * @crc: of the one before
 * @section: enum state_section, the next; behind the last: done
 * @slot: the next record
 * @number: SHARDS: the next shard of volume @slot; TOMBS: the next tombstone
 */
struct state_snapshot {
	const struct state *s;
	u64 applied;
	u64 chunk;
	u32 crc;
	u32 section;
	u32 slot;
	u32 number;
};

/**
 * struct state_restore - a state that is being made from a snapshot
 * @s: the state
 * @reason: what was bad about the snapshot
 * @chunk: the next chunk
 * @crc: of the one before
 * @section: of the one before
 * @nr: how many of each there have to be
 * @last: slot of the last record, and one; SHARDS: the volume's
 * @number: SHARDS: number of the last record, and one
 * @done: the last chunk came
 * @newer: it is of a feature level that is not known here
 */
struct state_restore {
	struct state *s;
	const char *reason;
	u64 chunk;
	u32 crc;
	u32 section;
	u32 nr[10];
	u32 last;
	u32 number;
	bool done;
	bool newer;
};

void state_snapshot_begin(struct state_snapshot *snap, const struct state *s);
int state_snapshot_next(struct state_snapshot *snap, void *buf, u32 size);

int state_chunk_bytes(const void *head);
void state_restore_begin(struct state_restore *restore, struct state *s);
int state_restore_chunk(struct state_restore *restore, const void *data,
			u32 bytes);
int state_restore_end(struct state_restore *restore);

#endif /* QBD_STATE_SNAPSHOT_H */
