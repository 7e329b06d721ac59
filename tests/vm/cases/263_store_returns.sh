#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The device of a store vanishes while somebody writes, and comes back: first a
# follower's, then that of the node that has the volume, which then reads from
# the others. The store is opened anew, has what it had, and catches up.
#
#	ledger -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a store whose device vanishes and returns"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# store_is NODE STATE
store_is()
{
	local shown
	shown=$(at "$1" qbdctl kernel store list)
	echo "$shown"
	grep --quiet " $2 " <<<"$shown"
}

no_store() { [[ $(at "$1" qbdctl kernel store list | wc -l) -le 1 ]]; }

told()
{
	cat "/run/events.$1"
	grep --quiet "$2" "/run/events.$1"
}

# vanishes NODE: and the others go on.
vanishes()
{
	td_vanish "$1"
	check "the store of $1 has failed" wait_until 60 store_is "$1" failed
	check "an event said so" wait_until 30 \
		told "$1" "store-state.*state=4 reason="
	check "two copies are left" wait_until 60 three_in_sync n1 2
	ledger_grows 60 50
}

# returns NODE: as the administrator does it.
returns()
{
	check "the store is given up" at "$1" qbdctl kernel store remove \
		"$(_uuid "$1")"
	check "and gone" wait_until 60 no_store "$1"
	td_revive "$1"
	check "it is sound" qbdctl store check "$THREE_DEV${1#n}"
	check "opened again" at "$1" qbdctl kernel store add \
		"$THREE_DEV${1#n}"
	check "all are in sync" wait_until 120 three_in_sync n1 3
	ledger_grows 60 20
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 96
for node in n1 n3; do
	at $node qbdctl kernel events >/run/events.$node &
	on_exit kill $!
done
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
check "events are listened to" told n1 shard-state
ledger_write "$DEV" --blocks 512 --pause 20
ledger_grows 60 50

vanishes n3
returns n3

vanishes n1
check "it reads what others have" ledger_check "$DEV"
returns n1

ledger_stop
check "what was acknowledged is there" ledger_check "$DEV"
sum=$(md5sum <"$DEV")
for node in n3 n2; do
	check "detach" three_detach "$([[ $node == n3 ]] && echo n1 || echo n3)" 7
	check "$node takes over" three_attach $node 7 64 64
	DEV=$(three_dev)
	check "it has the same" test "$sum" = "$(md5sum <"$DEV")"
done
check "detach" three_detach n2 7
