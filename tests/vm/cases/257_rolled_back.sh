#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A disk that is put back to what it was some time ago may have promised and
# acknowledged what it does not know any more: its copy is kept up to date and
# has no vote, until the highest term is told. A blank disk in the place of one
# that was lost is the same. A copy of a disk beside the original is refused.
#
#	1. n3's disk is put back	2. n1 and n3 are no quorum
#	3. n3 votes, they are		4. n2's disk is lost
#	5. n2 and n3 hold the volume, byte for byte what it was
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="an old copy of a disk has no vote until it is told a floor"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=32M
THREE_LEASE_MS=3000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# opens NODE: how often its store was opened.
opens()
{
	at "$1" qbdctl kernel store list --json |
		sed --quiet 's/.*"opens": *\([0-9]*\).*/\1/p'
}

# back NODE DEVICE OPENS: start it with the store on this disk.
back()
{
	at "$1" qbdctl kernel node start --id "${1#n}" --name "$1" \
		--cluster "$CLUSTER" --lease-ms "$THREE_LEASE_MS"
	at "$1" qbdctl kernel store add "$2" --opens-min "$3"
	three_links "$1"
}

# says NODE PATTERN: what it says of its copy.
says()
{
	local shown
	shown=$(at "$1" qbdctl kernel replica list)
	echo "$shown"
	grep --quiet -- "$2" <<<"$shown"
}

# store_says NODE PATTERN: what it says of its store.
store_says()
{
	local shown
	shown=$(at "$1" qbdctl kernel store list --json)
	echo "$shown"
	grep --quiet -- "$2" <<<"$shown"
}

floor()
{
	at "$1" qbdctl kernel replica floor --id "700${1#n}" \
		--term "$(cat /run/three.term)"
}

# shellcheck disable=SC2119
load_testdisk
three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
ledger_write "$DEV" --blocks 256 --pause 60
ledger_grows 60 50

td_clone n3 n3old
on_exit td_remove n3old
refuse "a copy beside the original" says="uuid is open here: a copy" \
	at n3 qbdctl kernel store add /dev/td_n3old
refuse "a copy on another node" says="another cluster or node" \
	at n2 qbdctl kernel store add /dev/td_n3old
refuse "so often nothing is opened" code=2 says="up to 2.60" \
	at n3 qbdctl kernel store add /dev/td_n3old --opens-min 1152921504606846977

three_crash n3
three_start n3
wait_until 60 three_linked n3
wait_until 60 three_in_sync n1 3
ledger_grows 60 50
known=$(opens n3)
check "its opens are counted" test "$known" = 2

three_crash n3
back n3 /dev/td_n3old "$known"
wait_until 60 three_linked n3
check "its store says why" store_says n3 "old copy: opened 1 times, not 2"
check "it counts more than any copy of it" test "$(opens n3)" = 3
check "its copy says what to do" says n3 "replica floor"
check "it gets what it lacks" wait_until 60 three_in_sync n1 3
check "and has no vote" says n3 recovering
check "writes go on" ledger_grows 60 50

three_crash n2
check "with it there is no quorum" wait_until 60 three_state n1 suspended
three_crash n3
back n3 /dev/td_n3old "$known"
check "a restart gives it no vote" says n3 "replica floor"
check "the highest term is known" floor n3
check "now there is one" wait_until 60 three_state n1 serving
check "it votes" wait_until 20 says n3 in-sync
ledger_grows 60 50

# the disk of n2 is lost; its uuid and the id of its replica are used again
td_create n2new size=256M cache=on
on_exit td_remove n2new
qbdctl store format /dev/td_n2new --cluster "$CLUSTER" --uuid "$(_uuid n2)" \
	--wal-size "$THREE_WAL"
back n2 /dev/td_n2new 1
at n2 qbdctl kernel replica create --id 7002 --volume 7 --shard 0 --size 64M \
	--store "$(_uuid n2)" --epoch 1 --members "1:7001,2:7002,3:7003"
check "what is made anew has no vote" wait_until 20 says n2 "replica floor"
check "the highest term is known" floor n2
check "all copies are in sync" wait_until 120 three_in_sync n1 3
check "it votes" wait_until 20 says n2 in-sync

ledger_stop
check "nobody saw an error" test "$LEDGER_CODE" = 143
check "every acknowledged block is there" ledger_check "$DEV"
sum=$(md5sum <"$DEV")
three_crash n1
check "n3 takes over, with n2" three_attach n3 7 64 64
DEV=$(three_dev)
check "every acknowledged block is there" ledger_check "$DEV"
check "and all the other bytes" test "$sum" = "$(md5sum <"$DEV")"
check "detach" three_detach n3 7
check "n2 takes over, with n3" three_attach n2 7 64 64
DEV=$(three_dev)
check "it has the same" test "$sum" = "$(md5sum <"$DEV")"
check "detach again" three_detach n2 7
