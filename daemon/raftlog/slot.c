// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hard state: two slots, written in turn (raftlog.h).
 */
#include "store.h"

static int rl_slot_write(struct raftlog *rl, struct raft_hard *hard)
{
	u8 page[RAFTLOG_PAGE];
	u64 slot;
	int err;

	if (rl->hard.generation >= RAFT_NUMBER_MAX)
		return rl_fail(rl, -EOVERFLOW, "write", RL_STATE);
	hard->generation = rl->hard.generation + 1;
	slot = hard->generation % RL_SLOTS;
	if (QBD_MUTANT(raftlog_slot_in_place))
		slot = 0;
	rl_slot_encode(&rl->id, hard, page);
	err = rl_file_write(rl, rl->state_file, RL_STATE, page, sizeof(page),
			    slot * RAFTLOG_PAGE);
	if (!err)
		err = rl_file_sync(rl, rl->state_file, RL_STATE);
	if (!err)
		rl->hard = *hard;
	return err;
}

/*
 * @both: what it says has to survive that one of the slots rots: one after the
 * other, so that there is a good one at each moment.
 */
int rl_hard_write(struct raftlog *rl, const struct raft_hard *hard, bool both)
{
	struct raft_hard next = *hard;
	int err = rl_slot_write(rl, &next);

	if (!err && both && !QBD_MUTANT(raftlog_state_in_one_slot))
		err = rl_slot_write(rl, &next);
	return err;
}

/* Entries up to here are on stable media, in the log or in the snapshot. */
int rl_known_raise(struct raftlog *rl, u64 known)
{
	struct raft_hard hard = rl->hard;

	if (known <= hard.known)
		return 0;
	hard.known = known;
	return rl_hard_write(rl, &hard, false);
}
