#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# "node crash" is a power cut for the kernel's state: users get errors at once,
# nothing more is written; what had been acknowledged is there afterwards.
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a crashed node loses nothing that it acknowledged"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

# ledger: numbers its blocks, and writes down which were acknowledged.
ledger()
{
	local i
	for ((i = 0; i < 4096; i++)); do
		printf '%-4096d' "$i" | dd of="$DEV" bs=4K count=1 seek="$i" \
			oflag=direct iflag=fullblock conv=nocreat status=none ||
			return
		echo "$i" >/dev/shm/acked
	done
}

acked()
{
	[[ -e /dev/shm/acked && $(cat /dev/shm/acked) -ge $1 ]]
}

# there: each block up to the last acknowledged one has its number.
there()
{
	local last
	last=$(cat /dev/shm/acked)
	log "$last acknowledged"
	dd if="$DEV" bs=4K count=$((last + 1)) status=none |
		fold --bytes --width=4096 |
		awk -v last="$last" '$1 != NR - 1 { wrong = 1 }
			END { exit wrong || NR != last + 1 }'
}

start()
{
	qbdctl kernel node start --id 1 --name n1 --cluster "$CLUSTER"
	qbdctl kernel store add /dev/qd
}

ram_disk qd 1024
one_node
one_store /dev/qd --wal-size 64M
one_create 7 64 64
one_attach 7 64 64
on_exit rm -f /dev/shm/acked

for round in 1 2; do
	rm -f /dev/shm/acked
	ledger 2>/dev/null &
	writer=$!
	wait_until 120 acked $((round * 12))
	check "crash $round" qbdctl kernel node crash --id 1
	wait "$writer" && code=0 || code=$?
	check "the writer got an error" test "$code" = 1
	check "the device is gone" test ! -e /sys/block/qbd0
	check "the kernel's log says so" said 'store .*: failed: '
	wait_until 20 start
	check "attached again" one_attach 7 64 64
	check "every acknowledged block is there" there
done
