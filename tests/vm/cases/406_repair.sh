#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Copies are replaced by themselves, while somebody writes: a node dies for good
# and its copy is made on the fourth one; it comes back and has to delete what
# it had; another one drains. What was acknowledged is there, and nobody had to
# wait.
#
#	{1,2,3} -> {1,2,4} -> {1,4,3}, held by n1
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a lost copy is made anew elsewhere, and a node drains"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
DAEMONS=4
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# What a busy host may cost a write; a lease is 1.5 s.
readonly stall_ms=5000

# store_has NODE COPIES DELETING: what is on its store.
store_has()
{
	ctl n1 store show "${1#n}" --json | tr ',' '\n' >/run/store.json
	grep --quiet "\"replicas\": *$2\\b" /run/store.json &&
		grep --quiet "\"deleting\": *$3\\b" /run/store.json
}

# idle: nothing is under way.
idle()
{
	! ctl n1 job list | grep --quiet --word-regexp replace
}

daemons_cluster 256
check "a short patience" quiet ctl n1 cluster set repair-after-ms --value 5000
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "it is attached" quiet ctl n1 volume attach data
check "it has three copies" wait_until 60 copies "n1, n2, n3"
DEV=/dev/$(at n1 qbdctl kernel volume list --json |
	sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')
dd if=/dev/urandom of="$DEV" bs=1M count=8 seek=8 oflag=direct conv=nocreat \
	status=none
ledger_write "$DEV" --blocks 512 --pause 20
ledger_grows 200 20

log "n3 dies for good"
daemon_kill n3
at n3 qbdctl kernel node crash --id 3
check "n4 gets its copy" wait_until 120 copies "n1, n2, n4"
check "writes go on" ledger_grows 200 20
check "nothing is under way" wait_until 10 idle
refuse "a store with copies is not removed" says="drain it first" \
	ctl n1 store remove 2

log "n3 is back, and has nothing to keep"
daemon_start n3
check "what it had is deleted" wait_until 60 store_has n3 0 0
check "the others stay" wait_until 60 copies "n1, n2, n4"

log "n2 drains"
check "to drain" quiet ctl n1 node drain n2
check "n3 has its copy" wait_until 120 copies "n1, n4, n3"
check "n2 has none" wait_until 60 store_has n2 0 0
check "writes go on" ledger_grows 200 20
check "nothing is under way" wait_until 10 idle
check "its store can go" quiet ctl n1 store remove 2
ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
log "slowest write: $(ledger_slowest) ms"
check "none was stuck" test "$(ledger_slowest)" -lt $stall_ms
check "every acknowledged block is there" ledger_check "$DEV"
check "detach" quiet ctl n1 volume detach data
