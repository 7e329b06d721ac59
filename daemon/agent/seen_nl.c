// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel says, from the attributes of its dumps and events.
 *
 * The kernel is believed, but for lengths: what does not fit is cut, a set of
 * too many members is none.
 */
#include <netlink/genl/genl.h>

#include "knl.h"
#include "seen.h"

static const struct {
	u8 cmd;
	int attr_max;
} seen_dumps[SEEN_KINDS] = {
	[SEEN_NODE] = { QBD_CMD_NODE_GET, QBD_A_NODE_MAX },
	[SEEN_STORE] = { QBD_CMD_STORE_GET, QBD_A_STORE_MAX },
	[SEEN_REPLICA] = { QBD_CMD_REPLICA_GET, QBD_A_REPLICA_MAX },
	[SEEN_VOLUME] = { QBD_CMD_VOLUME_GET, QBD_A_VOLUME_MAX },
	[SEEN_SHARD] = { QBD_CMD_SHARD_GET, QBD_A_SHARD_MAX },
	[SEEN_PEER] = { QBD_CMD_PEER_GET, QBD_A_PEER_MAX },
};

/**
 * seen_cmd() - what a dump is asked for with; of SEEN_NODE it is a request
 * @kind: of what
 *
 * Return: QBD_CMD_*_GET.
 */
u8 seen_cmd(enum seen_kind kind)
{
	return seen_dumps[kind].cmd;
}

/**
 * seen_attr_max() - what its objects are parsed with
 * @kind: of what
 *
 * Return: QBD_A_*_MAX.
 */
int seen_attr_max(enum seen_kind kind)
{
	return seen_dumps[kind].attr_max;
}

static void seen_text(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from);
}

static int seen_take_node(struct nlattr **attrs, const struct nlmsghdr *msg,
			  union seen_object *to)
{
	(void)msg;
	to->node.id = knl_u32(attrs, QBD_A_NODE_ID);
	memcpy(to->node.cluster, knl_uuid(attrs, QBD_A_NODE_CLUSTER), 16);
	to->node.lineage = knl_u64(attrs, QBD_A_NODE_LINEAGE);
	to->node.state = knl_u32(attrs, QBD_A_NODE_STATE);
	to->node.event_seq = knl_u64(attrs, QBD_A_NODE_EVENT_SEQ);
	return 0;
}

static int seen_take_store(struct nlattr **attrs, const struct nlmsghdr *msg,
			   union seen_object *to)
{
	(void)msg;
	memcpy(to->store.uuid, knl_uuid(attrs, QBD_A_STORE_UUID), 16);
	to->key = seen_store_key(to->store.uuid);
	to->store.state = knl_u32(attrs, QBD_A_STORE_STATE);
	to->store.opens = knl_u64(attrs, QBD_A_STORE_OPENS);
	to->store.capacity = knl_u64(attrs, QBD_A_STORE_DATA_BYTES);
	to->store.free = knl_u64(attrs, QBD_A_STORE_DATA_FREE_BYTES);
	seen_text(to->store.reason, sizeof(to->store.reason),
		  knl_str(attrs, QBD_A_STORE_REASON));
	return 0;
}

/*
 * An attribute that stands in a message more than once is only found there;
 * @member is given each of them, 0: it goes on.
 */
static int seen_members(const struct nlmsghdr *msg, int attr,
			int (*member)(struct nlattr *at, union seen_object *to),
			union seen_object *to)
{
	struct nlmsghdr *head = (struct nlmsghdr *)msg;
	struct nlattr *at;
	int rest, err = 0;

	if (!msg)
		return -EINVAL;
	nlmsg_for_each_attr(at, head, GENL_HDRLEN, rest)
		if (nla_type(at) == attr && !err)
			err = member(at, to);
	return err;
}

static int seen_replica_member(struct nlattr *at, union seen_object *to)
{
	struct nlattr *attrs[QBD_A_MEMBER_MAX + 1];
	struct seen_replica *replica = &to->replica;

	if (replica->nr == ARRAY_SIZE(replica->node) ||
	    nla_parse_nested(attrs, QBD_A_MEMBER_MAX, at, NULL))
		return -EBADMSG;
	replica->node[replica->nr++] = knl_u32(attrs, QBD_A_MEMBER_NODE);
	return 0;
}

static int seen_take_replica(struct nlattr **attrs, const struct nlmsghdr *msg,
			     union seen_object *to)
{
	struct seen_replica *replica = &to->replica;

	to->key.id = knl_u64(attrs, QBD_A_REPLICA_ID);
	replica->volume = knl_u32(attrs, QBD_A_REPLICA_VOLUME);
	replica->shard = knl_u32(attrs, QBD_A_REPLICA_SHARD);
	memcpy(replica->store, knl_uuid(attrs, QBD_A_REPLICA_STORE), 16);
	replica->state = knl_u32(attrs, QBD_A_REPLICA_STATE);
	replica->epoch = knl_u64(attrs, QBD_A_REPLICA_EPOCH);
	replica->promised_term = knl_u64(attrs, QBD_A_REPLICA_PROMISED_TERM);
	replica->promised_node = knl_u32(attrs, QBD_A_REPLICA_PROMISED_NODE);
	return seen_members(msg, QBD_A_REPLICA_MEMBER, seen_replica_member, to);
}

static int seen_take_volume(struct nlattr **attrs, const struct nlmsghdr *msg,
			    union seen_object *to)
{
	struct seen_volume *volume = &to->volume;

	(void)msg;
	to->key.id = knl_u32(attrs, QBD_A_VOLUME_ID);
	volume->state = knl_u32(attrs, QBD_A_VOLUME_STATE);
	volume->term = knl_u64(attrs, QBD_A_VOLUME_TERM);
	volume->size = knl_u64(attrs, QBD_A_VOLUME_SIZE_BYTES);
	volume->growing = knl_u64(attrs, QBD_A_VOLUME_GROWING_BYTES);
	volume->on_no_quorum = knl_u32(attrs, QBD_A_VOLUME_ON_NO_QUORUM);
	volume->no_quorum_ms = knl_u32(attrs, QBD_A_VOLUME_NO_QUORUM_MS);
	volume->shards = knl_u32(attrs, QBD_A_VOLUME_SHARDS);
	volume->serving = knl_u32(attrs, QBD_A_VOLUME_SHARDS_SERVING);
	seen_text(volume->device, sizeof(volume->device),
		  knl_str(attrs, QBD_A_VOLUME_DEVICE));
	seen_text(volume->reason, sizeof(volume->reason),
		  knl_str(attrs, QBD_A_VOLUME_REASON));
	return 0;
}

static int seen_shard_member(struct nlattr *at, union seen_object *to)
{
	struct nlattr *attrs[QBD_A_SHARD_MEMBER_MAX + 1];
	struct seen_shard *shard = &to->shard;

	if (shard->nr == ARRAY_SIZE(shard->member) ||
	    nla_parse_nested(attrs, QBD_A_SHARD_MEMBER_MAX, at, NULL))
		return -EBADMSG;
	shard->member[shard->nr++] = (struct seen_member){
		.replica = knl_u64(attrs, QBD_A_SHARD_MEMBER_REPLICA),
		.node = knl_u32(attrs, QBD_A_SHARD_MEMBER_NODE),
		.role = knl_u32(attrs, QBD_A_SHARD_MEMBER_ROLE),
		.state = knl_u32(attrs, QBD_A_SHARD_MEMBER_STATE),
	};
	return 0;
}

static int seen_take_shard(struct nlattr **attrs, const struct nlmsghdr *msg,
			   union seen_object *to)
{
	to->key.id = knl_u32(attrs, QBD_A_SHARD_VOLUME);
	to->key.number = knl_u32(attrs, QBD_A_SHARD_NUMBER);
	to->shard.state = knl_u32(attrs, QBD_A_SHARD_STATE);
	to->shard.term = knl_u64(attrs, QBD_A_SHARD_TERM);
	to->shard.epoch = knl_u64(attrs, QBD_A_SHARD_EPOCH);
	to->shard.committed = knl_u64(attrs, QBD_A_SHARD_COMMITTED_EPOCH);
	return seen_members(msg, QBD_A_SHARD_MEMBER, seen_shard_member, to);
}

static int seen_take_peer(struct nlattr **attrs, const struct nlmsghdr *msg,
			  union seen_object *to)
{
	(void)msg;
	to->key.id = knl_u32(attrs, QBD_A_PEER_ID);
	to->peer.state = knl_u32(attrs, QBD_A_PEER_STATE);
	to->peer.heard_ms = attrs[QBD_A_PEER_HEARD_MS] ?
				    knl_u32(attrs, QBD_A_PEER_HEARD_MS) :
				    U32_MAX;
	return 0;
}

/* Takes the attributes of an object; 0, or why they make no sense. */
typedef int (*seen_take_fn)(struct nlattr **attrs, const struct nlmsghdr *msg,
			    union seen_object *to);

/**
 * seen_take() - an object of a dump
 * @seen: what is known
 * @kind: of the dump
 * @attrs: of the object
 * @msg: its message: an attribute that stands in it more than once is only
 *	found there
 *
 * Return: 0, or negative errno: the dump can not be taken for whole.
 */
int seen_take(struct seen *seen, enum seen_kind kind, struct nlattr **attrs,
	      const struct nlmsghdr *msg)
{
	static const seen_take_fn take[SEEN_KINDS] = {
		[SEEN_NODE] = seen_take_node,
		[SEEN_STORE] = seen_take_store,
		[SEEN_REPLICA] = seen_take_replica,
		[SEEN_VOLUME] = seen_take_volume,
		[SEEN_SHARD] = seen_take_shard,
		[SEEN_PEER] = seen_take_peer,
	};
	union seen_object object;
	int err;

	memset(&object, 0, sizeof(object));
	err = take[kind](attrs, msg, &object);
	if (!err)
		err = seen_put(seen, kind, &object);
	if (err)
		seen->failed[kind] = true;
	return err;
}

/**
 * seen_event_take() - an event
 * @seen: what is known
 * @attrs: of the event
 */
void seen_event_take(struct seen *seen, struct nlattr **attrs)
{
	seen_event(seen, knl_u64(attrs, QBD_A_EVENT_SEQ),
		   knl_u32(attrs, QBD_A_EVENT_KIND));
}
