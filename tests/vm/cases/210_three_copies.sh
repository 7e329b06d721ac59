#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three copies over TCP: writes go on while a follower is dead, it catches up
# when it is back, and when the leader dies another node has every block that
# was acknowledged.
# DEBUG=long
# TIMEOUT=600
DESCRIPTION="three copies survive a follower and the leader"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
requires fio

# verified: behind the ledger's blocks.
verified()
{
	fio --name=v --filename="$DEV" --direct=1 --ioengine=libaio \
		--rw=randwrite --bsrange=4k-256k --iodepth=16 --offset=8M \
		--size=48M --io_size=12M --verify=crc32c --do_verify=1 --verify_fatal=1 \
		--randrepeat=0 --minimal
}

three_nodes 512
check "three replicas of two shards" three_create 7 128 64
check "attached" three_attach n1 7 128 64
DEV=$(three_dev)
wait_until 60 three_in_sync n1 6
check "fio verifies what it wrote" verified
# so that who comes back is not behind for good
ledger_write "$DEV" --pause 40
ledger_grows 200 20
check "a follower dies" three_crash n3
check "writes go on" ledger_grows 200 20
wait_until 60 three_in_sync n1 4
wait_until 60 three_start n3
check "it comes back" wait_until 60 three_linked n3
check "and catches up" wait_until 120 three_in_sync n1 6
check "the leader dies" three_crash n1
ledger_wait
check "the writer got an error" test "$LEDGER_CODE" = 1
check "another node takes over" three_attach n2 7 128 64
DEV=$(three_dev)
check "every acknowledged block is there" ledger_check "$DEV"
wait_until 60 three_start n1
check "the former leader catches up" wait_until 120 three_in_sync n2 6
check "detach" at n2 qbdctl kernel volume detach --id 7
