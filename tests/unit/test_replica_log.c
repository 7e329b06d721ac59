// SPDX-License-Identifier: GPL-2.0-only
/*
 * Appends, matching, truncation, acks, the bound of the checkpoint.
 */
#include "replica_trace.h"

TEST(append)
{
	trace_run("tests/traces/replica_append.txt", world_input);
}

TEST(truncate)
{
	trace_run("tests/traces/replica_truncate.txt", world_input);
}

TEST(config)
{
	trace_run("tests/traces/replica_config.txt", world_input);
}

/* What the store has no home for, and what comes after it. */
TEST(full)
{
	trace_run("tests/traces/replica_full.txt", world_input);
}

TEST_HARNESS_MAIN
