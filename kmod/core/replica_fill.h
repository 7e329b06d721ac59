/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a replica remembers of its newest records, and of those that it sends to
 * others; see replica.h for the whole.
 */
#ifndef QBD_CORE_REPLICA_FILL_H
#define QBD_CORE_REPLICA_FILL_H

#include "msg.h"

/**
 * struct qbd_run - records of one term, up to the next run
 * @term: the term
 * @first: index of its first record here
 */
struct qbd_run {
	u64 term;
	u64 first;
};

/**
 * struct qbd_fill - records to send to another replica
 * @fetch: the leader's request
 * @leader: node that asked
 * @prev: last record that was sent
 * @limit: last index to send
 * @records: sent so far
 * @bytes: payload bytes sent so far
 * @active: in use
 */
struct qbd_fill {
	struct qbd_msg fetch;
	u32 leader;
	struct qbd_pos prev;
	u64 limit;
	u32 records;
	u32 bytes;
	bool active;
};

#endif /* QBD_CORE_REPLICA_FILL_H */
