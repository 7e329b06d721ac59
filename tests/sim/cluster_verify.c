// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies that are compared, and put right, in the simulated cluster.
 *
 * A block that is wrong at home would be read by users too, which no rule
 * allows: nothing at home has a checksum.  So a copy lies to those only that
 * ask for a digest, and sends them the bytes that go with it, until a record of
 * the block is logged there.  One copy of a shard lies at a time.  Taken for
 * right, its bytes would go to all, and be seen by users.
 *
 * At the end all shards are compared once more; then nobody lies who had a
 * quorum against it.
 */
#include "block.h"
#include "cluster.h"
#include "cluster_log.h"

#define CL_LIE 0x40000000U /* value of a block that is wrong */

/* --- copies that lie ---------------------------------------------------- */

static void cl_verify_lie(struct cl_world *w, u32 shard)
{
	struct cl_shard *s = &w->shard[shard];
	u32 node = 1 + (u32)cl_rand(w, w->nr_nodes), i;

	for (i = 1; i <= CL_NODES; i++)
		if (s->lie[i])
			return;
	if (!(s->all_nodes & (1U << node)))
		return;
	s->lie[node] = 1 + (u32)cl_rand(w, CL_BLOCKS);
	cl_trace(w, "node %u: block %u of %u is wrong\n", node,
		 s->lie[node] - 1, shard);
}

/* A record is logged: what it covers is right after it. */
void cl_verify_logged(struct cl_world *w, u32 node, u32 shard,
		      const struct qbd_msg_append *append)
{
	u32 *lie = &w->shard[shard].lie[node];

	if (*lie > append->block && *lie - 1 - append->block < append->blocks)
		*lie = 0;
}

/* The replica is another one, or was made anew. */
void cl_verify_forget(struct cl_world *w, u32 node)
{
	u32 i;

	for (i = 0; i < CL_SHARDS; i++)
		w->shard[i].lie[node] = 0;
}

/* --- digests ------------------------------------------------------------ */

static void cl_verify_digest(const u32 *value, u32 blocks,
			     u8 digest[QBD_DIGEST_BYTES])
{
	u64 hash[2] = { 0xcbf29ce484222325ULL, 0x84222325cbf29ce4ULL };
	u32 i;

	memset(digest, 0, QBD_DIGEST_BYTES);
	if (mem_is_zero(value, blocks * sizeof(*value)))
		return;
	for (i = 0; i < blocks; i++) {
		hash[0] = (hash[0] ^ value[i]) * 0x100000001b3ULL;
		hash[1] = (hash[1] ^ (value[i] + i)) * 0x100000001b3ULL;
	}
	memcpy(digest, hash, QBD_DIGEST_BYTES);
}

/* The bytes of one block, as a client would have made them. */
static struct cl_payload *cl_verify_payload(struct cl_world *w, u32 shard,
					    u32 block, u32 value)
{
	struct cl_payload *payload = cl_payload_new(w, 1);

	payload->op = value;
	payload->value[0] = value;
	payload->crc = value * 2654435761U;
	if (!w->real)
		return payload;
	if (value != CL_ZERO) {
		cl_stamp(payload, shard, block);
		return payload;
	}
	memset(payload->data, 0, QBD_BLOCK_SIZE);
	payload->crc = qbd_payload_crc(~0U, payload->data, QBD_BLOCK_SIZE);
	return payload;
}

/* A READ that wants a digest was carried out. */
void cl_verify_served(struct cl_world *w, u32 node, struct cl_read *got)
{
	const struct qbd_msg *msg = &got->act.msg;
	u32 lie = w->shard[got->shard].lie[node];
	struct cl_payload *payload = NULL;
	u8 digest[QBD_DIGEST_BYTES];

	if (lie > msg->read.block &&
	    lie - 1 - msg->read.block < msg->read.blocks)
		got->value[lie - 1 - msg->read.block] = CL_LIE;
	cl_verify_digest(got->value, msg->read.blocks, digest);
	if (!(msg->flags & QBD_WIRE_BARE))
		payload = cl_verify_payload(w, got->shard, msg->read.block,
					    got->value[0]);
	cl_rep_step(w, node, got->shard,
		    &(struct qbd_replica_event){ .kind = QBD_REPLICA_READ_DONE,
						 .node = got->act.node,
						 .err = got->err,
						 .first = got->first,
						 .pos.index = got->index,
						 .msg = msg,
						 .crc = payload ? payload->crc :
								  0,
						 .payload = payload,
						 .digest = digest });
	cl_payload_put(payload);
}

/* --- who compares ------------------------------------------------------- */

static int cl_verify_step(struct cl_world *w, u32 node, u32 shard, u8 what)
{
	return cl_lead_step(
		w, node, shard,
		&(struct qbd_leader_event){ .kind = QBD_LEADER_VERIFY,
					    .verify = what });
}

/* The operator compares now and then. */
void cl_verify_run(struct cl_world *w, u32 shard)
{
	u32 node = w->volume[w->shard[shard].volume].holder;

	if (!w->verifies || w->healing)
		return;
	if (cl_chance(w, 15))
		cl_verify_lie(w, shard);
	if (!node || !w->node[node].lead[shard].active || !cl_chance(w, 25))
		return;
	if (cl_chance(w, 10))
		cl_verify_step(w, node, shard, QBD_VERIFY_STOP);
	else
		cl_verify_step(w, node, shard,
			       QBD_VERIFY_START |
				       (cl_chance(w, 80) ? QBD_VERIFY_REPAIR :
							   0));
	cl_pump(w, node, shard);
}

/* A leader has compared a block, or all of them. */
void cl_verify_act(struct cl_world *w, u32 node, u32 shard,
		   const struct qbd_action *act)
{
	cl_trace(
		w,
		"node %u: shard %u: %s, node %u block %u state %u at %llu: %d\n",
		node, shard, qbd_action_name(act->kind), act->node, act->block,
		act->state, act->index, act->err);
	if (act->kind == QBD_ACT_VERIFIED) {
		w->counts.verified += !act->err;
		return;
	}
	w->counts.differ++;
	if (act->state == QBD_VERIFY_REPAIRED)
		w->counts.repaired++;
	else if (act->state == QBD_VERIFY_UNDECIDED)
		w->counts.undecided++;
}

/* --- at the end --------------------------------------------------------- */

/* Members that take part in a comparison; and are there others that vote? */
static u32 cl_verify_live(const struct cl_world *w, u32 shard, u32 holder)
{
	const struct qbd_leader_core *lead = w->node[holder].lead[shard].core;
	const struct qbd_progress *prog;
	u32 i, nr = 0;

	for (i = 0; (prog = qbd_leader_member(lead, i)); i++)
		nr += prog->state == QBD_MEMBER_LIVE && prog->voting;
	return nr;
}

/* All that can be compared was, with nobody else at work: who still lies? */
static void cl_verify_check(struct cl_world *w, u32 shard, u32 holder,
			    const struct qbd_leader_info *info)
{
	const struct qbd_set *set =
		qbd_leader_set(w->node[holder].lead[shard].core);
	u32 i, node;

	if (info->verify.skipped)
		cl_broken(w, "R8", "%u blocks of %u could not be compared",
			  info->verify.skipped, shard);
	if (cl_verify_live(w, shard, holder) < set->nr || set->nr < 3)
		return;
	for (i = 0; i < set->nr; i++) {
		node = set->member[i].node;
		if (w->shard[shard].lie[node])
			cl_broken(w, "R6", "node %u: block %u of %u is wrong",
				  node, w->shard[shard].lie[node] - 1, shard);
	}
}

/**
 * cl_verify_rest() - compare once more, when all else is at rest
 * @w: the world
 * @shard: the shard
 * @holder: who has it
 *
 * Return: true when that has been done.
 */
bool cl_verify_rest(struct cl_world *w, u32 shard, u32 holder)
{
	struct cl_shard *s = &w->shard[shard];
	struct qbd_leader_info info;

	if (!w->verifies || cl_verify_live(w, shard, holder) < 2)
		return true;
	qbd_leader_info(w->node[holder].lead[shard].core, &info);
	if (info.verifying)
		return false;
	if (s->verify_term != w->volume[s->volume].term || info.verify_err ||
	    (info.verify.missing &&
	     cl_verify_live(w, shard, holder) ==
		     qbd_leader_set(w->node[holder].lead[shard].core)->nr)) {
		s->verify_term = w->volume[s->volume].term;
		cl_verify_step(w, holder, shard,
			       QBD_VERIFY_START | QBD_VERIFY_REPAIR);
		cl_pump(w, holder, shard);
		return false;
	}
	cl_verify_check(w, shard, holder, &info);
	return true;
}
