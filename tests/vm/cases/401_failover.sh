#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A volume that may be attached by itself: as long as its holder's kernel is
# there it stays, whatever becomes of the daemon (V3); when the kernel dies
# another node has it, with everything that was acknowledged.
#
#	n1 holds it, then n2 or n3
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a dead holder's volume is attached elsewhere, by itself"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# device NODE: of the volume, if it is attached there and serves.
device()
{
	at "$1" qbdctl kernel volume list --json | tr '{' '\n' |
		sed -n '/"state": *"serving"/s/.*"device": *"\([^"]*\)".*/\1/p'
}

# elsewhere: its device on n2 or n3.
elsewhere()
{
	device n2
	device n3
}

moved()
{
	[[ -n $(elsewhere) ]]
}

served()
{
	[[ -n $(device "$1") ]]
}

# dead NODE AT: does the daemon of AT no longer hear that of NODE?
dead()
{
	ctl "$2" cluster status | grep --quiet --extended-regexp \
		"^$1 .* (suspect|dead)"
}

daemons_cluster 256
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "it may move by itself" quiet ctl n2 volume set data \
	--auto-attach n1,n2,n3
check "it goes to the first of them" wait_until 60 served n1
DEV=/dev/$(device n1)
ledger_write "$DEV"
ledger_grows 200 200
daemon_kill n1
check "its daemon is missed" wait_until 60 dead n1 n2
check "it stays where it is" ledger_grows 200 500
check "there" test "/dev/$(device n1)" = "$DEV"
daemon_start n1
check "writes go on" ledger_grows 200 200
daemon_kill n1
at n1 qbdctl kernel node crash --id 1
ledger_wait
check "the writer found out" test "$LEDGER_CODE" = 1
check "another node has it" wait_until 120 moved
check "nothing is missing there" ledger_check "/dev/$(elsewhere)"
