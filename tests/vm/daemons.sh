# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Three nodes with their daemons, on namespaces of this guest: a cluster made by
# three commands, stores, volumes. A case sources it after lib.sh.
#
#	n1, n2, n3: qbdd, its socket /run/qbd-nN/qbdd.sock, state beside it, its
#	store on /dev/qdN
DAEMONS=${DAEMONS:-3}
declare -A DAEMON_PID=()
# of a node: another program than qbdd
declare -A DAEMON_PROGRAM=()

# ctl NODE WORD...: qbdctl as the administrator of that node.
ctl()
{
	QBD_SOCKET=/run/qbd-$1/qbdd.sock at "$1" qbdctl "${@:2}"
}

# _daemon_stamp FILE: what supervisors do for a daemon: the time before each of
# its lines, kept until it ends.
_daemon_stamp()
{
	local line
	while IFS= read -r line; do
		echo "$EPOCHREALTIME $line"
	done >>"$1"
}

# daemon_start NODE: its daemon, and wait until it answers.
daemon_start()
{
	local node=$1
	QBD_SOCKET=/run/qbd-$node/qbdd.sock ip netns exec "$node" \
		"${DAEMON_PROGRAM[$node]:-qbdd}" \
		--config "/run/qbd-$node/qbdd.conf" \
		2> >(_daemon_stamp "/run/qbd-$node/log") </dev/null &
	DAEMON_PID[$node]=$!
	wait_until 60 quiet ctl "$node" daemon status
}

# attached NODE: device and term of the volume in its kernel.
attached()
{
	at "$1" qbdctl kernel volume list --json | tr '{' '\n' |
		sed -n 's/.*"device": *"\([^"]*\)".*"term": *\([0-9]*\).*/\1 \2/p'
}

# daemon_knows NODE: does it know what its kernel has to have, since it began?
# What the others know of its volumes may be from before its daemon died.
daemon_knows()
{
	ctl "$1" daemon status --json | grep --quiet '"wanted": *true'
}

# daemon_asked NODE: how often its daemons asked the kernel for an attach or
# detach: not to adopt what is there.
daemon_asked()
{
	grep --count 'event=kernel-asked cmd=\(attach\|detach\)' \
		"/run/qbd-$1/log" || true
}

# daemon_kill NODE [SIGNAL]: and wait for its end.
daemon_kill()
{
	kill "-${2:-KILL}" "${DAEMON_PID[$1]}" 2>/dev/null || true
	wait "${DAEMON_PID[$1]}" 2>/dev/null || true
	DAEMON_PID[$1]=
}

_daemons_end()
{
	local node
	daemons_log
	for node in "${!DAEMON_PID[@]}"; do
		[[ -z ${DAEMON_PID[$node]} ]] || daemon_kill "$node"
		ip netns exec "$node" qbdctl kernel node crash \
			--id "${node#n}" >/dev/null 2>&1 || true
	done
	wait_until 60 _no_nodes
}

_no_nodes()
{
	[[ -z $(ls -A /sys/kernel/qbd 2>/dev/null) ]]
}

_daemon_conf()
{
	local node=$1 dir=/run/qbd-$1
	rm -rf "$dir"
	mkdir -p "$dir/state"
	chmod 700 "$dir/state"
	cat >"$dir/qbdd.conf" <<-END
		[node]
		name = $node
		[control]
		listen = 10.77.0.${node#n}
		[data]
		addresses = 10.77.0.${node#n}
		[daemon]
		state-dir = $dir/state
		socket = $dir/qbdd.sock
	END
}

# daemons_log: what the daemons said, for who has to find out what went wrong.
daemons_log()
{
	local node
	for node in "${!DAEMON_PID[@]}"; do
		log "--- $node"
		tail --lines=300 "/run/qbd-$node/log" | sed 's/^/# /' >&2
	done
}

# _voters NODE N: are there so many, who leads included?
_voters()
{
	[[ $(ctl "$1" cluster status |
		grep --count --extended-regexp '(leader|voter) +alive') == "$2" ]]
}

# daemons_uuid NODE: of its cluster.
daemons_uuid()
{
	ctl "$1" cluster show --json |
		sed -n 's/.*"uuid": *"\([^"]*\)".*/\1/p'
}

# daemons_cluster MIB: the nodes, a cluster of all, a store on each.
daemons_cluster()
{
	local i node token
	load_qbd
	nodes "$DAEMONS"
	on_exit _daemons_end
	for ((i = 1; i <= DAEMONS; i++)); do
		ram_disk "qd$i" "$1"
		_daemon_conf "n$i"
		daemon_start "n$i"
	done
	ctl n1 cluster init test
	token=$(ctl n1 token create --uses "$((DAEMONS - 1))" --json |
		sed -n 's/.*"token": *"\([^"]*\)".*/\1/p')
	for ((i = 2; i <= DAEMONS; i++)); do
		ctl "n$i" cluster join 10.77.0.1 --token "$token"
	done
	wait_until 60 _voters n1 3
	for ((i = 1; i <= DAEMONS; i++)); do
		node=n$i
		qbdctl store format "/dev/qd$i" --wal-size 64M \
			--cluster "$(daemons_uuid "$node")"
		ctl "$node" store add "/dev/qd$i"
	done
}

# copies NODES: is that the set of the volume data, and settled?
copies()
{
	ctl n1 volume show data |
		grep --quiet --extended-regexp "^ *0 +[0-9]+ +settled +$1\$"
}
