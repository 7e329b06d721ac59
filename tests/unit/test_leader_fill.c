// SPDX-License-Identifier: GPL-2.0-only
/*
 * Matching, and catch-up from member to member.
 */
#include "leader_trace.h"

TEST(fill)
{
	trace_run("tests/traces/leader_fill.txt", lt_input);
}

TEST_HARNESS_MAIN
