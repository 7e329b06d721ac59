// SPDX-License-Identifier: GPL-2.0-only
/*
 * Copies are compared, and put right.
 */
#include "leader_trace.h"

TEST(verify)
{
	trace_run("tests/traces/leader_verify.txt", lt_input);
}

TEST(verify_written)
{
	trace_run("tests/traces/leader_verify_written.txt", lt_input);
}

TEST(verify_members)
{
	trace_run("tests/traces/leader_verify_members.txt", lt_input);
}

TEST_HARNESS_MAIN
