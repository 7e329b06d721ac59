// SPDX-License-Identifier: GPL-2.0-only
/*
 * Promises, waiting for leases, release.
 */
#include "replica_trace.h"

TEST(open)
{
	trace_run("tests/traces/replica_open.txt", world_input);
}

TEST_HARNESS_MAIN
