// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching, and catch-up from member to member.
 */
#include "leader_trace.h"

TEST(fill)
{
	trace_run("tests/traces/leader_fill.txt", lt_input);
}

/* A member whose store is full is tried, and comes back; two stop writes. */
TEST(full)
{
	trace_run("tests/traces/leader_full.txt", lt_input);
}

TEST_HARNESS_MAIN
