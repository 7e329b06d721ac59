#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A volume is led for repair: without a device, and in nobody's way. Whoever
# attaches it does not wait for a lease, although there is a long one; without
# a quorum it can be ended; a node that leads one can be stopped, or lose power,
# and the module goes without a trace.
# DEBUG=long
# TIMEOUT=900
DESCRIPTION="a volume is led for repair, and attached elsewhere at once"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
THREE_LEASE_MS=30000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"

# led NODE STATE: volume 7 is led for repair there, and has no device.
led()
{
	local shown
	shown=$(at "$1" qbdctl kernel volume list --json)
	echo "$shown"
	grep --quiet '"led_for": *"repair"' <<<"$shown" &&
		grep --quiet "\"state\": *\"$2\"" <<<"$shown" &&
		grep --quiet '"device": *""' <<<"$shown"
}

# no_volume NODE: it has none.
no_volume()
{
	! at "$1" qbdctl kernel volume list --json | grep --quiet '"name"'
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

same()
{
	dd if="$DEV" bs=128K count=8 iflag=direct status=none |
		cmp - /dev/shm/first
}

# n3_attaches: without having to wait for a lease.
n3_attaches()
{
	local began took
	began=$(now_ms)
	check "n3 attaches it" three_attach n3 7 64 64
	DEV=$(three_dev)
	took=$(($(now_ms) - began))
	log "after $took ms"
	check "no lease was waited for" test $took -lt $((THREE_LEASE_MS / 2))
}

three_nodes 256
on_exit rm -f /dev/shm/first
check "three replicas" three_create 7 64 64
began=$(now_ms)
check "attached" three_attach n1 7 64 64
log "after $(($(now_ms) - began)) ms"
DEV=$(three_dev)
check "all in sync" wait_until 200 three_in_sync n1 3
head --bytes=1M /dev/urandom >/dev/shm/first
check "a write" dd if=/dev/shm/first of="$DEV" bs=128K oflag=direct \
	conv=nocreat status=none
check "detached" three_detach n1 7

check "led for repair on n2" three_attach n2 7 64 64 --repair
check "it is, and has no device" led n2 serving
check "no device is named" test -z "$(three_dev)"
check "its shard serves" three_state n2 serving
check "all in sync" wait_until 200 three_in_sync n2 3
refuse "it does not grow" says="led for repair" at n2 qbdctl kernel volume grow \
	--id 7 --size 128M --term "$(cat /run/three.term)" \
	--shard "1:1:$(three_set 7 1)"

check "its copies are compared" at n2 qbdctl kernel shard verify --volume 7 \
	--term "$(cat /run/three.term)" --repair
n3_attaches
check "n2 has it no more" wait_until 60 no_volume n2
check "what was written is there" same
check "detached" three_detach n3 7

log "without a quorum"
check "led for repair on n1" three_attach n1 7 64 64 --repair
three_crash n2
three_crash n3
check "it has no quorum" wait_until 200 led n1 suspended
SECONDS=0
check "it ends by force" three_detach n1 7 --force
check "within 10 s" test $SECONDS -lt 10
check "it is gone" wait_until 10 no_volume n1

log "a node that leads one stops"
wait_until 200 three_start n2
wait_until 200 three_start n3
check "led for repair on n2" three_attach n2 7 64 64 --repair
check "it is" led n2 serving
three_unlink n2
check "n2 may stop" at n2 qbdctl kernel node stop --id 2
check "and it does" wait_until 60 test ! -e /sys/kernel/qbd/n2
check "n3 attaches it" three_attach n3 7 64 64
DEV=$(three_dev)
check "what was written is there" same
refuse "n3 may not stop" says="volumes are attached" \
	at n3 qbdctl kernel node stop --id 3
check "detached" three_detach n3 7
wait_until 200 three_start n2

log "who leads it loses power"
check "led for repair on n1" three_attach n1 7 64 64 --repair
check "all in sync" wait_until 200 three_in_sync n1 3
three_crash n1
n3_attaches
check "what was written is there" same
check "detached" three_detach n3 7
three_stop
check "the module goes" wait_until 60 rmmod qbd
