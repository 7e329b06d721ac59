// SPDX-License-Identifier: GPL-2.0-only
/*
 * What is wrong with a store: the words for it, and how bad it is.
 *
 * One table row per kind; the kernel's log, qbdctl and tests all take the
 * words from here.
 *
 * Context: any; keeps no state.
 */
#include "finding.h"

/**
 * struct qbd_finding_words - how a kind of finding is told
 * @name: for programs
 * @text: for people; the numbers are added by who prints it
 * @severity: how bad it is
 */
struct qbd_finding_words {
	const char *name;
	const char *text;
	enum qbd_severity severity;
};

/* clang-format off */
static const struct qbd_finding_words qbd_finding_words[QBD_FIND_NR] = {
	[QBD_FIND_SUPER]	= { "super-damaged",
		"a superblock slot is damaged, the other one is used",
		QBD_SEVERITY_WARN },
	[QBD_FIND_SUPER_LATE]	= { "super-late",
		"superblock slot 0 is old: the device lost a write",
		QBD_SEVERITY_WARN },
	[QBD_FIND_NO_SUPER]	= { "no-super",
		"no usable superblock",
		QBD_SEVERITY_STORE },
	[QBD_FIND_IDENTITY]	= { "identity",
		"the store belongs to another cluster or node",
		QBD_SEVERITY_STORE },
	[QBD_FIND_SIZE]		= { "device-size",
		"the device is smaller than the store",
		QBD_SEVERITY_STORE },
	[QBD_FIND_ROLLED_BACK]	= { "rolled-back",
		"the store is older than the cluster knows it",
		QBD_SEVERITY_REPLICA },
	[QBD_FIND_PAGE]		= { "page-damaged",
		"a metadata page is damaged",
		QBD_SEVERITY_STORE },
	[QBD_FIND_SLOT]		= { "slot-invalid",
		"a slot of the replica table makes no sense",
		QBD_SEVERITY_STORE },
	[QBD_FIND_MAP]		= { "map-lost",
		"a map page is lost: the replica needs a full copy",
		QBD_SEVERITY_REPLICA },
	[QBD_FIND_ORPHAN]	= { "page-orphan",
		"a map page belongs to no replica",
		QBD_SEVERITY_WARN },
	[QBD_FIND_SEG]		= { "log-damaged",
		"the log is damaged between two positions",
		QBD_SEVERITY_WARN },
	[QBD_FIND_CHAIN]	= { "log-chain",
		"the log is not the one that the superblock knows",
		QBD_SEVERITY_WARN },
	[QBD_FIND_REC]		= { "record-damaged",
		"a record is damaged in the log",
		QBD_SEVERITY_WARN },
	[QBD_FIND_REFUSED]	= { "record-invalid",
		"a record in the log makes no sense",
		QBD_SEVERITY_WARN },
	[QBD_FIND_TORN]		= { "log-torn",
		"the last write to the log was cut, as at a power loss",
		QBD_SEVERITY_NOTE },
	[QBD_FIND_GAP]		= { "records-missing",
		"records of a replica are missing",
		QBD_SEVERITY_REPLICA },
	[QBD_FIND_UNPROVEN]	= { "history-unproven",
		"later records of a replica may be missing",
		QBD_SEVERITY_REPLICA },
	[QBD_FIND_PROMISE]	= { "promise-unproven",
		"a later promise of a replica may be lost",
		QBD_SEVERITY_REPLICA },
	[QBD_FIND_MAP_INDEX]	= { "map-index",
		"a map page names a change that never went home",
		QBD_SEVERITY_REPLICA },
	[QBD_FIND_NUMBERS]	= { "numbers",
		"numbers of a replica contradict each other",
		QBD_SEVERITY_REPLICA },
};

/* clang-format on */

/**
 * qbd_finding_name() - a kind of finding for programs
 * @kind: the kind
 *
 * Return: a word.
 */
const char *qbd_finding_name(enum qbd_finding_kind kind)
{
	return kind < QBD_FIND_NR ? qbd_finding_words[kind].name : "unknown";
}

/**
 * qbd_finding_text() - a kind of finding for people
 * @kind: the kind
 *
 * Return: a clause.
 */
const char *qbd_finding_text(enum qbd_finding_kind kind)
{
	return kind < QBD_FIND_NR ? qbd_finding_words[kind].text : "unknown";
}

/**
 * qbd_finding_severity() - how bad a finding is
 * @kind: its kind
 *
 * Return: the severity.
 */
enum qbd_severity qbd_finding_severity(enum qbd_finding_kind kind)
{
	return kind < QBD_FIND_NR ? qbd_finding_words[kind].severity :
				    QBD_SEVERITY_STORE;
}

/**
 * qbd_severity_name() - a severity in one word
 * @severity: the severity
 *
 * Return: a word.
 */
const char *qbd_severity_name(enum qbd_severity severity)
{
	static const char *const name[] = { "note", "warning", "replica",
					    "store" };

	return severity < ARRAY_SIZE(name) ? name[severity] : "store";
}
