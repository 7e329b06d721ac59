#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A read of a stuck disk outlives the attach that asked for it: it ends nothing
# of the next attach, and when it has ended nothing of the former one is left.
#
#	1 attach -> partition scan -> read 1, held for a while
#	2 forced detach
#	3 attach -> partition scan -> read 2, held until it is released
#	4 read 1 ends: the scan of 3 still waits for read 2
# DEBUG=long
# TIMEOUT=200
DESCRIPTION="reads of a former attach, late"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
# shellcheck source=tests/vm/stuck.sh
. "${QBD_VM:?}/stuck.sh"

TRACE=/sys/kernel/tracing

held() { [[ $(td_stat a inflight) == "$1" ]]; }

# arrived: the store has dealt with a read that has ended, from the beginning of
# the trace on.
arrived()
{
	# shellcheck disable=SC2016  # they are awk's
	awk '/workqueue_execute_start: .* function qbd_read_fn/ {
			begun[work($0)] = 1
		}
		/workqueue_execute_end: .* function qbd_read_fn/ {
			found += begun[work($0)]
		}
		function work(line) {
			sub(/.*work struct /, "", line)
			sub(/:.*/, "", line)
			return line
		}
		END { exit !found }' $TRACE/trace
}

# trace_reads 1|0
trace_reads()
{
	echo "$1" >$TRACE/events/workqueue/workqueue_execute_start/enable
	echo "$1" >$TRACE/events/workqueue/workqueue_execute_end/enable
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
td_create a size=256M
on_exit td_remove a
one_node
on_exit td_release a
on_exit td_clear a
one_store /dev/td_a --wal-size 64M
one_create 7 64 64
one_attach 7 64 64
head --bytes=1M /dev/urandom >/dev/shm/noise
on_exit rm -f /dev/shm/noise
partition "$DEV"
dd if=/dev/shm/noise of="$DEV" bs=1M seek=1 oflag=direct conv=nocreat \
	status=none
one_detach 7
# opened again, the store has nothing of that in memory
qbdctl kernel store remove "$STORE"
qbdctl kernel store add /dev/td_a

td_fault a stall op=read count=1 ms=15000 >/dev/null
one_attach 7 64 64 >/dev/null 2>&1 &
first=$!
wait_until 60 inflight 1
check "forced detach" one_detach 7 --force
wait "$first" && code=0 || code=$?
check "the attach has failed" test "$code" != 0
check "its read is still there" held 1
td_fault a stall op=read >/dev/null
trace_reads 1
on_exit trace_reads 0
one_attach 7 64 64 >/dev/null 2>&1 &
second=$!
wait_until 60 held 2
echo >$TRACE/trace
wait_until 60 held 1
wait_until 60 arrived
trace_reads 0
check "the end of the first read ends nothing else" held 1
check "the attach still waits for its own" kill -0 "$second"
td_clear a
td_release a
wait "$second" && code=0 || code=$?
check "then it ends well" test "$code" = 0
check "with its partition" test -b /dev/qbd0p1
check "and its bytes" cmp --bytes=$((1 << 20)) --ignore-initial=0:$((1 << 20)) \
	/dev/shm/noise /dev/qbd0
check "detach" one_detach 7
check "the node ends" one_stop
check "the module goes" wait_until 20 rmmod qbd
