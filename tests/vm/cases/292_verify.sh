#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Copies are compared while they are in use, and put right. Blocks at home carry
# no checksum: a bit flips there, in one copy or in two, or a sector can not be
# read any more. What a quorum has is right, and nobody guesses without one.
# Meanwhile somebody writes to other blocks, and to those that are compared.
#
#	ledger, fio -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=400
DESCRIPTION="copies are compared in use, and rot at home is put right"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=32M
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

FIO=

# verify CODE [OPTION...]: compare all of it; what it said is in /run/verify.
verify()
{
	local code=0
	at n1 qbdctl kernel shard verify --volume 7 \
		--term "$(cat /run/three.term)" --timeout 120 "${@:2}" \
		>/run/verify 2>&1 || code=$?
	log "$(cat /run/verify)"
	[[ $code == "$1" ]]
}

# found FIELD BYTES: what the last comparison says of itself.
found()
{
	at n1 qbdctl kernel shard verify-list --json |
		grep --quiet "\"$1_bytes\": $2\\b"
}

# beside BLOCKS...: fio writes there, beside what is compared.
beside()
{
	fio --name=beside --filename="$DEV" --direct=1 --rw=randwrite --bs=4k \
		--ioengine=libaio --iodepth=4 --time_based --runtime=3600 \
		--rate_iops=200 "$@" >/run/fio 2>&1 &
	FIO=$!
}

not() { ! "$@"; }

# beside_ends: not in a check, which is not the shell that waits for it.
beside_ends()
{
	kill -TERM "$FIO"
	wait "$FIO" || true
}

beside_is_fine()
{
	cat /run/fio
	! grep --extended-regexp 'err=[^:]*[1-9]' /run/fio
}

# flip NODE BLOCK BIT: of a block of the ledger, at home.
flip()
{
	python3 "$QBD_VM/flip3.py" "$1" block "$2" "$3"
}

# told REPLICA BLOCK STATE: an event of that came.
told()
{
	grep --quiet "copy-differs.* replica=$1 .* state=$3 .* offset=$(($2 * 4096))\$" \
		/run/events ||
		{ cat /run/events && return 1; }
}

# all_home: what they have comes home when nodes stop in order.
all_home()
{
	three_detach n1 7
	three_home
	three_attach n1 7 64 64
	DEV=$(three_dev)
	wait_until 60 three_in_sync n1 3
}

# same: nothing differs; who writes goes on.
same()
{
	beside --offset=16M --size=32M
	check "copies that are written to are the same" verify 0
	check "and nothing was left out" found skipped 0
	check "all of it was compared" found compared $((64 << 20))
	beside_ends
	check "the writer saw nothing" beside_is_fine
	# 32 blocks all the time: they need not be compared
	beside --offset=8M --size=128k --iodepth=16 --rate_iops=0
	check "also blocks that are always written to" verify 0
	check "of which nothing was left out" found skipped 0
	beside_ends
	check "and that writer saw nothing" beside_is_fine
}

# one_wrong: one copy of three is wrong.
one_wrong()
{
	all_home
	check "a bit flips at home of n3" flip n3 300 2
	check "it is found" verify 4
	check "and only that" found differ 4096
	check "it is said which" wait_until 10 told 7003 300 0
	check "somebody is told what to do" grep --quiet -e "--repair" /run/verify
	beside --offset=16M --size=32M
	check "it is put right" verify 0 --repair
	check "that is said too" wait_until 10 told 7003 300 1
	beside_ends
	check "the writer saw nothing of it" beside_is_fine
	all_home
	check "all copies are the same then, at home too" verify 0
	check "and it is so" found differ 0
}

# own_wrong: the copy that users read from is wrong.
own_wrong()
{
	all_home
	check "a bit flips at home of n1" flip n1 301 5
	check "who reads it, reads it wrong" not ledger_read "$DEV" 301
	check "it is put right from the others" verify 0 --repair
	check "who reads it, reads it right" ledger_check "$DEV"
	all_home
	check "at home, too" ledger_check "$DEV"
	check "where nothing differs" verify 0
}

# unreadable: a sector can not be read.
unreadable()
{
	all_home
	local place fault
	place=$(flip n2 302 0)
	fault=$(td_fault n2 eio op=read from=$((place * 8)) len=8)
	check "a sector of n2 is unreadable: it is written again" verify 0 --repair
	check "n2 was asked" test "$(td_hits n2 "$fault")" -gt 0
	td_clear n2 id="$fault"
	all_home
	check "and then it is right, at home" verify 0
	check "of itself" found differ 0
}

# undecided: no two are the same.
undecided()
{
	all_home
	check "a bit flips at home of n2" flip n2 303 1
	check "another one in the same block of n3" flip n3 303 7
	check "nobody guesses" verify 4 --repair
	check "and says so" wait_until 10 told 7002 303 2
	check "of both" wait_until 10 told 7003 303 2
	check "no bytes were changed" found repaired 0
	ledger_write "$DEV" --blocks 512
	ledger_grows 200 520
	ledger_stop
	check "what is written anew is the same" verify 0
}

# away: a copy is away; a comparison is ended.
away()
{
	three_crash n3
	check "without n3 it is not all that there is" verify 4
	check "which is said" found missing $((64 << 20))
	three_start n3
	check "n3 is back" wait_until 60 three_in_sync n1 3
	td_fault n2 stall op=read
	verify 0 --shard 0 --no-wait
	td_wait_held n2 60
	check "one at a time" not at n1 qbdctl kernel shard verify --volume 7 \
		--term "$(cat /run/three.term)" --shard 0
	check "it can be ended" at n1 qbdctl kernel shard verify-stop --volume 7 \
		--term "$(cat /run/three.term)" --shard 0
	check "once" not at n1 qbdctl kernel shard verify-stop --volume 7 \
		--term "$(cat /run/three.term)" --shard 0
	verify 0 --shard 0 --no-wait
	check "a detach does not wait for it" three_detach n1 7
	td_clear n2
	td_release n2
	three_attach n2 7 64 64
	check "every acknowledged block is there" ledger_check "$(three_dev)"
	check "detach" three_detach n2 7
}

on_exit rm -f /run/verify /run/fio /run/events
# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 192
# not by "at", see three_links
ip netns exec n1 qbdctl kernel events >/run/events &
on_exit kill $!
wait_until 20 listens $!
three_create 7 64 64
three_attach n1 7 64 64
DEV=$(three_dev)
ledger_write "$DEV" --blocks 512
ledger_grows 200 600
ledger_stop
same
one_wrong
# one of them, unless there is time for all; "away" is the last, for it detaches
others=(own_wrong unreadable undecided away)
if [[ ${QBD_LONG:-} ]]; then
	for part in "${others[@]}"; do
		$part
	done
else
	${others[${QBD_SEED:-1} % 4]}
fi
