#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# All three copies of a shard are replaced, one after the other, while somebody
# writes, and in each step somebody is killed: the new copy while it learns, the
# one that leaves while the set is joint, and at last the leader, whose own copy
# is the last one to go. What was acknowledged is there, all bytes are the same,
# and nobody had to wait for longer than a lease while the leader lived.
#
#	{1,2,3} -> {1,2,4} -> {1,3,4} -> {2,3,4}
# DEBUG=long
# TIMEOUT=600
# LONG=1200
DESCRIPTION="all copies are replaced under a writer, with a crash in each step"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_NODES=4
THREE_WAL=32M
THREE_LEASE_MS=10000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

EPOCH=1
LEADER=n1

# config MEMBERS: the next set, or the same with other learners.
config()
{
	at $LEADER qbdctl kernel shard config --volume 7 --timeout 120 \
		--term "$(cat /run/three.term)" --set "0:$EPOCH:$1"
}

# committed: the set in force is the newest, and committed.
committed()
{
	local shown
	shown=$(at $LEADER qbdctl kernel shard list --json)
	echo "$shown"
	grep --quiet "\"committed_epoch\": $EPOCH\\b" <<<"$shown"
}

# learn NODE ID [kill]: it gets an empty copy, which becomes a learner.
learn()
{
	at "$1" qbdctl kernel replica create --id "$2" --volume 7 --shard 0 \
		--size 64M --store "$(_uuid "$1")" --epoch $EPOCH \
		--members "$(three_members),${1#n}:$2:learner"
	THREE_COPY[$1]=$2
	check "$1 learns" config "$(three_members "$1=learner")"
	[[ $# -lt 3 ]] || again "$1"
	check "$1 is in sync" wait_until 180 three_in_sync $LEADER 4
}

# again NODE: it is killed, and started.
again()
{
	three_crash "$1"
	three_start "$1"
}

# joint LEAVES JOINS
joint()
{
	EPOCH=$((EPOCH + 1))
	check "$1 leaves, $2 joins" \
		config "$(three_members "$1=leaving" "$2=joining")"
}

# adopt LEAVES: without it, from now on.
adopt()
{
	EPOCH=$((EPOCH + 1))
	GONE=${THREE_COPY[$1]}
	unset "THREE_COPY[$1]"
	check "$1 has left" config "$(three_members)"
}

# bury NODE: its copy is not wanted any more.
bury()
{
	check "$1's copy is deleted" at "$1" qbdctl kernel replica delete \
		--id "$GONE" --epoch $EPOCH
}

# shellcheck disable=SC2119  # the parameters are the module's
load_qbd
three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
dd if=/dev/urandom of="$DEV" bs=1M count=8 seek=8 oflag=direct conv=nocreat \
	status=none
ledger_write "$DEV" --blocks 512 --pause 20
ledger_grows 60 50

# what does not follow is refused
term=$(cat /run/three.term)
refuse "not two sets that need not meet" says="first a joint one" \
	at n1 qbdctl kernel shard config --volume 7 --term "$term" \
	--set 0:2:2:7002,3:7003
refuse "nor another term's" says="attached here under term $term" \
	at n1 qbdctl kernel shard config --volume 7 --term $((term + 1)) \
	--set 0:2:1:7001,2:7002,3:7003

log "n4 for n3: the new copy is killed while it learns"
learn n4 7014 kill
joint n3 n4
adopt n3
bury n3
ledger_grows 60 20

log "n3 for n2: the one that leaves is killed while the set is joint"
learn n3 7013
three_crash n2
joint n2 n3
adopt n2
three_start n2
bury n2
ledger_grows 60 20
slowest=$(ledger_slowest)
check "nobody waited for a lease: $slowest ms" test "$slowest" -lt 10000

log "n2 for n1: the leader is killed while the set is joint"
learn n2 7012
joint n1 n2
three_crash n1
ledger_wait
check "the writer got an error" test "$LEDGER_CODE" = 1
LEADER=n3
THREE_SET=("$EPOCH:$(three_members n1=leaving n2=joining)")
check "n3 takes over" three_attach n3 7 64 64
DEV=$(three_dev)
check "with the joint set" wait_until 60 committed
check "what was acknowledged is there" ledger_check "$DEV"
ledger_write "$DEV" --blocks 512 --pause 20
adopt n1
three_start n1
bury n1
ledger_grows 60 20
ledger_stop
check "all are in sync" wait_until 60 three_in_sync n3 3
check "what was acknowledged is there" ledger_check "$DEV"
sum=$(md5sum <"$DEV")

# each of the others with what only it and n2 have by now
three_crash n3
LEADER=n4
THREE_SET=("$EPOCH:$(three_members)")
check "n4 takes over" three_attach n4 7 64 64
DEV=$(three_dev)
check "what was acknowledged is there" ledger_check "$DEV"
check "and all the other bytes" test "$sum" = "$(md5sum <"$DEV")"
three_start n3
check "n3 is in sync again" wait_until 120 three_in_sync n4 3
check "detach" three_detach n4 7
