#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three copies under what a volume with one copy stands (101): writes of 4 KiB
# to 1 MiB at depths of 1 to 64 that fio verifies, flushes, discards, zeroes,
# over logs that are smaller than that. Then each node is the leader once, and
# has the same bytes: a leader reads its own copy.
# DEBUG=long
# TIMEOUT=400
# LONG=900
DESCRIPTION="three copies: verified writes of all sizes, discard, zeroes"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
THREE_LEASE_MS=20000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/mix.sh
. "${QBD_VM:?}/mix.sh"
requires fio

sum() { sha256sum <"$DEV"; }

# moved FROM TO: the volume, and nothing in it has changed.
moved()
{
	local before
	before=$(sum)
	three_detach "$1" 7
	three_attach "$2" 7 80 64
	[[ $(sum) == "$before" ]]
}

three_nodes 256
three_create 7 80 64
three_attach n1 7 80 64
check "all in sync" wait_until 200 three_in_sync n1 6
mix_begin

for depth in 1 8 64; do
	check "write and verify 4k at depth $depth" \
		quiet verified 4k "$depth" "$(amount 1 1 16 2)"
	check "write and verify 64k at depth $depth" \
		quiet verified 64k "$depth" "$(amount 4 1 24 4)"
	check "write and verify 1m at depth $depth" \
		quiet verified 1m "$depth" "$(amount 8 2 24 8)"
done
check "mixed sizes, flushes, discards, beside zeroes and stable writes" \
	mixed 16 "$(amount 16 4 32 16)"
log "$(grep rounds <<<"$_out" | paste --serial --delimiters=,)"
check "each block for itself on stable media" \
	quiet verified 4k 8 "$(amount 1 1 4 1)" --sync=dsync
for how in discard zero; do
	check "$how within a chunk" cleared $how $((MIX_BORDER - 500)) 64
	check "$how over the border of shards" \
		cleared $how $((MIX_BORDER - 260)) 520
done
check "all in sync still" wait_until 200 three_in_sync n1 6
check "the second node has the same" moved n1 n2
DEV=$(three_dev)
check "all in sync behind it" wait_until 200 three_in_sync n2 6
check "the third node has the same" moved n2 n3
check "detach" three_detach n3 7
