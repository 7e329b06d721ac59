# SPDX-License-Identifier: GPL-2.0-only
#
# What unit tests and fuzzers link besides the core, see Makefile.

EXTRA_test_parse := daemon/parse.c
EXTRA_test_out := daemon/out.c
