#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A sweep of crash points: under a load that keeps logs and checkpoints busy,
# nodes lose power at the k-th operation of their disk from now on, for one k
# after the other. Three kinds, so many points each ($QBD_POINTS):
#
#	one	a follower; then it leads, with what it has got since
#	writer	the leader; another node takes over
#	all	all three; two of them come back, then the third
#
# After each point everything that was acknowledged is there, and all copies
# come to be in sync. "make sweep" makes a table of the lines that begin with
# "sweep:".
#
#	ledger, dd -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=400
# LONG=28800
DESCRIPTION="crash points one after the other, three kinds, nothing is lost"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
# who takes over waits for the lease of who was there before
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

seed=${QBD_SEED:-1}
points=${QBD_POINTS:-$(amount 1 1 20 4)}
lead=n1

# after NODE N: of n1, n2, n3 in a circle.
after() { echo "n$(((${1#n} - 1 + $2) % 3 + 1))"; }

# load_begins: small writes that are kept count of, and big ones beside them,
# which fill a log in a few points.
load_begins()
{
	ledger_write "$DEV" --blocks 64
	ledger_grows 60 20
	dd if=/dev/zero of="$DEV" bs=128K count=48 seek=32 oflag=direct \
		conv=nocreat status=none 2>/dev/null &
	bulk=$!
}

# load_failed: the writers lost their device.
load_failed()
{
	ledger_wait
	wait "$bulk" || true
	[[ $LEDGER_CODE == 1 ]]
}

# arm POINT NODE...: their power goes at an operation that differs from point to
# point; those of a round of 60 are all other ones.
arm()
{
	local point=$1 node
	shift
	for node in "$@"; do
		td_crash_after "$node" \
			$((1 + (point * 7 + seed + 2) % 60)) \
			seed="$((seed % 1000000))$point"
	done
}

# down NODE: its power has gone; if its disk had not enough to do since the
# others are gone, it goes now.
down()
{
	td_wait "$1" state crashed "$2" || td_crash "$1" seed="$seed"
	three_crash "$1"
	td_clear "$1"
	td_revive "$1"
}

# leads NODE: it takes over and has everything.
leads()
{
	lead=$1
	three_attach "$lead" 7 64 64 >/dev/null
	DEV=$(three_dev)
	ledger_check "$DEV"
}

point_one()
{
	local node
	node=$(after $lead $((1 + $1 % 2)))
	arm "$1" "$node"
	down "$node" 60
	three_start "$node"
	ledger_stop
	wait "$bulk"
	wait_until 120 three_in_sync "$lead" 3
	three_detach "$lead" 7
	leads "$node"
}

point_writer()
{
	local was=$lead
	arm "$1" "$was"
	down "$was" 60
	load_failed
	leads "$(after "$was" $((1 + $1 % 2)))"
	three_start "$was"
	wait_until 120 three_in_sync "$lead" 3
}

point_all()
{
	local node first
	arm "$1" n1 n2 n3
	down "$lead" 60
	for node in "$(after $lead 1)" "$(after $lead 2)"; do
		down "$node" 1
	done
	load_failed
	first=$(after n1 "$1")
	three_start "$first"
	three_start "$(after "$first" 1)"
	leads "$first"
	three_start "$(after "$first" 2)"
	wait_until 120 three_in_sync "$lead" 3
}

# sweep KIND: a point that fails ends the case: nothing that comes after it
# would mean anything.
sweep()
{
	local point start=$SECONDS
	for ((point = 0; point < points; point++)); do
		log "$1, point $point, k = $((1 + (point * 7 + seed + 2) % 60))"
		load_begins
		"point_$1" "$point"
	done
	log "sweep: $1 | $points | $((SECONDS - start))"
	check "$1: $points points, nothing is lost" ledger_check "$DEV"
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 192
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
for kind in one writer all; do
	sweep $kind
done
check "detach" three_detach "$lead" 7
