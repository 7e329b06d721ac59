#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Partitions of three nodes, in virtual time: see partitions.sh. Chance says
# which kinds, who holds the volume, when, and for how long.
#
# MODE=icount
# KERNELS=debian
# TIMEOUT=1800
# FILES="build/tests/qbdledger:/usr/bin/qbdledger"
# MODULES="null_blk"
# PROGRAMS="seq sleep"
DESCRIPTION="partitions: one writer at a time, and back soon"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/nemesis_lib.sh
. "${QBD_VM:?}/nemesis_lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/failover.sh
. "${QBD_VM:?}/failover.sh"
# shellcheck source=tests/vm/partitions.sh
. "${QBD_VM:?}/partitions.sh"

partitions
