#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "node crash" is a power cut for the kernel's state: users get errors at once,
# nothing more is written; what had been acknowledged is there afterwards.
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a crashed node loses nothing that it acknowledged"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

start()
{
	qbdctl kernel node start --id 1 --name n1 --cluster "$CLUSTER"
	qbdctl kernel store add /dev/qd
}

ram_disk qd 1024
one_node
one_store /dev/qd --wal-size 64M
one_create 7 64 64
one_attach 7 64 64

# Often: an acknowledgement that slips out while the store is failing needs a
# crash between two instructions.
for round in 1 2 3 4 5 6; do
	ledger_write "$DEV"
	ledger_grows 120 $((round * 12))
	check "crash $round" qbdctl kernel node crash --id 1
	ledger_wait
	check "the writer got an error" test "$LEDGER_CODE" = 1
	check "the device is gone" test ! -e /sys/block/qbd0
	check "the kernel's log says so" said 'store .*: failed: '
	wait_until 20 start
	check "attached again" one_attach 7 64 64
	check "every acknowledged block is there" ledger_check "$DEV"
done
