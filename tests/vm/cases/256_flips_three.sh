#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A bit flips in each region of the store of each of three copies, while all
# nodes are down. Then the node of the bad copy leads, and after it another one:
# what was acknowledged is read, or the copy is of no use and says so. Nobody
# reads wrong data, but of a block at home on the node that leads: blocks there
# carry no checksum. The kernel's log says where other flips are, but for those
# of a payload amid the log: that is looked at when it is read, and another copy
# serves it then.
#
# Each trial begins with the disks as they were; "make corrupt" makes a table of
# the lines that begin with "corrupt:". The regions are those of flip3.py.
#
#	ledger -> /dev/qbd0 -> n1 .. n3 -> td_n1 .. td_n3, copies of td_m1 .. td_m3
# DEBUG=long
# TIMEOUT=400
# LONG=3600
DESCRIPTION="a flipped bit in a region of one of three copies is survived"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
THREE_DISK=td
THREE_WAL=16M
# who takes over waits for the lease of who was there before
THREE_LEASE_MS=2000
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"

seed=${QBD_SEED:-1}

flip3() { python3 "$QBD_VM/flip3.py" "$@"; }

# works WRITES: so many, and a few more
works()
{
	ledger_write "$DEV" --blocks 512 --pause 20
	ledger_grows 200 "$1"
	ledger_stop
}

# masters: disks with all regions, of nodes that lost power.
masters()
{
	local node
	three_attach n1 7 64 64
	works 700
	wait_until 60 three_in_sync n1 3
	three_detach n1 7
	three_home
	three_attach n2 7 64 64
	works 40
	wait_until 60 three_in_sync n2 3
	for node in n1 n2 n3; do
		wait_until 60 flip3 $node sealed
	done
	for node in n1 n2 n3; do
		three_crash $node
		td_clone $node "m${node#n}"
		on_exit td_remove "m${node#n}"
	done
}

# fresh: the disks as they were.
fresh()
{
	local node
	for node in n1 n2 n3; do
		td_remove $node
		td_clone "m${node#n}" $node
	done
}

# up NODE: it runs; its store may be refused.
up()
{
	local id=${1#n}
	at "$1" qbdctl kernel node start --id "$id" --name "$1" \
		--cluster "$CLUSTER" --lease-ms "$THREE_LEASE_MS"
	three_links "$1"
	at "$1" qbdctl kernel store add "$THREE_DEV$id"
}

# leads NODE: what comes of an attach there, in $said: right, wrong or why not.
leads()
{
	if ! said=$(three_attach "$1" 7 64 64 --timeout 60 2>&1); then
		three_detach "$1" 7 --force >/dev/null 2>&1 || true
		said="no leader: ${said##*qbdctl: }"
		return
	fi
	if said=$(ledger_check "$(three_dev)" 2>&1); then
		said=right
	else
		said="wrong: ${said%%$'\n'*}"
	fi
	copies=$(at "$1" qbdctl kernel shard list --json)
	three_detach "$1" 7 --force
}

# state NODE: of its copy, as the last who led had it.
state()
{
	sed --quiet "s/.*\"node\": ${1#n},.*\"replica_state\": \"\([a-z-]*\)\".*/\1/p" \
		<<<"$copies"
}

# named NODE: what the kernel says of its store since this trial began.
named()
{
	dmesg | sed "1,/$mark/d" |
		sed --quiet "s/.*store .dev.td_$1: \\(damage\\|warning\\): \\([^(]*\\) (.*/\\2/p" |
		sed --quiet 1p
}

# trial REGION NODE
trial()
{
	local node own='' other copies='' said='' named mark
	mark="trial $1 of $2 begins"
	echo "$mark" >/dev/kmsg
	fresh
	log "$1 of $2: $(flip3 "$2" "$1" "$seed$1$2")"
	for node in n1 n2 n3; do
		if ! said=$(up $node 2>&1); then
			[[ $node == "$2" ]] || fail "$node: $said"
			log "$said"
			own="refused: ${said##*: }"
		fi
	done
	if [[ ! $own ]]; then
		leads "$2"
		own=$said
	fi
	other=n$((${2#n} % 3 + 1))
	leads "$other"
	named=$(named "$2")
	log "corrupt: $1 | $2 | $own | $other: $said | $(state "$2") |" \
		"$named"
	[[ $said == right ]] || bad+=("$1 of $2, on $other: $said")
	case $1,$own in
	*,right | *,refused* | *,'no leader'*) ;;
	home,wrong*) rotten=$((rotten + 1)) ;;
	*) bad+=("$1 of $2: $own") ;;
	esac
	[[ $named || $1 == home || $1 == log-payload ]] ||
		bad+=("$1 of $2: not found")
	for node in n1 n2 n3; do
		three_crash $node
	done
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
three_nodes 192
three_create 7 64 64
masters
trials=()
for region in $(flip3 regions); do
	trials+=("$region n1" "$region n2" "$region n3")
done
bad=() rotten=0
count=${QBD_TRIALS:-$(amount 2 1 30 3)}
for ((i = 0; i < count; i++)); do
	# 7 and 30 have no divisor in common: each of them comes once
	# shellcheck disable=SC2086  # two words
	trial ${trials[$(((seed + 7 * i) % ${#trials[@]}))]}
done
log "$count trials, $rotten read a flipped bit at home"
check "nothing wrong was read: ${bad[*]:-}" test ${#bad[@]} = 0
