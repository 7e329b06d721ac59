#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A disk says that it wrote, and did not, or wrote elsewhere: a segment amid the
# log, over nothing or over another one. Nobody notices until the store is opened
# the next time; then the place is named, and never taken for the end of history:
# the copy gets from the others what it lacks, and has no vote, unless all that
# was there has come home.
#
#	ledger, dd -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3: that of n3 lies
# TIER=long
# DEBUG=long
# TIMEOUT=240
DESCRIPTION="writes that a disk loses or puts elsewhere are found"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
# shellcheck source=tests/vm/badstore.sh
. "${QBD_VM:?}/badstore.sh"

seed=${QBD_SEED:-1}

# lies FAULT...: once, in the midst of writes.
lies()
{
	local fault
	log "n3: $*"
	fault=$(td_fault n3 "$@" op=write nth=$((seed % 7 + 20)) count=1)
	ledger_grows 60 150
	check "it was told so" test "$(td_hits n3 "$fault")" = 1
	check "and nobody noticed" three_in_sync n1 3
}

# restarts NODE: its power goes and comes; what was flushed is there.
restarts()
{
	td_crash "$1" keep=all
	three_crash "$1"
	td_clear "$1"
	td_revive "$1"
	three_start "$1"
}

# missed: the kernel has, and the copy is whole again.
missed()
{
	local mark="n3 comes back: $*"
	echo "$mark" >/dev/kmsg
	restarts n3
	check "what is missing is named" named "$mark" \
		"td_n3: warning: the log is damaged"
	if named "$mark" "a later promise of a replica may be lost"; then
		votes_again n3
		return
	fi
	check "it lacks nothing" not_named "$mark" "records of a replica"
	check "and is in sync" wait_until 60 three_in_sync "$lead" 3
}

# named MARK PATTERN: the kernel said it since then.
named()
{
	dmesg | sed "1,/$1/d" | grep -- "$2"
}

not_named() { ! named "$@"; }

# segment: the sector of one amid the log.
segment() { python3 "$QBD_VM/flip3.py" n3 place log-header; }

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 64
places
three_create 7 32 64
three_attach n1 7 32 64
wait_until 60 three_in_sync n1 3
ledger_write "$DEV" --blocks 256 --pause 10
ledger_grows 60 100

# shellcheck disable=SC2086  # words
{
	lies lost $LOG
	missed lost
	lies misdirect $LOG to=30000
	missed "put where nothing was"
	lies misdirect $LOG to="$(segment)"
	missed "put over another one"
}
ledger_stop
leads n3
check "its copy has what was acknowledged" ledger_check "$DEV"
same
check "detach" three_detach "$lead" 7
