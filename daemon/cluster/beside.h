/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What lives beside the cluster in a daemon: it is told what the cluster hears
 * and decides, and may use its sessions.  One at most; the kernel's side of
 * the node (hands/hands.h) is it.
 *
 * Called from the loop; the cluster may be asked things, and asked to send,
 * within a call, but not be closed.
 */
#ifndef QBD_CLUSTER_BESIDE_H
#define QBD_CLUSTER_BESIDE_H

#include "../session/session.h"
#include "msg.h"
#include "state/state.h"
#include "cluster.h"

struct cluster_beside;

/**
 * struct cluster_beside_ops - what is told
 * @received: a message of a type above MSG_BESIDE; 0 or -EBADMSG
 * @up: there is a session with a node
 * @down: there is none any more
 * @applied: a command was, of which nodes may have to hear; members only
 * @loaded: the state goes away; there may be another one afterwards
 * @changed: who leads, or who is there, may be another
 * @repair: how the copies of a volume are (id; 0: of all), an object with
 *	"unknown", "bad", "repair" (what it waits for), "todo"; of all,
 *"volumes" instead of the last two; NULL: this node does not lead
 */
struct cluster_beside_ops {
	int (*received)(struct cluster_beside *beside, uint32_t from,
			uint16_t type, const void *data, size_t bytes);
	void (*up)(struct cluster_beside *beside, uint32_t node);
	void (*down)(struct cluster_beside *beside, uint32_t node);
	void (*applied)(struct cluster_beside *beside, uint64_t index,
			const struct state_delta *delta);
	void (*loaded)(struct cluster_beside *beside);
	void (*changed)(struct cluster_beside *beside);
	struct json_object *(*repair)(struct cluster_beside *beside,
				      uint32_t volume);
};

/**
 * struct cluster_beside - who is told
 * @ops: how
 */
struct cluster_beside {
	const struct cluster_beside_ops *ops;
};

/**
 * struct cluster_self - this node, and what it knows of the group
 * @in: it is in a cluster; else all is 0
 * @node: its id
 * @cluster: uuid
 * @leader: node that leads, 0 = nobody known
 * @leads: it is this one
 * @term: of the group, if this is a member
 * @applied: index of the last entry that the state has, if this is a member
 * @state: the state, if this is a member, else NULL
 */
struct cluster_self {
	bool in;
	uint32_t node;
	uint8_t cluster[16];
	uint32_t leader;
	bool leads;
	uint64_t term;
	uint64_t applied;
	const struct state *state;
};

void cluster_beside(struct cluster *c, struct cluster_beside *beside);
void cluster_self(struct cluster *c, struct cluster_self *self);
int cluster_say(struct cluster *c, uint32_t node, enum session_class class,
		enum msg_type type, const void *data, size_t bytes);
bool cluster_hears(struct cluster *c, uint32_t node, uint64_t *queued);
void cluster_thinks(struct cluster *c, uint32_t node, bool *alive, bool *heard,
		    uint64_t *since_ns);
uint64_t cluster_silent_ns(struct cluster *c, uint32_t node);
bool cluster_is_member(struct cluster *c, uint32_t node);
unsigned int cluster_addrs(const struct state_addr *from, unsigned int nr,
			   uint8_t use, union links_addr *to, unsigned int max);

#endif /* QBD_CLUSTER_BESIDE_H */
