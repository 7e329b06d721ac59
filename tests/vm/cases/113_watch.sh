#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is there to look at: each file of qbd in sysfs and debugfs, before,
# under load and after it; and events, which a listener that sleeps loses, and
# is told so.
#
#	fio -> /dev/qbd0; readers -> /sys/.../qbd/*; qbdctl kernel events, stopped
# DEBUG=long
# TIMEOUT=200
DESCRIPTION="sysfs and debugfs under load, and events that are lost"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires fio

disk=/sys/block/qbd0/qbd
node=/sys/kernel/qbd/n1
debug=/sys/kernel/debug/qbd
files=/dev/shm/watch

# is FILE PATTERN: the file, all of it, looks like this; a bash pattern.
shopt -s extglob
is()
{
	local text
	text=$(<"$1")
	# shellcheck disable=SC2053  # a pattern is what is wanted
	[[ $text == $2 ]] || {
		echo "$1: '$text' is not '$2'"
		return 1
	}
}

readonly digits='+([0-9])'

# These, and no others: a new one has to be looked at here, too.
readonly disk_files="held inflight io_timeout_ms name node reason shard_bytes
shards shards_serving state term volume"
readonly node_files="cluster event_seq id lease_ms replicas state stores volumes"
readonly debug_files="pool replicas shards"

no_others()
{
	local there
	there=$(cd "$1" && echo ./*)
	[[ ${there//.\//} == "${2//$'\n'/ }" ]] || {
		echo "$1: $there"
		return 1
	}
}

disk_sane()
{
	no_others $disk "$disk_files"
	is $disk/name vol7
	is $disk/volume 7
	is $disk/node 1
	is $disk/term "$digits"
	is $disk/state serving
	is $disk/reason ''
	is $disk/shards 2
	is $disk/shard_bytes $((64 << 20))
	is $disk/shards_serving 2
	is $disk/inflight "$digits"
	is $disk/held "$digits"
	is $disk/io_timeout_ms "$digits"
}

node_sane()
{
	no_others $node "$node_files"
	is $node/id 1
	is $node/cluster "$CLUSTER"
	is $node/lease_ms "$digits"
	is $node/state running
	is $node/event_seq "$digits"
	is $node/stores 1
	is $node/volumes "$1"
	is $node/replicas 2
}

# count FILE PATTERN: how many lines of it are so.
count() { grep --count --extended-regexp "$2" "$1" || true; }

# debug_sane LED: a line for each shard that is led, and one for its member.
debug_sane()
{
	local file
	no_others $debug/n1 "$debug_files"
	for file in "$debug"/fault/*; do
		is "$file" 0
	done
	[[ $(count $debug/n1/shards '^7/[01] state [0-9]+ term [0-9]+ epoch 1 last [0-9]+ completed [0-9]+ commit [0-9]+ lease [0-9]+ ms inflight [0-9]+ held [0-9]+$') == "$1" ]]
	[[ $(count $debug/n1/shards '^	node 1 replica 700[12] state 0 matched [0-9]+ durable [0-9]+$') == "$1" ]]
	[[ $(count $debug/n1/replicas '^7/[01] replica 700[12] state 0 promised [0-9]+ to 1 last [0-9]+\.[0-9]+ durable [0-9]+ commit [0-9]+ applied [0-9]+ log from [0-9]+ $') == 2 ]]
	[[ $(count $debug/n1/pool '^[a-z]+ recycled [0-9]+ from_limbo [0-9]+ fresh [0-9]+ to_limbo [0-9]+ overflow [0-9]+ exhausted [0-9]+ owned [0-9]+ free [0-9]+ max [0-9]+$') == 5 ]]
}

sane()
{
	disk_sane
	node_sane 1
	debug_sane 2
}

# while_busy: it is so, again and again, while fio writes and reads.
while_busy()
{
	local rounds=0
	while kill -0 "$writer" 2>/dev/null; do
		sane
		rounds=$((rounds + 1))
	done
	echo "$rounds rounds" >$files/rounds
	[[ $rounds -ge 1 ]]
}

# read_all: as fast as it goes.
read_all()
{
	while [[ -e $files/go ]]; do
		cat $disk/* $node/* $debug/n1/* >/dev/null
	done
}

# dropped PID: its socket was full.
dropped()
{
	# shellcheck disable=SC2016  # they are awk's
	awk -v pid="$1" '$2 == 16 && $3 % 4194304 == pid && $9 > 0 {
		found = 1 } END { exit !found }' /proc/net/netlink
}

# flood PID: attach and detach until the listener's socket is full.
flood()
{
	local i
	for ((i = 0; i < 60; i++)); do
		one_attach 7 128 64
		one_detach 7
		! dropped "$1" || return 0
	done
	return 1
}

ram_disk qd 256
mkdir $files
on_exit rm -rf $files
one_node
one_store /dev/qd --wal-size 64M
one_create 7 128 64
one_attach 7 128 64
check "idle" sane
refuse "a file that is only read" says="Permission denied" \
	eval "echo 1 >$disk/inflight"
check "the one that may be written" eval "echo 12345 >$disk/io_timeout_ms"
check "says so" is $disk/io_timeout_ms 12345
refuse "nonsense" says="Invalid argument" eval "echo x >$disk/io_timeout_ms"
touch $files/go
read_all 2>$files/read_all &
reader=$!
fio --name=load --filename="$DEV" --direct=1 --ioengine=libaio --rw=randrw \
	--bsrange=4k-64k --iodepth=16 --size=64M --time_based --runtime=15 \
	--minimal >$files/fio 2>&1 &
writer=$!
check "under load" while_busy
log "$(cat $files/rounds)"
wait "$writer" && code=0 || code=$?
check "no I/O failed" test "$code" = 0
rm $files/go
wait "$reader" && code=0 || code=$?
check "every read went well" test "$code" = 0
check "after it" sane
check "nothing is in flight" is $disk/inflight 0
check "or held" is $disk/held 0

qbdctl kernel events >$files/text &
text=$!
qbdctl kernel events --json >$files/json &
json=$!
on_exit eval "{ kill -KILL $text $json; wait $text $json; } 2>/dev/null || true"
wait_until 20 listens $text
wait_until 20 listens $json
one_detach 7
wait_until 20 test -s $files/text
kill -STOP $text
check "who sleeps loses events" flood $text
kill -CONT $text
wait_until 20 grep --quiet volume-state $files/text
one_attach 7 128 64
check "and is told how many" \
	wait_until 60 grep --extended-regexp '^\([0-9]+ events lost\)$' \
	$files/text
seq=$(cat $node/event_seq)
wait_until 60 grep --quiet "\"seq\": $seq," $files/json
# gaps: numbers that do not follow the one before
gaps()
{
	sed 's/^{"seq": \([0-9]*\),.*/\1/' $files/json |
		awk 'NR > 1 && $1 != last + 1 { gaps++ } { last = $1 }
		END { print gaps + 0 }'
}
check "who listens loses none" test "$(gaps)" = 0
lost=$(sed --quiet 's/^(\([0-9]*\) events lost)$/\1/p' $files/text)
check "all others came" test $(($(grep --count --invert-match lost \
	$files/text) + lost)) = "$(wc --lines <$files/json)"
check "detach" one_detach 7
check "the node says so, too" node_sane 0
check "no shard is led" debug_sane 0
