#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Daemons are replaced by newer ones, one after the other, the holder's last,
# and one of them is put back meanwhile. The volume that is written to stays
# what it is; what is new is used when all nodes know it.
#
#	n1, n2, n3: qbdd of feature level 1, then of today; n1 holds the volume
# DEBUG=long
# TIMEOUT=500
DESCRIPTION="daemons are upgraded one by one under I/O, and one is put back"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

readonly old=$QBD_USER/../tests/qbdd-level1
# What a busy host may cost a write; who waits for a daemon waits for ever.
readonly stall_ms=5000

[[ -x $old ]] || skip "there is no qbdd of level 1: make tests"

level()
{
	ctl n1 cluster show --json |
		sed -n 's/.*"feature-level": *\([0-9]*\).*/\1/p'
}

level_is()
{
	[[ $(level) == "$1" ]]
}

# replaced NODE PROGRAM: its daemon ends, and this one begins.
replaced()
{
	local asked
	asked=$(daemon_asked n1)
	log "$1: ${2##*/}"
	daemon_kill "$1" TERM
	check "writes go on without it" ledger_grows 120 50
	DAEMON_PROGRAM[$1]=$2
	daemon_start "$1"
	wait_until 60 daemon_knows "$1"
	wait_until 60 _voters "$1" 3
	check "writes go on with it" ledger_grows 120 50
	check "the volume is what it was" test "$(attached n1)" = "$is"
	check "nobody had to be asked for it" \
		test "$(daemon_asked n1)" = "$asked"
	log "slowest write so far: $(ledger_slowest) ms"
}

for node in n1 n2 n3; do
	DAEMON_PROGRAM[$node]=$old
done
daemons_cluster 256
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "it is attached" quiet ctl n1 volume attach data
is=$(attached n1)
log "device and term: $is"
check "it has a device" test -b "/dev/${is% *}"
ledger_write "/dev/${is% *}" --blocks 512 --pause 5
check "writes" ledger_grows 60 50
replaced n3 qbdd
check "what not all know is not used" level_is 1
replaced n3 "$old"
replaced n3 qbdd
replaced n2 qbdd
check "what not all know is not used" level_is 1
replaced n1 qbdd
check "all know it" wait_until 60 level_is 2
check "a command" quiet ctl n2 volume set data --auto-attach n1,n2
check "writes go on" ledger_grows 120 50
ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
log "slowest write: $(ledger_slowest) ms"
check "none was stuck" test "$(ledger_slowest)" -lt $stall_ms
check "every acknowledged block is there" ledger_check "/dev/${is% *}"

log "too late to put one back"
daemon_kill n3
DAEMON_PROGRAM[n3]=$old
daemon_start n3
kept_out()
{
	ctl n3 cluster status | grep --quiet "older qbdd has to be upgraded"
}
check "it is told so" wait_until 60 kept_out
daemon_kill n3
DAEMON_PROGRAM[n3]=qbdd
daemon_start n3
check "the newer one is there again" wait_until 60 _voters n1 3
check "detach" quiet ctl n1 volume detach data
