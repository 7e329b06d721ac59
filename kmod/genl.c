// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	uapi/qbd.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "genl.h"

#include <uapi/linux/qbd.h>

/* Common nested types */
const struct nla_policy qbd_member_nl_policy[QBD_A_MEMBER_ROLE + 1] = {
	[QBD_A_MEMBER_NODE] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_MEMBER_REPLICA] = { .type = NLA_U64, },
	[QBD_A_MEMBER_ROLE] = NLA_POLICY_MAX(NLA_U32, 3),
};

const struct nla_policy qbd_shard_set_nl_policy[QBD_A_SHARD_SET_MEMBER + 1] = {
	[QBD_A_SHARD_SET_NUMBER] = { .type = NLA_U32, },
	[QBD_A_SHARD_SET_EPOCH] = NLA_POLICY_MIN(NLA_U64, 1),
	[QBD_A_SHARD_SET_MEMBER] = NLA_POLICY_NESTED(qbd_member_nl_policy),
};

/* QBD_CMD_NODE_START - do */
static const struct nla_policy qbd_node_start_nl_policy[QBD_A_NODE_LEASE_MS + 1] = {
	[QBD_A_NODE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_NODE_NAME] = { .type = NLA_NUL_STRING, .len = QBD_NAME_MAX, },
	[QBD_A_NODE_CLUSTER] = NLA_POLICY_EXACT_LEN(QBD_UUID_LEN),
	[QBD_A_NODE_LINEAGE] = { .type = NLA_U64, },
	[QBD_A_NODE_LEASE_MS] = { .type = NLA_U32, },
};

/* QBD_CMD_NODE_STOP - do */
static const struct nla_policy qbd_node_stop_nl_policy[QBD_A_NODE_ID + 1] = {
	[QBD_A_NODE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* QBD_CMD_NODE_CRASH - do */
static const struct nla_policy qbd_node_crash_nl_policy[QBD_A_NODE_ID + 1] = {
	[QBD_A_NODE_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* QBD_CMD_STORE_ADD - do */
static const struct nla_policy qbd_store_add_nl_policy[QBD_A_STORE_OPENS_MIN + 1] = {
	[QBD_A_STORE_PATH] = { .type = NLA_NUL_STRING, .len = QBD_PATH_MAX, },
	[QBD_A_STORE_UUID] = NLA_POLICY_EXACT_LEN(QBD_UUID_LEN),
	[QBD_A_STORE_OPENS_MIN] = { .type = NLA_U64, },
};

/* QBD_CMD_STORE_REMOVE - do */
static const struct nla_policy qbd_store_remove_nl_policy[QBD_A_STORE_UUID + 1] = {
	[QBD_A_STORE_UUID] = NLA_POLICY_EXACT_LEN(QBD_UUID_LEN),
};

/* QBD_CMD_REPLICA_CREATE - do */
static const struct nla_policy qbd_replica_create_nl_policy[QBD_A_REPLICA_MEMBER + 1] = {
	[QBD_A_REPLICA_ID] = { .type = NLA_U64, },
	[QBD_A_REPLICA_VOLUME] = { .type = NLA_U32, },
	[QBD_A_REPLICA_SHARD] = { .type = NLA_U32, },
	[QBD_A_REPLICA_STORE] = NLA_POLICY_EXACT_LEN(QBD_UUID_LEN),
	[QBD_A_REPLICA_SIZE_BYTES] = { .type = NLA_U64, },
	[QBD_A_REPLICA_EPOCH] = { .type = NLA_U64, },
	[QBD_A_REPLICA_MEMBER] = NLA_POLICY_NESTED(qbd_member_nl_policy),
};

/* QBD_CMD_REPLICA_DELETE - do */
static const struct nla_policy qbd_replica_delete_nl_policy[QBD_A_REPLICA_EPOCH + 1] = {
	[QBD_A_REPLICA_ID] = { .type = NLA_U64, },
	[QBD_A_REPLICA_EPOCH] = { .type = NLA_U64, },
};

/* QBD_CMD_REPLICA_FLOOR - do */
static const struct nla_policy qbd_replica_floor_nl_policy[QBD_A_REPLICA_FLOOR_TERM + 1] = {
	[QBD_A_REPLICA_ID] = { .type = NLA_U64, },
	[QBD_A_REPLICA_FLOOR_TERM] = { .type = NLA_U64, },
};

/* QBD_CMD_VOLUME_ATTACH - do */
static const struct nla_policy qbd_volume_attach_nl_policy[QBD_A_VOLUME_REPAIR + 1] = {
	[QBD_A_VOLUME_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_VOLUME_NAME] = { .type = NLA_NUL_STRING, .len = QBD_NAME_MAX, },
	[QBD_A_VOLUME_SIZE_BYTES] = { .type = NLA_U64, },
	[QBD_A_VOLUME_SHARD_BYTES] = { .type = NLA_U64, },
	[QBD_A_VOLUME_TERM] = { .type = NLA_U64, },
	[QBD_A_VOLUME_ON_NO_QUORUM] = NLA_POLICY_MAX(NLA_U32, 1),
	[QBD_A_VOLUME_NO_QUORUM_MS] = { .type = NLA_U32, },
	[QBD_A_VOLUME_READ_POLICY] = NLA_POLICY_MAX(NLA_U32, 1),
	[QBD_A_VOLUME_SHARD] = NLA_POLICY_NESTED(qbd_shard_set_nl_policy),
	[QBD_A_VOLUME_MORE] = { .type = NLA_FLAG, },
	[QBD_A_VOLUME_REPAIR] = { .type = NLA_FLAG, },
};

/* QBD_CMD_VOLUME_DETACH - do */
static const struct nla_policy qbd_volume_detach_nl_policy[QBD_A_VOLUME_FORCE + 1] = {
	[QBD_A_VOLUME_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_VOLUME_FORCE] = { .type = NLA_FLAG, },
};

/* QBD_CMD_VOLUME_SET - do */
static const struct nla_policy qbd_volume_set_nl_policy[QBD_A_VOLUME_NO_QUORUM_MS + 1] = {
	[QBD_A_VOLUME_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_VOLUME_ON_NO_QUORUM] = NLA_POLICY_MAX(NLA_U32, 1),
	[QBD_A_VOLUME_NO_QUORUM_MS] = { .type = NLA_U32, },
};

/* QBD_CMD_SHARD_GET - dump */
static const struct nla_policy qbd_shard_get_nl_policy[QBD_A_SHARD_VOLUME + 1] = {
	[QBD_A_SHARD_VOLUME] = { .type = NLA_U32, },
};

/* QBD_CMD_PEER_GET - do */
static const struct nla_policy qbd_peer_get_nl_policy[QBD_A_PEER_ID + 1] = {
	[QBD_A_PEER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* QBD_CMD_PEER_ADD - do */
static const struct nla_policy qbd_peer_add_nl_policy[QBD_A_PEER_LINKS + 1] = {
	[QBD_A_PEER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_PEER_LINKS] = NLA_POLICY_MAX(NLA_U32, 8),
};

/* QBD_CMD_PEER_REMOVE - do */
static const struct nla_policy qbd_peer_remove_nl_policy[QBD_A_PEER_ID + 1] = {
	[QBD_A_PEER_ID] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* QBD_CMD_LINK_GET - dump */
static const struct nla_policy qbd_link_get_nl_policy[QBD_A_LINK_PEER + 1] = {
	[QBD_A_LINK_PEER] = NLA_POLICY_MIN(NLA_U32, 1),
};

/* QBD_CMD_LINK_ADD - do */
static const struct nla_policy qbd_link_add_nl_policy[QBD_A_LINK_ACCEPT + 1] = {
	[QBD_A_LINK_PEER] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_LINK_LINK] = NLA_POLICY_MAX(NLA_U32, 7),
	[QBD_A_LINK_FD] = { .type = NLA_U32, },
	[QBD_A_LINK_ACCEPT] = { .type = NLA_FLAG, },
};

/* QBD_CMD_LINK_REMOVE - do */
static const struct nla_policy qbd_link_remove_nl_policy[QBD_A_LINK_LINK + 1] = {
	[QBD_A_LINK_PEER] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_LINK_LINK] = NLA_POLICY_MAX(NLA_U32, 7),
};

/* QBD_CMD_SHARD_CONFIG - do */
static const struct nla_policy qbd_shard_config_nl_policy[QBD_A_VOLUME_SHARD + 1] = {
	[QBD_A_VOLUME_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_VOLUME_TERM] = { .type = NLA_U64, },
	[QBD_A_VOLUME_SHARD] = NLA_POLICY_NESTED(qbd_shard_set_nl_policy),
};

/* QBD_CMD_SHARD_VERIFY - do */
static const struct nla_policy qbd_shard_verify_nl_policy[QBD_A_SHARD_STOP + 1] = {
	[QBD_A_SHARD_VOLUME] = { .type = NLA_U32, },
	[QBD_A_SHARD_NUMBER] = { .type = NLA_U32, },
	[QBD_A_SHARD_TERM] = { .type = NLA_U64, },
	[QBD_A_SHARD_REPAIR] = { .type = NLA_FLAG, },
	[QBD_A_SHARD_STOP] = { .type = NLA_FLAG, },
};

/* QBD_CMD_VOLUME_GROW - do */
static const struct nla_policy qbd_volume_grow_nl_policy[QBD_A_VOLUME_MORE + 1] = {
	[QBD_A_VOLUME_ID] = NLA_POLICY_MIN(NLA_U32, 1),
	[QBD_A_VOLUME_SIZE_BYTES] = { .type = NLA_U64, },
	[QBD_A_VOLUME_TERM] = { .type = NLA_U64, },
	[QBD_A_VOLUME_SHARD] = NLA_POLICY_NESTED(qbd_shard_set_nl_policy),
	[QBD_A_VOLUME_MORE] = { .type = NLA_FLAG, },
};

/* Ops table for qbd */
static const struct genl_split_ops qbd_nl_ops[] = {
	{
		.cmd	= QBD_CMD_NODE_GET,
		.doit	= qbd_nl_node_get_doit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_NODE_START,
		.doit		= qbd_nl_node_start_doit,
		.policy		= qbd_node_start_nl_policy,
		.maxattr	= QBD_A_NODE_LEASE_MS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_NODE_STOP,
		.doit		= qbd_nl_node_stop_doit,
		.policy		= qbd_node_stop_nl_policy,
		.maxattr	= QBD_A_NODE_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_NODE_CRASH,
		.doit		= qbd_nl_node_crash_doit,
		.policy		= qbd_node_crash_nl_policy,
		.maxattr	= QBD_A_NODE_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= QBD_CMD_STORE_GET,
		.dumpit	= qbd_nl_store_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= QBD_CMD_STORE_ADD,
		.doit		= qbd_nl_store_add_doit,
		.policy		= qbd_store_add_nl_policy,
		.maxattr	= QBD_A_STORE_OPENS_MIN,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_STORE_REMOVE,
		.doit		= qbd_nl_store_remove_doit,
		.policy		= qbd_store_remove_nl_policy,
		.maxattr	= QBD_A_STORE_UUID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= QBD_CMD_REPLICA_GET,
		.dumpit	= qbd_nl_replica_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= QBD_CMD_REPLICA_CREATE,
		.doit		= qbd_nl_replica_create_doit,
		.policy		= qbd_replica_create_nl_policy,
		.maxattr	= QBD_A_REPLICA_MEMBER,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_REPLICA_DELETE,
		.doit		= qbd_nl_replica_delete_doit,
		.policy		= qbd_replica_delete_nl_policy,
		.maxattr	= QBD_A_REPLICA_EPOCH,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_REPLICA_FLOOR,
		.doit		= qbd_nl_replica_floor_doit,
		.policy		= qbd_replica_floor_nl_policy,
		.maxattr	= QBD_A_REPLICA_FLOOR_TERM,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= QBD_CMD_VOLUME_GET,
		.dumpit	= qbd_nl_volume_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= QBD_CMD_VOLUME_ATTACH,
		.doit		= qbd_nl_volume_attach_doit,
		.policy		= qbd_volume_attach_nl_policy,
		.maxattr	= QBD_A_VOLUME_REPAIR,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_VOLUME_DETACH,
		.doit		= qbd_nl_volume_detach_doit,
		.policy		= qbd_volume_detach_nl_policy,
		.maxattr	= QBD_A_VOLUME_FORCE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_VOLUME_SET,
		.doit		= qbd_nl_volume_set_doit,
		.policy		= qbd_volume_set_nl_policy,
		.maxattr	= QBD_A_VOLUME_NO_QUORUM_MS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_SHARD_GET,
		.dumpit		= qbd_nl_shard_get_dumpit,
		.policy		= qbd_shard_get_nl_policy,
		.maxattr	= QBD_A_SHARD_VOLUME,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= QBD_CMD_PEER_GET,
		.doit		= qbd_nl_peer_get_doit,
		.policy		= qbd_peer_get_nl_policy,
		.maxattr	= QBD_A_PEER_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd	= QBD_CMD_PEER_GET,
		.dumpit	= qbd_nl_peer_get_dumpit,
		.flags	= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= QBD_CMD_PEER_ADD,
		.doit		= qbd_nl_peer_add_doit,
		.policy		= qbd_peer_add_nl_policy,
		.maxattr	= QBD_A_PEER_LINKS,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_PEER_REMOVE,
		.doit		= qbd_nl_peer_remove_doit,
		.policy		= qbd_peer_remove_nl_policy,
		.maxattr	= QBD_A_PEER_ID,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_LINK_GET,
		.dumpit		= qbd_nl_link_get_dumpit,
		.policy		= qbd_link_get_nl_policy,
		.maxattr	= QBD_A_LINK_PEER,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= QBD_CMD_LINK_ADD,
		.doit		= qbd_nl_link_add_doit,
		.policy		= qbd_link_add_nl_policy,
		.maxattr	= QBD_A_LINK_ACCEPT,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_LINK_REMOVE,
		.doit		= qbd_nl_link_remove_doit,
		.policy		= qbd_link_remove_nl_policy,
		.maxattr	= QBD_A_LINK_LINK,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_SHARD_CONFIG,
		.doit		= qbd_nl_shard_config_doit,
		.policy		= qbd_shard_config_nl_policy,
		.maxattr	= QBD_A_VOLUME_SHARD,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_SHARD_VERIFY,
		.doit		= qbd_nl_shard_verify_doit,
		.policy		= qbd_shard_verify_nl_policy,
		.maxattr	= QBD_A_SHARD_STOP,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
	{
		.cmd		= QBD_CMD_VOLUME_GROW,
		.doit		= qbd_nl_volume_grow_doit,
		.policy		= qbd_volume_grow_nl_policy,
		.maxattr	= QBD_A_VOLUME_MORE,
		.flags		= GENL_ADMIN_PERM | GENL_CMD_CAP_DO,
	},
};

static const struct genl_multicast_group qbd_nl_mcgrps[] = {
	[QBD_NLGRP_EVENTS] = { "events", },
};

struct genl_family qbd_nl_family __ro_after_init = {
	.name		= QBD_FAMILY_NAME,
	.version	= QBD_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= qbd_nl_ops,
	.n_split_ops	= ARRAY_SIZE(qbd_nl_ops),
	.mcgrps		= qbd_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(qbd_nl_mcgrps),
};
