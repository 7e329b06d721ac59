# SPDX-License-Identifier: GPL-2.0-only
#
# What a unit test is linked with besides the core.
EXTRA_test_leader := tests/unit/shard_world.c
