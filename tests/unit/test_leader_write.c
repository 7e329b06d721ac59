// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: order, windows, commit, who may be left behind.
 */
#include "leader_trace.h"

TEST(write)
{
	trace_run("tests/traces/leader_write.txt", lt_input);
}

TEST(lag)
{
	trace_run("tests/traces/leader_lag.txt", lt_input);
}

TEST(suspend)
{
	trace_run("tests/traces/leader_suspend.txt", lt_input);
}

TEST_HARNESS_MAIN
