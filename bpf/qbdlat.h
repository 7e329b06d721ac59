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

#endif /* QBDLAT_H */
