#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The cluster loses most of its voters, state directories and keys, while a
# volume is written to; one of the lost is the one that holds it. The one that
# is left is restored as the README says, the others join again: kernels never
# noticed, the holder's new daemon adopts what runs, and the volume can be
# moved, which fences nobody but its holder.
#
#	n1 holds the volume, and is lost; n2 is lost; n3 is left
# DEBUG=long
# TIER=long
# TIMEOUT=500
DESCRIPTION="a cluster that lost its majority is restored under I/O"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# What a busy host may cost a write; who waits for a daemon waits for ever.
readonly stall_ms=5000

not_attached()
{
	[[ -z $(attached "$1") ]]
}

# has_device NODE: it is attached there, and can be used.
has_device()
{
	local is
	is=$(attached "$1")
	[[ -b /dev/${is% *} ]]
}

alone()
{
	ctl n3 cluster status | grep --quiet 'role of this node *leader'
}

# lost NODE: its daemon, and all that it had.
lost()
{
	daemon_kill "$1"
	rm -rf "/run/qbd-$1/state"
	mkdir -m 700 "/run/qbd-$1/state"
}

daemons_cluster 256
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "it is attached" quiet ctl n1 volume attach data
check "it has three copies" wait_until 60 copies "n1, n2, n3"
is=$(attached n1)
log "device and term: $is"
DEV=/dev/${is% *}
ledger_write "$DEV" --blocks 512 --pause 5
check "writes" ledger_grows 60 50
lost n1
lost n2
check "writes go on without most daemons" ledger_grows 120 50
refuse "it is in use" says="stop the daemon first" \
	qbdctl state restore /run/qbd-n3/state --force
daemon_kill n3 TERM
check "writes go on without daemons" ledger_grows 120 50
check "the last one is restored" quiet \
	qbdctl state restore /run/qbd-n3/state --force
daemon_start n3
check "it goes on alone" wait_until 60 alone
token=$(ctl n3 token create --uses 2 --json |
	sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
asked=$(daemon_asked n1)
for node in n1 n2; do
	daemon_start $node
	check "$node may be another machine" quiet ctl n3 node rekey $node
	check "$node joins" quiet ctl $node cluster join 10.77.0.3 \
		--token "$token"
	check "writes go on" ledger_grows 120 50
done
for node in n1 n2 n3; do
	check "$node knows what it has" wait_until 60 daemon_knows $node
done
check "three voters" wait_until 90 _voters n3 3
check "writes go on" ledger_grows 120 200
check "the volume is what it was" test "$(attached n1)" = "$is"
check "nobody had to be asked for it" test "$(daemon_asked n1)" = "$asked"
check "it has three copies" wait_until 60 copies "n1, n2, n3"
ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
log "slowest write: $(ledger_slowest) ms"
check "none was stuck" test "$(ledger_slowest)" -lt $stall_ms
check "every acknowledged block is there" ledger_check "$DEV"

log "it can be moved: under a term above all that anybody may have had"
check "detach" quiet ctl n1 volume detach data
check "n1 has let go" wait_until 60 not_attached n1
check "attach on n2" quiet ctl n3 volume attach data --node n2
check "it has a device" wait_until 60 has_device n2
moved=$(attached n2)
log "device and term: $moved"
check "the term is far above" test "${moved#* }" -gt $((1 << 20))
check "nothing is missing there" ledger_check "/dev/${moved% *}"
check "detach" quiet ctl n2 volume detach data
