# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034  # cases read GAP, GAP_FROM, GAP_TO, DIED
#
# What the cases of failover share: a cluster of daemons, a volume that may be
# attached by itself and runs a writer with a ledger (tests/load/ledger.c)
# wherever it is, machines that die, and times from what daemons said. A case
# sources it after lib.sh, nemesis_lib.sh and daemons.sh.

FAILOVER_LEDGER=/dev/shm/ledger
FAILOVER_WRITER=/run/failover.writer

# now_us: of the wall clock, as in the logs of daemons.
now_us()
{
	echo "${EPOCHREALTIME/./}"
}

# nap MS: some time passes.
nap()
{
	local seconds
	printf -v seconds '%d.%03d' $(($1 / 1000)) $(($1 % 1000))
	# pause: chance says when something happens, nothing is waited for
	read -r -t "$seconds" -u "${_never:?}" || true
}

# failover_volume LIST [SHARDS]: a volume that the nodes of the list may have,
# with its writer.
failover_volume()
{
	local shards=${2:-1}
	qbdledger make "$FAILOVER_LEDGER" --blocks 1024
	cat >"$FAILOVER_WRITER" <<-END
		#!/bin/bash
		echo \$\$ >"/run/writer.\$QBD_NODE"
		exec qbdledger write "\$QBD_DEVICE" $FAILOVER_LEDGER \\
			--pause 2000 --seed ${QBD_SEED:-1} --name \${QBD_NODE#n}
	END
	chmod 755 "$FAILOVER_WRITER"
	on_exit rm -f "$FAILOVER_LEDGER" "$FAILOVER_WRITER"
	quiet ctl n1 volume create data --size $((64 * shards))M \
		--shard-size 64M
	quiet ctl n1 volume set data --auto-attach "$1" --run "$FAILOVER_WRITER"
}

# writes_more COUNT: have there been so many acknowledgements?
writes_more()
{
	[[ $(qbdledger count "$FAILOVER_LEDGER") -ge $1 ]]
}

# writes_grow SECONDS COUNT: wait for so many more.
writes_grow()
{
	wait_until "$1" writes_more \
		$(($(qbdledger count "$FAILOVER_LEDGER") + $2))
}

# gap: GAP is the longest time without an acknowledgement, in us, GAP_FROM and
# GAP_TO are its ends; WROTE[NODE] says when this node's writer had its first and
# its last one, FIRST:LAST in ns. Begins anew.
declare -A WROTE=()
gap()
{
	local pair
	WROTE=()
	for pair in $(qbdledger gap "$FAILOVER_LEDGER"); do
		case $pair in
		gap_ns=*) GAP=$((${pair#*=} / 1000)) ;;
		from_ns=*) GAP_FROM=$((${pair#*=} / 1000)) ;;
		to_ns=*) GAP_TO=$((${pair#*=} / 1000)) ;;
		w*) pair=${pair#w} && WROTE[n${pair%%=*}]=${pair#*=} ;;
		esac
	done
}

# leads NODE: R is who leads the group, as that node has it.
leads()
{
	R=$(ctl "$1" cluster status | sed -n 's/^\(n[0-9]*\) .*leader.*/\1/p')
}

has_leader()
{
	leads "$1"
	[[ $R ]]
}

# machine_dies NODE: at once, and nobody gets a word that a dead machine would
# not have sent; DIED is when.
machine_dies()
{
	local node=$1
	DIED=$(now_us)
	unplug "$node"
	at "$node" qbdctl kernel node crash --id "${node#n}"
	daemon_kill "$node"
	[[ ! -e /run/writer.$node ]] ||
		kill -KILL "$(cat "/run/writer.$node")" 2>/dev/null || true
	rm -f "/run/writer.$node"
}

# when_said SINCE_US PATTERN NODE...: R is when one of these daemons first said what
# is like the pattern, in ms since then; "-" if none did.
when_said()
{
	local since=$1 pattern=$2 node files=()
	for node in "${@:3}"; do
		files+=("/run/qbd-$node/log")
	done
	R=$(awk -v since="$since" -v pattern="$pattern" '
		{
			at = $1
			sub(/[.]/, "", at)
		}
		at + 0 >= since && $0 ~ pattern && (!best || at + 0 < best) {
			best = at + 0
		}
		END {
			if (best)
				printf "%.0f", (best - since) / 1000
			else
				printf "-"
		}' "${files[@]}")
}

# failover_end NODE: the volume's writer there ends, and everything that was
# acknowledged is there.
failover_end()
{
	local node=$1 device
	kill -TERM "$(cat "/run/writer.$node")"
	wait_until 60 _writer_ended "$node"
	device=/dev/$(at "$node" qbdctl kernel volume list --json |
		sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')
	check "nothing is missing on $node" qbdledger check "$device" \
		"$FAILOVER_LEDGER"
}

_writer_ended()
{
	! kill -0 "$(cat "/run/writer.$1")" 2>/dev/null
}
