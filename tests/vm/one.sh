# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Volumes with one copy, on this guest alone: for cases about the block device
# and the store. A case sources it after lib.sh.
#
# Ids are made up here: node 1; the replica of shard S of volume V is
# 1000 * V + S + 1; terms count up with each attach.

CLUSTER=5eed0000-0000-4000-8000-000000000001
STORE=5eed0000-0000-4000-8000-0000000000aa

# one_node: this guest is node 1, without stores; its first term is 1, whatever
# cases ran in this guest before.
one_node()
{
	rm -f /run/one.term
	[[ -d /sys/module/qbd ]] || load_qbd
	qbdctl kernel node start --id 1 --name n1 --cluster "$CLUSTER"
	on_exit one_stop
}

# one_stop: detach what is attached, by force, and end the node.
one_stop()
{
	local id
	[[ -e /sys/kernel/qbd/n1 ]] || return 0
	# those that are still being attached, too: they have no device yet
	for id in $(qbdctl kernel volume list | awk 'NR > 1 { print $1 }'); do
		one_detach "$id" --force
	done
	qbdctl kernel node stop --id 1
}

# one_store DEVICE [OPTION...]: format it and open it as STORE.
one_store()
{
	qbdctl store format "$1" --cluster "$CLUSTER" --uuid "$STORE" "${@:2}"
	qbdctl kernel store add "$1"
}

# _shards VOLUME MIB SHARD_MIB COMMAND...: the command for each shard, with
# its number, its size in MiB and its replica.
_shards()
{
	local volume=$1 mib=$2 shard=$3 number
	shift 3
	for ((number = 0; number * shard < mib; number++)); do
		"$@" "$number" "$shard" $((1000 * volume + number + 1))
	done
}

_create_replica()
{
	qbdctl kernel replica create --id "$4" --volume "$1" --shard "$2" \
		--size "$3M" --store "$STORE" --epoch 1 --members "1:$4"
}

_shard_set()
{
	printf -- '--shard %s:1:1:%s\n' "$1" "$3"
}

# one_create VOLUME MIB SHARD_MIB: its replicas, empty.
one_create()
{
	_shards "$@" _create_replica "$1"
}

# one_attach VOLUME MIB SHARD_MIB [OPTION...]: attach it under the next term,
# named volV; DEV is then its device.
one_attach()
{
	local sets
	mapfile -t sets < <(_shards "$1" "$2" "$3" _shard_set)
	# a file, because checks run in subshells
	echo $(($(cat /run/one.term 2>/dev/null || echo 0) + 1)) >/run/one.term
	# shellcheck disable=SC2086,SC2068  # each set is two words
	qbdctl kernel volume attach --id "$1" --name "vol$1" --size "$2M" \
		--shard-size "$3M" --term "$(cat /run/one.term)" ${sets[@]} "${@:4}"
	DEV=/dev/$(basename "$(dirname "$(dirname "$(grep --files-with-matches \
		"^vol$1\$" /sys/block/qbd*/qbd/name)")")")
}

# one_detach VOLUME [--force]
one_detach()
{
	qbdctl kernel volume detach --id "$@"
}

# partition DEVICE: one of 59 MiB, 1 MiB from its begin. Numbers in an MBR are
# of blocks, which have 4 KiB here.
partition()
{
	{
		head --bytes=446 /dev/zero
		printf '\0\0\0\0\x83\0\0\0\0\1\0\0\0\x3b\0\0'
		head --bytes=48 /dev/zero
		printf '\x55\xaa'
		head --bytes=3584 /dev/zero
	} | dd of="$1" bs=4K iflag=fullblock oflag=direct conv=nocreat \
		status=none
	blockdev --rereadpt "$1"
}

# queue KEY: a limit of DEV.
queue()
{
	cat "/sys/block/${DEV##*/}/queue/$1"
}
