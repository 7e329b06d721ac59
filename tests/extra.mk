# SPDX-License-Identifier: GPL-2.0-only
#
# What unit tests and fuzzers link besides the core, see Makefile.

EXTRA_test_parse := daemon/parse.c
EXTRA_test_out := daemon/out.c
EXTRA_test_knl_ext := daemon/knl_ext.c
EXTRA_test_open := tests/unit/image.c
EXTRA_test_replay := tests/unit/image.c
EXTRA_test_proof := tests/unit/image.c
EXTRA_test_check := tests/unit/image.c
EXTRA_fuzz_open := tests/unit/image.c
EXTRA_test_leader := tests/unit/shard_world.c
EXTRA_test_commit := tests/unit/bed.c tests/unit/image.c
EXTRA_test_control := tests/unit/bed.c tests/unit/image.c
EXTRA_test_home := tests/unit/bed.c tests/unit/image.c
EXTRA_test_tail := tests/unit/bed.c tests/unit/image.c
EXTRA_test_share := tests/unit/bed.c tests/unit/image.c
EXTRA_test_pin := tests/unit/bed.c tests/unit/image.c
EXTRA_test_shadow := tests/unit/bed.c tests/unit/image.c
EXTRA_test_copy := tests/unit/bed.c tests/unit/image.c
EXTRA_test_ckpt := tests/unit/bed.c tests/unit/image.c
EXTRA_test_store := tests/unit/bed.c tests/unit/image.c
EXTRA_test_slot := tests/unit/bed.c tests/unit/image.c
EXTRA_test_load := tests/unit/bed.c tests/unit/image.c
EXTRA_test_links_conf := daemon/links_conf.c daemon/links_addr.c daemon/parse.c
EXTRA_test_links_hello := daemon/links_hello.c
EXTRA_test_links_pace := daemon/links_pace.c daemon/links_addr.c daemon/parse.c
EXTRA_fuzz_links_conf := daemon/links_conf.c daemon/links_addr.c daemon/parse.c
EXTRA_fuzz_links_hello := daemon/links_hello.c
EXTRA_fuzz_words := daemon/links_addr.c daemon/parse.c
EXTRA_fuzz_knl_ext := daemon/knl_ext.c
# The Raft core is linked as a whole: each of its tests, and the fuzzer.
$(foreach t,$(wildcard unit/test_raft_*.c),\
	$(eval EXTRA_$(t:unit/%.c=%) := $(QBD_RAFT_SRC:$(TOP)/%=%)))
EXTRA_fuzz_raft := $(QBD_RAFT_SRC:$(TOP)/%=%)
# The daemon's loop and log, and the sessions between daemons.
EXTRA_test_log := daemon/log.c
EXTRA_test_loop := daemon/loop.c daemon/loop_wake.c daemon/log.c
LIBS_test_loop := -lpthread
EXTRA_test_work := daemon/work.c $(EXTRA_test_loop)
LIBS_test_work := -lpthread
SESSION_SRC := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/session/*.c)) \
	daemon/listen.c daemon/loop.c daemon/loop_wake.c daemon/log.c daemon/links_pace.c \
	daemon/links_addr.c daemon/parse.c
$(foreach t,$(wildcard unit/test_session_*.c),\
	$(eval EXTRA_$(t:unit/%.c=%) := $(SESSION_SRC))\
	$(eval LIBS_$(t:unit/%.c=%) := -lgnutls -lpthread))
EXTRA_fuzz_session := $(addprefix daemon/session/,box.c identity.c token.c wire.c)
LIBS_fuzz_session := -lgnutls
# So is the log store, with a disk in memory.
RAFTLOG := $(QBD_RAFT_SRC:$(TOP)/%=%) $(QBD_RAFTLOG_SRC:$(TOP)/%=%) \
	tests/sim/raftlog_disk.c
$(foreach t,$(wildcard unit/test_raftlog_*.c),\
	$(eval EXTRA_$(t:unit/%.c=%) := $(RAFTLOG)))
EXTRA_fuzz_raftlog := $(RAFTLOG)
# So is the replicated state.
$(foreach t,$(wildcard unit/test_state_*.c),\
	$(eval EXTRA_$(t:unit/%.c=%) := $(QBD_STATE_SRC:$(TOP)/%=%)))
EXTRA_fuzz_state := $(QBD_STATE_SRC:$(TOP)/%=%)
# A Raft server of the daemon, with its log store; and daemons of a cluster.
GROUP_SRC := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/group/*.c)) \
	$(QBD_RAFT_SRC:$(TOP)/%=%) $(QBD_RAFTLOG_SRC:$(TOP)/%=%)
EXTRA_test_group := $(GROUP_SRC) daemon/work.c daemon/loop.c daemon/loop_wake.c daemon/log.c
LIBS_test_group := -lpthread
CLUSTER_SRC := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/cluster/*.c)) \
	daemon/work.c $(GROUP_SRC) $(QBD_STATE_SRC:$(TOP)/%=%) $(SESSION_SRC)
EXTRA_test_cluster := $(CLUSTER_SRC)
EXTRA_test_cluster_volume := $(CLUSTER_SRC)
EXTRA_test_cluster_repair := $(CLUSTER_SRC)
LIBS_test_cluster_repair := -lgnutls -ljson-c -lpthread
LIBS_test_cluster := -lgnutls -ljson-c -lpthread
LIBS_test_cluster_volume := -lgnutls -ljson-c -lpthread
# The daemon's frame, and the administrator's door: both sides of it.
TEST_ADMIN := daemon/admin/verb.c daemon/admin/request.c
TEST_ADMIN_SERVER := daemon/admin/server.c daemon/admin/conn.c \
	daemon/admin/reply.c daemon/admin/listen.c daemon/loop.c daemon/log.c
TEST_CONF := daemon/qbdd/conf.c daemon/qbdd/conf_take.c daemon/links_addr.c \
	daemon/parse.c daemon/log.c
EXTRA_test_qbdd_conf := $(TEST_CONF)
EXTRA_test_qbdd_notify := daemon/qbdd/notify.c daemon/loop.c daemon/log.c \
	daemon/parse.c
EXTRA_test_qbdd_service := daemon/qbdd/service.c $(TEST_ADMIN) \
	$(TEST_ADMIN_SERVER)
EXTRA_test_admin_request := $(TEST_ADMIN) daemon/admin/verb_table.c
EXTRA_test_admin_server := $(TEST_ADMIN) $(TEST_ADMIN_SERVER)
EXTRA_test_admin_call := $(TEST_ADMIN) $(TEST_ADMIN_SERVER) \
	daemon/admin/call.c daemon/admin/render.c daemon/out.c
EXTRA_test_qbdd_volume := daemon/qbdd/volume.c $(TEST_ADMIN) \
	daemon/admin/verb_table.c $(TEST_ADMIN_SERVER) \
	$(filter-out daemon/loop.c daemon/log.c,$(CLUSTER_SRC))
LIBS_test_qbdd_volume := -lgnutls -ljson-c -lpthread
EXTRA_fuzz_qbdd_conf := $(TEST_CONF)
EXTRA_fuzz_admin_request := $(TEST_ADMIN) daemon/admin/verb_table.c
LIBS_test_qbdd_service := -ljson-c
LIBS_test_admin_request := -ljson-c
LIBS_test_admin_server := -ljson-c
LIBS_test_admin_call := -ljson-c
LIBS_fuzz_admin_request := -ljson-c
EXTRA_fuzz_admin_conn := $(TEST_ADMIN) $(TEST_ADMIN_SERVER)
LIBS_fuzz_admin_conn := -ljson-c
EXTRA_test_roff := daemon/roff.c daemon/opt.c daemon/opt_help.c daemon/parse.c
CLUSTER_BYTES := daemon/cluster/record.c daemon/cluster/msg.c \
	daemon/links_addr.c daemon/parse.c
EXTRA_test_cluster_record := $(CLUSTER_BYTES)
EXTRA_fuzz_cluster := $(CLUSTER_BYTES)
# The kernel in the daemon's loop. libnl's headers are not where others' are.
KPORT_SRC := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/kport/*.c)) \
	daemon/knl_attr.c daemon/knl_ext.c daemon/loop.c daemon/log.c
NL_CFLAGS := $(shell pkg-config --cflags libnl-genl-3.0)
NL_LIBS := $(shell pkg-config --libs libnl-genl-3.0)
$(O)/asan/%: QBD_CFLAGS_ASAN += $(NL_CFLAGS)
EXTRA_test_kport := $(KPORT_SRC)
LIBS_test_kport := $(NL_LIBS)
# Links over it; of sessions they have the gate, and one test all.
LINK_SRC := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/link/*.c)) \
	$(KPORT_SRC) daemon/listen.c daemon/links_pace.c daemon/links_addr.c daemon/parse.c \
	daemon/session/gate.c
EXTRA_test_link := $(LINK_SRC)
EXTRA_test_link_hostile := $(LINK_SRC)
EXTRA_test_link_session := $(sort $(LINK_SRC) $(SESSION_SRC))
EXTRA_test_link_ticket := daemon/link/ticket.c
LIBS_test_link := $(NL_LIBS) -lgnutls
LIBS_test_link_hostile := $(NL_LIBS) -lgnutls
LIBS_test_link_session := $(NL_LIBS) -lgnutls -lpthread
LIBS_test_link_ticket := -lgnutls
EXTRA_fuzz_link := daemon/link/ticket.c
LIBS_fuzz_link := -lgnutls
# What a node has to have, what its kernel has, and its planner.
AGENT_SRC := $(filter-out %_nl.c,\
	$(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/agent/*.c))) \
	$(QBD_STATE_SRC:$(TOP)/%=%)
EXTRA_test_agent_want := $(AGENT_SRC)
EXTRA_test_agent_plan := $(AGENT_SRC)
# with what takes the kernel's messages apart
EXTRA_test_agent_seen := $(AGENT_SRC) daemon/agent/seen_nl.c \
	daemon/agent/plan_nl.c daemon/knl_attr.c daemon/knl_ext.c
LIBS_test_agent_seen := $(shell pkg-config --libs libnl-genl-3.0)
$(addprefix $(O)/asan/,tests/unit/test_agent_seen.o daemon/agent/seen_nl.o \
	daemon/agent/plan_nl.o daemon/knl_attr.o): QBD_CFLAGS_ASAN += \
	$(shell pkg-config --cflags libnl-genl-3.0)
EXTRA_fuzz_agent := $(AGENT_SRC)
# All of it, but for the administrator's door and the frame.
EXTRA_test_hands := $(sort $(CLUSTER_SRC) $(LINK_SRC) $(AGENT_SRC) \
	daemon/agent/seen_nl.c daemon/agent/plan_nl.c \
	$(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/hands/*.c \
	$(TOP)/daemon/promote/*.c $(TOP)/daemon/repair/*.c)))
LIBS_test_hands := $(NL_LIBS) -lgnutls -ljson-c -lpthread
# Failover: who is to attach what, and what runs there.
EXTRA_test_promote_duty := daemon/promote/duty.c daemon/promote/duty_hear.c \
	$(QBD_STATE_SRC:$(TOP)/%=%)
REPAIR_SRC := $(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/repair/*.c)) \
	daemon/agent/map.c
EXTRA_test_repair_duty := $(REPAIR_SRC) $(QBD_STATE_SRC:$(TOP)/%=%)
EXTRA_test_repair_why := $(EXTRA_test_repair_duty)
RUNNER_SRC := daemon/loop.c daemon/loop_wake.c daemon/log.c \
	$(patsubst $(TOP)/%,%,$(wildcard $(TOP)/daemon/promote/runner*.c))
EXTRA_test_promote_runner := $(RUNNER_SRC)
EXTRA_test_promote_unit := $(RUNNER_SRC)
