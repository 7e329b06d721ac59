#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A random nemesis against a volume with three copies on four nodes, in virtual
# time: nodes lose power, links are cut one way or both, slow down, disks stall
# and fail, the volume is taken over, copies are replaced by others, while a
# writer writes, discards and reads. Then all is healed: everything comes to
# rest, what was acknowledged is there, and all copies have the same bytes.
#
# At most one node is out of order at a time, but for what a takeover or a
# change of the set in the midst of it adds. The seed chooses everything, and
# the same seed gives the same run: `make nemesis` compares two of them.
#
# MODE=icount
# KERNELS=debian
# TIMEOUT=900
# LONG=3600
# FILES="tests/testdisk/td.sh build/tests/qbdledger:/usr/bin/qbdledger"
# PROGRAMS="md5sum sort seq sync"
DESCRIPTION="a random nemesis, and the oracle"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_NODES=4
THREE_WAL=16M
THREE_LEASE_MS=1500
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
# shellcheck source=tests/vm/nemesis_lib.sh
. "${QBD_VM:?}/nemesis_lib.sh"
# shellcheck source=tests/vm/nemesis.sh
. "${QBD_VM:?}/nemesis.sh"

THREE_DEV=/dev/td_n

three_disk()
{
	td_create "n$1" size="$2M" cache=on read_ns=20000 write_ns=20000 \
		flush_ns=50000
	on_exit td_remove "n$1"
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 256
three_create 7 64 64
nemesis_attach n1
for ((op = 1; op <= ${QBD_OPS:-$(amount 12 12 40 40)}; op++)); do
	nemesis_op $op
done
nemesis_end
