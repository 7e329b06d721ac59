#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Every program that made the links is killed under load: writes and reads go
# on as if nothing had happened (P7), on the connections that there were.
# DEBUG=long
# TIMEOUT=200
DESCRIPTION="I/O does not notice that every links program was killed"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
requires pgrep

# What a busy host may cost a write; who waits for a link waits for ever.
readonly stall_ms=10000

# ups: the connections that there were so far, of all links of all nodes.
ups()
{
	local node
	for node in n1 n2 n3; do
		at $node qbdctl kernel link show --json |
			grep --only-matching '"ups": [0-9]*'
	done
}

no_program()
{
	! pgrep --full 'qbdctl kernel links' >/dev/null
}

three_nodes 256
three_create 7 128 64
three_attach n1 7 128 64
wait_until 60 three_in_sync n1 6
before=$(ups)
ledger_write "$DEV"
ledger_grows 200 200
for node in n1 n2 n3; do
	three_unlink $node
done
check "no program is left" no_program
check "writes go on" ledger_grows 200 1000
check "all copies are in sync" three_in_sync n1 6
check "what is read is right" ledger_read "$DEV" 0
for node in n1 n2 n3; do
	three_links $node
done
check "writes go on with new programs" ledger_grows 200 1000
ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
log "slowest write: $(ledger_slowest) ms"
check "none was stuck" test "$(ledger_slowest)" -lt $stall_ms
check "no link was made anew" test "$(ups)" = "$before"
check "every acknowledged block is there" ledger_check "$DEV"
check "detach" three_detach n1 7
