#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How long it takes, in virtual time: a volume is moved while it is written to,
# then its holder's machine dies (cable, kernel, daemon and program at once),
# until the first write on another node is acknowledged. All times are defaults.
# With odd seeds the machine that dies leads the group, too; chance decides
# where links are slow, how many shards there are, who dies, and when.
#
# MODE=icount
# KERNELS=debian
# TIMEOUT=240
# FILES="build/tests/qbdledger:/usr/bin/qbdledger"
# MODULES="null_blk"
# PROGRAMS="seq sleep"
DESCRIPTION="how long a failover and a move take"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/nemesis_lib.sh
. "${QBD_VM:?}/nemesis_lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/failover.sh
. "${QBD_VM:?}/failover.sh"

readonly failover_ms=3000 move_ms=200

daemons_cluster 256
rnd 2
[[ $R == 0 ]] || {
	# somebody else leads from now on
	leads n1
	first=$R
	daemon_kill "$first"
	other=n2
	[[ $first != n2 ]] || other=n3
	wait_until 60 has_leader $other
	daemon_start "$first"
	wait_until 60 _voters $other 3
	wait_until 60 has_leader "$first"
}
delays=
for node in n1 n2 n3; do
	rnd 2000
	delay $node "${R}us"
	delays+="${delays:+,}$R"
done
leads n1
leader=$R
[[ $leader ]] || fail "nobody leads"
others=()
for node in n1 n2 n3; do
	[[ $node == "$leader" ]] || others+=("$node")
done
rnd 2
victim=$leader
before=${others[R]}
if [[ $((${QBD_SEED:-1} % 2)) == 0 ]]; then
	victim=${others[R]}
	pick "$leader" "${others[1 - R]}"
	before=$R
fi
rnd 3
shards=$((R + 1))
log "leader $leader, from $before to $victim, $shards shards, links $delays us"

list=$before
for node in n1 n2 n3; do
	[[ $node == "$before" ]] || list+=,$node
done
failover_volume "$list" $shards
wait_until 60 test -e "/run/writer.$before"
writes_grow 60 200
gap
quiet ctl n1 volume attach data --node "$victim"
wait_until 60 test -e "/run/writer.$victim"
writes_grow 60 100
gap
moved=$((GAP / 1000))
rnd 1000
nap "$R"
leads n1
check "the leader is who it was" test "$R" = "$leader"
gap
machine_dies "$victim"
writes_grow 60 20
gap
total=$(((GAP_TO - DIED) / 1000))

alive=()
for node in n1 n2 n3; do
	[[ $node == "$victim" ]] || alive+=("$node")
done
row="$victim | $leader | $shards | $delays"
for what in "event=node node=${victim#n} state=(suspect|dead)" \
	"event=leader node=[1-9]" event=holder-silent \
	"event=failover .*takeover=1" event=failover-decided \
	"event=kernel-asked cmd=attach" event=volume-attached \
	event=program-started; do
	when_said "$DIED" "$what" "${alive[@]}"
	row+=" | $R"
done
log "failover: $row | $total | $moved"
for node in "${alive[@]}"; do
	[[ ! -e /run/writer.$node ]] || failover_end "$node"
done
check "the move: $moved ms" test "$moved" -le $move_ms
check "the failover: $total ms" test "$total" -le $failover_ms
