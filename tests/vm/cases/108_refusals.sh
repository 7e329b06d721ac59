#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What must not be done is refused, in words that name it, and nothing that
# was there before is the worse for it.
# DEBUG=long
# TIMEOUT=120
DESCRIPTION="bad input: each refusal says why, and nothing is lost"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires setpriv blockdev mkfs.ext4

# says PATTERN COMMAND...: it fails, and says that.
says()
{
	local pattern=$1 out
	shift
	if out=$("$@" 2>&1); then
		echo "it was not refused: $* ${out:+: $out}"
		return 1
	fi
	grep --extended-regexp --quiet -- "$pattern" <<<"$out" || {
		echo "$*: $out: does not say '$pattern'"
		return 1
	}
}

add() { qbdctl kernel store add "$@"; }

format()
{
	qbdctl store format "$1" --cluster "$CLUSTER" --wal-size 64M "${@:2}"
}

replica()
{
	qbdctl kernel replica create --id "$1" --volume "$2" --shard "${5:-0}" \
		--size "$3" --store "${4:-$STORE}" --epoch 1 --members "1:$1"
}

# attach ID NAME SIZE TERM REPLICA [OPTION...]
attach()
{
	qbdctl kernel volume attach --id "$1" --name "$2" --size "$3" \
		--shard-size 64M --term "$4" --shard "0:1:1:$5" "${@:6}"
}

# grow ID SIZE TERM [OPTION...]
grow()
{
	qbdctl kernel volume grow --id "$1" --size "$2" --term "$3" "${@:4}"
}

# says_it PATTERN COMMAND...: it says that, all in one line.
says_it() { grep --extended-regexp --quiet -- "$1" <<<"$("${@:2}" | tr '\n' ' ')"; }

nobody() { setpriv --reuid=65534 --clear-groups "$@"; }

bytes() { sha256sum <"$DEV"; }

other=5eed0000-0000-4000-8000-0000000000bb
ram_disk qd 192
ram_disk qe 192
ram_disk small 96
one_node
one_store /dev/qd --wal-size 64M
one_create 7 16 64
one_attach 7 16 64
head --bytes=1M /dev/urandom | dd of="$DEV" bs=64K oflag=direct \
	iflag=fullblock conv=nocreat status=none
before=$(bytes)
exec 9<"$DEV"
on_exit eval 'exec 9<&-'

# devices
check "no such device" says "no such device" add /dev/nothing
check "a file" says "not a block device" add /etc/passwd
check "an empty device" says "no usable superblock" add /dev/qe
check "a device in use" says "store of this node already" add /dev/qd
check "format of a store in use" says "in use" format /dev/qd --force
check "a log larger than the device" says "too small" \
	format /dev/qe --wal-size 1G
check "a log that no large write fits into" says "16 MiB are needed" \
	qbdctl store format /dev/qe --cluster "$CLUSTER" --wal-size 15M
dd if=/dev/qd of=/dev/qe bs=1M count=1 conv=nocreat status=none
check "a copy of an open store" says "uuid is open here" add /dev/qe
check "format of what is a store" says "there is a store on it" format /dev/qe
dd if=/dev/qd of=/dev/small bs=1M count=1 conv=nocreat status=none
check "a truncated copy" says "smaller than the store" add /dev/small
qbdctl store format /dev/qe --cluster "$other" --wal-size 64M --force \
	>/dev/null
check "another cluster's store" says "another cluster" add /dev/qe
format /dev/qe --force >/dev/null
check "another store than asked for" says "it is store" \
	add /dev/qe --uuid "$STORE"
blockdev --setro /dev/qe
check "a read-only device" says "read-only" add /dev/qe
blockdev --setrw /dev/qe
mkfs.ext4 -q -F /dev/small
mount /dev/small /mnt
check "a mounted device" says "in use" add /dev/small
check "format of a mounted device" says "in use" format /dev/small --force
umount /mnt
check "which is unharmed" e2fsck -f -n /dev/small

# replicas and volumes
for size in 1000000 16M 96M 128G; do
	check "a shard of $size" says "size: .*a power of two from 64M to 64G" \
		replica 8001 8 $size
done
check "a replica twice" says "had this replica" replica 7001 9 64M
check "a second replica of a shard" says "has a replica" replica 7009 7 64M
check "a replica in no store" says "no such store" replica 8001 8 64M "$other"
check "a volume's size that is no block" says "multiple of 4096" \
	attach 8 vol8 1000000 1 8001
check "a volume twice" says "attached here" attach 7 again 16M 99 7001
check "a name twice" says "has this name" attach 8 vol7 16M 1 8001
check "a name that is no name" says "a name is" attach 8 a/b 16M 1 8001
check "a shard too few" says "missing" attach 8 vol8 128M 1 8001
check "the last term that there is" says "a term, from 1 to" \
	attach 8 vol8 16M 18446744073709551615 8001
check "a replica of another volume" says "no store here has its replica" \
	attach 8 vol8 16M 1 7001 --timeout 1
check "detach while it waits" one_detach 8
one_create 6 16 128
check "a volume with smaller shards than its replica" \
	says "have another size" attach 6 vol6 16M 1 6001
check "or larger" says "have another size" \
	attach 6 vol6 16M 2 6001 --shard-size 256M
check "the replica is none the worse" \
	attach 6 vol6 16M 1 6001 --shard-size 128M

# growing
check "it gets another term" says "attached here under term 1" grow 6 32M 2
check "it gets smaller" says "16777216 bytes: a volume can't become smaller" \
	grow 6 8M 1
check "no block" says "not a multiple of 4096" grow 6 20000001 1
check "a shard too few" says "sets of 1 of the 1 new shards are missing" \
	grow 6 160M 1
check "a shard that it has" says "shard 0: the volume has it already" \
	grow 6 160M 1 --shard 0:1:1:6001
check "a shard that there is not" says "shard 2: the volume has 2" \
	grow 6 160M 1 --shard 1:1:1:6002 --shard 2:1:1:6003
check "a shard twice" says "shard 1 is given twice" \
	grow 6 160M 1 --shard 1:1:1:6002 --shard 1:1:1:6003
check "no such volume" says "no such volume" grow 9 160M 1
check "with a copy that is not there" says "goes on.*no store here has its rep" \
	grow 6 160M 1 --shard 1:1:1:6002 --timeout 1
check "what it grows to is shown" says_it \
	'"size_bytes": 16777216.*"growing_bytes": 167772160.*shard 1: no store' \
	qbdctl kernel volume list --json
check "again, it is the same" grow 6 160M 1 --shard 1:1:1:6002 --no-wait
check "to another size" says "growing to 167772160 bytes already" \
	grow 6 200M 1
check "a copy of another size comes" replica 6002 6 64M "$STORE" 1
check "asked again it ends" says "not grow under this term: shard 1: its repli" \
	grow 6 160M 1 --shard 1:1:1:6002
check "at once" says "not grow under this term.* with the new size and a hi" \
	timeout 10 qbdctl kernel volume grow --id 6 --size 160M --term 1 \
	--shard 1:1:1:6002
check "and that is shown" says_it '"growing_error": -27' \
	qbdctl kernel volume list --json
check "detach it with that" one_detach 6
check "which is no volume then" says "no such volume" grow 6 160M 1
check "detach of nothing" says "no such volume" one_detach 5

# in use
check "detach while open" says "in use.*open" one_detach 7
check "its store goes" says "volume attached here uses it" \
	qbdctl kernel store remove "$STORE"
check "a replica goes" says "in the set of its shard" \
	qbdctl kernel replica delete --id 7001 --epoch 9
check "the node ends" says "volumes are attached" \
	qbdctl kernel node stop --id 1
check "a second node" says "node already" qbdctl kernel node start --id 2 \
	--name n2 --cluster "$CLUSTER"
check "the module goes" says "in use" rmmod qbd
check "a store on a volume" says "volume of qbd" add "$DEV"

# not root
for command in "store add /dev/qe" "store remove $STORE" "node crash --id 1" \
	"volume detach --id 7 --force" "volume set --id 7 --no-quorum-ms 9"; do
	# shellcheck disable=SC2086  # words
	check "nobody: $command" says "this needs root" \
		nobody qbdctl kernel $command
done

check "nobody: events" says "this needs root" \
	nobody timeout 20 qbdctl kernel events --count 1

exec 9<&-
check "all is as it was" test "$(bytes)" = "$before"
check "detach" one_detach 7
check "a term again" says "term was used before" attach 7 vol7 16M 1 7001
check "attach" one_attach 7 16 64
check "and again" test "$(bytes)" = "$before"
check "detach for the last time" one_detach 7
check "a stale term" says "fenced by a higher term" attach 7 vol7 16M 1 7001
qbdctl kernel store remove "$STORE"
add /dev/qd --opens-min 1000
check "a disk from the past" says "only replica: .* no vote" \
	attach 7 vol7 16M 3 7001
