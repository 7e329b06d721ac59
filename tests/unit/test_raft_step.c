// SPDX-License-Identifier: GPL-2.0-only
/*
 * raft/step.c, by the script tests/traces/raft_step.txt: each says what is
 * shown.
 */
#include "raft_input.h"

TEST(trace)
{
	trace_run("tests/traces/raft_step.txt", rt_input);
}

TEST_HARNESS_MAIN
