// SPDX-License-Identifier: GPL-2.0-only
/*
 * A request of the planner as attributes (uapi/qbd.yaml).
 */
#include <netlink/genl/genl.h>

#include "plan_nl.h"

static int put_member(struct nl_msg *msg, const struct want_member *member)
{
	static const u32 roles[] = {
		[STATE_ROLE_VOTER] = QBD_MEMBER_ROLE_VOTER,
		[STATE_ROLE_LEARNER] = QBD_MEMBER_ROLE_LEARNER,
		[STATE_ROLE_JOINING] = QBD_MEMBER_ROLE_JOINING,
		[STATE_ROLE_LEAVING] = QBD_MEMBER_ROLE_LEAVING,
	};

	return nla_put_u32(msg, QBD_A_MEMBER_NODE, member->node) ||
	       nla_put_u64(msg, QBD_A_MEMBER_REPLICA, member->replica) ||
	       nla_put_u32(msg, QBD_A_MEMBER_ROLE, roles[member->role]);
}

/* Each member in a nest of its own; who is gone is none. */
static int put_members(struct nl_msg *msg, int attr,
		       const struct want_shard *set)
{
	struct nlattr *nest;
	u32 i;

	for (i = 0; i < set->nr; i++) {
		if (set->member[i].role == STATE_ROLE_GONE)
			continue;
		nest = nla_nest_start(msg, attr);
		if (!nest || put_member(msg, &set->member[i]))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int put_sets(struct nl_msg *msg, const struct agent_request *req)
{
	struct nlattr *nest;
	u32 i;

	for (i = 0; i < req->nr_sets; i++) {
		nest = nla_nest_start(msg, QBD_A_VOLUME_SHARD);
		if (!nest ||
		    nla_put_u32(msg, QBD_A_SHARD_SET_NUMBER,
				req->set[i]->key.number) ||
		    nla_put_u64(msg, QBD_A_SHARD_SET_EPOCH,
				req->set[i]->epoch) ||
		    put_members(msg, QBD_A_SHARD_SET_MEMBER, req->set[i]))
			return -EMSGSIZE;
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int put_node(struct nl_msg *msg, const struct agent_request *req)
{
	return nla_put_u32(msg, QBD_A_NODE_ID, req->node) ||
	       nla_put_string(msg, QBD_A_NODE_NAME, req->name) ||
	       nla_put(msg, QBD_A_NODE_CLUSTER, sizeof(req->uuid), req->uuid) ||
	       nla_put_u64(msg, QBD_A_NODE_LINEAGE, req->lineage) ||
	       nla_put_u32(msg, QBD_A_NODE_LEASE_MS, req->lease_ms);
}

static int put_store(struct nl_msg *msg, const struct agent_request *req)
{
	return nla_put(msg, QBD_A_STORE_UUID, sizeof(req->uuid), req->uuid) ||
	       (req->cmd == QBD_CMD_STORE_ADD &&
		(nla_put_string(msg, QBD_A_STORE_PATH, req->path) ||
		 nla_put_u64(msg, QBD_A_STORE_OPENS_MIN, req->opens)));
}

static int put_replica(struct nl_msg *msg, const struct agent_request *req)
{
	if (nla_put_u64(msg, QBD_A_REPLICA_ID, req->replica))
		return -EMSGSIZE;
	if (req->cmd == QBD_CMD_REPLICA_DELETE)
		return nla_put_u64(msg, QBD_A_REPLICA_EPOCH, req->epoch);
	if (req->cmd == QBD_CMD_REPLICA_FLOOR)
		return nla_put_u64(msg, QBD_A_REPLICA_FLOOR_TERM, req->term);
	return nla_put_u32(msg, QBD_A_REPLICA_VOLUME, req->volume) ||
	       nla_put_u32(msg, QBD_A_REPLICA_SHARD, req->shard) ||
	       nla_put(msg, QBD_A_REPLICA_STORE, sizeof(req->uuid),
		       req->uuid) ||
	       nla_put_u64(msg, QBD_A_REPLICA_SIZE_BYTES, req->size) ||
	       nla_put_u64(msg, QBD_A_REPLICA_EPOCH, req->set[0]->epoch) ||
	       put_members(msg, QBD_A_REPLICA_MEMBER, req->set[0]);
}

static int put_policies(struct nl_msg *msg, const struct agent_request *req)
{
	return nla_put_u32(msg, QBD_A_VOLUME_ON_NO_QUORUM, req->on_no_quorum) ||
	       nla_put_u32(msg, QBD_A_VOLUME_NO_QUORUM_MS, req->no_quorum_ms);
}

static int put_attach(struct nl_msg *msg, const struct agent_request *req)
{
	return nla_put_string(msg, QBD_A_VOLUME_NAME, req->name) ||
	       nla_put_u64(msg, QBD_A_VOLUME_SHARD_BYTES, req->shard_bytes) ||
	       nla_put_u32(msg, QBD_A_VOLUME_READ_POLICY, req->reads) ||
	       (req->repair && nla_put_flag(msg, QBD_A_VOLUME_REPAIR)) ||
	       put_policies(msg, req);
}

static int put_volume(struct nl_msg *msg, const struct agent_request *req)
{
	bool attach = req->cmd == QBD_CMD_VOLUME_ATTACH;
	bool grow = req->cmd == QBD_CMD_VOLUME_GROW;

	if (nla_put_u32(msg, QBD_A_VOLUME_ID, req->volume))
		return -EMSGSIZE;
	if (req->cmd == QBD_CMD_VOLUME_DETACH)
		return req->force ? nla_put_flag(msg, QBD_A_VOLUME_FORCE) : 0;
	if (req->cmd == QBD_CMD_VOLUME_SET)
		return put_policies(msg, req);
	return nla_put_u64(msg, QBD_A_VOLUME_TERM, req->term) ||
	       (attach && put_attach(msg, req)) ||
	       ((attach || grow) &&
		nla_put_u64(msg, QBD_A_VOLUME_SIZE_BYTES, req->size)) ||
	       (req->more && nla_put_flag(msg, QBD_A_VOLUME_MORE)) ||
	       put_sets(msg, req);
}

/**
 * agent_request_put() - a request as attributes
 * @msg: with its header, of @req->cmd
 * @req: the request
 *
 * Return: 0; -EMSGSIZE: it does not fit; -EOPNOTSUPP: there is no such request.
 */
int agent_request_put(struct nl_msg *msg, const struct agent_request *req)
{
	int err;

	switch (req->cmd) {
	case QBD_CMD_NODE_START:
		err = put_node(msg, req);
		break;
	case QBD_CMD_PEER_ADD:
	case QBD_CMD_PEER_REMOVE:
		err = nla_put_u32(msg, QBD_A_PEER_ID, req->node);
		break;
	case QBD_CMD_STORE_ADD:
	case QBD_CMD_STORE_REMOVE:
		err = put_store(msg, req);
		break;
	case QBD_CMD_REPLICA_CREATE:
	case QBD_CMD_REPLICA_DELETE:
	case QBD_CMD_REPLICA_FLOOR:
		err = put_replica(msg, req);
		break;
	case QBD_CMD_VOLUME_ATTACH:
	case QBD_CMD_VOLUME_DETACH:
	case QBD_CMD_VOLUME_SET:
	case QBD_CMD_VOLUME_GROW:
	case QBD_CMD_SHARD_CONFIG:
		err = put_volume(msg, req);
		break;
	default:
		return -EOPNOTSUPP;
	}
	return err ? -EMSGSIZE : 0;
}
