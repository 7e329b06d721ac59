# SPDX-License-Identifier: GPL-2.0-only
#
# Flags shared by everything that compiles the core in userspace: the unit
# tests, the simulator (tests/sim/Makefile) and the fuzzers. A Makefile that
# includes this sets TOP, the root of the source tree, before.

CC ?= gcc
AR ?= ar

# As W=1 for the kernel: its code compares signed with unsigned and leaves
# parameters unused where a table wants one signature.
QBD_WARN := -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes \
	-Wno-sign-compare -Wno-unused-parameter -Werror
QBD_SAN := -fsanitize=address,undefined -fno-sanitize-recover=all \
	-fno-omit-frame-pointer
QBD_BASE := -std=gnu11 -D_GNU_SOURCE -g -ffile-prefix-map=$(TOP)/= \
	$(QBD_WARN) -MMD -MP

# The seam: the shim has the include guard of kmod/core/env.h.
QBD_CORE_INC := -include $(TOP)/tests/shim/env.h -I$(TOP)/kmod/core \
	-I$(TOP)/uapi -I$(TOP)/tests -I$(TOP)/daemon
QBD_CORE_SRC := $(wildcard $(TOP)/kmod/core/*.c)
# The Raft core of the daemon has the same seam.
QBD_RAFT_SRC := $(wildcard $(TOP)/daemon/raft/*.c)
# Its log store runs on a simulated disk there.
QBD_RAFTLOG_SRC := $(wildcard $(TOP)/daemon/raftlog/*.c)
# So has the replicated state, which plans sets of Raft servers.
QBD_STATE_SRC := $(wildcard $(TOP)/daemon/state/*.c) \
	$(TOP)/daemon/raft/config.c

QBD_CFLAGS_ASAN := $(QBD_BASE) -O1 $(QBD_SAN) $(QBD_CORE_INC)
QBD_CFLAGS_O2 := $(QBD_BASE) -O2 $(QBD_CORE_INC)
QBD_CFLAGS_FUZZ := $(QBD_BASE) -O1 -fsanitize=fuzzer-no-link,address,undefined \
	-fno-sanitize-recover=all -fno-omit-frame-pointer $(QBD_CORE_INC)
