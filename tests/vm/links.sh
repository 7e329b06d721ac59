# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Nodes that know each other, in namespaces: node 10+N is in nN, and all of
# them have one file of peers. For cases about links; sourced after lib.sh.

LINKS_CLUSTER=5eed0000-0000-4000-8000-000000000002
LINKS_PORT=7789
LINKS_CONF=/run/links.conf
declare -A LINKS_PID=()

# links_nodes COUNT [SPARE]: COUNT nodes, and SPARE namespaces without one.
links_nodes()
{
	local count=$1 i
	[[ -d /sys/module/qbd ]] || load_qbd
	nodes $((count + ${2:-0}))
	on_exit rm -f "$LINKS_CONF" /run/links.n*
	links_conf "$count" >"$LINKS_CONF"
	on_exit links_end "$count"
	for ((i = 1; i <= count; i++)); do
		at "n$i" qbdctl kernel node start --id $((10 + i)) \
			--name "n$i" --cluster "$LINKS_CLUSTER"
	done
}

# links_conf COUNT: the file of peers, two links to each.
links_conf()
{
	local i
	echo "listen 0.0.0.0:$LINKS_PORT"
	echo "links 2"
	for ((i = 1; i <= $1; i++)); do
		echo "peer $((10 + i)) 10.77.0.$i:$LINKS_PORT"
	done
}

# links_start NODE [FILE]: keep its links; what it says is in /run/links.NODE.
links_start()
{
	ip netns exec "$1" qbdctl kernel links "${2:-$LINKS_CONF}" \
		2>>"/run/links.$1" &
	LINKS_PID[$1]=$!
}

# links_stop NODE [SIGNAL]: end the program; the exit code is its own. Not in a
# check: that is a subshell, which can't wait for it.
links_stop()
{
	kill "-${2:-TERM}" "${LINKS_PID[$1]}"
	links_wait "$1"
}

# links_wait NODE: until the program ends; the exit code is its own.
links_wait()
{
	local pid=${LINKS_PID[$1]}
	unset "LINKS_PID[$1]"
	wait "$pid"
}

# links_end COUNT: all programs, all nodes.
links_end()
{
	local node i
	for node in "${!LINKS_PID[@]}"; do
		links_stop "$node" KILL || true
	done
	for ((i = 1; i <= $1; i++)); do
		if at "n$i" qbdctl kernel node show >/dev/null 2>&1; then
			at "n$i" qbdctl kernel node stop --id $((10 + i))
		fi
	done
}

# links_show NODE [PEER]: one line for each link: peer link state ups rx_msgs.
links_show()
{
	at "$1" qbdctl kernel link show ${2:+--peer "$2"} --json |
		sed --quiet 's/^ {"peer": \([0-9]*\), "link": \([0-9]*\), "state": "\([a-z]*\)".* "ups": \([0-9]*\),.* "rx_msgs": \([0-9]*\),.*/\1 \2 \3 \4 \5/p'
}

# links_up NODE COUNT: so many of its links are up, no more and no less.
links_up()
{
	local shown
	shown=$(links_show "$1")
	echo "$shown"
	[[ $(awk '$3 == "up" { n++ } END { print n + 0 }' <<<"$shown") == "$2" ]]
}

# links_ups NODE PEER LINK: how many connections that link has had.
links_ups()
{
	links_show "$1" "$2" | awk -v link="$3" '$2 == link { print $4 }'
}

# links_came NODE PEER LINK NUMBER: that link has had so many, at least.
links_came()
{
	[[ $(links_ups "$1" "$2" "$3") -ge $4 ]]
}

# links_said NODE PATTERN: its program wrote such a line.
links_said()
{
	grep --extended-regexp -- "$2" "/run/links.$1"
}
