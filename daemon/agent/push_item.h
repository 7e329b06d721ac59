/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the replicated state says of one node, as items: the only place where
 * the one is made into the other.
 */
#ifndef QBD_AGENT_PUSH_ITEM_H
#define QBD_AGENT_PUSH_ITEM_H

#include "item.h"

bool push_item(const struct state *s, u32 node, bool asked,
	       union want_item *item);
void push_keys(const struct state *s, u32 node,
	       void (*add)(void *arg, struct agent_key key), void *arg);

#endif /* QBD_AGENT_PUSH_ITEM_H */
