// SPDX-License-Identifier: GPL-2.0-only
/*
 * A replica that may have lost promises, and when it votes again.
 */
#include "replica_trace.h"

TEST(vote)
{
	trace_run("tests/traces/replica_vote.txt", world_input);
}

TEST_HARNESS_MAIN
