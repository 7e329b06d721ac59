// SPDX-License-Identifier: GPL-2.0-only
/*
 * raft/change.c, by the script tests/traces/raft_change.txt: each says what is
 * shown.
 */
#include "raft_input.h"

TEST(trace)
{
	trace_run("tests/traces/raft_change.txt", rt_input);
}

TEST_HARNESS_MAIN
