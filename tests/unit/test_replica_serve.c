// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads, and records for other replicas.
 */
#include "replica_trace.h"

TEST(serve)
{
	trace_run("tests/traces/replica_serve.txt", world_input);
}

TEST_HARNESS_MAIN
