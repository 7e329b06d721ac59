// SPDX-License-Identifier: GPL-2.0-only
/*
 * Netlink: volumes and the shards that are led here.
 *
 * A volume of many shards comes in several requests; each is checked whole,
 * volume.c puts the parts together. Dumps go by the key of the node's table:
 * an object that comes or goes meanwhile is in the dump or not, the others
 * are.
 *
 * Context: process, in the requester's task; no locks held, none kept.
 */
#include <linux/overflow.h>

#include <net/sock.h>

#include "netlink.h"
#include "shard.h"
#include "shard_verify.h"
#include "volume.h"

static_assert(QBD_TERM_MAX == QBD_WAL_TERM_MAX);

static int qbd_netlink_shard_set(struct genl_info *info,
				 const struct nlattr *attr,
				 struct qbd_set_spec *set)
{
	struct nlattr *tb[QBD_A_SHARD_SET_MEMBER + 1];
	const struct nlattr *member;
	int err;
	int rest;

	err = nla_parse_nested(tb, QBD_A_SHARD_SET_MEMBER, attr,
			       qbd_shard_set_nl_policy, info->extack);
	if (err)
		return err;
	if (!tb[QBD_A_SHARD_SET_NUMBER] || !tb[QBD_A_SHARD_SET_EPOCH]) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr,
				    "a shard has a number and an epoch");
		return -EINVAL;
	}
	set->number = nla_get_u32(tb[QBD_A_SHARD_SET_NUMBER]);
	set->epoch = nla_get_u64(tb[QBD_A_SHARD_SET_EPOCH]);
	nla_for_each_nested_type(member, QBD_A_SHARD_SET_MEMBER, attr, rest) {
		err = qbd_netlink_member_add(info, member, set);
		if (err)
			return err;
	}
	return 0;
}

static u32 qbd_netlink_sets_count(struct genl_info *info)
{
	const struct nlattr *attr;
	u32 nr = 0;
	int rest;

	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest)
		if (nla_type(attr) == QBD_A_VOLUME_SHARD)
			nr++;
	return nr;
}

/* Take the shards of a request apart; the caller frees what is returned. */
static struct qbd_set_spec *qbd_netlink_sets(struct genl_info *info, u32 nr)
{
	const struct nlattr *attr;
	struct qbd_set_spec *sets;
	u32 i = 0;
	int rest;

	sets = kvcalloc(nr, sizeof(*sets), GFP_KERNEL);
	if (!sets)
		return ERR_PTR(-ENOMEM);
	nlmsg_for_each_attr(attr, info->nlhdr, GENL_HDRLEN, rest) {
		int err;

		if (nla_type(attr) != QBD_A_VOLUME_SHARD)
			continue;
		err = qbd_netlink_shard_set(info, attr, &sets[i++]);
		if (err) {
			kvfree(sets);
			return ERR_PTR(err);
		}
	}
	return sets;
}

static void qbd_netlink_options(struct genl_info *info,
				struct qbd_volume_options *options)
{
	struct nlattr **attrs = info->attrs;

	if (attrs[QBD_A_VOLUME_ON_NO_QUORUM])
		options->on_no_quorum =
			nla_get_u32(attrs[QBD_A_VOLUME_ON_NO_QUORUM]);
	if (attrs[QBD_A_VOLUME_NO_QUORUM_MS])
		options->no_quorum_ms =
			nla_get_u32(attrs[QBD_A_VOLUME_NO_QUORUM_MS]);
}

static void qbd_netlink_volume_spec(struct genl_info *info,
				    struct qbd_volume_spec *spec)
{
	struct nlattr **attrs = info->attrs;

	spec->id = nla_get_u32(attrs[QBD_A_VOLUME_ID]);
	nla_strscpy(spec->name, attrs[QBD_A_VOLUME_NAME], sizeof(spec->name));
	spec->size_bytes = nla_get_u64(attrs[QBD_A_VOLUME_SIZE_BYTES]);
	if (attrs[QBD_A_VOLUME_SHARD_BYTES])
		spec->shard_bytes =
			nla_get_u64(attrs[QBD_A_VOLUME_SHARD_BYTES]);
	spec->term = nla_get_u64(attrs[QBD_A_VOLUME_TERM]);
	qbd_netlink_options(info, &spec->options);
	if (attrs[QBD_A_VOLUME_READ_POLICY])
		spec->options.read_policy =
			nla_get_u32(attrs[QBD_A_VOLUME_READ_POLICY]);
	spec->repair = nla_get_flag(attrs[QBD_A_VOLUME_REPAIR]);
	spec->more = nla_get_flag(attrs[QBD_A_VOLUME_MORE]);
	spec->nr_sets = qbd_netlink_sets_count(info);
}

int qbd_nl_volume_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_VOLUME_ID, "the volume's id" },
		{ QBD_A_VOLUME_NAME, "the volume's name" },
		{ QBD_A_VOLUME_SIZE_BYTES, "the volume's size" },
		{ QBD_A_VOLUME_TERM, "the term" },
		{ QBD_A_VOLUME_SHARD, "the replica sets of the shards" },
	};
	struct qbd_volume_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_set_spec *sets;
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	qbd_netlink_volume_spec(info, &spec);
	sets = qbd_netlink_sets(info, spec.nr_sets);
	if (IS_ERR(sets))
		return PTR_ERR(sets);
	spec.sets = sets;
	err = -ENOENT;
	node = qbd_netlink_node(info);
	if (node) {
		err = qbd_volume_attach(node, &spec, &why);
		qbd_node_put(node);
		err = qbd_netlink_refuse(info, err, &why);
	}
	kvfree(sets);
	return err;
}

int qbd_nl_volume_grow_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_VOLUME_ID, "the volume's id" },
		{ QBD_A_VOLUME_SIZE_BYTES, "the size that it shall have" },
		{ QBD_A_VOLUME_TERM, "the term that it is attached under" },
	};
	struct qbd_volume_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_set_spec *sets;
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	spec.id = nla_get_u32(info->attrs[QBD_A_VOLUME_ID]);
	spec.size_bytes = nla_get_u64(info->attrs[QBD_A_VOLUME_SIZE_BYTES]);
	spec.term = nla_get_u64(info->attrs[QBD_A_VOLUME_TERM]);
	spec.more = nla_get_flag(info->attrs[QBD_A_VOLUME_MORE]);
	spec.nr_sets = qbd_netlink_sets_count(info);
	sets = qbd_netlink_sets(info, spec.nr_sets);
	if (IS_ERR(sets))
		return PTR_ERR(sets);
	spec.sets = sets;
	err = -ENOENT;
	node = qbd_netlink_node(info);
	if (node) {
		err = qbd_volume_enlarge(node, &spec, &why);
		qbd_node_put(node);
		err = qbd_netlink_refuse(info, err, &why);
	}
	kvfree(sets);
	return err;
}

int qbd_nl_volume_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_VOLUME_ID, "the volume's id" },
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
	err = qbd_volume_detach(node, nla_get_u32(info->attrs[QBD_A_VOLUME_ID]),
				nla_get_flag(info->attrs[QBD_A_VOLUME_FORCE]),
				&why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

int qbd_nl_volume_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_VOLUME_ID, "the volume's id" },
	};
	struct qbd_volume_info now;
	struct qbd_refusal why = { 0 };
	struct qbd_volume *vol;
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = -ENOENT;
	vol = qbd_volume_find(node, nla_get_u32(info->attrs[QBD_A_VOLUME_ID]));
	if (!vol) {
		NL_SET_ERR_MSG_ATTR(
			info->extack, info->attrs[QBD_A_VOLUME_ID],
			"no such volume here: see 'qbdctl kernel volume list'");
		goto out_node;
	}
	qbd_volume_info_get(vol, &now);
	qbd_volume_put(vol);
	qbd_netlink_options(info, &now.options);
	err = qbd_volume_set(node, now.id, &now.options, &why);
	err = qbd_netlink_refuse(info, err, &why);
out_node:
	qbd_node_put(node);
	return err;
}

int qbd_nl_shard_config_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_VOLUME_ID, "the volume's id" },
		{ QBD_A_VOLUME_TERM, "the term that it is attached under" },
		{ QBD_A_VOLUME_SHARD, "the new set of a shard" },
	};
	struct qbd_refusal why = { 0 };
	struct qbd_set_spec *set;
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	if (qbd_netlink_sets_count(info) != 1) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    info->attrs[QBD_A_VOLUME_SHARD],
				    "one shard in a request");
		return -EINVAL;
	}
	set = qbd_netlink_sets(info, 1);
	if (IS_ERR(set))
		return PTR_ERR(set);
	err = -ENOENT;
	node = qbd_netlink_node(info);
	if (node) {
		err = qbd_volume_config(
			node, nla_get_u32(info->attrs[QBD_A_VOLUME_ID]),
			nla_get_u64(info->attrs[QBD_A_VOLUME_TERM]), set, &why);
		qbd_node_put(node);
		err = qbd_netlink_refuse(info, err, &why);
	}
	kvfree(set);
	return err;
}

/* QBD_VERIFY_*; 0 if the flags contradict each other, which is refused. */
static u8 qbd_netlink_verify_what(struct nlattr **attrs)
{
	bool repair = nla_get_flag(attrs[QBD_A_SHARD_REPAIR]);

	if (nla_get_flag(attrs[QBD_A_SHARD_STOP]))
		return repair ? 0 : QBD_VERIFY_STOP;
	return QBD_VERIFY_START | (repair ? QBD_VERIFY_REPAIR : 0);
}

int qbd_nl_shard_verify_doit(struct sk_buff *skb, struct genl_info *info)
{
	static const struct qbd_netlink_need needs[] = {
		{ QBD_A_SHARD_VOLUME, "the volume's id" },
		{ QBD_A_SHARD_NUMBER, "the number of the shard" },
		{ QBD_A_SHARD_TERM, "the term that it is attached under" },
	};
	struct nlattr **attrs = info->attrs;
	struct qbd_verify_spec spec = { 0 };
	struct qbd_refusal why = { 0 };
	struct qbd_node *node;
	int err;

	err = qbd_netlink_needs(info, needs, ARRAY_SIZE(needs));
	if (err)
		return err;
	spec.volume = nla_get_u32(attrs[QBD_A_SHARD_VOLUME]);
	spec.number = nla_get_u32(attrs[QBD_A_SHARD_NUMBER]);
	spec.term = nla_get_u64(attrs[QBD_A_SHARD_TERM]);
	spec.what = qbd_netlink_verify_what(attrs);
	node = qbd_netlink_node(info);
	if (!node)
		return -ENOENT;
	err = qbd_shard_verify(node, &spec, &why);
	qbd_node_put(node);
	return qbd_netlink_refuse(info, err, &why);
}

static int qbd_netlink_volume_state(struct sk_buff *skb,
				    const struct qbd_volume_info *vol)
{
	if (nla_put_u32(skb, QBD_A_VOLUME_STATE, vol->state) ||
	    nla_put_string(skb, QBD_A_VOLUME_REASON, vol->reason) ||
	    nla_put_string(skb, QBD_A_VOLUME_DEVICE, vol->device) ||
	    nla_put_u32(skb, QBD_A_VOLUME_SHARDS, vol->shards) ||
	    nla_put_u32(skb, QBD_A_VOLUME_SHARDS_SERVING,
			vol->shards_serving) ||
	    nla_put_u32(skb, QBD_A_VOLUME_INFLIGHT, vol->inflight) ||
	    nla_put_u32(skb, QBD_A_VOLUME_HELD, vol->held) ||
	    nla_put_u64_64bit(skb, QBD_A_VOLUME_READS, vol->reads,
			      QBD_A_VOLUME_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_VOLUME_WRITES, vol->writes,
			      QBD_A_VOLUME_PAD))
		return -EMSGSIZE;
	return 0;
}

/* Where it is going; nothing if it has the size that it shall have. */
static int qbd_netlink_volume_growing(struct sk_buff *skb,
				      const struct qbd_volume_info *vol)
{
	if (!vol->growing_bytes)
		return 0;
	if (nla_put_u64_64bit(skb, QBD_A_VOLUME_GROWING_BYTES,
			      vol->growing_bytes, QBD_A_VOLUME_PAD) ||
	    nla_put_string(skb, QBD_A_VOLUME_GROWING_REASON,
			   vol->growing_reason))
		return -EMSGSIZE;
	if (vol->growing_error &&
	    nla_put_s32(skb, QBD_A_VOLUME_GROWING_ERROR, vol->growing_error))
		return -EMSGSIZE;
	return 0;
}

static int qbd_netlink_volume_fill(struct sk_buff *skb,
				   const struct qbd_volume_info *vol)
{
	if (nla_put_u32(skb, QBD_A_VOLUME_ID, vol->id) ||
	    nla_put_string(skb, QBD_A_VOLUME_NAME, vol->name) ||
	    nla_put_u64_64bit(skb, QBD_A_VOLUME_SIZE_BYTES, vol->size_bytes,
			      QBD_A_VOLUME_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_VOLUME_SHARD_BYTES, vol->shard_bytes,
			      QBD_A_VOLUME_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_VOLUME_TERM, vol->term,
			      QBD_A_VOLUME_PAD) ||
	    nla_put_u32(skb, QBD_A_VOLUME_ON_NO_QUORUM,
			vol->options.on_no_quorum) ||
	    nla_put_u32(skb, QBD_A_VOLUME_NO_QUORUM_MS,
			vol->options.no_quorum_ms) ||
	    nla_put_u32(skb, QBD_A_VOLUME_READ_POLICY,
			vol->options.read_policy) ||
	    (vol->repair && nla_put_flag(skb, QBD_A_VOLUME_REPAIR)))
		return -EMSGSIZE;
	return qbd_netlink_volume_state(skb, vol) ?:
		       qbd_netlink_volume_growing(skb, vol);
}

int qbd_nl_volume_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct qbd_node *node = qbd_node_find(sock_net(skb->sk));
	unsigned long key = cb->args[0];
	struct qbd_volume *vol;

	if (!node)
		return 0;
	while ((vol = qbd_node_volume_next(node, &key))) {
		struct qbd_volume_info info;
		void *head;

		qbd_volume_info_get(vol, &info);
		qbd_volume_put(vol);
		head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				   cb->nlh->nlmsg_seq, &qbd_nl_family,
				   NLM_F_MULTI, QBD_CMD_VOLUME_GET);
		if (!head)
			break;
		if (qbd_netlink_volume_fill(skb, &info)) {
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

static int
qbd_netlink_shard_member_put(struct sk_buff *skb,
			     const struct qbd_shard_member_info *member)
{
	struct nlattr *nest = nla_nest_start(skb, QBD_A_SHARD_MEMBER);

	if (!nest || nla_put_u32(skb, QBD_A_SHARD_MEMBER_NODE, member->node) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_MEMBER_REPLICA, member->replica,
			      QBD_A_SHARD_MEMBER_PAD) ||
	    nla_put_u32(skb, QBD_A_SHARD_MEMBER_STATE, member->state) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_MEMBER_MATCHED_INDEX,
			      member->matched, QBD_A_SHARD_MEMBER_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_MEMBER_RECEIVED_INDEX,
			      member->received, QBD_A_SHARD_MEMBER_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_MEMBER_DURABLE_INDEX,
			      member->durable, QBD_A_SHARD_MEMBER_PAD))
		return -EMSGSIZE;
	if (nla_put_u32(skb, QBD_A_SHARD_MEMBER_ROLE, member->role))
		return -EMSGSIZE;
	if (member->reason &&
	    nla_put_string(skb, QBD_A_SHARD_MEMBER_REASON, member->reason))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int qbd_netlink_blocks_put(struct sk_buff *skb, int attr, u32 blocks)
{
	return nla_put_u64_64bit(skb, attr, (u64)blocks << QBD_BLOCK_SHIFT,
				 QBD_A_SHARD_VERIFY_PAD);
}

/* What a comparison of its copies has found. */
static int qbd_netlink_shard_verify_put(struct sk_buff *skb,
					const struct qbd_shard_leader *shard)
{
	const struct qbd_verify_counts *counts = &shard->verify;
	struct nlattr *nest;

	if (!shard->verifying && !shard->verified && !shard->verify_err)
		return 0;
	nest = nla_nest_start(skb, QBD_A_SHARD_VERIFY);
	if (!nest ||
	    (shard->verifying &&
	     nla_put_flag(skb, QBD_A_SHARD_VERIFY_RUNNING)) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_SIZE_BYTES,
				   shard->blocks) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_LOOKED_BYTES,
				   shard->verified) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_COMPARED_BYTES,
				   counts->compared) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_MISSING_BYTES,
				   counts->missing) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_SKIPPED_BYTES,
				   counts->skipped) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_WRITTEN_BYTES,
				   counts->written) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_DIFFER_BYTES,
				   counts->differ) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_REPAIRED_BYTES,
				   counts->repaired) ||
	    qbd_netlink_blocks_put(skb, QBD_A_SHARD_VERIFY_UNDECIDED_BYTES,
				   counts->undecided) ||
	    (shard->verify_err &&
	     nla_put_s32(skb, QBD_A_SHARD_VERIFY_ERROR, shard->verify_err)))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int qbd_netlink_shard_fill(struct sk_buff *skb,
				  const struct qbd_shard_leader *shard)
{
	u32 i;

	if (nla_put_u32(skb, QBD_A_SHARD_VOLUME, shard->volume) ||
	    nla_put_u32(skb, QBD_A_SHARD_NUMBER, shard->number) ||
	    nla_put_u32(skb, QBD_A_SHARD_STATE, shard->state) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_TERM, shard->term,
			      QBD_A_SHARD_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_EPOCH, shard->epoch,
			      QBD_A_SHARD_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_LAST_INDEX, shard->last,
			      QBD_A_SHARD_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_COMPLETED_INDEX,
			      shard->completed, QBD_A_SHARD_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_COMMIT_INDEX, shard->commit,
			      QBD_A_SHARD_PAD) ||
	    nla_put_u64_64bit(skb, QBD_A_SHARD_COMMITTED_EPOCH,
			      shard->committed_epoch, QBD_A_SHARD_PAD) ||
	    nla_put_u32(skb, QBD_A_SHARD_LEASE_MS, shard->lease_ms))
		return -EMSGSIZE;
	for (i = 0; i < shard->nr_members; i++)
		if (qbd_netlink_shard_member_put(skb, &shard->member[i]))
			return -EMSGSIZE;
	return qbd_netlink_shard_verify_put(skb, shard);
}

/* Put the shard into the dump: 0, or -EMSGSIZE: in the next message. */
static int qbd_netlink_shard_dump(struct sk_buff *skb,
				  struct netlink_callback *cb,
				  const struct qbd_shard_leader *shard)
{
	void *head = genlmsg_put(skb, NETLINK_CB(cb->skb).portid,
				 cb->nlh->nlmsg_seq, &qbd_nl_family,
				 NLM_F_MULTI, QBD_CMD_SHARD_GET);

	if (!head)
		return -EMSGSIZE;
	if (qbd_netlink_shard_fill(skb, shard)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int qbd_nl_shard_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct nlattr *want =
		genl_dumpit_info(cb)->info.attrs[QBD_A_SHARD_VOLUME];
	struct qbd_node *node = qbd_node_find(sock_net(skb->sk));
	unsigned long key = cb->args[0];
	struct qbd_shard_leader *info;
	struct qbd_shard *shard;

	if (!node)
		return 0;
	info = kzalloc(sizeof(*info), GFP_KERNEL);
	if (!info) {
		qbd_node_put(node);
		return -ENOMEM;
	}
	while ((shard = qbd_node_shard_next(node, &key))) {
		bool led = qbd_shard_leader_info(shard, info);

		qbd_shard_put(shard);
		if (led && (!want || nla_get_u32(want) == info->volume) &&
		    qbd_netlink_shard_dump(skb, cb, info))
			break;
		key++;
	}
	cb->args[0] = key;
	kfree(info);
	qbd_node_put(node);
	return skb->len;
}
