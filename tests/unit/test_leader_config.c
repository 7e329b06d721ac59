// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the replica set of a shard changes: learners, joint sets, who leaves.
 */
#include "leader_trace.h"

TEST(replace)
{
	trace_run("tests/traces/leader_config.txt", lt_input);
}

TEST(refused_and_dropped)
{
	trace_run("tests/traces/leader_config_refused.txt", lt_input);
}

TEST_HARNESS_MAIN
