/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What is wrong with a store: the findings of open and check, each with the
 * place that it is about, so that a log line or a report can name it.
 */
#ifndef QBD_CORE_FINDING_H
#define QBD_CORE_FINDING_H

#include "env.h"

/**
 * enum qbd_finding_kind - what was found
 * @QBD_FIND_SUPER: superblock slot @first is damaged, the other one is used
 * @QBD_FIND_SUPER_LATE: slot 0 is older than slot 1: the device lost a write
 * @QBD_FIND_NO_SUPER: no superblock can be used
 * @QBD_FIND_IDENTITY: another cluster's store, or another node's (@first)
 * @QBD_FIND_SIZE: the device has @first blocks, formatted were @last
 * @QBD_FIND_ROLLED_BACK: opened @first times, at least @last are known of
 * @QBD_FIND_PAGE: metadata page @first is damaged
 * @QBD_FIND_SLOT: slot @first of the replica table makes no sense
 * @QBD_FIND_MAP: map page @first of @replica is lost
 * @QBD_FIND_ORPHAN: map page @first belongs to no replica
 * @QBD_FIND_SEG: the log is damaged from position @first to @last
 * @QBD_FIND_CHAIN: at @first the log does not meet what the superblock knows
 * @QBD_FIND_REC: record @first of @replica is damaged in the log
 * @QBD_FIND_REFUSED: record @first of @replica makes no sense
 * @QBD_FIND_TORN: the last write to the log, at @first, was cut: normal
 * @QBD_FIND_GAP: records @first to @last of @replica are missing
 * @QBD_FIND_UNPROVEN: records of @replica after @first may be missing
 * @QBD_FIND_PROMISE: a promise of @replica above term @first may be lost
 * @QBD_FIND_MAP_INDEX: map page @first of @replica names change @last, which
 *	never went home
 * @QBD_FIND_NUMBERS: numbers of @replica contradict each other, rule @first
 * @QBD_FIND_NR: number of kinds
 */
enum qbd_finding_kind {
	QBD_FIND_SUPER,
	QBD_FIND_SUPER_LATE,
	QBD_FIND_NO_SUPER,
	QBD_FIND_IDENTITY,
	QBD_FIND_SIZE,
	QBD_FIND_ROLLED_BACK,
	QBD_FIND_PAGE,
	QBD_FIND_SLOT,
	QBD_FIND_MAP,
	QBD_FIND_ORPHAN,
	QBD_FIND_SEG,
	QBD_FIND_CHAIN,
	QBD_FIND_REC,
	QBD_FIND_REFUSED,
	QBD_FIND_TORN,
	QBD_FIND_GAP,
	QBD_FIND_UNPROVEN,
	QBD_FIND_PROMISE,
	QBD_FIND_MAP_INDEX,
	QBD_FIND_NUMBERS,
	QBD_FIND_NR,
};

/**
 * enum qbd_severity - what a finding means
 * @QBD_SEVERITY_NOTE: happens on healthy devices
 * @QBD_SEVERITY_WARN: survived by a second copy; look at the device
 * @QBD_SEVERITY_REPLICA: a replica is no longer what it was
 * @QBD_SEVERITY_STORE: the store can not be used
 */
enum qbd_severity {
	QBD_SEVERITY_NOTE,
	QBD_SEVERITY_WARN,
	QBD_SEVERITY_REPLICA,
	QBD_SEVERITY_STORE,
};

/**
 * struct qbd_finding - one finding
 * @kind: what
 * @error: errno that it showed as, 0 = none
 * @replica: replica id, 0 = the whole store's
 * @first: see enum qbd_finding_kind
 * @last: see enum qbd_finding_kind
 * @block: first device block that is concerned
 * @blocks: how many, 0 = it is about no place
 */
struct qbd_finding {
	enum qbd_finding_kind kind;
	int error;
	u64 replica;
	u64 first;
	u64 last;
	u64 block;
	u64 blocks;
};

const char *qbd_finding_name(enum qbd_finding_kind kind);
const char *qbd_finding_text(enum qbd_finding_kind kind);
enum qbd_severity qbd_finding_severity(enum qbd_finding_kind kind);
const char *qbd_severity_name(enum qbd_severity severity);

#endif /* QBD_CORE_FINDING_H */
