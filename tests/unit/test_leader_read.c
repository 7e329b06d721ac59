// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads: source, overlap, lease, rounds.
 */
#include "leader_trace.h"

TEST(read)
{
	trace_run("tests/traces/leader_read.txt", lt_input);
}

TEST_HARNESS_MAIN
