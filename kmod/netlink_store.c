// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: stores and the replicas on them.
 *
 * Context: process, in the requester's task; no locks held, none kept.
 */
#include <net/sock.h>

#include "netlink.h"
#include "shard.h"
#include "store.h"

int qbd_nl_store_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_STORE_PATH, "the path of the device" },
	};
	struct qbd_store_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	spec.path = nla_data(info->attrs[QBD_A_STORE_PATH]);
	if (info->attrs[QBD_A_STORE_UUID])
		nla_memcpy(spec.uuid, info->attrs[QBD_A_STORE_UUID],
			   sizeof(spec.uuid));
	if (info->attrs[QBD_A_STORE_OPENS_MIN])
		spec.opens_min =
			nla_get_u64(info->attrs[QBD_A_STORE_OPENS_MIN]);
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_node_store_add(node, &spec, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

int qbd_nl_store_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_STORE_UUID, "the store's uuid" },
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
	err = qbd_node_store_remove(
		node, nla_data(info->attrs[QBD_A_STORE_UUID]), &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

/* The shell's states are finer than those shown. */
static const u32 qbd_netlink_store_states[QBD_STORE_STATES] = {
	[QBD_STORE_OPENING] = QBD_STORE_STATE_OPENING,
	[QBD_STORE_REPLAY] = QBD_STORE_STATE_OPENING,
	[QBD_STORE_ACTIVE] = QBD_STORE_STATE_ACTIVE,
	[QBD_STORE_CLOSING] = QBD_STORE_STATE_CLOSING,
	[QBD_STORE_FAILED] = QBD_STORE_STATE_FAILED,
	[QBD_STORE_CLOSED] = QBD_STORE_STATE_CLOSED,
};

static int qbd_netlink_store_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, QBD_A_STORE_PAD);
}

static int qbd_netlink_store_stats(struct sk_buff *skb,
				   const struct qbd_kstore_info *store)
{
	const struct qbd_store_stats *stats = &store->stats;
	u64 reserved = min(stats->chunks_free, stats->chunks_reserved);

	if (qbd_netlink_store_u64(skb, QBD_A_STORE_WAL_BYTES,
				  stats->log_blocks << QBD_BLOCK_SHIFT) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_WAL_USED_BYTES,
				  stats->log_used << QBD_BLOCK_SHIFT) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_DATA_BYTES,
				  stats->chunks * store->chunk_bytes) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_DATA_FREE_BYTES,
				  (stats->chunks_free - reserved) *
					  store->chunk_bytes) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_DATA_RESERVED_BYTES,
				  reserved * store->chunk_bytes) ||
	    nla_put_u32(skb, QBD_A_STORE_SPACE, store->space) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_LOG_RECORDS, stats->recs) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_LOG_RECORDS_MAX,
				  stats->recs_max) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_WAL_WRITES,
				  stats->segments) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_CHECKPOINTS,
				  stats->checkpoints) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_RELOGGED, stats->relogged) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_HOME_BYTES,
				  stats->home_blocks << QBD_BLOCK_SHIFT) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_PAYLOAD_BYTES,
				  (u64)store->ram_pages << PAGE_SHIFT))
		return -EMSGSIZE;
	return 0;
}

static int qbd_netlink_store_fill(struct sk_buff *skb,
				  const struct qbd_kstore_info *store)
{
	if (nla_put_string(skb, QBD_A_STORE_PATH, store->path) ||
	    nla_put(skb, QBD_A_STORE_UUID, QBD_UUID_LEN, store->uuid.b) ||
	    nla_put_u32(skb, QBD_A_STORE_STATE,
			qbd_netlink_store_states[store->state]) ||
	    nla_put_s32(skb, QBD_A_STORE_ERROR, store->error) ||
	    nla_put_string(skb, QBD_A_STORE_REASON, store->why) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_INCARNATION,
				  store->incarnation) ||
	    qbd_netlink_store_u64(skb, QBD_A_STORE_OPENS, store->opens))
		return -EMSGSIZE;
	return qbd_netlink_store_stats(skb, store);
}

static int qbd_netlink_store_dump(struct sk_buff *skb,
				  struct netlink_callback *cb,
				  const struct qbd_kstore_info *store)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &qbd_nl_family,
				 NLM_F_MULTI, QBD_CMD_STORE_GET);

	if (!head)
		return -EMSGSIZE;
	if (qbd_netlink_store_fill(skb, store)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int qbd_nl_store_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct qbd_node *node = qbd_node_find(sock_net(skb->sk));
	unsigned long key = cb->args[0];
	struct qbd_kstore_info *info;
	struct qbd_store *store;

	if (!node)
		return 0;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info) {
		qbd_node_put(node);
		return -ENOMEM;
	}
	while ((store = qbd_node_store_next(node, &key))) {
		qbd_kstore_info_get(store, info);
		qbd_kstore_put(store);
		if (qbd_netlink_store_dump(skb, cb, info))
			break;
		key++;
	}
	cb->args[0] = key;
	kfree(info);
	qbd_node_put(node);
	return skb->len;
}

static int qbd_netlink_replica_spec(struct genl_info *info,
				    struct qbd_replica_spec *spec)
{
	struct nlattr **attrs = info->attrs;
	const struct nlattr *attr;
	int err;
	int rest;

	spec->id = nla_get_u64(attrs[QBD_A_REPLICA_ID]);
	spec->volume = nla_get_u32(attrs[QBD_A_REPLICA_VOLUME]);
	nla_memcpy(spec->store, attrs[QBD_A_REPLICA_STORE],
		   sizeof(spec->store));
	spec->size_bytes = nla_get_u64(attrs[QBD_A_REPLICA_SIZE_BYTES]);
	spec->set.number = nla_get_u32(attrs[QBD_A_REPLICA_SHARD]);
	spec->set.epoch = nla_get_u64(attrs[QBD_A_REPLICA_EPOCH]);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest) {
		if (nla_type(attr) != QBD_A_REPLICA_MEMBER)
			continue;
		err = qbd_netlink_member_add(info, attr, &spec->set);
		if (err)
			return err;
	}
	return 0;
}

int qbd_nl_replica_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_REPLICA_ID, "the replica's id" },
		{ QBD_A_REPLICA_VOLUME, "the volume's id" },
		{ QBD_A_REPLICA_SHARD, "the number of the shard" },
		{ QBD_A_REPLICA_STORE, "the uuid of the store" },
		{ QBD_A_REPLICA_SIZE_BYTES, "the size of the shard" },
		{ QBD_A_REPLICA_EPOCH, "the config epoch" },
		{ QBD_A_REPLICA_MEMBER, "the replica set" },
	};
	struct qbd_replica_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	err = qbd_netlink_replica_spec(info, &spec);
	if (err)
		return err;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_node_replica_create(node, &spec, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

/* What is done to a replica that is here: its id, and one more number. */
static int qbd_netlink_replica_do(struct genl_info *info,
				  const struct qbd_netlink_need needs[2],
				  int (*doit)(struct qbd_node *node,
					      u64 replica, u64 value,
					      struct qbd_refusal *why))
{
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, 2);
	if (err)
		return err;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = doit(node, nla_get_u64(info->attrs[needs[0].attr]),
		   nla_get_u64(info->attrs[needs[1].attr]), &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

int qbd_nl_replica_delete_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_REPLICA_ID, "the replica's id" },
		{ QBD_A_REPLICA_EPOCH, "the config epoch" },
	};

	return qbd_netlink_replica_do(info, needs, qbd_node_replica_delete);
}

int qbd_nl_replica_floor_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_REPLICA_ID, "the replica's id" },
		{ QBD_A_REPLICA_FLOOR_TERM, "the highest term ever granted" },
	};

	return qbd_netlink_replica_do(info, needs, qbd_node_replica_floor);
}

static int qbd_netlink_replica_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put_u64_64bit(skb, attr, value, QBD_A_REPLICA_PAD);
}

static int qbd_netlink_replica_log(struct sk_buff *skb,
				   const struct qbd_shard_replica *replica)
{
	if (qbd_netlink_replica_u64(skb, QBD_A_REPLICA_PROMISED_TERM,
				    replica->promised_term) ||
	    nla_put_u32(skb, QBD_A_REPLICA_PROMISED_NODE,
			replica->promised_node) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_LAST_TERM,
				    replica->last_term) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_LAST_INDEX,
				    replica->last) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_DURABLE_INDEX,
				    replica->durable) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_COMMIT_INDEX,
				    replica->commit) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_APPLIED_INDEX,
				    replica->applied) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_LOG_FIRST_INDEX,
				    replica->log_first))
		return -EMSGSIZE;
	return 0;
}

static int qbd_netlink_replica_fill(struct sk_buff *skb,
				    const struct qbd_shard_replica *replica)
{
	u32 i;

	if (qbd_netlink_replica_u64(skb, QBD_A_REPLICA_ID, replica->id) ||
	    nla_put_u32(skb, QBD_A_REPLICA_VOLUME, replica->volume) ||
	    nla_put_u32(skb, QBD_A_REPLICA_SHARD, replica->set.number) ||
	    nla_put(skb, QBD_A_REPLICA_STORE, QBD_UUID_LEN, replica->store) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_SIZE_BYTES,
				    replica->size_bytes) ||
	    qbd_netlink_replica_u64(skb, QBD_A_REPLICA_EPOCH,
				    replica->set.epoch) ||
	    nla_put_u32(skb, QBD_A_REPLICA_STATE, replica->state) ||
	    nla_put_string(skb, QBD_A_REPLICA_REASON, replica->reason))
		return -EMSGSIZE;
	for (i = 0; i < replica->set.nr_members; i++)
		if (qbd_netlink_member_put(skb, QBD_A_REPLICA_MEMBER,
					   &replica->set.member[i]))
			return -EMSGSIZE;
	return qbd_netlink_replica_log(skb, replica);
}

static int qbd_netlink_replica_dump(struct sk_buff *skb,
				    struct netlink_callback *cb,
				    const struct qbd_shard_replica *replica)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &qbd_nl_family,
				 NLM_F_MULTI, QBD_CMD_REPLICA_GET);

	if (!head)
		return -EMSGSIZE;
	if (qbd_netlink_replica_fill(skb, replica)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int qbd_nl_replica_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct qbd_node *node = qbd_node_find(sock_net(skb->sk));
	unsigned long key = cb->args[0];
	struct qbd_shard_replica *info;
	struct qbd_shard *shard;

	if (!node)
		return 0;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info) {
		qbd_node_put(node);
		return -ENOMEM;
	}
	while ((shard = qbd_node_shard_next(node, &key))) {
		bool held = qbd_shard_replica_info(shard, info);

		qbd_shard_put(shard);
		if (held && qbd_netlink_replica_dump(skb, cb, info))
			break;
		key++;
	}
	cb->args[0] = key;
	kfree(info);
	qbd_node_put(node);
	return skb->len;
}
