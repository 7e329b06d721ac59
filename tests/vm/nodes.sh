# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Nodes inside one guest: network namespaces on a bridge. Part of lib.sh.
#
#	  netns n1        netns n2        netns n3
#	+-----------+   +-----------+   +-----------+
#	| 10.77.0.1 |   | 10.77.0.2 |   | 10.77.0.3 |
#	|   eth0    |   |   eth0    |   |   eth0    |
#	+-----+-----+   +-----+-----+   +-----+-----+
#	      | veth          |               |
#	   +--+-p1---------+--+-p2---------+--+-p3--+
#	   |              bridge bed0               |
#	   +----------------------------------------+
#
# A delay sits on eth0 (what leaves the node) or on pN (what reaches it). A
# cut drops at the receiver, before its TCP sees anything: the sender notices
# nothing, as with a broken cable.

# nodes COUNT [MTU]: make n1 .. nCOUNT; they can ping each other.
nodes()
{
	local count=$1 mtu=${2:-65535} i
	requires ip tc nft
	load veth
	load bridge
	on_exit _drop_nodes "$count"
	# In batches: starting a program is what costs time in a guest.
	{
		echo "link add bed0 type bridge forward_delay 0"
		echo "link set bed0 mtu $mtu up"
		for ((i = 1; i <= count; i++)); do
			echo "netns add n$i"
			echo "link add p$i mtu $mtu type veth" \
				"peer name eth0 mtu $mtu netns n$i"
			echo "link set p$i master bed0 up"
		done
	} | ip -batch -
	for ((i = 1; i <= count; i++)); do
		ip -n "n$i" -batch - <<-END
			link set lo up
			addr add 10.77.0.$i/24 dev eth0
			link set eth0 up
		END
	done
	for ((i = 2; i <= count; i++)); do
		wait_until 20 reaches "n$i" n1
	done
}

_drop_nodes()
{
	local i
	{
		for ((i = 1; i <= $1; i++)); do
			echo "link del p$i"
			echo "netns del n$i"
		done
		echo "link del bed0"
	} | ip -force -batch -
}

# at NODE COMMAND...: run it on the node.
at()
{
	ip netns exec "$1" "${@:2}"
}

# addr NODE: its address.
addr()
{
	echo "10.77.0.${1#n}"
}

# reaches A B: B answers A.
reaches()
{
	at "$1" ping -c 1 -W 1 "$(addr "$2")" >/dev/null
}

# delay NODE TIME [out|in|both]: add TIME (as tc says it: 500us, 5ms) to what
# leaves the node, reaches it, or each of both; 0 takes it away. Jitter and
# loss go into TIME as well: "10ms 2ms 25%".
delay()
{
	local node=$1 time=$2 way=${3:-both}
	if [[ $way != in ]]; then
		_netem "$time" eth0 -n "$node"
	fi
	if [[ $way != out ]]; then
		_netem "$time" "p${node#n}"
	fi
}

# _netem TIME DEVICE [-n NODE]
_netem()
{
	if [[ $1 == 0 ]]; then
		tc "${@:3}" qdisc del dev "$2" root
		return
	fi
	load sch_netem
	# shellcheck disable=SC2086
	tc "${@:3}" qdisc replace dev "$2" root netem delay $1 limit 100000
}

_cut_table()
{
	at "$1" nft list table inet bed >/dev/null 2>&1 ||
		at "$1" nft -f - <<-'END'
		table inet bed {
			set cut { type ipv4_addr; }
			chain in {
				type filter hook input priority -300;
				ip saddr @cut drop
			}
		}
		END
}

# sever A B: nothing from A reaches B any more; B still reaches A.
sever()
{
	_cut_table "$2"
	at "$2" nft add element inet bed cut "{ $(addr "$1") }"
}

# sever_both A B: nothing either way.
sever_both()
{
	sever "$1" "$2"
	sever "$2" "$1"
}

# heal A B: undo every cut between the two; there need not be one.
heal()
{
	at "$2" nft delete element inet bed cut "{ $(addr "$1") }" 2>/dev/null ||
		true
	at "$1" nft delete element inet bed cut "{ $(addr "$2") }" 2>/dev/null ||
		true
}

# unplug NODE, plug NODE: its cable.
unplug() { ip link set "p${1#n}" down; }
plug() { ip link set "p${1#n}" up; }
