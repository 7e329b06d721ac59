// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: peers and the links to them.
 *
 * Says what a request is; whether it can be is for node_peer.h to say.
 *
 * Context: process, in the requester's task: a file descriptor is one of the
 * requester's. No locks held, none kept.
 */
#include <linux/limits.h>
#include <net/sock.h>

#include "netlink.h"
#include "node_peer.h"

static_assert(QBD_PEER_LINKS_MAX == QBD_LINKS_MAX);

int qbd_nl_peer_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_PEER_ID, "the peer's node id" },
	};
	struct qbd_peer_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	spec.id = nla_get_u32(info->attrs[QBD_A_PEER_ID]);
	if (info->attrs[QBD_A_PEER_LINKS])
		spec.links = nla_get_u32(info->attrs[QBD_A_PEER_LINKS]);
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_node_peer_add(node, &spec, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

int qbd_nl_peer_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_PEER_ID, "the peer's node id" },
	};
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_node_peer_remove(
		node, nla_get_u32(info->attrs[QBD_A_PEER_ID]), &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

static enum qbd_peer_state
qbd_netlink_peer_state(const struct qbd_peer_info *peer)
{
	if (peer->removed)
		return QBD_PEER_STATE_REMOVED;
	if (!peer->links_up)
		return QBD_PEER_STATE_DOWN;
	return peer->links_up < peer->links ? QBD_PEER_STATE_PARTIAL :
					      QBD_PEER_STATE_UP;
}

static int qbd_netlink_peer_fill(struct sk_buff *skb,
				 const struct qbd_peer_info *peer)
{
	if (nla_put_u32(skb, QBD_A_PEER_ID, peer->id) ||
	    nla_put_u32(skb, QBD_A_PEER_LINKS, peer->links) ||
	    nla_put_u32(skb, QBD_A_PEER_STATE, qbd_netlink_peer_state(peer)) ||
	    nla_put_u32(skb, QBD_A_PEER_LINKS_UP, peer->links_up) ||
	    nla_put_u32(skb, QBD_A_PEER_HELD_MS, peer->held_ms) ||
	    nla_put_u32(skb, QBD_A_PEER_GRANTED_MS, peer->granted_ms))
		return -EMSGSIZE;
	if (peer->heard_ms != U32_MAX &&
	    nla_put_u32(skb, QBD_A_PEER_HEARD_MS, peer->heard_ms))
		return -EMSGSIZE;
	return 0;
}

static int qbd_netlink_peer_reply(struct genl_info *info,
				  const struct qbd_peer_info *peer)
{
	struct sk_buff *reply = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *head;

	if (!reply)
		return -ENOMEM;
	head = genlmsg_put_reply(reply, info, &qbd_nl_family, 0,
				 QBD_CMD_PEER_GET);
	if (!head || qbd_netlink_peer_fill(reply, peer)) {
		nlmsg_free(reply);
		return -EMSGSIZE;
	}
	genlmsg_end(reply, head);
	return genlmsg_reply(reply, info);
}

int qbd_nl_peer_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_PEER_ID, "the peer's node id" },
	};
	struct qbd_peer_info found = { 0 };
	struct qbd_peer *peer;
	struct qbd_node *node;
	unsigned long key;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	key = nla_get_u32(info->attrs[QBD_A_PEER_ID]);
	peer = qbd_node_peer_next(node, &key);
	if (peer)
		qbd_peer_info_get(peer, &found);
	qbd_node_put(node);
	if (found.id == nla_get_u32(info->attrs[QBD_A_PEER_ID]))
		return qbd_netlink_peer_reply(info, &found);
	NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[QBD_A_PEER_ID],
			    "no such peer here: see 'qbdctl kernel peer show'");
	return -ENOENT;
}

int qbd_nl_peer_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct qbd_node *node = qbd_node_find(sock_net(skb->sk));
	unsigned long key = cb->args[0];
	struct qbd_peer *peer;

	if (!node)
		return 0;
	while ((peer = qbd_node_peer_next(node, &key))) {
		struct qbd_peer_info info;
		void *head;

		qbd_peer_info_get(peer, &info);
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &qbd_nl_family,
				   NLM_F_MULTI, QBD_CMD_PEER_GET);
		if (!head)
			break;
		if (qbd_netlink_peer_fill(skb, &info)) {
			genlmsg_cancel(skb, head);
			break;
		}
		genlmsg_end(skb, head);
		key++;
	}
	cb->args[0] = key;
	qbd_node_put(node);
	return skb->len;
}

int qbd_nl_link_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_LINK_PEER, "the peer's node id" },
		{ QBD_A_LINK_LINK, "the number of the link" },
		{ QBD_A_LINK_FD, "a connected socket" },
	};
	struct qbd_link_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	u32 fd;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	fd = nla_get_u32(info->attrs[QBD_A_LINK_FD]);
	if (fd > INT_MAX) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[QBD_A_LINK_FD],
				    "this is not a file descriptor");
		return -EBADF;
	}
	spec.peer = nla_get_u32(info->attrs[QBD_A_LINK_PEER]);
	spec.link = nla_get_u32(info->attrs[QBD_A_LINK_LINK]);
	spec.accept = nla_get_flag(info->attrs[QBD_A_LINK_ACCEPT]);
	spec.fd = fd;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_node_link_add(node, &spec, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

int qbd_nl_link_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_LINK_PEER, "the peer's node id" },
		{ QBD_A_LINK_LINK, "the number of the link" },
	};
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_node_link_remove(node,
				   nla_get_u32(info->attrs[QBD_A_LINK_PEER]),
				   nla_get_u32(info->attrs[QBD_A_LINK_LINK]),
				   &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

static enum qbd_link_state qbd_netlink_link_state(enum qbd_conn_state state)
{
	switch (state) {
	case QBD_CONN_HELLO:
		return QBD_LINK_STATE_CONNECTING;
	case QBD_CONN_UP:
		return QBD_LINK_STATE_UP;
	case QBD_CONN_NONE:
	case QBD_CONN_DOWN:
	default:
		return QBD_LINK_STATE_DOWN;
	}
}

static int qbd_netlink_link_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, QBD_A_LINK_PAD);
}

static int qbd_netlink_link_counts(struct sk_buff *skb,
				   const struct qbd_conn_counts *counts)
{
	if (qbd_netlink_link_u64(skb, QBD_A_LINK_TX_MSGS, counts->tx_msgs) ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_TX_BYTES, counts->tx_bytes) ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_RX_MSGS, counts->rx_msgs) ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_RX_BYTES, counts->rx_bytes) ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_RX_BAD, counts->rx_bad) ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_RX_STALE, counts->rx_stale))
		return -EMSGSIZE;
	return 0;
}

static int qbd_netlink_link_fill(struct sk_buff *skb,
				 const struct qbd_link_info *link)
{
	if (nla_put_u32(skb, QBD_A_LINK_PEER, link->peer) ||
	    nla_put_u32(skb, QBD_A_LINK_LINK, link->link) ||
	    nla_put_u32(skb, QBD_A_LINK_STATE,
			qbd_netlink_link_state(link->state)) ||
	    nla_put_string(skb, QBD_A_LINK_TRANSPORT,
			   link->transport ? link->transport : "") ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_UPS, link->ups) ||
	    nla_put_u32(skb, QBD_A_LINK_SINCE_MS, link->since_ms) ||
	    nla_put_u32(skb, QBD_A_LINK_QUEUE_MSGS, link->queue_msgs) ||
	    qbd_netlink_link_u64(skb, QBD_A_LINK_QUEUE_BYTES,
				 link->queue_bytes) ||
	    qbd_netlink_link_counts(skb, &link->counts) ||
	    nla_put_s32(skb, QBD_A_LINK_ERROR, link->error) ||
	    nla_put_string(skb, QBD_A_LINK_REASON, link->why))
		return -EMSGSIZE;
	return 0;
}

static int qbd_netlink_link_dump(struct sk_buff *skb,
				 struct netlink_callback *cb,
				 const struct qbd_link_info *link)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &qbd_nl_family,
				 NLM_F_MULTI, QBD_CMD_LINK_GET);

	if (!head)
		return -EMSGSIZE;
	if (qbd_netlink_link_fill(skb, link)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* The links of @peer from *@link on; *@link is where to go on if it failed. */
static int qbd_netlink_links_dump(struct sk_buff *skb,
				  struct netlink_callback *cb,
				  struct qbd_peer *peer, long *link)
{
	struct qbd_link_info info;

	for (; *link < QBD_LINKS_MAX; (*link)++)
		if (qbd_link_info_get(peer, *link, &info) &&
		    qbd_netlink_link_dump(skb, cb, &info))
			return -EMSGSIZE;
	*link = 0;
	return 0;
}

int qbd_nl_link_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *want =
		genl_dumpit_info(cb)->info.attrs[QBD_A_LINK_PEER];
	struct qbd_node *node = qbd_node_find(sock_net(skb->sk));
	unsigned long key = cb->args[0];
	struct qbd_peer *peer;

	if (!node)
		return 0;
	if (want)
		key = max_t(unsigned long, key, nla_get_u32(want));
	while ((peer = qbd_node_peer_next(node, &key))) {
		if (want && key != nla_get_u32(want))
			break;
		if (qbd_netlink_links_dump(skb, cb, peer, &cb->args[1]))
			break;
		key++;
	}
	cb->args[0] = key;
	qbd_node_put(node);
	return skb->len;
}
