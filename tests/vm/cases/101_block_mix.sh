#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Writes of 4 KiB to 1 MiB at depths of 1 to 64 are verified by fio, over a log
# that is smaller than what is written; discards and zeroes, of a block, of
# chunks, over the border of two shards, read as zero and leave the rest.
# DEBUG=long
# TIMEOUT=400
# LONG=900
DESCRIPTION="verified writes of all sizes, flush, discard, zeroes"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
# shellcheck source=tests/vm/mix.sh
. "${QBD_VM:?}/mix.sh"
requires fio

# What the device holds outlives a detach.
kept()
{
	local before
	before=$(sha256sum <"$DEV")
	one_detach 7
	one_attach 7 96 64
	[[ $(sha256sum <"$DEV") == "$before" ]]
}

ram_disk qd 1024
one_node
one_store /dev/qd --wal-size 16M
one_create 7 96 64
one_attach 7 96 64
mix_begin

for depth in 1 8 64; do
	check "write and verify 4k at depth $depth" \
		quiet verified 4k "$depth" "$(amount 1 1 24 4)"
	check "write and verify 64k at depth $depth" \
		quiet verified 64k "$depth" "$(amount 2 2 24 12)"
	check "write and verify 1m at depth $depth" \
		quiet verified 1m "$depth" "$(amount 4 4 24 24)"
done
check "mixed sizes, flushes, discards, beside zeroes and stable writes" \
	mixed 16 "$(amount 8 4 32 16)"
log "$(grep rounds <<<"$_out" | paste --serial --delimiters=,)"
check "each block for itself on stable media" \
	quiet verified 4k 8 "$(amount 1 1 4 2)" --sync=dsync
check "buffered, synchronous" \
	quiet verified 4k 1 "$(amount 1 1 2 1)" --direct=0 --sync=1

for how in discard zero; do
	check "$how one block" cleared $how $((MIX_BORDER - 512)) 4
	check "$how within a chunk" cleared $how $((MIX_BORDER - 500)) 64
	check "$how whole chunks" cleared $how $((MIX_BORDER - 2048)) 1024
	check "$how over the border of shards" \
		cleared $how $((MIX_BORDER - 260)) 520
done
check "attached again, all is the same" kept
