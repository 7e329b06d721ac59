// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: what the handlers share, and the verbs of the node itself.
 *
 * The family is generated from uapi/qbd.yaml: GENL_ADMIN_PERM on every verb,
 * parallel_ops, so a slow request never holds up another family. Stores and
 * replicas are in netlink_store.c, volumes and shards in netlink_volume.c,
 * peers and links in netlink_peer.c.
 *
 * Context: process, in the requester's task; no locks held, none kept.
 */
#include "netlink.h"

/*
 * Who listens to events learns of volumes, peers and devices as a dump shows
 * them, which takes the same capability. The spec has no word for that.
 */
static const struct genl_multicast_group qbd_netlink_groups[] = {
	[QBD_NLGRP_EVENTS] = {
		.name = QBD_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_NET_ADMIN,
	},
};

/* Register the family; after this requests may come. */
int qbd_netlink_init(void)
{
	qbd_nl_family.mcgrps = qbd_netlink_groups;
	qbd_nl_family.n_mcgrps = ARRAY_SIZE(qbd_netlink_groups);
	return genl_register_family(&qbd_nl_family);
}

/* Unregister the family; no handler runs after this. */
void qbd_netlink_destroy(void)
{
	genl_unregister_family(&qbd_nl_family);
}

/**
 * qbd_netlink_node() - the node that a request is about
 * @info: the request
 *
 * Return: the node of the requester's network namespace with a reference, or
 * NULL after the acknowledgement was filled.
 */
struct qbd_node *qbd_netlink_node(struct genl_info *info)
{
	struct qbd_node *node = qbd_node_find(genl_info_net(info));

	if (!node)
		GENL_SET_ERR_MSG(
			info, "no node here: run 'qbdctl kernel node start'");
	return node;
}

/**
 * qbd_netlink_needs() - check that a request has what the verb needs
 * @info: the request
 * @needs: the attributes
 * @nr: how many
 *
 * Return: 0, or -EINVAL after the acknowledgement was filled.
 */
int qbd_netlink_needs(struct genl_info *info,
		      const struct qbd_netlink_need *needs, size_t nr)
{
	size_t i;

	for (i = 0; i < nr; i++) {
		if (info->attrs[needs[i].attr])
			continue;
		NL_SET_ERR_ATTR_MISS(info->extack, NULL, needs[i].attr);
		NL_SET_ERR_MSG_FMT(info->extack, "%s is missing",
				   needs[i].name);
		return -EINVAL;
	}
	return 0;
}

/**
 * qbd_netlink_refuse() - answer a request that was refused
 * @info: the request; if @why names an attribute, the request has it
 * @error: negative errno, or 0 if it was not refused after all
 * @why: the reason
 *
 * Return: @error.
 */
int qbd_netlink_refuse(struct genl_info *info, int error,
		       const struct qbd_refusal *why)
{
	if (!error)
		return 0;
	if (why->text[0])
		NL_SET_ERR_MSG_FMT(info->extack, "%s", why->text);
	if (why->attr && info->attrs[why->attr])
		NL_SET_BAD_ATTR(info->extack, info->attrs[why->attr]);
	return error;
}

/**
 * qbd_netlink_member_add() - take a member of a replica set apart
 * @info: the request
 * @attr: nest of QBD_A_MEMBER_*
 * @set: the set that it is added to
 *
 * Return: 0, or -EINVAL after the acknowledgement was filled.
 */
int qbd_netlink_member_add(struct genl_info *info, const struct nlattr *attr,
			   struct qbd_set_spec *set)
{
	struct nlattr *tb[QBD_A_MEMBER_ROLE + 1];
	struct qbd_member_spec *member;
	int err;

	if (set->nr_members == ARRAY_SIZE(set->member)) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "more members than two replica sets have");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, QBD_A_MEMBER_ROLE, attr,
			       qbd_member_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[QBD_A_MEMBER_NODE] || !tb[QBD_A_MEMBER_REPLICA]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "a member is a node and a replica");
		return -EINVAL;
	}
	member = &set->member[set->nr_members++];
	member->node = nla_get_u32(tb[QBD_A_MEMBER_NODE]);
	member->replica = nla_get_u64(tb[QBD_A_MEMBER_REPLICA]);
	member->role = tb[QBD_A_MEMBER_ROLE] ?
			       nla_get_u32(tb[QBD_A_MEMBER_ROLE]) :
			       QBD_MEMBER_ROLE_VOTER;
	return 0;
}

/**
 * qbd_netlink_member_put() - put a member of a replica set into a message
 * @skb: the message
 * @attr: attribute that the nest gets
 * @member: the member
 *
 * Return: 0, or -EMSGSIZE.
 */
int qbd_netlink_member_put(struct sk_buff *skb, int attr,
			   const struct qbd_member_spec *member)
{
	struct nlattr *nest = nla_nest_start(skb, attr);

	/* members have no pad attribute: all users read them unaligned */
	if (!nest || nla_put_u32(skb, QBD_A_MEMBER_NODE, member->node) ||
	    nla_put(skb, QBD_A_MEMBER_REPLICA, sizeof(u64), &member->replica) ||
	    nla_put_u32(skb, QBD_A_MEMBER_ROLE, member->role))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int qbd_netlink_node_fill(struct sk_buff *skb, struct qbd_node *node)
{
	struct qbd_node_counts counts;

	qbd_node_counts_get(node, &counts);
	if (nla_put_u32(skb, QBD_A_NODE_ID, node->spec.id) ||
	    nla_put_string(skb, QBD_A_NODE_NAME, node->spec.name) ||
	    nla_put(skb, QBD_A_NODE_CLUSTER, QBD_UUID_LEN,
		    node->spec.cluster) ||
	    nla_put_u64_64bit(skb, QBD_A_NODE_LINEAGE, node->spec.lineage,
			      QBD_A_NODE_PAD) ||
	    nla_put_u32(skb, QBD_A_NODE_LEASE_MS, node->spec.lease_ms) ||
	    nla_put_u32(skb, QBD_A_NODE_STATE, READ_ONCE(node->state)) ||
	    nla_put_u32(skb, QBD_A_NODE_STORES, counts.stores) ||
	    nla_put_u32(skb, QBD_A_NODE_VOLUMES, counts.volumes) ||
	    nla_put_u32(skb, QBD_A_NODE_REPLICAS, counts.replicas) ||
	    nla_put_u64_64bit(skb, QBD_A_NODE_EVENT_SEQ,
			      READ_ONCE(node->event_seq), QBD_A_NODE_PAD))
		return -EMSGSIZE;
	return 0;
}

int qbd_nl_node_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qbd_node *node = qbd_netlink_node(info);
	struct sk_buff *reply;
	int err = -ENOMEM;
	void *head;

	if (!node)
		return -ENOENT;
	reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!reply)
		goto out_node;
	head = genlmsg_put_reply(reply, info, &qbd_nl_family, 0,
				 QBD_CMD_NODE_GET);
	err = head ? qbd_netlink_node_fill(reply, node) : -EMSGSIZE;
	if (err) {
		nlmsg_free(reply);
		goto out_node;
	}
	genlmsg_end(reply, head);
	err = genlmsg_reply(reply, info);
out_node:
	qbd_node_put(node);
	return err;
}

int qbd_nl_node_start_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_NODE_ID, "the node's id" },
		{ QBD_A_NODE_NAME, "the node's name" },
		{ QBD_A_NODE_CLUSTER, "the cluster's uuid" },
	};
	struct qbd_refusal why = { 0 };
	struct qbd_node_spec spec = { 0 };
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	spec.id = nla_get_u32(info->attrs[QBD_A_NODE_ID]);
	nla_strscpy(spec.name, info->attrs[QBD_A_NODE_NAME], sizeof(spec.name));
	nla_memcpy(spec.cluster, info->attrs[QBD_A_NODE_CLUSTER],
		   sizeof(spec.cluster));
	if (info->attrs[QBD_A_NODE_LINEAGE])
		spec.lineage = nla_get_u64(info->attrs[QBD_A_NODE_LINEAGE]);
	if (info->attrs[QBD_A_NODE_LEASE_MS])
		spec.lease_ms = nla_get_u32(info->attrs[QBD_A_NODE_LEASE_MS]);
	err = qbd_node_start(genl_info_net(info), &spec, &why);
	return qbd_netlink_refuse(info, err, &why);
}

/*
 * The request repeats the node's id: nobody stops the wrong one. Leaves the
 * node with a reference.
 */
static int qbd_netlink_node_confirmed(struct genl_info *info,
				      struct qbd_node **node)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_NODE_ID, "the node's id, as a confirmation," },
	};
	int err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));

	if (err)
		return err;
	*node = qbd_netlink_node(info);
	if (!*node)
		return -ENOENT;
	if (nla_get_u32(info->attrs[QBD_A_NODE_ID]) == (*node)->spec.id)
		return 0;
	NL_SET_ERR_MSG_ATTR_FMT(info->extack, info->attrs[QBD_A_NODE_ID],
				"this is node %u", (*node)->spec.id);
	qbd_node_put(*node);
	return -ENOENT;
}

int qbd_nl_node_stop_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_node_confirmed(info, &node);
	if (err)
		return err;
	err = qbd_node_stop(node, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

int qbd_nl_node_crash_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_node_confirmed(info, &node);
	if (err)
		return err;
	err = qbd_node_crash(node, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}
