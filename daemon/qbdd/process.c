// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the process is, before it does anything.
 */
#include "qbdd.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

/* As many descriptors as the loop takes sources. */
static void process_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur >= QBDD_DESCRIPTORS)
		return;
	limit.rlim_cur = QBDD_DESCRIPTORS;
	if (limit.rlim_max < QBDD_DESCRIPTORS)
		limit.rlim_max = QBDD_DESCRIPTORS;
	if (!setrlimit(RLIMIT_NOFILE, &limit))
		return;
	/* fewer peers then; each that there is no room for is refused */
	log_write(LOG_LEVEL_WARN, "few-descriptors", "wanted=%d error=%d",
		  QBDD_DESCRIPTORS, errno);
}

/**
 * process_prepare() - drop what the daemon does not need
 * @core_dumps: let the process be dumped, secrets and all
 */
void process_prepare(bool core_dumps)
{
	umask(0077);
	/* a reader of the log or a peer that goes away is an error, no end */
	signal(SIGPIPE, SIG_IGN);
	/* keys of sessions are in memory: no core, and no ptrace but root's */
	if (!core_dumps && prctl(PR_SET_DUMPABLE, 0))
		log_write(LOG_LEVEL_WARN, "dumpable", "error=%d", errno);
	process_descriptors();
}
