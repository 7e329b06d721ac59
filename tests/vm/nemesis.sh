# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154  # of three.sh and td.sh
#
# A nemesis for volume 7 of three.sh with one shard: what it does, one seeded
# operation after the other, and the end, when everything has to be whole. The
# oracle is qbdledger (tests/load/ledger.c), whose file outlives the nodes. A
# case sources it after lib.sh, three.sh and td.sh.
#
# At most one node is down, or one thing upset, at a time: a quorum can always be
# had, and what waits for longer than NEMESIS_SECONDS has failed.

NEMESIS_LEDGER=/dev/shm/ledger
NEMESIS_SECONDS=120
EPOCH=1
HOLDER=
DOWN=
UPSET=
WRITER=
_next_id=7010
_state=$((${QBD_SEED:-1} * 2654435761 + 12345))

# rnd N: R is a number below N.
rnd()
{
	_state=$((_state * 6364136223846793005 + 1442695040888963407))
	R=$(((_state >> 33 & 0x7fffffff) % $1))
}

# pick WORD...: R is one of them.
pick()
{
	rnd $#
	shift "$R"
	R=$1
}

# note WORD...: for people, and for who compares two runs.
note()
{
	log "nemesis: $*"
	echo "$*" >>/run/nemesis.log
}

# others NODE...: all but these.
others()
{
	local node out=()
	for node in $(three_all); do
		[[ " $* " == *" $node "* ]] || out+=("$node")
	done
	echo "${out[@]}"
}

count() { qbdledger count $NEMESIS_LEDGER; }
written() { [[ $(count) -ge $1 ]]; }

# writer: a new one, on the volume as it is attached now.
writer()
{
	qbdledger write "$DEV" $NEMESIS_LEDGER --blocks 1024 --pause 2000 \
		--seed "${QBD_SEED:-1}" 2>/run/writer.err &
	WRITER=$!
}

# writer_ends RC...: it is told to, and ends so.
writer_ends()
{
	local rc=0
	kill -TERM "$WRITER" 2>/dev/null || true
	wait "$WRITER" || rc=$?
	[[ " $* " == *" $rc "* ]] ||
		fail "the writer ended with $rc: $(cat /run/writer.err)"
}

# nemesis_attach NODE [NODE=ROLE...]: it has the volume from now on.
nemesis_attach()
{
	_attach "$@"
	writer
}

_attach()
{
	THREE_SET=("$EPOCH:$(three_members "${@:2}")")
	three_attach "$1" 7 64 64 --timeout $NEMESIS_SECONDS >/dev/null
	DEV=$(three_dev)
	HOLDER=$1
}

# config MEMBERS: the next set.
config()
{
	at "$HOLDER" qbdctl kernel shard config --volume 7 \
		--timeout $NEMESIS_SECONDS --term "$(cat /run/three.term)" \
		--set "0:$EPOCH:$1"
}

# healed: nothing is upset any more.
healed()
{
	local what=$UPSET
	UPSET=
	[[ $what ]] || return 0
	note "heals: $what"
	# shellcheck disable=SC2086  # words
	set -- $what
	case $1 in
	cut | sever) heal "$2" "$3" ;;
	slow) delay "$2" 0 ;;
	disk) td_latency "$2" write_ns=20000 >/dev/null ;;
	esac
}

# started: no node is down any more.
started()
{
	[[ $DOWN ]] || return 0
	note "starts: $DOWN"
	three_start "$DOWN"
	DOWN=
}

# die NODE: its power goes.
die()
{
	td_crash "$1" seed="${QBD_SEED:-1}" >/dev/null
	three_crash "$1"
	td_clear "$1" >/dev/null
	td_revive "$1" >/dev/null
	DOWN=$1
}

# takeover OLD [NODE=ROLE...]: somebody else takes the volume.
takeover()
{
	local old=$1 new
	# shellcheck disable=SC2046,SC2086  # words
	pick $(others "$old" $DOWN)
	new=$R
	note "takes over: $new from $old"
	# the writer would still write to what it has: it ends when that does
	_attach "$new" "${@:2}"
	[[ $DOWN == "$old" ]] || three_detach "$old" 7 --force 2>/dev/null ||
		true
	writer_ends 0 1
	writer
}

nemesis_crash()
{
	# shellcheck disable=SC2046  # words
	pick $(three_all)
	note "power cut: $R (holder $HOLDER)"
	die "$R"
	[[ $R != "$HOLDER" ]] || takeover "$R"
}

nemesis_link()
{
	local a b how
	# shellcheck disable=SC2046  # words
	pick $(three_all)
	a=$R
	# shellcheck disable=SC2046  # words
	pick $(others "$a")
	b=$R
	pick cut sever slow
	how=$R
	note "link: $how $a $b"
	UPSET="$how $a $b"
	case $how in
	cut) sever_both "$a" "$b" ;;
	sever) sever "$a" "$b" ;;
	slow) delay "$a" 30ms ;;
	esac
}

nemesis_disk()
{
	pick "${!THREE_COPY[@]}"
	note "slow disk: $R"
	UPSET="disk $R"
	td_latency "$R" write_ns=30000000 >/dev/null
}

# A disk fails one write: its store is out until it is opened again.
nemesis_eio()
{
	local node
	pick "${!THREE_COPY[@]}"
	node=$R
	note "write error: $node"
	td_fault "$node" eio op=write count=1 >/dev/null
	wait_until $NEMESIS_SECONDS store_failed "$node"
	td_clear "$node" >/dev/null
	at "$node" qbdctl kernel store remove "$(_uuid "$node")" >/dev/null
	at "$node" qbdctl kernel store add "$THREE_DEV${node#n}" >/dev/null
}

store_failed()
{
	at "$1" qbdctl kernel store list | grep --quiet --word-regexp failed
}

# A copy is replaced by one on another node; perhaps the holder dies meanwhile.
nemesis_replace()
{
	local leaves joins id gone
	pick "${!THREE_COPY[@]}"
	leaves=$R
	# shellcheck disable=SC2046  # words
	pick $(others "${!THREE_COPY[@]}")
	joins=$R
	id=$((_next_id++))
	note "replace: $leaves by $joins ($id)"
	at "$joins" qbdctl kernel replica create --id $id --volume 7 --shard 0 \
		--size 64M --store "$(_uuid "$joins")" --epoch $EPOCH \
		--members "$(three_members),${joins#n}:$id:learner" >/dev/null
	THREE_COPY[$joins]=$id
	config "$(three_members "$joins=learner")"
	wait_until $NEMESIS_SECONDS three_in_sync "$HOLDER" 4 >/dev/null
	EPOCH=$((EPOCH + 1))
	config "$(three_members "$leaves=leaving" "$joins=joining")"
	rnd 3
	if [[ $R == 0 ]]; then
		note "power cut while joint: $HOLDER"
		die "$HOLDER"
		takeover "$HOLDER" "$leaves=leaving" "$joins=joining"
	fi
	EPOCH=$((EPOCH + 1))
	gone=${THREE_COPY[$leaves]}
	unset "THREE_COPY[$leaves]"
	config "$(three_members)"
	started
	at "$leaves" qbdctl kernel replica delete --id "$gone" \
		--epoch $EPOCH >/dev/null
}

# nemesis_op NUMBER: one operation, and some time.
nemesis_op()
{
	log "operation $1"
	started
	healed
	# with all of that put right there is progress
	wait_until $NEMESIS_SECONDS written $(($(count) + 20))
	pick crash link disk eio takeover replace crash link
	case $R in
	takeover) takeover "$HOLDER" ;;
	*) "nemesis_$R" ;;
	esac
	# for so many writes, if there are any
	rnd 200
	td_until 2 written $(($(count) + R)) 2>/dev/null || true
	# only a takeover may cost it an error
	kill -0 "$WRITER" 2>/dev/null || writer_ends 0
}

# nemesis_end: all is healed; is everything whole?
nemesis_end()
{
	local node sum said
	started
	healed
	check "all copies are in sync" wait_until $NEMESIS_SECONDS \
		three_in_sync "$HOLDER" 3
	writer_ends 0
	said=$(qbdledger check "$DEV" $NEMESIS_LEDGER) ||
		fail "the oracle: $said"
	log "qbdledger: $said"
	sum=$(md5sum <"$DEV")
	for node in $(three_all); do
		[[ ${THREE_COPY[$node]:-} && $node != "$HOLDER" ]] || continue
		three_detach "$HOLDER" 7
		_attach "$node"
		check "$node has the same bytes" test "$sum" = "$(md5sum <"$DEV")"
	done
	note "$said $sum"
	echo "# nemesis: seed=${QBD_SEED:-1} $said" \
		"digest=$(md5sum </run/nemesis.log | head -c 12)"
}
