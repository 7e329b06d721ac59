/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Objects by key, in the order of their keys: what a node has to have, what its
 * kernel has, what was said to whom.
 *
 * A sorted array of pointers.  Lists come in order, so nearly all is appended;
 * what comes alone moves the pointers behind it, at most some hundred
 * kilobytes.  Two walks over the same objects go the same way, which a planner
 * that is to be tested needs.
 */
#ifndef QBD_AGENT_MAP_H
#define QBD_AGENT_MAP_H

#ifndef QBD_CORE_ENV_H
#error "compile with -include tests/shim/env.h"
#endif

/**
 * struct agent_key - what an object is found by; the order is as of its fields
 * @kind: of the object
 * @id: its id
 * @number: with several of one id
 */
struct agent_key {
	u32 kind;
	u64 id;
	u32 number;
};

/**
 * struct agent_map - objects, each of which begins with its key
 * @at: they, owned; of malloc()
 * @nr: how many
 * @room: of @at
 * @max: no more
 */
struct agent_map {
	void **at;
	u32 nr;
	u32 room;
	u32 max;
};

#define AGENT_KEY(of, name, nth) \
	((struct agent_key){ .kind = (of), .id = (name), .number = (nth) })

int agent_key_cmp(const struct agent_key *a, const struct agent_key *b);
u32 agent_map_from(const struct agent_map *map, struct agent_key key);
void *agent_map_find(const struct agent_map *map, struct agent_key key);
int agent_map_put(struct agent_map *map, void *object);
void *agent_map_make(struct agent_map *map, struct agent_key key, size_t bytes);
void agent_map_del(struct agent_map *map, struct agent_key key);
void agent_map_clear(struct agent_map *map);

#endif /* QBD_AGENT_MAP_H */
