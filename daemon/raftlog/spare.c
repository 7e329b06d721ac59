// SPDX-License-Identifier: GPL-2.0-only
/*
 * Spares: segments that have their room already, so that a full disk is seen
 * before an entry is promised (raftlog.h).
 */
#include "store.h"

static bool rl_no_room(int err)
{
	return err == -ENOSPC || err == -EDQUOT || err == -EFBIG;
}

/**
 * rl_spares_want() - how many one batch can need
 * @opt: options
 *
 * A record does not cross segments, so the end of each may stay empty.  Less
 * than the largest record does; and two that follow each other hold more than
 * one of them could.
 *
 * Return: how many.
 */
u32 rl_spares_want(const struct raftlog_options *opt)
{
	u64 room = opt->segment_bytes - RAFTLOG_PAGE;
	u64 least = room - raft_entry_bytes(opt->entry_bytes) + 8;
	u64 a = DIV_ROUND_UP_ULL(opt->batch_bytes, least);
	u64 b = 2 * DIV_ROUND_UP_ULL(opt->batch_bytes, room);

	return (u32)min(a, b) + 1;
}

static int rl_spare_make(struct raftlog *rl)
{
	char name[RAFTLOG_NAME_MAX];
	int file, err;

	rl_spare_name(name, rl->spare_first + rl->spares);
	file = rl->env.open(rl->env.dir, name, RAFTLOG_CREATE);
	if (rl_no_room(file))
		return -ENOSPC;
	if (file < 0)
		return rl_fail(rl, file, "create", name);
	err = rl->env.allocate(rl->env.dir, file, rl->opt.segment_bytes);
	rl_file_close(rl, &file);
	if (!err) {
		rl->spares++;
		return 0;
	}
	if (!rl_no_room(err))
		return rl_fail(rl, err, "allocate", name);
	err = rl_dir_unlink(rl, name);
	return err ?: -ENOSPC;
}

/* The name of a spare that is the caller's now. */
int rl_spare_take(struct raftlog *rl, char *name)
{
	int err;

	if (!rl->spares) {
		err = rl_spare_make(rl);
		if (err)
			return rl_fail(rl, err, "allocate", "spare");
	}
	rl_spare_name(name, rl->spare_first);
	rl->spare_first++;
	rl->spares--;
	return 0;
}

/* As many as there shall be, or as there is room for. */
int rl_spares_fill(struct raftlog *rl)
{
	int err = 0;

	while (rl->spares < rl->spares_want && !err)
		err = rl_spare_make(rl);
	rl->now.full = rl->spares < rl->spares_want;
	return err == -ENOSPC ? 0 : err;
}

/*
 * Spares from before: made anew, as nobody knows what a crash wrote to them.
 * Numbers are not given out twice, as long as one is there.
 */
int rl_spares_adopt(struct raftlog *rl, const struct rl_names *names)
{
	const char *end;
	u64 no;
	u32 i;
	int err = 0;

	for (i = 0; i < names->nr && !err; i++) {
		if (!rl_name_hex(names->name[i], "spare-", &no, &end) || *end)
			continue;
		rl->spare_first = max(rl->spare_first, no + 1);
		err = rl_dir_unlink(rl, names->name[i]);
	}
	return err;
}
