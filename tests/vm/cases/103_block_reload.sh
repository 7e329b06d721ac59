#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The module comes and goes, with a node, a store and a volume in between, and
# leaves nothing behind: the runner looks for leaks and warnings.
# TIER=long
# TIMEOUT=600
DESCRIPTION="load, use, unload, many times; busy while in use"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"

LOOPS=${LOOPS:-10}

busy()
{
	if rmmod qbd 2>/dev/null; then
		log "the module went while it was in use"
		return 1
	fi
}

# round NUMBER: everything that allocates, once.
round()
{
	# shellcheck disable=SC2119  # the parameters are the module's
	load_qbd
	trap - EXIT # what it loaded is unloaded here
	qbdctl kernel node start --id 1 --name n1 --cluster "$CLUSTER"
	qbdctl kernel store add /dev/qd
	[[ $1 != 1 ]] || one_create 7 128 64
	one_attach 7 128 64
	dd if=/dev/zero of="$DEV" bs=64K count=16 oflag=direct \
		conv=nocreat status=none
	busy
	one_detach 7
	busy
	qbdctl kernel node stop --id 1
	wait_until 20 rmmod qbd
}

ram_disk qd 1024
qbdctl store format /dev/qd --cluster "$CLUSTER" --uuid "$STORE" \
	--wal-size 64M
check "empty, loaded and unloaded" round 1
for ((i = 2; i <= LOOPS; i++)); do
	check "round $i" round "$i"
done
