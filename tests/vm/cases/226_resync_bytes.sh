#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What a resync costs on the wire: a copy missed one block in each of many
# chunks, written so often that no log has all of it. Of these it is sent the
# blocks that differ, not the chunks.
#
#	dd -> /dev/qbd0 -> n1 .. n3 -> qd1 .. qd3
# DEBUG=long
DESCRIPTION="a resync sends what differs"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"

CHUNK=$((256 << 10))
CHUNKS=160

# spots: one block of each chunk
spots()
{
	python3 - "$DEV" $CHUNK $CHUNKS <<-'EOF'
	import mmap, os, sys
	dev, chunk, chunks = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
	fd = os.open(dev, os.O_WRONLY | os.O_DIRECT)
	page = mmap.mmap(-1, 4096)
	for i in range(chunks):
	    page[:] = os.urandom(4096)
	    os.pwritev(fd, [page], i * chunk + 4096 * (i % 64))
	EOF
}

# traffic: bytes that n3 sent and received since it started
traffic()
{
	at n3 qbdctl kernel link show --json | python3 -c '
import json, sys
rows = json.load(sys.stdin)
print(sum(row["tx_bytes"] + row["rx_bytes"] for row in rows))'
}

three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
dd if=/dev/urandom of="$DEV" bs=1M count=$((CHUNKS * CHUNK >> 20)) oflag=direct \
	conv=nocreat status=none
three_crash n3
for ((i = 0; i < 20; i++)); do
	spots
done
three_start n3
check "n3 is in sync again" wait_until 120 three_in_sync n1 3
bytes=$(traffic)
# a tenth more than what differs, and 1.25 KiB for each chunk;
# heartbeats, and records after the pin, are in it as well
bound=$((CHUNKS * 4096 * 11 / 10 + CHUNKS * 1280))
log "$bytes bytes for $CHUNKS blocks that differ, bound $bound"
check "no more than what differs, and 1.25 KiB for each chunk" \
	test "$bytes" -le $bound
check "and not less" test "$bytes" -ge $((CHUNKS * 4096))

sum=$(md5sum <"$DEV")
three_crash n1
check "n3 takes over" three_attach n3 7 64 64
DEV=$(three_dev)
check "each byte is the same" test "$sum" = "$(md5sum <"$DEV")"
