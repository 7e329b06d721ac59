#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Two stores of three run full, because of others on them. The volume waits, and
# goes on by itself when one of the two has space again: with two copies, and the
# third when that has space too. What was discarded is free everywhere, and all
# copies are the same.
#
#	/dev/qbd0 -> n1 (74 MiB), n2, n3 (34 MiB each, half of it another volume's)
# DEBUG=long
# TIMEOUT=400
DESCRIPTION="stores run full, and have space again"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=16M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"

# three_disk NUMBER MIB: that of n1 is larger.
three_disk() { ram_disk "qd$1" $(($1 == 1 ? 96 : $2)); }

# filler NODE: a volume of its own on that node's store, and all of it written.
filler()
{
	local id=${1#n} dev
	at "$1" qbdctl kernel replica create --id "800$id" --volume "8$id" \
		--shard 0 --size 64M --store "$(_uuid "$1")" --epoch 1 \
		--members "$id:800$id"
	dev=$(at "$1" qbdctl kernel volume attach --id "8$id" \
		--name "filler$id" --size 16M --term 1 \
		--shard "0:1:$id:800$id")
	dd if=/dev/urandom of="$dev" bs=1M count=16 oflag=direct conv=nocreat \
		status=none
}

# filler_goes NODE
filler_goes()
{
	at "$1" qbdctl kernel volume detach --id "8${1#n}"
	at "$1" qbdctl kernel replica delete --id "800${1#n}" --epoch 2
}

# shows NODE WHAT PATTERN: 'qbdctl kernel WHAT list' has a line like this.
shows()
{
	local shown
	shown=$(at "$1" qbdctl kernel "$2" list)
	echo "$shown"
	grep --quiet "$3" <<<"$shown"
}

# told NODE PATTERN: there was an event like this.
told()
{
	cat "/run/events.$1"
	grep --quiet "$2" "/run/events.$1"
}

# watch NODE: its events.
watch()
{
	at "$1" qbdctl kernel events >"/run/events.$1" &
	on_exit kill $!
}

# put FIRST COUNT: so many MiB of the file, from there on.
put()
{
	dd if=/run/bytes of="$DEV" bs=1M seek="$1" skip="$1" count="$2" \
		oflag=direct conv=nocreat status=none
}

# free NODE: bytes of its store that are free.
free()
{
	at "$1" qbdctl kernel store list --json |
		sed --quiet 's/.*"data_free_bytes": \([0-9]*\),.*/\1/p'
}

# freed NODE BYTES: so many at least; what is discarded is free with the next
# checkpoint, which writes bring about.
freed()
{
	put 1 8
	[[ $(free "$1") -ge $2 ]]
}

three_nodes 56
three_create 7 32 64
dd if=/dev/urandom of=/run/bytes bs=1M count=32 status=none
for node in n2 n3; do
	watch $node
	check "another volume on $node" filler $node
done
three_attach n1 7 32 64
wait_until 60 three_in_sync n1 3

put 0 26 &
writer=$!
check "two copies have no room" wait_until 100 shows n1 shard "full.*no room"
check "the volume waits" wait_until 60 three_state n1 suspended
check "n2 knows" shows n2 replica "full.*no room"
check "n2's store is full" shows n2 store " full "
for level in 1 2 3; do
	check "an event said so ($level)" wait_until 30 \
		told n2 "store-space.*state=$level .*MiB are free"
done
check "and one of the copy" told n2 "replica-state.*no room"
check "nothing was lost of it" kill -0 $writer

filler_goes n2
wait "$writer" && code=0 || code=$?
check "it goes on when one has space again" test "$code" = 0
check "with two copies" wait_until 60 three_in_sync n1 2
# tried now and then, by a resync if no log reaches back any more
check "the third has no room yet" wait_until 30 \
	shows n1 shard "full.*no room"
check "an event said that n2 has" wait_until 30 \
	told n2 "store-space.*state=[01] "
check "others write on" put 26 6

filler_goes n3
check "and then the third comes back" wait_until 200 three_in_sync n1 3
check "and says so" wait_until 30 told n3 "store-space.*state=[01] "
check "what was written is there" cmp /run/bytes "$DEV"

blkdiscard --offset $((12 << 20)) --length $((20 << 20)) "$DEV"
check "what was discarded is free on n1" wait_until 60 freed n1 $((60 << 20))
for node in n2 n3; do
	check "what was discarded is free on $node" wait_until 60 \
		freed $node $((20 << 20))
done
sum=$(md5sum <"$DEV")
for node in n2 n3; do
	three_crash n1
	check "$node takes over" three_attach $node 7 32 64
	DEV=$(three_dev)
	check "it has the same" test "$sum" = "$(md5sum <"$DEV")"
	three_start n1
	check "all are in sync" wait_until 120 three_in_sync $node 3
	check "detach" three_detach $node 7
done
