# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2153,SC2154  # of three.sh and td.sh
#
# A nemesis for volume 7 of three.sh with one shard: what it does, one seeded
# operation after the other, and the end, when everything has to be whole. The
# oracle is qbdledger, see nemesis_lib.sh; who reads goes on with a holder that was
# deposed, until that has an end. A case sources it after lib.sh, three.sh, td.sh
# and nemesis_lib.sh.
#
# At most one node is down, or one thing upset, at a time: a quorum can always be
# had, and what waits for longer than NEMESIS_SECONDS has failed.

NEMESIS_SECONDS=120
EPOCH=1
SIZE=32
HOLDER=
DOWN=
UPSET=
_next_id=7010

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

# nemesis_attach NODE [NODE=ROLE...]: it has the volume from now on.
nemesis_attach()
{
	_attach "$@"
	writers
}

_attach()
{
	THREE_SET=("$EPOCH:$(three_members "${@:2}")")
	three_attach "$1" 7 $SIZE 64 --timeout $NEMESIS_SECONDS >/dev/null
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
	local old=$1 new before
	# shellcheck disable=SC2046,SC2086  # words
	pick $(others "$old" $DOWN)
	new=$R
	note "takes over: $new from $old"
	_attach "$new" "${@:2}"
	# what is under way there may wait as long as the former holder waits
	before=("${WRITERS[@]}" "${READERS[@]}")
	kill -TERM "${WRITERS[@]}" 2>/dev/null || true
	writers
	# newer versions: who still reads there must not be given older ones
	wait_until $NEMESIS_SECONDS written $(($(count) + 20))
	[[ $DOWN == "$old" ]] || three_detach "$old" 7 --force 2>/dev/null ||
		true
	end 01 "${before[@]}"
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

# The volume grows; who attaches it next names the new size.
nemesis_grow()
{
	# it has one shard
	[[ $SIZE -lt 64 ]] || return 0
	SIZE=$((SIZE + 1))
	note "grows: $SIZE MiB"
	at "$HOLDER" qbdctl kernel volume grow --id 7 --size ${SIZE}M \
		--term "$(cat /run/three.term)"
	wait_until $NEMESIS_SECONDS grown
}

over() { ! compares state:running >/dev/null; }

grown()
{
	at "$HOLDER" qbdctl kernel volume list --json |
		grep --quiet "\"size_bytes\": $((SIZE << 20))\b"
}

# Copies are compared, whatever comes next.
nemesis_verify()
{
	note "compares copies"
	! compares state:running >/dev/null || return 0
	at "$HOLDER" qbdctl kernel shard verify --volume 7 --shard 0 --no-wait \
		--term "$(cat /run/three.term)"
}

# compares WORD...: the comparison, under way or the last one, says all of these.
compares()
{
	local word shown
	shown=$(at "$HOLDER" qbdctl kernel shard verify-list --json | tr -d '", ')
	echo "$shown"
	for word in "$@"; do
		[[ $shown == *"$word"* ]] || return 1
	done
}

# nemesis_op NUMBER: one operation, and some time.
nemesis_op()
{
	log "operation $1"
	started
	healed
	# with all of that put right there is progress
	wait_until $NEMESIS_SECONDS written $(($(count) + 20))
	pick crash link disk eio takeover replace crash link verify grow
	case $R in
	takeover) takeover "$HOLDER" ;;
	*) "nemesis_$R" ;;
	esac
	# for so many writes, if there are any
	rnd 200
	td_until 2 written $(($(count) + R)) 2>/dev/null || true
	# only a takeover may cost it an error
	work || end 0 "${WRITERS[@]}" "${READERS[@]}"
}

# nemesis_end: all is healed; is everything whole?
nemesis_end()
{
	local node sum said ledger
	started
	healed
	check "all copies are in sync" wait_until $NEMESIS_SECONDS \
		three_in_sync "$HOLDER" 3
	wait_until $NEMESIS_SECONDS over
	nemesis_verify
	check "nothing differs" wait_until $NEMESIS_SECONDS \
		compares state:done looked_bytes:67108864 skipped_bytes:0 \
		differ_bytes:0 missing_bytes:0
	end 0 "${WRITERS[@]}" "${READERS[@]}"
	for ledger in "${NEMESIS_LEDGERS[@]}"; do
		said=$(qbdledger check "$DEV" "$ledger") ||
			fail "the oracle: $said"
		note "$said"
	done
	sum=$(md5sum <"$DEV")
	for node in $(three_all); do
		[[ ${THREE_COPY[$node]:-} && $node != "$HOLDER" ]] || continue
		three_detach "$HOLDER" 7
		_attach "$node"
		check "$node has the same bytes" test "$sum" = "$(md5sum <"$DEV")"
	done
	note "acked=$(count) $sum"
	echo "# nemesis: seed=${QBD_SEED:-1} acked=$(count)" \
		"digest=$(md5sum </run/nemesis.log | head -c 12)"
}
