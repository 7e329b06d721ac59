# SPDX-License-Identifier: GPL-2.0-only
#
# qbd: thin front. Kbuild builds the modules, daemon/ and bpf/ their tools,
# tests/ the tests; this file only says in which order and where the results
# go. Everything made lands below build/, see `make help`.

BUILD := $(CURDIR)/build
PREFIX ?= /usr/local
UDEVDIR ?= /usr/lib/udev/rules.d
UNITDIR ?= /usr/lib/systemd/system
KERNEL ?= debian
CASE ?= *
SCHEDULES ?= $(if $(filter command% environment,$(origin SEED)),1,10000)
SEED ?= $(shell printf '%d' 0x$$(git rev-parse --short=12 HEAD))
SECONDS ?= 60
POINTS ?= 200
OPS ?= 40
SEEDS ?= 1
JOBS ?= $(shell nproc)

TOOL_DIRS := $(patsubst %/Makefile,%,$(wildcard daemon/Makefile bpf/Makefile))

# tools and tests both make objects of the daemon; below, --jobs is given
.NOTPARALLEL:

.PHONY: all modules modules-debug tools tests check check-fast check-long \
	gates install setup demo sim sim-raft mutants guests bench bench-raft fuzz sweep corrupt \
	nemesis failover partitions clean help

all: modules tools

modules:
	@scripts/modules.sh debian

modules-debug:
	@scripts/modules.sh debug

tools:
	@mkdir -p $(BUILD)/user
	@set -e; for dir in $(TOOL_DIRS); do \
		$(MAKE) --no-print-directory --jobs=$(JOBS) -C $$dir \
			O=$(BUILD)/user; \
	done

tests:
	@$(MAKE) --no-print-directory --jobs=$(JOBS) -C tests O=$(BUILD)/tests
	@$(MAKE) --no-print-directory --jobs=$(JOBS) -C daemon level1 \
		O=$(BUILD)/user LEVEL1=$(BUILD)/tests/qbdd-level1

check:
	@tests/run.sh check

check-fast:
	@tests/run.sh check-fast

check-long:
	@tests/run.sh check-long

gates:
	@scripts/check.sh

sim: tests
	@$(BUILD)/tests/qbdsim --schedules $(SCHEDULES) --seed $(SEED)

sim-raft: tests
	@$(BUILD)/tests/raftsim --schedules $(SCHEDULES) --seed $(SEED)

mutants:
	@tests/run.sh mutants

fuzz:
	@tests/run.sh fuzz --seconds $(SECONDS)

sweep:
	@tests/run.sh sweep --points $(POINTS) --seeds $(SEEDS)

corrupt:
	@tests/run.sh corrupt --seeds $(SEEDS)

nemesis:
	@tests/run.sh nemesis --ops $(OPS) --seeds $(SEEDS)

failover: all tests
	@tests/failover.sh $(if $(filter command% environment,$(origin SEEDS)),$(SEEDS),20)

partitions: all tests
	@tests/partitions.sh $(if $(filter command% environment,$(origin SEEDS)),$(SEEDS),10)

guests:
	@tests/run.sh guests --kernel $(KERNEL) --case '$(CASE)'

bench: all tests
	@tests/bench.sh '$(CASE)'

bench-raft: tools
	@tests/bench_raft.py --seconds $(if $(filter command% environment,$(origin SECONDS)),$(SECONDS),10)

demo:
	@scripts/demo

setup:
	@scripts/setup

install: all
	@scripts/install.sh --prefix $(PREFIX) --udevdir $(UDEVDIR) \
		--unitdir $(UNITDIR) --destdir '$(DESTDIR)'

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#: \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

#: qbd: a replicated block device. Everything that is built lands in build/.
#:
#: Build
#:   make                modules for Debian's kernel, and the tools
#:   make modules-debug  modules for the debug kernel ($QBD_DEBUG_KERNEL)
#:   make install        module, tools, daemon, udev rule (PREFIX=, DESTDIR=)
#:   make setup          install the Debian packages that all of this needs
#:   make clean          remove build/
#:
#: See it work
#:   make demo           three guests, three copies, machines that die
#:
#: Test (each ends with "N passed, N failed")
#:   make check          everything that fits 45 minutes on two cores
#:   make check-fast     gates, unit tests, a short simulation (< 3 minutes)
#:   make check-long     check, and all that is too slow for it
#:   make gates          compilers, checkers, formatters, project rules
#:   make sim            simulator: SCHEDULES=n; SEED=s replays one run
#:   make sim-raft       the same for the control plane's consensus
#:   make mutants        a table: planted bug, the rule that caught it
#:   make fuzz           fuzzers, SECONDS=n each
#:   make sweep          crash points: a table; POINTS=n of each kind (200
#:                       take hours), SEEDS=n; QBD_SEED=s is the first
#:   make corrupt        flipped bits in three copies: a table; SEEDS=n
#:   make nemesis        random faults, takeovers and changes of the set in
#:                       virtual time: OPS=n of each of SEEDS=n; the first
#:                       seed twice, which has to be the same run
#:   make failover       how long failovers and moves take, in virtual time, by
#:                       part: a table; SEEDS=n (20)
#:   make partitions     cut, one-way, blinking, paused, a minority, of three
#:                       and of five nodes, in virtual time: a table; SEEDS=n
#:                       (10)
#:   make guests         cases in guests: KERNEL=debian|debug CASE=glob
#:   make bench          figures in virtual time, with their bounds: a table
#:   make bench-raft     three daemons here, on this disk: commits per second,
#:                       latency, how long their loops were away; SECONDS=n
#:                       for each row (10)
#:   make -C tests run_tests    kselftest style: KTAP, exit codes 0, 1, 4
