// SPDX-License-Identifier: GPL-2.0-only
/*
 * Events on the wire.
 *
 * Builds one multicast message from a numbered notice. What can't be
 * allocated, does not fit or finds no listener is dropped: the next number
 * shows the gap, and a listener that sees one takes a dump. Nothing is
 * decided or remembered here.
 *
 * Context: atomic, node->event_lock held.
 */
#include <net/genetlink.h>

#include "event.h"
#include "genl.h"
#include "locking.h"
#include "node.h"

static int qbd_event_fill_ids(struct sk_buff *skb,
			      const struct qbd_notice *notice)
{
	if (notice->store &&
	    nla_put(skb, QBD_A_EVENT_STORE, QBD_UUID_LEN, notice->store))
		return -EMSGSIZE;
	if (notice->replica &&
	    nla_put_u64_64bit(skb, QBD_A_EVENT_REPLICA, notice->replica,
			      QBD_A_EVENT_PAD))
		return -EMSGSIZE;
	if (notice->volume &&
	    nla_put_u32(skb, QBD_A_EVENT_VOLUME, notice->volume))
		return -EMSGSIZE;
	if (notice->has_shard &&
	    nla_put_u32(skb, QBD_A_EVENT_SHARD, notice->shard))
		return -EMSGSIZE;
	if (notice->peer && (nla_put_u32(skb, QBD_A_EVENT_PEER, notice->peer) ||
			     nla_put_u32(skb, QBD_A_EVENT_LINK, notice->link)))
		return -EMSGSIZE;
	return 0;
}

static int qbd_event_fill(struct sk_buff *skb, u32 node,
			  const struct qbd_notice *notice)
{
	if (nla_put_u64_64bit(skb, QBD_A_EVENT_SEQ, notice->seq,
			      QBD_A_EVENT_PAD) ||
	    nla_put_u32(skb, QBD_A_EVENT_KIND, notice->kind) ||
	    nla_put_u64_64bit(skb, QBD_A_EVENT_TIME_NS, notice->time_ns,
			      QBD_A_EVENT_PAD) ||
	    nla_put_u32(skb, QBD_A_EVENT_NODE, node) ||
	    qbd_event_fill_ids(skb, notice) ||
	    nla_put_u32(skb, QBD_A_EVENT_STATE, notice->state))
		return -EMSGSIZE;
	if (notice->term && nla_put_u64_64bit(skb, QBD_A_EVENT_TERM,
					      notice->term, QBD_A_EVENT_PAD))
		return -EMSGSIZE;
	if (notice->epoch && nla_put_u64_64bit(skb, QBD_A_EVENT_EPOCH,
					       notice->epoch, QBD_A_EVENT_PAD))
		return -EMSGSIZE;
	if (notice->has_offset &&
	    nla_put_u64_64bit(skb, QBD_A_EVENT_OFFSET, notice->offset,
			      QBD_A_EVENT_PAD))
		return -EMSGSIZE;
	if (notice->size_bytes &&
	    nla_put_u64_64bit(skb, QBD_A_EVENT_SIZE_BYTES, notice->size_bytes,
			      QBD_A_EVENT_PAD))
		return -EMSGSIZE;
	if (notice->error && nla_put_s32(skb, QBD_A_EVENT_ERROR, notice->error))
		return -EMSGSIZE;
	if (notice->reason &&
	    nla_put_string(skb, QBD_A_EVENT_REASON, notice->reason))
		return -EMSGSIZE;
	return 0;
}

/**
 * qbd_event_send() - put a numbered notice on the wire
 * @node: the node that it is about
 * @notice: what happened
 *
 * Context: atomic, @node->event_lock held, so that messages leave in the order
 * of their numbers.
 */
void qbd_event_send(struct qbd_node *node, const struct qbd_notice *notice)
{
	struct sk_buff *skb;
	void *head;

	skb = genlmsg_new(NLMSG_DEFAULT_SIZE, GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return;
	head = genlmsg_put(skb, 0, 0, &qbd_nl_family, 0, QBD_CMD_EVENT_NTF);
	if (!head || qbd_event_fill(skb, node->spec.id, notice)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, head);
	/* -ESRCH: nobody listens; any other failure is a gap as well */
	genlmsg_multicast_netns(&qbd_nl_family, node->net, skb, 0,
				QBD_NLGRP_EVENTS, GFP_ATOMIC);
}
