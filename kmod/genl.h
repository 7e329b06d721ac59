/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	uapi/qbd.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_QBD_GEN_H
#define _LINUX_QBD_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/qbd.h>

/* Common nested types */
extern const struct nla_policy qbd_member_nl_policy[QBD_A_MEMBER_ROLE + 1];
extern const struct nla_policy qbd_shard_set_nl_policy[QBD_A_SHARD_SET_MEMBER + 1];

int qbd_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_node_start_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_node_stop_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_node_crash_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_store_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qbd_nl_store_add_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_store_remove_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_replica_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qbd_nl_replica_create_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_replica_delete_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_replica_floor_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_volume_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qbd_nl_volume_attach_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_volume_detach_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_volume_set_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_shard_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qbd_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qbd_nl_peer_add_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_peer_remove_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_link_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int qbd_nl_link_add_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_link_remove_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_shard_config_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_shard_verify_doit(struct sk_buff *skb, struct genl_info *info);
int qbd_nl_volume_grow_doit(struct sk_buff *skb, struct genl_info *info);

enum {
	QBD_NLGRP_EVENTS,
};

extern struct genl_family qbd_nl_family;

#endif /* _LINUX_QBD_GEN_H */
