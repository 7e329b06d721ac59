/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Volumes, as those see them who lead: where shards go, what a volume waits
 * for, how it is shown, and what nodes report of it.
 *
 * NOTHING HERE LASTS.  An answer says what consensus decided; the rest (copies
 * are made, a kernel opens its shards, another one releases a device) is done
 * by duties and by the agents of nodes, and may take long, or for ever.  So
 * each volume says what it waits for, in a sentence that names the node, and
 * whoever wants to wait asks for that again.  A verb that waited by itself
 * would end with the leader that it was asked of.
 *
 * REPORTS come from agents, "agent report" with a kind.  An agent speaks for
 * its own node only, and which one that is says the session that the report
 * came by: it names copies on its own stores, its own stores, and volumes that
 * it holds, under the term that it holds them under.  (A node that is mad, or
 * of an older version, says that it released a volume that another node holds;
 * the next attach is granted without a fence, and two kernels write.)
 */
#ifndef QBD_CLUSTER_VOLUME_H
#define QBD_CLUSTER_VOLUME_H

#include "verbs.h"

#define VOLUME_TEXT VERB_WHY
#define VOLUME_PART 512 /* shards placed by one command: some ms */

/* verbs_volume.c */
const struct state_volume *
verb_volume(struct cluster *c, struct json_object *args, char why[VERB_WHY]);

/* duty.c */
u32 volume_shards(const struct state_volume *volume);
int volume_place(const struct state *s, u32 volume, u32 copies, u32 first,
		 u32 nr, u32 *store, char why[VOLUME_TEXT]);

/* show_volume.c */
struct json_object *job_row(const char *kind, const char *target, u64 done,
			    u64 total, const char *waits);
struct json_object *show_done_volume(struct cluster *c,
				     struct json_object *args,
				     const struct state_result *res,
				     char why[VERB_WHY]);
struct json_object *show_volumes(struct cluster *c, struct json_object *args,
				 const struct state_result *res,
				 char why[VERB_WHY]);
struct json_object *show_volume(struct cluster *c, struct json_object *args,
				const struct state_result *res,
				char why[VERB_WHY]);
struct json_object *show_repair(struct cluster *c, struct json_object *args,
				const struct state_result *res,
				char why[VERB_WHY]);
struct json_object *show_jobs(struct cluster *c, struct json_object *args,
			      const struct state_result *res,
			      char why[VERB_WHY]);

/* verbs_repair.c */
u32 repair_jobs(struct cluster *c, struct json_object *list, u32 most);

#endif /* QBD_CLUSTER_VOLUME_H */
