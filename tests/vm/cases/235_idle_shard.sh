#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A shard that nobody writes to has one record of each term. A node that was
# away during a takeover lacks the last one of them, and has the one before it,
# which left the others' logs long ago: busy shards share them.
#
#	shard 1 on n1: [1]		on n2, n3: 1 at home, [2] in the log
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="an idle shard needs no more than its log has"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"

# fill MIB: so much goes through the logs, of shard 0.
fill()
{
	dd if=/dev/zero of="$DEV" bs=1M count="$1" oflag=direct conv=nocreat \
		status=none
}

# idle_shard APPLIED LOG_FIRST NODE...: so it is with these copies of shard 1.
idle_shard()
{
	local node shown
	for node in "${@:3}"; do
		shown=$(at "$node" qbdctl kernel replica list --json)
		echo "$shown"
		grep "\"shard\": 1\b.*\"applied_index\": $1, \"log_first_index\": $2\b" \
			<<<"$shown"
	done
}

# second_home: the second record goes home with what is logged meanwhile. A
# checkpoint that is made before a replica has heard that it is committed leaves
# it, and then the next one needs some more to begin.
second_home()
{
	local mib
	for mib in 4 2 2; do
		fill "$mib"
		(wait_until 15 idle_shard 2 2 n2 n3) && return 0
	done
	return 1
}

three_nodes 128
three_create 7 128 64
three_attach n1 7 128 64
wait_until 60 three_in_sync n1 6
fill 24
check "the first record is home, and has left the logs" \
	wait_until 60 idle_shard 1 2 n1 n2 n3
three_crash n1
check "n2 takes over" three_attach n2 7 128 64
DEV=$(three_dev)
check "the second one is home, and in the logs" second_home
three_start n1
check "n1 has both" wait_until 60 three_in_sync n2 6
check "detach" three_detach n2 7
