/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What was found in the directory of a log store: each finding has its file and
 * offset. The first ones are kept, all are counted.
 */
#ifndef QBD_RAFTLOG_REPORT_H
#define QBD_RAFTLOG_REPORT_H

#include "vfs.h"

#define RAFTLOG_FINDINGS_MAX 32

/**
 * enum raftlog_severity - how bad a finding is
 * @RAFTLOG_NOTE: what a crash leaves, nothing that was promised; opening, or
 *	repair, puts it right
 * @RAFTLOG_ROT: something that was good once, and there is another copy
 * @RAFTLOG_DAMAGE: something that may have been promised is lost (rule 9)
 * @RAFTLOG_REFUSE: nothing can be said about it: not opened, not changed
 */
enum raftlog_severity {
	RAFTLOG_NOTE,
	RAFTLOG_ROT,
	RAFTLOG_DAMAGE,
	RAFTLOG_REFUSE,
};

/**
 * struct raftlog_finding - one finding
 * @severity: how bad
 * @file: where
 * @offset: and at which byte
 * @text: what
 */
struct raftlog_finding {
	enum raftlog_severity severity;
	char file[RAFTLOG_NAME_MAX];
	u64 offset;
	char text[128];
};

/**
 * struct raftlog_report - all of them
 * @nr: kept in @finding
 * @total: found
 * @worst: the worst severity of all, if @total is not 0
 * @finding: the first ones, and the first of the worst severity
 */
struct raftlog_report {
	u32 nr;
	u32 total;
	enum raftlog_severity worst;
	struct raftlog_finding finding[RAFTLOG_FINDINGS_MAX];
};

const char *raftlog_severity_name(enum raftlog_severity severity);
void raftlog_report_init(struct raftlog_report *report);
void raftlog_found(struct raftlog_report *report,
		   enum raftlog_severity severity, const char *file, u64 offset,
		   const char *fmt, ...) __printf(5, 6);
const struct raftlog_finding *
raftlog_worst(const struct raftlog_report *report);

#endif /* QBD_RAFTLOG_REPORT_H */
