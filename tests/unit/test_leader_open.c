// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promises, the choice of the history, recovery, refusals.
 */
#include "leader_trace.h"

TEST(open)
{
	trace_run("tests/traces/leader_open.txt", lt_input);
}

TEST(recover)
{
	trace_run("tests/traces/leader_recover.txt", lt_input);
}

TEST(repair)
{
	trace_run("tests/traces/leader_repair.txt", lt_input);
}

TEST_HARNESS_MAIN
