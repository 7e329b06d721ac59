/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdlat: what its two halves share.
 *
 * STAGES of a write, each from one tracepoint to the next:
 *
 *	prepare	queued -> assigned: copy, checksum, wait for room
 *	log	assigned -> durable: group commit of this node's replica
 *	quorum	durable -> done: the others' acknowledgements, completion
 *	write	queued -> done: the whole
 *
 * A read has no stages: it is measured whole, as are flush, discard and
 * write-zeroes. "wal" is one write of a store's log, whatever was in it.
 */
#ifndef QBDLAT_H
#define QBDLAT_H

#define QBDLAT_SLOTS 40
#define QBDLAT_INFLIGHT_MAX 65536

enum qbdlat_stage {
	QBDLAT_PREPARE,
	QBDLAT_LOG,
	QBDLAT_QUORUM,
	QBDLAT_WRITE,
	QBDLAT_READ,
	QBDLAT_OTHER,
	QBDLAT_WAL,
	QBDLAT_STAGES,
};

/**
 * struct qbdlat_hist - times of one stage
 * @count: how many
 * @sum_ns: their sum
 * @max_ns: the longest
 * @slot: how many of 2^i to 2^(i+1)-1 ns
 */
struct qbdlat_hist {
	unsigned long long count;
	unsigned long long sum_ns;
	unsigned long long max_ns;
	unsigned long long slot[QBDLAT_SLOTS];
};

#endif /* QBDLAT_H */
