#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Allocations fail by chance in all threads that write, and in the kernel's own
# ones that do the work of qbd (and of others), while blocks are written: of
# slabs and of pages, also those that may wait. Writes go on with what is
# reserved, no store fails, checkpoints are made. A store is closed and opened,
# the volume taken over, at the same time: that ends well, or with an error, and
# then works without faults. At last the kernel fails a request to a disk.
#
#	ledger, dd -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=300
# LONG=600
DESCRIPTION="writes go on, and lose nothing, while allocations fail"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
# a null_blk has no reserve of its own: without memory it has no space
THREE_DISK=td
THREE_WAL=16M
THREE_LEASE_MS=20000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
# shellcheck source=tests/vm/badstore.sh
. "${QBD_VM:?}/badstore.sh"
requires python3
FAILS=/sys/kernel/debug
for kind in failslab fail_page_alloc fail_make_request; do
	[[ -d $FAILS/$kind ]] || skip "a kernel without $kind"
done

seed=${QBD_SEED:-1}

# faults: from now on.
faults()
{
	python3 "$QBD_VM/allocfail.py" on $((seed % 8 + 3)) "$@"
}

# no_faults: not any more, and there were some.
no_faults()
{
	local count
	count=$(python3 "$QBD_VM/allocfail.py" off)
	log "$count allocations failed"
	check "allocations failed" test "$count" -gt 0
}

# active NODE
active() { store_has "$1" '"state": "active"'; }

# checkpoints NODE: how many its store has made.
checkpoints()
{
	at "$1" qbdctl kernel store list --json |
		sed --quiet 's/.*"checkpoints": \([0-9]*\).*/\1/p'
}

more_checkpoints() { [[ $(checkpoints "$1") -gt $2 ]]; }

# writes: under load, with checkpoints.
writes()
{
	local node before=()
	for node in n1 n2 n3; do
		before+=("$(checkpoints $node)")
	done
	faults "$LEDGER_WRITER"
	timeout 200 dd if=/dev/zero of="$DEV" bs=128K count=32 seek=64 \
		oflag=direct conv=nocreat status=none
	for node in n1 n2 n3; do
		check "$node makes a checkpoint" wait_until 200 \
			more_checkpoints $node "${before[${node#n} - 1]}"
	done
	ledger_grows 200 "$(amount 400 100 2000 300)"
	no_faults
	for node in n1 n2 n3; do
		check "the store of $node has not failed" active $node
	done
	check "all are in sync" wait_until 200 three_in_sync "$lead" 3
	ledger_grows 60 20
}

# closes_and_opens: n3's store.
closes_and_opens()
{
	local code=0
	faults
	at n3 qbdctl kernel store remove "$(_uuid n3)" || code=$?
	log "closed: exit code $code"
	wait_until 100 no_store n3
	code=0
	at n3 qbdctl kernel store add /dev/td_n3 || code=$?
	log "opened: exit code $code"
	no_faults
	if [[ $code != 0 ]]; then
		reopen n3
	fi
	check "all are in sync" wait_until 200 three_in_sync "$lead" 3
}

# moves NODE: it takes over.
moves()
{
	local code
	three_detach "$lead" 7
	faults
	_try three_attach "$1" 7 32 64
	code=$_code
	log "attached: exit code $code: $_out"
	no_faults
	if [[ $code != 0 ]]; then
		three_detach "$1" 7 --force || true
		takes_over "$1"
	fi
	lead=$1
	DEV=$(three_dev)
	check "it serves" wait_until 100 three_state "$1" serving
	check "what was acknowledged is there" ledger_check "$DEV"
}

# request_fails: one to the disk of n3.
request_fails()
{
	local dir=$FAILS/fail_make_request
	echo 1 >/sys/block/td_n3/make-it-fail
	echo 0 >$dir/verbose
	echo N >$dir/task-filter
	echo 1 >$dir/times
	echo 100 >$dir/probability
	check "the store of n3 has failed" wait_until 60 failed n3
	check "by that" test "$(cat $dir/times)" = 0
	echo 0 >$dir/probability
	echo 0 >/sys/block/td_n3/make-it-fail
	ledger_grows 60 20
	reopen n3
	check "all are in sync" wait_until 200 three_in_sync "$lead" 3
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
on_exit quiet python3 "$QBD_VM/allocfail.py" off
three_nodes 64
three_create 7 32 64
three_attach n1 7 32 64
wait_until 200 three_in_sync n1 3
ledger_write "$DEV" --blocks 256 --pause 5
ledger_grows 100 20
writes
closes_and_opens
request_fails
ledger_stop
check "no error reached the writer" test $LEDGER_CODE = 143
moves n2
same
check "detach" three_detach "$lead" 7
three_stop
check "the module goes" wait_until 60 rmmod qbd
