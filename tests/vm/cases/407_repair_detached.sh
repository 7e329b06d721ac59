#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Copies of a volume that nobody has attached are made anew, too: a node holds
# it for repair meanwhile, without a device. Who attaches it does not wait for
# that, and the repair goes on under him.
#
#	{1,2,3} -> {1,2,4}, held by nobody; {1,2,4} -> {2,4,3} begun so, and
#	attached on n4 before it has ended
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a detached volume is repaired, and an attach ends that at once"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
DAEMONS=4
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

# What an attach may take on a busy host: less than the 30 s for which a hold
# lasts that comes to nothing.
readonly attach_ms=20000

# field NAME: of the volume.
field()
{
	ctl n1 volume show data --json |
		sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1
}

held()
{
	[[ -n $(field repaired) ]]
}

# was_held: once at least; too short for who looks now and then.
was_held()
{
	cat /run/qbd-n*/log |
		grep --quiet 'event=volume-attached volume=1 .* device=$'
}

in_job_list()
{
	ctl n1 job list | grep --quiet 'repair *data .*held by .* for repair'
}

left_alone()
{
	! held && [[ -z $(field attached) ]]
}

# in_no_kernel NODE...: none of these has a volume.
in_no_kernel()
{
	local node
	for node; do
		! at "$node" qbdctl kernel volume list --json |
			grep --quiet '"name": *"data"' || return 1
	done
}

deleted()
{
	! ctl n1 volume list --json | grep --quiet '"name": *"data"'
}

# device_of NODE: of the volume there.
device_of()
{
	echo "/dev/$(at "$1" qbdctl kernel volume list --json |
		sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')"
}

device()
{
	[[ -b $(device_of "$1") ]]
}

now_ms()
{
	echo $((${EPOCHREALTIME/./} / 1000))
}

daemons_cluster 256
check "a short patience" quiet ctl n1 cluster set repair-after-ms --value 5000
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "it is attached" quiet ctl n1 volume attach data
check "it has three copies" wait_until 60 copies "n1, n2, n3"
check "it has a device" wait_until 10 device n1
DEV=$(device_of n1)
dd if=/dev/urandom of="$DEV" bs=1M count=24 seek=8 oflag=direct conv=nocreat \
	status=none
ledger_write "$DEV" --blocks 512 --pause 5
check "writes" ledger_grows 60 200
ledger_stop
check "detach" quiet ctl n1 volume detach data
check "nobody has it" wait_until 30 left_alone

log "n3 dies for good, and nobody uses the volume"
daemon_kill n3
at n3 qbdctl kernel node crash --id 3
check "n4 gets its copy" wait_until 120 copies "n1, n2, n4"
check "it is let go of" wait_until 60 left_alone
check "it was held for that, without a device" was_held
check "no kernel has it" wait_until 30 in_no_kernel n1 n2 n4

log "what was acknowledged is there"
check "attach on n4" quiet ctl n1 volume attach data --node n4
check "it has a device" wait_until 30 device n4
DEV=$(device_of n4)
check "every acknowledged block is there" ledger_check "$DEV"
check "detach" quiet ctl n1 volume detach data
check "nobody has it" wait_until 30 left_alone

log "n1 drains, and there is no place as yet; somebody wants the volume"
check "to drain" quiet ctl n2 node drain n1
check "it is held for repair" wait_until 60 held
log "by $(field repaired): $(ctl n1 job list | grep --word-regexp repair || true)"
check "job list says so" in_job_list
refuse "it has no device" test -b /dev/qbd/by-name/data
began=$(now_ms)
check "attach on n4, meanwhile" quiet ctl n2 volume attach data --node n4
check "it has a device" wait_until 30 device n4
DEV=$(device_of n4)
took=$(($(now_ms) - began))
log "attached after $took ms"
check "that did not wait" test "$took" -lt $attach_ms
check "nobody holds it for repair" test -z "$(field repaired)"
check "it is attached where it was asked for" test "$(field attached)" = n4
ledger_write "$DEV" --blocks 512 --pause 5
daemon_start n3
check "n3 has the copy of n1" wait_until 120 copies "n2, n4, n3"
check "writes go on" ledger_grows 60 100
ledger_stop
check "no write failed" test "$LEDGER_CODE" = 143
check "every acknowledged block is there" ledger_check "$DEV"

log "it is deleted while it is held"
check "detach" quiet ctl n1 volume detach data
check "to drain" quiet ctl n2 node drain n2
check "it is held for repair" wait_until 60 held
check "delete" quiet ctl n1 volume delete data
check "it is gone" wait_until 60 deleted
check "no kernel has it" wait_until 30 in_no_kernel n1 n2 n3 n4
