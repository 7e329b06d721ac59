/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The leader's side of want.h: each node is sent what it has to have.
 *
 * WHAT WAS SAID is remembered for each node: the key of each item, and a check
 * sum of it.  So a change is a list of keys to look at, and a full list is a
 * list of all of them: what the state says of the key now is compared with what
 * was said, and sent if it is something else, or gone.  Nobody has to know
 * which command changes what for whom: a key too many is looked at in vain, and
 * a delta that did not fit (state_delta.all) is a look at everything that sends
 * what changed.  What is sent is always the newest; a commit says the index at
 * which nothing was left to look at.
 *
 * A NODE BEGINS with its hello (want.h), after each session.  If the stream
 * that it is in is the one that this leader sends it, and it has had all of it,
 * it goes on; else it gets a full list in a new one.  One that knows more than
 * this leader (its index is higher) gets nothing before that has caught up.
 *
 * NEVER LONG.  push_next() makes one message of at most WANT_MSG_MAX bytes,
 * and looks at PUSH_LOOKS_MAX keys at most.  The list of keys of a node is made
 * at once: about a microsecond for each; PUSH_SCANS_MAX nodes have one at a
 * time.
 *
 * MEMORY.  32 bytes for each item of each node, 24 for each key to be looked
 * at, at most PUSH_KEYS_MAX; more changes than PUSH_DIRTY_MAX while there is no
 * time for them become a look at everything.
 *
 * Only who leads has this; with another leader all of it is gone.
 */
#ifndef QBD_AGENT_PUSH_H
#define QBD_AGENT_PUSH_H

#include "want.h"

#define PUSH_LOOKS_MAX 2048
#define PUSH_SCANS_MAX 16
#define PUSH_DIRTY_MAX 4096
#define PUSH_KEYS_MAX WANT_ITEMS_MAX
#define PUSH_EXTRA_MAX 256

struct push;

/**
 * struct push_status - how far a node is
 * @known: it said hello
 * @items: that it has, or will
 * @left: keys to be looked at; those of a list that is not made yet excepted
 * @full: a full list is under way
 * @index: last commit that was sent
 * @fulls: full lists so far
 * @messages: so far
 */
struct push_status {
	bool known;
	u32 items;
	u32 left;
	bool full;
	u64 index;
	u64 fulls;
	u64 messages;
};

int push_create(struct push **made, const struct state *s, u64 term,
		u64 stream);
void push_destroy(struct push *push);
void push_applied(struct push *push, u64 index,
		  const struct state_delta *delta);
int push_hello(struct push *push, u32 node, const struct want_hello *hello);
void push_down(struct push *push, u32 node);
void push_extra(struct push *push, u32 node, u32 volume);
bool push_waits(const struct push *push, u32 node);
int push_next(struct push *push, u32 node, void *to, u32 size);
void push_status(const struct push *push, u32 node, struct push_status *status);

#endif /* QBD_AGENT_PUSH_H */
