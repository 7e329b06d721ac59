/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the duty share; duty.h is for everybody else.
 */
#ifndef QBD_PROMOTE_DUTY_INNER_H
#define QBD_PROMOTE_DUTY_INNER_H

#include "duty.h"

#define DUTY_VOLUME_BUCKETS 16384
#define DUTY_WORD_BUCKETS 65536

/**
 * struct duty_faulted - a node that failed
 * @node: its id, 0 = none
 * @fault: enum duty_fault
 * @term: under which
 * @backoff_ms: for how long it is put off
 * @until_ms: not tried before
 */
struct duty_faulted {
	u32 node;
	u8 fault;
	u64 term;
	u64 backoff_ms;
	u64 until_ms;
};

/**
 * struct duty_volume - a volume about which there may be something to do
 * @list: of struct duty: hot or cold
 * @next: of its bucket
 * @id: of the volume
 * @nr_words: words about it
 * @number: the shard that shows that its holder is gone
 * @shown: there is one
 * @shown_term: under which
 * @shown_ms: since when
 * @asked: a command is under way
 * @asked_ms: since when
 * @off_ms: none before that
 * @faulted: who failed
 */
struct duty_volume {
	struct list_head list;
	struct duty_volume *next;
	u32 id;
	u32 nr_words;
	u32 number;
	bool shown;
	u64 shown_term;
	u64 shown_ms;
	bool asked;
	u64 asked_ms;
	u64 off_ms;
	struct duty_faulted faulted[DUTY_FAULTS];
};

/**
 * struct duty_kept - a word that is kept
 * @list: of struct duty: the oldest one is first
 * @next: of its bucket
 * @volume: id
 * @number: shard
 * @replica: id
 * @term: whose holder it is about
 * @at_ms: when it was so
 * @silent_ms: how long the holder was silent then
 */
struct duty_kept {
	struct list_head list;
	struct duty_kept *next;
	u32 volume;
	u32 number;
	u64 replica;
	u64 term;
	u64 at_ms;
	u64 silent_ms;
};

/**
 * struct duty - what who leads has to do about volumes
 * @conf: times
 * @begun_ms: since when this node leads
 * @walking: the state is being walked through
 * @slot: where that is
 * @hot: volumes to be looked at
 * @cold: volumes that wait
 * @cold_ms: until then
 * @spare: memory of volumes that are not looked at any more
 * @nr_nodes: used of @node
 * @node: daemons, by id
 * @words: all, in the order in which they came
 * @counts: for status
 * @bucket: volumes by id
 * @word_bucket: words by volume and shard
 */
struct duty {
	struct duty_conf conf;
	u64 begun_ms;
	bool walking;
	u32 slot;
	struct list_head hot;
	struct list_head cold;
	u64 cold_ms;
	struct duty_volume *spare;
	u32 nr_nodes;
	struct duty_node node[STATE_NODES_MAX + 1];
	struct list_head words;
	struct duty_counts counts;
	struct duty_volume *bucket[DUTY_VOLUME_BUCKETS];
	struct duty_kept *word_bucket[DUTY_WORD_BUCKETS];
};

/* duty.c */
bool duty_cares(const struct state_volume *volume);
struct duty_volume *duty_find(const struct duty *duty, u32 id);
struct duty_volume *duty_make(struct duty *duty, u32 id);
void duty_wake(struct duty *duty);
void *duty_alloc(size_t bytes);

/* duty_hear.c */
const struct duty_node *duty_node_find(const struct duty *duty, u32 node);
bool duty_shows(const struct duty *duty, const struct state *s,
		const struct state_volume *volume, u32 number, u64 now_ms);
void duty_words_expire(struct duty *duty, const struct state *s, u64 now_ms,
		       u32 most);
void duty_words_forget(struct duty *duty);

#endif /* QBD_PROMOTE_DUTY_INNER_H */
