#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A follower and the leader lose power in each phase of a volume's life: idle,
# while a checkpoint writes home, while a copy catches up, while the next leader
# OPENs. Each time what was acknowledged is there, and all copies come back. In
# a short run one of the phases, which the seed chooses.
#
#	ledger -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3
# DEBUG=long
# TIMEOUT=600
# LONG=1200
DESCRIPTION="nodes lose power idle, in a checkpoint, in catch-up, in OPEN"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
# what is written while a node is away has to be in the others' logs
THREE_WAL=64M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

TRACE=/sys/kernel/tracing
LOG_SECTOR=$((1 * 2048))
# behind superblocks and log: only checkpoints write there
HOME_SECTOR=$((65 * 2048))

# die NODE: its power goes; what its disk had not flushed is up to the seed.
die()
{
	td_crash "$1" seed="${QBD_SEED:-1}"
	three_crash "$1"
	td_clear "$1"
	td_revive "$1"
}

# back NODE LEADER: it returns, and all copies are in sync.
back()
{
	three_start "$1"
	check "$1 is in sync again" wait_until 120 three_in_sync "$2" 3
}

# takes_over NODE: it has everything that was acknowledged.
takes_over()
{
	check "$1 takes over" three_attach "$1" 7 64 64
	leads "$1"
}

# leads NODE: it is attached there, with everything; $one and $two do not lead.
leads()
{
	local order=(n1 n2 n3 n1 n2)
	lead=$1
	one=${order[${1#n}]}
	two=${order[$((${1#n} + 1))]}
	DEV=$(three_dev)
	check "what was acknowledged is there" ledger_check "$DEV"
}

works()
{
	ledger_write "$DEV" --blocks 512 --pause 40
	ledger_grows 100 50
}

# fails: the writer lost its device.
fails()
{
	ledger_wait
	check "the writer got an error" test "$LEDGER_CODE" = 1
}

# in_checkpoint NODE: a write of its checkpoint does not end.
in_checkpoint()
{
	td_fault "$1" stall op=write from=$HOME_SECTOR
	# what there is to write home
	dd if=/dev/zero of="$DEV" bs=256K count=48 seek=32 oflag=direct \
		conv=nocreat status=none
	td_wait_held "$1" 60
}

# behind NODE LEADER: it returns behind; what it is sent first does not get into
# its log.
behind()
{
	td_fault "$1" stall op=write from=$LOG_SECTOR \
		len=$((HOME_SECTOR - LOG_SECTOR))
	three_start "$1"
	td_wait_held "$1" 60
	check "$1 has not caught up yet" three_in_sync "$2" 2
}

# opening NODE REPLICA: it attaches, and that replica promised; pid in $opener.
opening()
{
	echo >$TRACE/trace
	three_attach "$1" 7 64 64 >/run/opener 2>&1 &
	opener=$!
	wait_until 60 grep --quiet "qbd_term_promised:.*replica=$2 " \
		$TRACE/trace
}

idle_leader() { ! three_state "$1" serving; }

phase_idle()
{
	local was=$lead
	works
	ledger_stop
	die "$two"
	back "$two" "$lead"
	die "$lead"
	takes_over "$one"
	back "$was" "$lead"
}

phase_checkpoint()
{
	local was=$lead
	works
	in_checkpoint "$two"
	die "$two"
	ledger_grows 100 50
	back "$two" "$lead"
	in_checkpoint "$lead"
	die "$lead"
	fails
	takes_over "$one"
	back "$was" "$lead"
}

phase_catch_up()
{
	local was=$lead slow=$two
	works
	die "$slow"
	ledger_grows 100 100
	behind "$slow" "$lead"
	die "$slow"
	back "$slow" "$lead"
	die "$slow"
	ledger_grows 100 100
	behind "$slow" "$lead"
	die "$lead"
	fails
	td_clear "$slow"
	td_release "$slow"
	takes_over "$one"
	check "$slow catches up with the next leader" \
		wait_until 60 three_in_sync "$lead" 2
	back "$was" "$lead"
}

# Promises come back slowly: the one who asks does not know of them yet.
phase_open()
{
	local was=$lead code=0 next=$one asked=$two
	works
	die "$was"
	fails
	delay "$asked" 500ms out
	opening "$next" "700${asked#n}"
	die "$asked"
	delay "$asked" 0 out
	check "two nodes are gone: it does not serve" idle_leader "$next"
	three_start "$asked"
	wait "$opener" || code=$?
	if [[ $code == 0 ]]; then
		leads "$next"
	else
		# slow machine: the promise had come, patience ended
		check "or says why: $(cat /run/opener)" \
			grep --quiet "out of reach" /run/opener
		takes_over "$next"
	fi
	back "$was" "$lead"

	# and now who asks dies
	works
	was=$lead next=$one asked=$two code=0
	die "$was"
	fails
	delay "$asked" 500ms out
	opening "$next" "700${asked#n}"
	die "$next"
	delay "$asked" 0 out
	wait "$opener" || code=$?
	check "who asked is gone: $(cat /run/opener)" test $code != 0
	three_start "$was"
	takes_over "$asked"
	back "$next" "$lead"
}

# shellcheck disable=SC2119
load_testdisk
three_nodes 256
three_create 7 64 64
three_attach n1 7 64 64
wait_until 60 three_in_sync n1 3
echo 1 >$TRACE/events/qbd/qbd_term_promised/enable

phases=(idle checkpoint catch_up open)
works
ledger_stop
leads n1
for ((i = 0; i < $(amount 1 1 4 4); i++)); do
	phase=${phases[$(((${QBD_SEED:-1} + i) % 4))]}
	log "$phase"
	"phase_$phase"
done
check "detach" three_detach "$lead" 7
