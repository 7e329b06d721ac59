#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Daemons do what hands did: a cluster by three commands, stores, a volume with
# three copies that is attached, written to, moved; all daemons are killed under
# load and come back, and I/O does not notice (P7).
#
#	n1, n2, n3: qbdd, qbd, /dev/qdN
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="daemons make volumes, links and attaches; killed, I/O goes on"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# What a busy host may cost a write; who waits for a daemon waits for ever.
readonly stall_ms=10000

# state_is NODE VOLUME WORD: is it in what `volume show` says?
shows()
{
	ctl "$1" volume show "$2" | grep --quiet "$3"
}

# the kernel's own word: under which term is it attached there?
term_of()
{
	at "$1" qbdctl kernel volume list --json |
		sed -n 's/.*"term": *\([0-9]*\).*/\1/p'
}

no_volume()
{
	[[ -z $(term_of "$1") ]]
}

daemons_cluster 256
check "three stores" test "$(ctl n2 store list | grep --count active)" = 3
check "a volume" quiet ctl n1 volume create data --size 128M --shard-size 64M
check "it is attached" quiet ctl n1 volume attach data
DEV=/dev/qbd/by-name/data
[[ -e $DEV ]] || DEV=/dev/$(at n1 qbdctl kernel volume list --json |
	sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')
log "device: $DEV"
term=$(term_of n1)
asked=$(daemon_asked n1)
ledger_write "$DEV"
ledger_grows 200 200
for node in n1 n2 n3; do
	daemon_kill $node
done
check "writes go on without daemons" ledger_grows 200 1000
for node in n1 n2 n3; do
	daemon_start $node
done
check "writes go on with new ones" ledger_grows 200 1000
for node in n1 n2 n3; do
	check "$node knows what it has" wait_until 60 daemon_knows $node
done
check "it serves" wait_until 60 shows n1 data serving
check "nobody had to be asked for it" test "$(daemon_asked n1)" = "$asked"
check "under the same term" test "$(term_of n1)" = "$term"
ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
log "slowest write: $(ledger_slowest) ms"
check "none was stuck" test "$(ledger_slowest)" -lt $stall_ms
check "every acknowledged block is there" ledger_check "$DEV"
check "it is detached" quiet ctl n3 volume detach data
check "the kernel has let go" wait_until 60 no_volume n1
check "it is attached elsewhere" quiet ctl n2 volume attach data
DEV=/dev/$(at n2 qbdctl kernel volume list --json |
	sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')
check "nothing is missing there" ledger_check "$DEV"
check "detach" quiet ctl n2 volume detach data
check "delete" quiet ctl n1 volume delete data
