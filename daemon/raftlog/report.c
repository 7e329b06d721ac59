// SPDX-License-Identifier: GPL-2.0-only
/*
 * Findings, see report.h.
 */
#include "report.h"

#include <stdarg.h>

/**
 * raftlog_severity_name() - in a word
 * @severity: how bad
 *
 * Return: the word.
 */
const char *raftlog_severity_name(enum raftlog_severity severity)
{
	switch (severity) {
	case RAFTLOG_NOTE:
		return "note";
	case RAFTLOG_ROT:
		return "rot";
	case RAFTLOG_DAMAGE:
		return "damage";
	case RAFTLOG_REFUSE:
		return "refused";
	}
	return "?";
}

/**
 * raftlog_report_init() - nothing found yet
 * @report: the report
 */
void raftlog_report_init(struct raftlog_report *report)
{
	report->nr = 0;
	report->total = 0;
	report->worst = RAFTLOG_NOTE;
}

/**
 * raftlog_found() - one more finding
 * @report: the report
 * @severity: how bad
 * @file: where
 * @offset: and at which byte
 * @fmt: what
 */
void raftlog_found(struct raftlog_report *report,
		   enum raftlog_severity severity, const char *file, u64 offset,
		   const char *fmt, ...)
{
	struct raftlog_finding *finding;
	va_list args;

	report->total++;
	if (report->nr < RAFTLOG_FINDINGS_MAX)
		finding = &report->finding[report->nr++];
	else if (severity > report->worst)
		finding = &report->finding[report->nr - 1];
	else
		return;
	report->worst = max(report->worst, severity);
	finding->severity = severity;
	finding->offset = offset;
	snprintf(finding->file, sizeof(finding->file), "%s", file);
	va_start(args, fmt);
	vsnprintf(finding->text, sizeof(finding->text), fmt, args);
	va_end(args);
}

/**
 * raftlog_worst() - the finding that says why
 * @report: the report
 *
 * Return: the first of the worst severity; NULL: nothing was found.
 */
const struct raftlog_finding *raftlog_worst(const struct raftlog_report *report)
{
	u32 i;

	for (i = 0; i < report->nr; i++)
		if (report->finding[i].severity == report->worst)
			return &report->finding[i];
	return NULL;
}
