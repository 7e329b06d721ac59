#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# No process is in the path of a write: each program of qbd is killed, early
# and late in what it does, while fio writes and verifies. fio sees nothing.
#
#	fio -> /dev/qbd0; qbdctl kernel ..., qbdlat <- kill -9
# DEBUG=long
# TIMEOUT=200
# LONG=1000
DESCRIPTION="kill -9 of every tool under load: no error, no stall"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires fio

files=/dev/shm/kill

# As long as the file is there; each round is told of.
verify_loop()
{
	while [[ -e $files/go ]]; do
		fio --name=v --filename="$busy" --direct=1 --ioengine=libaio \
			--rw=randwrite --bsrange=4k-64k --iodepth=8 --size=12M \
			--io_size=2M --verify=crc32c --do_verify=1 \
			--verify_fatal=1 --randrepeat=0 --minimal || return
		echo >>$files/rounds
	done
}

rounds() { [[ $(wc --lines <$files/rounds) -ge $1 ]]; }

# took NAME PROGRAM...: run it to its end, note how long that takes if it is
# the quickest time yet: the first is slow, its pages are not in memory.
declare -A us=()
took()
{
	local spent start=${EPOCHREALTIME/./}
	"${@:2}" >/dev/null 2>&1 || true
	spent=$((${EPOCHREALTIME/./} - start))
	((spent > ${us[$1]:-spent + 1})) || us[$1]=$spent
}

# killed PERCENT NAME PROGRAM...: kill it after that part of its time, if it
# still runs; counts in $kills those that it hit.
kills=0
killed()
{
	local pid code=0 seconds after=$((us[$2] * $1 / 100))
	"${@:3}" >/dev/null 2>&1 &
	pid=$!
	printf -v seconds '%d.%06d' $((after / 1000000)) $((after % 1000000))
	# pause: nothing is waited for, the kill has to come at this time
	read -r -t "$seconds" -u "$_never" || true
	kill -KILL "$pid" 2>/dev/null || true
	{ wait "$pid" || code=$?; } 2>/dev/null # the shell tells of each
	[[ $code != 137 ]] || kills=$((kills + 1))
}

# The attach, killed once the kernel knows of the volume: while it waits for
# the disk, or when it has just seen it.
killed_begun()
{
	local pid
	next_attach
	"${attach[@]}" >/dev/null 2>&1 &
	pid=$!
	wait_until 60 attached
	kill -KILL "$pid" 2>/dev/null || true
	{ wait "$pid" || true; } 2>/dev/null
}

# goes_on NAME PROGRAM...: one that runs until it is killed by ends NAME, which
# waits until it has said something.
declare -A running=()
goes_on()
{
	"${@:2}" >"$files/$1" 2>&1 &
	running[$1]=$!
}

ends()
{
	local code=0
	wait_until 60 test -s "$files/$1"
	kill -KILL "${running[$1]}"
	{ wait "${running[$1]}" || code=$?; } 2>/dev/null
	check "$1 was killed" test "$code" = 137
}

# Volume 8 in its next term: the words, because one_attach is no program.
next_attach()
{
	echo $(($(cat /run/one.term) + 1)) >/run/one.term
	attach=(qbdctl kernel volume attach --id 8 --name vol8 --size 16M
		--shard-size 64M --term "$(cat /run/one.term)"
		--shard 0:1:1:8001)
}

attached() { grep --quiet vol8 <(qbdctl kernel volume list); }

# Whatever a killed attach or detach left: volume 8 can be used again.
usable()
{
	! attached || one_detach 8 --force
	one_attach 8 16 64
	one_detach 8
}

ram_disk qd 256
mkdir $files
on_exit rm -rf $files
one_node
one_store /dev/qd --wal-size 64M
one_create 7 16 64
one_create 8 16 64
one_attach 7 16 64
busy=$DEV
# so that no detach of volume 7 finds it idle
exec 9<"$busy"
on_exit eval 'exec 9<&-'
printf '%s\n' "listen 127.0.0.1:7789" "peer 1 127.0.0.1:7789" \
	"peer 2 127.0.0.1:7790" >$files/links.conf
touch $files/go $files/rounds
verify_loop >$files/fio 2>&1 &
writer=$!

qbdlat=
if [[ -e /sys/kernel/btf/qbd ]]; then
	qbdlat=1
else
	log "qbdlat is left out: no BTF of the module"
fi
readonly words=("store list" "volume list" "shard list" "volume detach --id 7")
for i in 1 2 3; do
	for what in "${words[@]}"; do
		# shellcheck disable=SC2086  # words
		took "$what" qbdctl kernel $what
	done
	next_attach
	took attach "${attach[@]}"
	took detach qbdctl kernel volume detach --id 8
done

# What a kill hits is a matter of luck: go on until some have hit.
for ((i = 1; i <= $(amount 1 1 10 4) || kills < 3; i++)); do
	before=$(wc --lines <$files/rounds)
	goes_on events qbdctl kernel events
	goes_on links qbdctl kernel links $files/links.conf
	[[ ! $qbdlat ]] || goes_on qbdlat qbdlat --json
	for percent in 40 70 100; do
		for what in "${words[@]}"; do
			# shellcheck disable=SC2086  # words
			killed $percent "$what" qbdctl kernel $what
		done
		next_attach
		killed $percent attach "${attach[@]}"
		killed $percent detach qbdctl kernel volume detach --id 8
		check "volume 8 can be used after $percent %" usable
	done
	killed_begun
	check "volume 8 can be used after an attach that had begun" usable
	for what in "${!running[@]}"; do
		ends "$what"
	done
	# it goes on: nobody waits for what was killed
	wait_until 120 rounds $((before + 1))
done
rm $files/go
wait "$writer" && code=0 || code=$?
log "$(wc --lines <$files/rounds) rounds of fio; $kills killed"
check "fio has seen no error" test "$code" = 0
