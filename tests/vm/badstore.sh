# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154  # of three.sh; others use what is set here
#
# Stores that fail and are opened again, for cases about bad disks: volume 7 of
# three.sh, led by $lead. A case sources it after lib.sh, td.sh if its disks are
# test disks, three.sh, and ledger.sh.

lead=n1

# _super OFFSET BYTES COUNT: numbers of a superblock, struct qbd_disk_super.
_super()
{
	od --address-radix=n --skip-bytes="$1" --format="u$2" --width=64 \
		--read-bytes=$(($2 * $3)) "${THREE_DEV}1"
}

# places: LOG, META (of it MAP), HOME_: ranges of sectors, for td_fault.
places()
{
	local log logs meta metas data table maps
	read -r log logs meta metas data < <(_super 112 8 5)
	read -r table _ maps < <(_super 168 4 3)
	LOG="from=$((8 * log)) len=$((8 * logs))"
	META="from=$((8 * meta)) len=$((16 * metas))"
	# two places for each page, those of the table come first
	MAP="from=$((8 * meta + 16 * table)) len=$((16 * (maps - table)))"
	HOME_="from=$((8 * data))"
}

# store_has NODE PATTERN: its store, as JSON, is like this.
store_has()
{
	local shown
	shown=$(at "$1" qbdctl kernel store list --json)
	echo "$shown"
	grep --quiet -- "$2" <<<"$shown"
}

# at_home NODE: there was a checkpoint.
at_home()
{
	at "$1" qbdctl kernel replica list --json |
		grep '"applied_index": [1-9]'
}

recovering() { at "$1" qbdctl kernel replica list | grep recovering; }

# votes_again NODE: its copy had lost a part of its log; see case 255.
votes_again()
{
	check "it gets what it lacks" wait_until 60 three_in_sync "$lead" 3
	check "and has no vote" recovering "$1"
	check "until it is told" at "$1" qbdctl kernel replica floor \
		--id "700${1#n}" --term "$(cat /run/three.term)"
	check "and now it has" wait_until 20 eval "! recovering $1"
}

failed() { store_has "$1" '"state": "failed"'; }

no_store() { [[ $(at "$1" qbdctl kernel store list | wc -l) -le 1 ]]; }

# watch: events of all nodes, each in a file.
watch()
{
	local node
	for node in n1 n2 n3; do
		# not by "at", see three_links; appended: some begin it anew
		ip netns exec $node qbdctl kernel events >>/run/events.$node &
		on_exit kill $!
		wait_until 20 listens $!
	done
}

told()
{
	cat "/run/events.$1"
	grep --quiet -- "$2" "/run/events.$1"
}

# reopen NODE: its store failed; as the administrator does it. One that nobody
# knows the name of is gone by itself.
reopen()
{
	no_store "$1" || check "the store of $1 is given up" \
		at "$1" qbdctl kernel store remove "$(_uuid "$1")"
	wait_until 60 no_store "$1"
	[[ $THREE_DISK != td ]] || td_clear "$1"
	check "it is sound" quiet qbdctl store check "$THREE_DEV${1#n}"
	check "opened again" at "$1" qbdctl kernel store add "$THREE_DEV${1#n}"
}

# takes_over NODE: the volume is there from now on.
takes_over()
{
	check "$1 takes over" three_attach "$1" 7 32 64
	lead=$1
	DEV=$(three_dev)
}

# leads NODE: the same, in order.
leads()
{
	check "detach" three_detach "$lead" 7
	takes_over "$1"
}

# same: all copies are; nobody writes.
same()
{
	local sum node was=$lead
	check "all copies are in sync" wait_until 120 three_in_sync "$lead" 3
	check "what was acknowledged is there" ledger_check "$DEV"
	sum=$(md5sum <"$DEV")
	for node in n1 n2 n3; do
		[[ $node != "$was" ]] || continue
		leads $node
		check "$node has the same" test "$sum" = "$(md5sum <"$DEV")"
	done
}
