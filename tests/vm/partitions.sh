# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2154  # of failover.sh, which sets what it measures
#
# Partitions of a cluster of daemons whose volume is written to by whoever has
# it: each kind begins with everything healthy, lasts for some seconds, and is
# healed. A case sources it after failover.sh.
#
#	full		the holder is cut off
#	out, in		nothing that it sends arrives; nothing arrives there
#	partial		it and another copy do not hear each other, others do
#	paused		it is cut off, and its daemon stopped, for longer than
#			everybody's patience; then both go on where they were
#	blink		it is cut off and is back, again and again
#	minority	it and another one, of five, do not hear the other three:
#			who has a majority of the copies may be another side than
#			who has one of the group
#
# What has to hold, whatever happens: whoever had the volume before has nothing
# acknowledged after the next one had (P2), all that was acknowledged is there
# (P1), it is served again soon after all is healed, and it does not move back and
# forth all the time.
#
PARTITION_BACK_MS=4500 # a failover, and the lease
PARTITION_TERMS=6 # of the volume, at most: two for a takeover

# holder: R is the node that has the volume, as another one has it.
holder()
{
	R=$(ctl "$1" volume show data --json |
		sed -n 's/.*"attached": *"\([^"]*\)".*/\1/p')
}

# term: R is the volume's.
term()
{
	R=$(ctl "$1" volume show data --json |
		sed -n 's/.*"term": *\([0-9]*\).*/\1/p')
}

# raft_terms: R is how often somebody began to lead, as all daemons said.
raft_terms()
{
	local node files=()
	for node in $(everybody); do
		files+=("/run/qbd-$node/log")
	done
	R=$(sed -n 's/.*event=leader node=[1-9].* term=\([0-9]*\).*/\1/p' \
		"${files[@]}" | sort --numeric-sort | tail -n 1)
}

everybody()
{
	local i
	for ((i = 1; i <= DAEMONS; i++)); do
		echo "n$i"
	done
}

# all_but NODE...: R is everybody else.
all_but()
{
	local node out=()
	for node in $(everybody); do
		[[ " $* " == *" $node "* ]] || out+=("$node")
	done
	R="${out[*]}"
}

# between NODES NODES COMMAND: of each pair.
between()
{
	local a b
	for a in $1; do
		for b in $2; do
			"$3" "$a" "$b"
		done
	done
}

# apart KIND HOLDER: the partition begins. WITH is the other one, of partial and
# of minority.
apart()
{
	local node=$2 rest
	WITH=
	all_but "$node"
	rest=$R
	case $1 in
	full) unplug "$node" ;;
	out) between "$node" "$rest" sever ;;
	in) between "$rest" "$node" sever ;;
	partial)
		# shellcheck disable=SC2086  # words
		pick $rest
		WITH=$R
		sever_both "$node" "$WITH"
		;;
	minority)
		# shellcheck disable=SC2086  # words
		pick $rest
		WITH=$R
		all_but "$node" "$WITH"
		between "$node $WITH" "$R" sever_both
		;;
	paused)
		unplug "$node"
		kill -STOP "${DAEMON_PID[$node]}"
		;;
	esac
}

# lasts KIND HOLDER: for as long as chance says.
lasts()
{
	local end half
	rnd 4000
	[[ $1 != paused ]] || R=$((R + 6000))
	R=$((R + 4000))
	if [[ $1 != blink ]]; then
		nap $R
		return
	fi
	end=$(($(now_us) + (R + 4000) * 1000))
	# 0.1 to 5 Hz
	pick 100 250 1000 2500 5000
	half=$R
	BLINK=" ${half}ms"
	while [[ $(now_us) -lt $end ]]; do
		unplug "$2"
		nap $half
		plug "$2"
		nap $half
	done
}

# together KIND HOLDER: it is over.
together()
{
	local node=$2
	case $1 in
	full | blink) plug "$node" ;;
	paused)
		plug "$node"
		kill -CONT "${DAEMON_PID[$node]}"
		;;
	minority)
		all_but "$node" "$WITH"
		between "$node $WITH" "$R" heal
		;;
	*)
		all_but "$node"
		between "$node" "$R" heal
		;;
	esac
}

# healthy: everybody hears the three who vote (of whom one that has only a session
# to them does not know more than who leads); the volume serves where it is.
healthy()
{
	local node shown
	for node in $(everybody); do
		[[ $(ctl "$node" cluster status |
			grep --count --extended-regexp \
				'(leader|voter|member) +alive') == 3 ]]
		# links are between those who have copies
		shown=$(at "$node" qbdctl kernel link show)
		echo "$shown"
		! tail --lines=+2 <<<"$shown" |
			grep --invert-match --word-regexp up || return 1
	done
	holder n1
	[[ -e /run/writer.$R ]]
	kill -0 "$(cat "/run/writer.$R")"
}

# nothing_lost: what was acknowledged is there; the writer waits meanwhile.
nothing_lost()
{
	local node pid device rc=0
	holder n1
	node=$R
	pid=$(cat "/run/writer.$node")
	device=/dev/$(at "$node" qbdctl kernel volume list --json |
		sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')
	kill -STOP "$pid"
	qbdledger check "$device" "$FAILOVER_LEDGER" || rc=$?
	kill -CONT "$pid"
	return $rc
}

# one_writer: of WROTE, no two at a time; the nodes in order of time.
one_writer()
{
	local node last=0 name=
	while read -r node; do
		[[ ${WROTE[$node]%:*} -gt $last ]] || {
			echo "$node had its first acknowledgement at" \
				"${WROTE[$node]%:*}, $name its last at $last"
			return 1
		}
		last=${WROTE[$node]#*:}
		name=$node
	done < <(for node in "${!WROTE[@]}"; do
		echo "${WROTE[$node]} $node"
	done | sort --numeric-sort | sed 's/.* //')
}

# partition KIND: one of them, from its begin to its end; one row.
partition()
{
	local kind=$1 was is terms raft healed pause back lost=no failed
	WITH='' BLINK=''
	holder n1
	was=$R
	term n1
	terms=$R
	raft_terms
	raft=$R
	gap
	apart "$kind" "$was"
	lasts "$kind" "$was"
	gap
	check "$kind: one writer at a time" one_writer
	pause=$GAP
	healed=$(now_us)
	together "$kind" "$was"
	writes_grow 60 20
	gap
	back=0
	if [[ $GAP_TO -gt $healed && $GAP_FROM -le $healed ]]; then
		back=$(((GAP_TO - healed) / 1000))
		[[ $GAP -le $pause ]] || pause=$GAP
	fi
	check "$kind: one writer at the end" one_writer
	wait_until 120 healthy
	failed=$_failed
	check "$kind: nothing is lost" nothing_lost
	[[ $_failed == "$failed" ]] || lost=yes
	holder n1
	is=$R
	term n1
	terms=$((R - terms))
	raft_terms
	raft=$((R - raft))
	[[ $is == "$was" ]] && is="kept" || is="moved"
	log "partition: $DAEMONS | $kind$BLINK | $was${WITH:+,$WITH} | $is |" \
		"$terms | $raft | $((pause / 1000)) | $back | $lost"
	check "$kind: back after $back ms" test "$back" -le $PARTITION_BACK_MS
	check "$kind: $terms terms of the volume" \
		test "$terms" -le $PARTITION_TERMS
}

# partitions: a cluster, and as many kinds as are asked for, in an order that
# chance says.
partitions()
{
	local kinds=(full out in partial paused blink) i kind
	[[ $DAEMONS -lt 5 ]] || kinds+=(minority)
	daemons_cluster 256
	# shellcheck disable=SC2046  # words
	pick $(everybody)
	kind=$R
	all_but "$kind"
	# shellcheck disable=SC2086  # words
	set -- $R
	failover_volume "$kind,$(IFS=, && echo "${*:1:3}")" # four at most
	wait_until 120 healthy
	writes_grow 60 100
	for ((i = ${QBD_OPS:-1}; i > 0 && ${#kinds[@]}; i--)); do
		pick "${kinds[@]}"
		kind=$R
		partition "$kind"
		read -r -a kinds <<<"$(printf '%s ' "${kinds[@]}" |
			sed "s/\\b$kind //")"
	done
}
