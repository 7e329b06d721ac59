#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Three nodes in one guest: they reach each other, a link can be cut in one
# direction or both, delayed, unplugged and healed.
#
#	n1 ---+--- n2
#	      |
#	      n3
#
# "A reaches B" needs both directions, so one-way cuts are told apart by what
# the receiver counts.
# KERNELS=debian
# TIMEOUT=180
DESCRIPTION="nodes in namespaces: cut, delay, unplug, heal"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

# got NODE: echo requests that have arrived there.
got()
{
	at "$1" sed --quiet --regexp-extended \
		's/^Icmp: ([0-9]+ ){8}([0-9]+) .*/\2/p' /proc/net/snmp
}

# arrives A B: a request of A is seen by B, answered or not.
arrives()
{
	local before
	before=$(got "$2")
	at "$1" ping -c 1 -W 1 "$(addr "$2")" >/dev/null || true
	[[ $(got "$2") -gt $before ]]
}

slow()
{
	local ms
	ms=$(at n1 ping -c 1 10.77.0.3 | sed --quiet 's/.*time=\([0-9]*\).*/\1/p')
	log "ping n1 n3: $ms ms"
	[[ $ms -ge 200 ]]
}

nodes 3
check "n1 reaches n3" reaches n1 n3
check "mtu" at n1 grep --quiet 65535 /sys/class/net/eth0/mtu

sever n1 n2
refuse "n1 does not reach n2" reaches n1 n2
refuse "nothing of n1 arrives at n2" arrives n1 n2
check "n2 still arrives at n1" arrives n2 n1
check "n1 reaches n3 all the same" reaches n1 n3
heal n1 n2
check "healed" reaches n1 n2

sever_both n2 n3
refuse "nothing of n2 arrives at n3" arrives n2 n3
refuse "nothing of n3 arrives at n2" arrives n3 n2
heal n2 n3
check "healed again" reaches n3 n2

delay n1 100ms
check "200 ms for a round trip" slow
delay n1 0

unplug n2
refuse "n1 does not reach n2 without a cable" reaches n1 n2
plug n2
wait_until 20 reaches n1 n2
