/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What store and replication both say of a replica: where it is, and whom it
 * promised to obey.
 */
#ifndef QBD_CORE_MEMBER_H
#define QBD_CORE_MEMBER_H

#include "env.h"

/**
 * struct qbd_member - a member of a replica set
 * @replica: replica id
 * @node: node that has it
 */
struct qbd_member {
	u64 replica;
	u32 node;
};

/**
 * struct qbd_promise - what a replica promised: to obey nobody below it
 * @term: highest term promised, 0 = none yet
 * @nonce: session nonce of the attach that it was promised to
 * @epoch: highest config epoch seen
 * @node: node of the holder, 0 = none
 * @lease_ms: longest lease that the holder counts on, 0 = not known
 */
struct qbd_promise {
	u64 term;
	u64 nonce;
	u64 epoch;
	u32 node;
	u32 lease_ms;
};

#endif /* QBD_CORE_MEMBER_H */
