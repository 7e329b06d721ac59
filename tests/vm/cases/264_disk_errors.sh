#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A disk gives an error, or has no space, for a write of the log, of homes, of
# the map, for a flush; the module is told that there was one (failpoints). That
# store stops and says why, the two others go on; it is opened again and catches
# up. When two of three stop the volume waits, and goes on with the first that
# is back. A disk that can not be read is not taken for an empty one.
#
# A flush that failed is not tried again, and what it was for stays in the log:
# the disk then loses all that it had not flushed, and the copy has everything.
#
#	ledger, dd -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=300
# LONG=1500
DESCRIPTION="errors of disks cost their store, and nothing acknowledged"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
# shellcheck source=tests/vm/badstore.sh
. "${QBD_VM:?}/badstore.sh"

seed=${QBD_SEED:-1}
FAULT=/sys/kernel/debug/qbd/fault
NOISE=/dev/shm/noise
pushes=0
declare -A fault reason

# push: so much that a checkpoint is due, each time to another place.
push()
{
	pushes=$((pushes + 1))
	dd if=$NOISE of="$DEV" bs=256K count=16 seek=$((8 + pushes % 25 * 4)) \
		skip=$((pushes % 8)) oflag=direct conv=nocreat status=none &
	pusher=$!
}

# is_there: what was written last.
is_there()
{
	dd if="$DEV" bs=256K count=16 skip=$((8 + pushes % 25 * 4)) \
		iflag=direct status=none |
		cmp - <(dd if=$NOISE bs=256K count=16 skip=$((pushes % 8)) \
			status=none)
}

ended() { ! kill -0 "$1" 2>/dev/null; }

pushed()
{
	local code=0
	wait_until 60 ended $pusher
	wait $pusher || code=$?
	check "writes end well" test $code = 0
	check "and are there" is_there
}

works()
{
	ledger_write "$DEV" --blocks 256 --pause 20
	ledger_grows 60 20
}

# arm KIND NODE: the next write or flush of that kind.
arm()
{
	local error=-5 what=eio
	if [[ $1 == *-nospc ]]; then
		error=-28 what=nospc
	fi
	: >/run/events."$2"
	reason[$2]="a checkpoint's I/O failed: $error"
	# shellcheck disable=SC2086  # words
	case $1 in
	log*)
		reason[$2]="log write at [0-9]* failed: $error"
		fault[$2]=$(td_fault "$2" $what op=write count=1 $LOG)
		;;
	home*) fault[$2]=$(td_fault "$2" $what op=write count=1 $HOME_) ;;
	map*) fault[$2]=$(td_fault "$2" $what op=write count=1 $META) ;;
	super) fault[$2]=$(td_fault "$2" $what op=write count=1 len=8) ;;
	flush) fault[$2]=$(td_fault "$2" $what op=flush count=1) ;;
	esac
}

# stopped NODE: its store, and it says why.
stopped()
{
	check "the store of $1 has failed" wait_until 60 failed "$1"
	check "it says why" store_has "$1" "${reason[$1]}"
	check "an event said so" wait_until 30 \
		told "$1" "store-state.*state=4 reason=.*${reason[$1]}"
	[[ ! ${fault[$1]:-} ]] || check "it was that fault" \
		test "$(td_hits "$1" "${fault[$1]}")" = 1
}

# two_left: they are in sync, and write.
two_left()
{
	check "two copies are left" wait_until 60 three_in_sync "$lead" 2
	pushed
	ledger_grows 60 50
}

back()
{
	reopen "$1"
	check "all are in sync" wait_until 120 three_in_sync "$lead" 3
	ledger_grows 60 20
}

# trial KIND NODE
trial()
{
	log "$1 of $2 ($lead leads)"
	arm "$1" "$2"
	push
	stopped "$2"
	two_left
	back "$2"
}

# flush NODE: and then the power goes as well.
flush()
{
	local flushes
	log "flush of $1 ($lead leads)"
	arm flush "$1"
	push
	stopped "$1"
	flushes=$(td_stat "$1" flushes)
	two_left
	check "the flush was not tried again" td_stat_is "$1" flushes "$flushes"
	td_crash "$1" keep=none
	check "its disk lost what it had not flushed" \
		test "$(td_stat "$1" crash_lost)" -gt 0
	three_crash "$1"
	td_clear "$1"
	td_revive "$1"
	if [[ $1 == "$lead" ]]; then
		ledger_wait
		takes_over n2
	else
		ledger_stop
	fi
	three_start "$1"
	check "all are in sync" wait_until 120 three_in_sync "$lead" 3
	leads "$1"
	check "its copy has what was acknowledged" ledger_check "$DEV"
	check "and the rest" is_there
	works
}

# fails: the node whose store has.
fails()
{
	local node
	for node in n1 n2 n3; do
		if failed $node >/dev/null; then
			echo $node
			return
		fi
	done
	return 1
}

# failpoint NAME PASS: of the store that comes to it.
failpoint()
{
	local node
	log "$1, pass $2 ($lead leads)"
	fault=()
	for node in n1 n2 n3; do
		: >/run/events.$node
		reason[$node]="a checkpoint's I/O failed: -5"
		[[ $1 == ckpt_error ]] ||
			reason[$node]="log write at [0-9]* failed: -5"
	done
	echo "$2" >$FAULT/"$1"
	push
	wait_until 60 fails
	node=$(fails)
	stopped "$node"
	two_left
	back "$node"
}

# two_stop KIND NODE KIND NODE
two_stop()
{
	log "$1 of $2 and $3 of $4 ($lead leads)"
	arm "$1" "$2"
	arm "$3" "$4"
	push
	stopped "$2"
	stopped "$4"
	check "the volume waits" wait_until 60 three_state "$lead" suspended
	check "nobody got an error" kill -0 $LEDGER_WRITER
	reopen "$4"
	check "it goes on with the first that is back" \
		wait_until 60 three_state "$lead" serving
	two_left
	back "$2"
}

# restart NODE FAULT...: its power goes, and then its disk can not be read.
restart()
{
	three_crash "$1"
	# shellcheck disable=SC2086  # words
	td_fault "$1" eio op=read "${@:2}" >/dev/null
	at "$1" qbdctl kernel node start --id "${1#n}" --name "$1" \
		--cluster "$CLUSTER" --lease-ms "$THREE_LEASE_MS"
	three_links "$1"
}

# unreadable NODE REASON FAULT...: it is not opened, and nothing is changed.
unreadable()
{
	log "unreadable: ${*:3} of $1 ($lead leads)"
	push
	pushed
	wait_until 60 at_home "$1"
	restart "$1" "${@:3}"
	refuse "the store is refused" says="$2" \
		at "$1" qbdctl kernel store add "$THREE_DEV${1#n}"
	back "$1"
}

# unreadable_log NODE: a part of it is as good as lost.
unreadable_log()
{
	log "unreadable: $LOG of $1 ($lead leads)"
	# shellcheck disable=SC2086  # words
	restart "$1" $LOG
	check "opened" at "$1" qbdctl kernel store add "$THREE_DEV${1#n}"
	check "the kernel says what is lost" said \
		"td_$1: warning: the log is damaged .*error -5"
	td_clear "$1"
	votes_again "$1"
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 64
places
head --bytes=8M /dev/urandom >$NOISE
on_exit rm -f $NOISE
three_create 7 32 64
three_attach n1 7 32 64
wait_until 60 three_in_sync n1 3
watch
works

# shellcheck disable=SC2206  # words
trials=("trial log n1" "trial log n3" "trial home n1" "trial home n3"
	"trial map n1" "trial super n3" "trial log-nospc n1"
	"trial home-nospc n3" "failpoint wal_error $((seed % 9 + 1))"
	"failpoint ckpt_error $((seed % 5 + 1))" "unreadable_log n3"
	"unreadable n3 metadata $META" "unreadable n3 superblock len=136")
twos=("log n1 flush n3" "log n2 log n3" "home n1 log-nospc n2")
# in a short run one of the first or of the second kind
ones=$(amount $((seed % 2 == 0)) $((seed % 2 == 0)) ${#trials[@]} 4)
pairs=$(amount $((seed % 2)) $((seed % 2)) 3 1)
for ((i = 0; i < ones; i++)); do
	${trials[$(((seed / 2 + i) % ${#trials[@]}))]}
done
log "the slowest write took $(ledger_slowest) ms"
check "no write took long" test "$(ledger_slowest)" -lt 10000
for ((i = 0; i < pairs; i++)); do
	# shellcheck disable=SC2086  # words
	two_stop ${twos[$(((seed / 2 + i) % 3))]}
done
flush n$((seed / 2 % 2 ? 1 : 3))
[[ ! ${QBD_LONG:-} ]] || flush n$((seed / 2 % 2 ? 1 : 3))
ledger_stop
same
