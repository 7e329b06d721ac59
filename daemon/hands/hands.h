/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The hands of a node: what consensus decided about it is made so in its
 * kernel, and what its kernel says gets to who leads.
 *
 * PARTS.  agent/ knows what the node has to have and what its kernel has, and
 * plans; kport/ asks the kernel; link/ makes the connections between kernels;
 * cluster/ has the sessions.  Here they meet: messages go to where they belong,
 * dumps are asked for when they are stale, requests are sent, and how they
 * ended is told.  Nothing is decided here.
 *
 * WHAT A NODE HAS TO HAVE comes from who leads, in messages of type WANT, to
 * all nodes, also to its own, and to those that are no members of the group.
 * Whoever has a new leader, or a new session with it, says how far it is
 * (HELLO); so it does when it understands no more, and when it has heard
 * nothing for HANDS_HELLO_NS: what was lost with a session that only one side
 * saw ending is made up for.
 *
 * LOOKING.  A dump costs what the kernel has.  Dumps come in rounds, of all
 * that may have changed, without a pause within one.  The next round begins not
 * before HANDS_LOOK_NS after the first event that asks for it, so that a
 * hundred events are one look, and after a pause of HANDS_LOOK_PART times what
 * the last one took: the kernel of a node with 100000 replicas is not asked all
 * the time.
 *
 * LINKS are made by the daemons of both nodes (link/link.h).  What they say to
 * each other goes over their session, if they have one; only members of the
 * group have one with everybody.  Else a member passes it on, who leads, if it
 * was said by the node that the session is with (LINK carries from and to), and
 * from a member alone a node takes what another one said.  (Else any node could
 * ask for a ticket in another one's name, and be that node for the kernel.)
 * Without a leader two such nodes make no new connection; those that are up go
 * on.
 *
 * THE DAEMON'S END changes nothing in the kernel (P7), nor does its start: it
 * has no want then (want.h).
 *
 * One thread, the loop's.
 *
 * Files: hands.c (life, looking), dump.c, request.c (what the kernel is asked
 * for), say.c (what is said to who leads), tell.c (messages), failover.c (the
 * promoter of who leads), repair.c (its repair), run.c (what runs where a
 * volume is attached), store.c (which device a store is on).
 */
#ifndef QBD_HANDS_HANDS_H
#define QBD_HANDS_HANDS_H

#include <stdint.h>

#include "../links_conf.h"
#include "../loop.h"
#include "../work.h"

#define HANDS_WHY_MAX 320
#define HANDS_LISTENS_MAX 8
#define HANDS_PATH_MAX 255
#define HANDS_HELLO_NS 5000000000ULL
#define HANDS_LOOK_NS 5000000ULL
#define HANDS_LOOK_PART 10
#define HANDS_PEERS_NS 250000000ULL /* who hears whom is no event */

struct cluster;
struct hands;
struct json_object;

/**
 * struct hands_options - a node
 * @state_dir: where the daemon keeps what it must not forget
 * @run_dir: of what runs where volumes are attached; made if it is not there
 * @name: of the node
 * @nr_listens: used of @listen
 * @listen: where connections between kernels come in
 */
struct hands_options {
	const char *state_dir;
	const char *run_dir;
	const char *name;
	unsigned int nr_listens;
	union links_addr listen[HANDS_LISTENS_MAX];
};

/**
 * struct hands_store_info - a store, as its superblock has it
 * @uuid: its own
 * @cluster: its cluster's
 * @opens: how often it was opened
 * @bytes: room for data
 */
struct hands_store_info {
	uint8_t uuid[16];
	uint8_t cluster[16];
	uint64_t opens;
	uint64_t bytes;
};

/**
 * struct hands_device - a device that is asked about
 * @job: the hands'
 * @done: called once, in the loop; may free it, or ask for more
 * @hands: the hands'
 * @path: of the device
 * @info: the store on it
 * @list: the hands': paths to be written, a line each
 * @err: why that can not be said, or done
 * @why: the same in words
 */
struct hands_device {
	struct work_job job;
	void (*done)(struct hands_device *device);
	struct hands *hands;
	char path[HANDS_PATH_MAX + 1];
	struct hands_store_info info;
	char *list;
	int err;
	char why[HANDS_WHY_MAX];
};

int hands_create(struct hands **made, struct loop *loop,
		 struct cluster *cluster, const struct hands_options *options,
		 char why[HANDS_WHY_MAX]);
void hands_destroy(struct hands *hands);
struct json_object *hands_status(struct hands *hands);

/* store.c */
void hands_store_look(struct hands *hands, struct hands_device *device);
void hands_store_keep(struct hands *hands, struct hands_device *device);

#endif /* QBD_HANDS_HANDS_H */
