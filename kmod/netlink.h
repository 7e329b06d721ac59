/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the netlink handlers share: the node of a request, and how a refusal
 * becomes an extended acknowledgement.
 *
 * Each handler takes its request apart completely before it calls anything
 * that changes a state; policies (generated, strict) have checked types and
 * lengths before it is called. No handler waits.
 */
#ifndef QBD_NETLINK_H
#define QBD_NETLINK_H

#include <net/genetlink.h>

#include "genl.h"
#include "node.h"
#include "refusal.h"

/**
 * struct qbd_netlink_need - attributes that a verb can't do without
 * @attr: the attribute
 * @name: its name, for the acknowledgement
 */
struct qbd_netlink_need {
	int attr;
	const char *name;
};

int qbd_netlink_init(void);
void qbd_netlink_destroy(void);

struct qbd_node *qbd_netlink_node(struct genl_info *info);
int qbd_netlink_needs(struct genl_info *info,
		      const struct qbd_netlink_need *needs, size_t nr);
int qbd_netlink_refuse(struct genl_info *info, int error,
		       const struct qbd_refusal *why);
int qbd_netlink_member_add(struct genl_info *info, const struct nlattr *attr,
			   struct qbd_set_spec *set);
int qbd_netlink_member_put(struct sk_buff *skb, int attr,
			   const struct qbd_member_spec *member);

#endif /* QBD_NETLINK_H */
