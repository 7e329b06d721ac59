/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Filling a store at open: what open and replay found on the disk goes in.
 *
 * Order of calls, on a core fresh from qbd_store_init():
 *
 *	the metadata tree, into qbd_store_meta()
 *	qbd_load_table()	each slot in use
 *	qbd_load_map()		each map page that was ever written
 *	for each segment of the chain, from the tail
 *		qbd_load_seg()
 *		qbd_load_rec()	each record of it, in order, or
 *		qbd_load_lost()	if its payload is damaged
 *	qbd_load_end()		the head of the log is known
 *	qbd_load_gap()		each slot: are its records contiguous?
 *	qbd_store_super() is changed as open wants and written by the caller
 *
 * Records that a checkpoint has taken care of already (index at or below what
 * was applied, control records that the table shows) are recognised here;
 * replay passes all of them.  Before each call of qbd_load_map() and
 * qbd_load_rec() the spare map pages are topped up.
 *
 * No lock: nobody else knows the store yet.
 */
#ifndef QBD_CORE_LOAD_H
#define QBD_CORE_LOAD_H

#include "store.h"

/**
 * struct qbd_gap - records that a replica should have and has not
 * @first: first index that is missing
 * @last: last index that is missing
 * @dropped: records after the gap, no longer part of the replica's history
 *
 * Nothing is missing if @first > @last.
 */
struct qbd_gap {
	u64 first;
	u64 last;
	u64 dropped;
};

int __must_check qbd_load_table(struct qbd_store_core *core, u32 slot,
				const struct qbd_table_slot *table);
int __must_check qbd_load_map(struct qbd_store_core *core, u32 no,
			      const void *block);
int __must_check qbd_load_seg(struct qbd_store_core *core,
			      const struct qbd_seg_head *head);
int __must_check qbd_load_rec(struct qbd_store_core *core,
			      const struct qbd_desc *desc, u64 lpos,
			      const void *payload);
int __must_check qbd_load_lost(struct qbd_store_core *core,
			       const struct qbd_desc *desc, u64 lpos);
int __must_check qbd_load_end(struct qbd_store_core *core,
			      const struct qbd_lpos *head);
bool qbd_load_gap(const struct qbd_store_core *core, u32 slot,
		  struct qbd_gap *gap);

#endif /* QBD_CORE_LOAD_H */
