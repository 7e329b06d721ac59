// SPDX-License-Identifier: GPL-2.0-only
/*
 * Members that no log reaches any more: who copies whom, and for how long.
 */
#include "leader_trace.h"

TEST(resync)
{
	trace_run("tests/traces/leader_resync.txt", lt_input);
}

TEST_HARNESS_MAIN
