# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Volumes with three copies, on nodes n1 .. n3 of this guest, each a network
# namespace with a store on a disk of its own. A case sources it after lib.sh.
# With THREE_NODES=4 or more there are nodes without a copy.
#
# Ids are made up here: the replica of shard S of volume V on node N is
# 1000 * V + 10 * S + N; terms count up with each attach, whatever node.
#
# A case may set, before it sources this: THREE_DISK=td for test disks, each
# named as its node, instead of those of ram_disk; THREE_LEASE_MS; THREE_WAL,
# the size of a log. One that wants still other disks has a three_disk() of its
# own and says in THREE_DEV what their names begin with. THREE_SET[S] is the
# replica set of shard S, EPOCH:MEMBERS, if it is not the one that was created.
# THREE_COPY[NODE] is the replica of volume 7, shard 0 there, for a case that
# replaces copies and keeps it up to date.

CLUSTER=5eed0000-0000-4000-8000-000000000003
THREE_LEASE_MS=${THREE_LEASE_MS:-10000}
THREE_WAL=${THREE_WAL:-64M}
THREE_NODES=${THREE_NODES:-3}
THREE_SET=()
declare -A THREE_COPY=([n1]=7001 [n2]=7002 [n3]=7003)
THREE_DISK=${THREE_DISK:-ram}
THREE_DEV=/dev/qd
[[ $THREE_DISK != td ]] || THREE_DEV=/dev/td_n

# _uuid NODE: of its store.
_uuid()
{
	echo "5eed0000-0000-4000-8000-0000000000a${1#n}"
}

# three_disk NUMBER MIB [OPTION...]: make the disk of a node.
three_disk()
{
	if [[ $THREE_DISK == td ]]; then
		td_create "n$1" size="$2M" cache=on "${@:3}"
		on_exit td_remove "n$1"
	else
		ram_disk "qd$1" "${@:2}"
	fi
}

# three_all: the names of all nodes. (seq of small guests has no --format.)
three_all()
{
	local id
	for ((id = 1; id <= THREE_NODES; id++)); do
		echo "n$id"
	done
}

# three_nodes MIB [OPTION...]: n1 .. n3, each with an empty store of this size;
# options are those of the disk.
three_nodes()
{
	local node
	[[ -d /sys/module/qbd ]] || load_qbd
	nodes "$THREE_NODES"
	for node in $(three_all); do
		three_disk "${node#n}" "$@"
	done
	on_exit three_stop
	for node in $(three_all); do
		qbdctl store format "$THREE_DEV${node#n}" --cluster "$CLUSTER" \
			--uuid "$(_uuid "$node")" --wal-size "$THREE_WAL"
		three_start "$node"
	done
	for node in $(three_all); do
		wait_until 60 three_linked "$node"
	done
}

# three_start NODE: start it, with its store and its links.
three_start()
{
	local id=${1#n}
	at "$1" qbdctl kernel node start --id "$id" --name "$1" \
		--cluster "$CLUSTER" --lease-ms "$THREE_LEASE_MS"
	at "$1" qbdctl kernel store add "$THREE_DEV$id"
	three_links "$1"
}

# three_links NODE: start the program that makes its links.
three_links()
{
	local id=${1#n} peer
	{
		echo "listen $(addr "$1"):7000"
		for peer in $(seq "$THREE_NODES"); do
			[[ $peer == "$id" ]] ||
				echo "peer $peer $(addr "n$peer"):7000"
		done
	} >"/run/$1.links"
	# not by "at": the pid would be that of a shell that waits for it
	ip netns exec "$1" qbdctl kernel links "/run/$1.links" \
		>>"/run/$1.log" 2>&1 &
	echo $! >"/run/$1.pid"
}

# three_linked NODE: all its links are up.
three_linked()
{
	local up
	up=$(at "$1" qbdctl kernel link show | grep --count --word-regexp up)
	[[ $up == $((2 * (THREE_NODES - 1))) ]]
}

# three_unlink NODE: kill its links process, as hard as it goes.
three_unlink()
{
	local pid
	pid=$(cat "/run/$1.pid" 2>/dev/null) || return 0
	rm "/run/$1.pid"
	{
		kill -KILL "$pid"
		wait "$pid"
	} 2>/dev/null || true
}

# three_crash NODE: a power cut.
three_crash()
{
	three_unlink "$1"
	at "$1" qbdctl kernel node crash --id "${1#n}"
}

# three_home: all stop in order, so that what they have comes home, and start.
# No volume is attached.
three_home()
{
	local node
	for node in $(three_all); do
		three_unlink "$node"
		at "$node" qbdctl kernel node stop --id "${node#n}"
	done
	for node in $(three_all); do
		wait_until 60 test ! -e "/sys/kernel/qbd/$node"
		three_start "$node"
	done
}

three_stop()
{
	local node
	for node in $(three_all); do
		three_unlink "$node"
		[[ ! -e /sys/kernel/qbd/$node ]] || three_crash "$node"
	done
}

# three_set VOLUME SHARD: the set that it is created with.
three_set()
{
	local base=$((1000 * $1 + 10 * $2))
	echo "1:$((base + 1)),2:$((base + 2)),3:$((base + 3))"
}

# three_copy NODE VOLUME SHARD SHARD_MIB: a replica there, empty.
three_copy()
{
	at "$1" qbdctl kernel replica create \
		--id $((1000 * $2 + 10 * $3 + ${1#n})) --volume "$2" \
		--shard "$3" --size "$4M" --store "$(_uuid "$1")" --epoch 1 \
		--members "$(three_set "$2" "$3")"
}

# three_create VOLUME MIB SHARD_MIB: its replicas, empty, on all nodes.
three_create()
{
	local shard node
	for ((shard = 0; shard * $3 < $2; shard++)); do
		for node in n1 n2 n3; do
			three_copy $node "$1" $shard "$3"
		done
	done
}

# three_attach NODE VOLUME MIB SHARD_MIB [OPTION...]: under the next term. DEV
# is then its device; after a check, which is a subshell, ask three_dev. Its
# name has the node in it: here two nodes can have the volume, one of them
# fenced, and names are those of one kernel.
three_attach()
{
	local sets=() shard set
	for ((shard = 0; shard * $4 < $3; shard++)); do
		set=1:$(three_set "$2" $shard)
		sets+=(--shard "$shard:${THREE_SET[shard]:-$set}")
	done
	# a file, because checks run in subshells
	echo $(($(cat /run/three.term 2>/dev/null || echo 0) + 1)) \
		>/run/three.term
	at "$1" qbdctl kernel volume attach --id "$2" --name "vol$2-$1" \
		--size "$3M" --shard-size "$4M" --term "$(cat /run/three.term)" \
		"${sets[@]}" "${@:5}" >/run/three.dev
	DEV=$(cat /run/three.dev)
	echo "$DEV"
}

# three_members [NODE=ROLE...]: the replica set that THREE_COPY holds, voters
# but for these.
three_members()
{
	local node role word list=()
	for node in $(three_all); do
		[[ ${THREE_COPY[$node]:-} ]] || continue
		role=voter
		for word in "$@"; do
			[[ ${word%=*} != "$node" ]] || role=${word#*=}
		done
		list+=("${node#n}:${THREE_COPY[$node]}:$role")
	done
	(IFS=, && echo "${list[*]}")
}

# three_dev: the device of the last attach.
three_dev()
{
	cat /run/three.dev
}

# three_detach NODE VOLUME [--force]
three_detach()
{
	at "$1" qbdctl kernel volume detach --id "${@:2}"
}

# three_in_sync NODE COPIES: so many copies of what it leads are in sync;
# it prints all of them, for a check that fails.
three_in_sync()
{
	local shown
	shown=$(at "$1" qbdctl kernel shard list)
	echo "$shown"
	[[ $(grep --only-matching --word-regexp in-sync <<<"$shown" | wc -l) \
		== "$2" ]]
}

# three_state NODE STATE: all shards of what it leads are so.
three_state()
{
	local shown
	shown=$(at "$1" qbdctl kernel shard list)
	echo "$shown"
	[[ $(awk 'NR > 1 { print $3 }' <<<"$shown" | sort --unique) == "$2" ]]
}
