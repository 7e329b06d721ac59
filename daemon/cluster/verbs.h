/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What can be asked of the cluster, and how it is done by who leads.
 *
 * Arguments come from a daemon of the cluster, which checked them; they are
 * checked here again, for it may be a later version, or mad.
 */
#ifndef QBD_CLUSTER_VERBS_H
#define QBD_CLUSTER_VERBS_H

#include "inner.h"

#define VERB_WHY 256

/**
 * struct cluster_verb - something that can be asked
 * @name: of it
 * @numbered: it has a client and a sequence number: it changes something
 * @build: makes the command that @from asks for; 0; with @why: -EINVAL, -EPERM
 *	(it may not), -EALREADY (too soon); NULL: it only looks
 * @show: the answer: of the state, and of the command's result if there was
 *	one; NULL with @why: there is none
 */
struct cluster_verb {
	const char *name;
	bool numbered;
	int (*build)(struct cluster *c, u32 from, struct json_object *args,
		     struct state_cmd *cmd, char why[VERB_WHY]);
	struct json_object *(*show)(struct cluster *c, struct json_object *args,
				    const struct state_result *res,
				    char why[VERB_WHY]);
};

const struct cluster_verb *cluster_verb_find(const char *name);
int verb_node(struct cluster *c, struct json_object *args, u32 *node,
	      char why[VERB_WHY]);
int verb_store(struct cluster *c, struct json_object *args, u32 *store,
	       char why[VERB_WHY]);
int verb_level(struct cluster *c, u64 level, bool away, char why[VERB_WHY]);

/* verbs_lost.c */
int lost_node(struct cluster *c, u32 id, bool force, struct state_cmd *cmd,
	      char why[VERB_WHY]);
int lost_store(struct cluster *c, const struct state_store *store,
	       struct state_cmd *cmd, char why[VERB_WHY]);
void lost_look(struct cluster *c, const struct state_node *node);

/* verbs_repair.c */
u32 repair_left(struct cluster *c, u32 node, u32 *tombs);
struct json_object *show_nothing(struct cluster *c, struct json_object *args,
				 const struct state_result *res,
				 char why[VERB_WHY]);

/* of other files; each ends with a name of NULL */
extern const struct cluster_verb verbs_store[];
extern const struct cluster_verb verbs_volume[];
extern const struct cluster_verb verbs_report[];
extern const struct cluster_verb verbs_repair[];

/* args.c */
const char *args_text(struct json_object *args, const char *name);
u64 args_number(struct json_object *args, const char *name, u64 without);
bool args_flag(struct json_object *args, const char *name);
int args_copy(struct json_object *args, const char *name, char *to, u32 room);
int args_hex(struct json_object *args, const char *name, u8 *to, u32 bytes);
int args_addrs(struct json_object *args, struct state_cmd *cmd);
struct json_object *json_of(const void *text, size_t bytes, int depth);
void json_text(struct json_object *to, const char *key, const char *text);
void json_number(struct json_object *to, const char *key, u64 number);
struct json_object *json_page(const char *key, struct json_object *list,
			      u32 next);

#endif /* QBD_CLUSTER_VERBS_H */
