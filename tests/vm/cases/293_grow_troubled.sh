#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What comes between a volume and its growth: no memory for a new shard, no
# quorum for those that it has, and another holder under a higher term while the
# new shards have none, so that the old one, alive, is fenced in the middle of
# it. The size is the old one or the new one, there is one writer, and what was
# written is there. A discard across the old end, more shards than fit into a
# request. With --long a holder that is cut off meanwhile, again and again.
#
#	MiB  72 -> 300 -> 950 -> 958 -> 1000 -> 1080 ..., in shards of 64
# DEBUG=long
# TIMEOUT=400
# LONG=900
DESCRIPTION="a volume grows without memory, quorum or its holder"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=48M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/grow.sh
. "${QBD_VM:?}/grow.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
requires blkdiscard
FAULT=/sys/kernel/debug/qbd/fault/lead_nomem

# put FILE MIB: into the volume there.
put()
{
	dd if="$1" of="$DEV" bs=1M seek="$2" oflag=direct conv=nocreat \
		status=none
}

# part MIB MIB: so many bytes of the volume from there on, as a sum.
part()
{
	dd if="$DEV" bs=1M skip="$1" count="$2" iflag=direct status=none | md5sum
}

# is MIB MIB FILE [SKIP]: the volume has there what is in the file.
is()
{
	[[ $(part "$1" "$2") == $(dd if="$3" bs=1M skip="${4:-0}" count="$2" \
		status=none | md5sum) ]]
}

# no_growth NODE MIB SHARDS: it is as if nobody had asked.
no_growth()
{
	has "$2"
	shows "$1" "\"state\": \"serving\".*\"size_bytes\": $(($2 << 20)),"
	shows "$1" "\"shards\": $3, \"shards_serving\": $3,"
	shows "$1" '"growing_bytes": null'
}

# asks_to_grow NODE MIB SHARD: it is written to, and waits for the other copies
# of a new shard. OLD is its device.
asks_to_grow()
{
	OLD=$DEV
	copies "$3" "$1"
	ledger_write "$DEV" --blocks 512 --pause 10
	ledger_grows 60 20
	check "$1 is asked to grow" grow "$1" "$2" "$3" --no-wait
	check "which waits" wait_until 30 shows "$1" "\"shard $3: "
}

# other_copies SHARD NODE: of a shard, on the two others.
other_copies()
{
	local node
	for node in n1 n2 n3; do
		[[ $node == "$2" ]] || copies "$1" $node
	done
}

# attaches NODE MIB: in the background; ATTACH is its process.
attaches()
{
	three_attach "$1" 7 "$2" 64 >/dev/null &
	ATTACH=$!
}

# attached NODE MIB: it has ended, and the volume has that size.
attached()
{
	local code=0
	wait $ATTACH || code=$?
	check "$1 has the volume" test $code = 0
	DEV=$(three_dev)
	check "with the new size" has "$2"
}

# no_writer NODE: nor can there be one there, who had it as OLD.
no_writer()
{
	check "$1 is fenced" wait_until 60 shows "$1" \
		'"state": "dead".*"growing_bytes": null'
	ledger_wait
	check "its writer got an error" test "$LEDGER_CODE" = 1
	refuse "it gets no other one" says="No such device" \
		dd if=/dev/zero of="$OLD" bs=4k count=1 conv=nocreat
}

# lets_go NODE MIB: so much was the volume's size there.
lets_go()
{
	check "$1 has the old size" shows "$1" \
		"\"state\": \"dead\".*\"size_bytes\": $(($2 << 20)),"
	check "what was acknowledged is there" ledger_check "$DEV"
	check "$1 lets go" three_detach "$1" 7 --force
}

three_nodes 512
three_create 7 72 64
three_attach n1 7 72 64
wait_until 60 three_in_sync n1 6
dd if=/dev/urandom of=/run/random bs=1M count=16 status=none
put /run/random 56

log "without memory for the leader of one of the new shards"
for shard in 2 3 4; do
	copies "$shard" n1 n2 n3
done
for nth in 1 2 3; do
	echo $nth >$FAULT
	refuse "it does not grow (the leader of new shard $nth)" \
		says="did not grow: no memory for the new shards" \
		grow n1 300 2 3 4
	check "it was that" test "$(cat $FAULT)" = 0
	check "all is as before" no_growth n1 72 2
done
check "it is written to" put /run/random 56
check "asked again it grows" grow n1 300 2 3 4
check "its device too" has 300
check "all are in sync" wait_until 60 three_in_sync n1 15

log "by more shards than fit into a request"
put /run/random 284
for shard in {5..14}; do
	copies "$shard" n1 n2 n3
done
check "it grows" grow n1 950 {5..14}
check "its device too" has 950
check "all are in sync" wait_until 60 three_in_sync n1 45
check "what was there is there" is 284 16 /run/random

log "a discard across the old end"
put /run/random 300
put /run/random 248
check "it is discarded" blkdiscard --offset 296M --length 10M "$DEV"
check "with the end of a shard in it" blkdiscard --offset 254M --length 4M \
	"$DEV"
discarded()
{
	is 284 12 /run/random
	is 296 10 /dev/zero
	is 306 10 /run/random 6
	is 248 6 /run/random
	is 254 4 /dev/zero
	is 258 6 /run/random 10
	is 56 16 /run/random
}
check "it is gone, the rest is not" discarded
check "on all copies" at n1 qbdctl kernel shard verify --volume 7 \
	--term "$(cat /run/three.term)"

log "while it is suspended"
copies 15 n1 n2 n3
three_crash n2
three_crash n3
check "it is suspended" wait_until 60 shows n1 '"state": "suspended"'
put /run/random 100 &
PUT=$!
check "within its last shard it grows" grow n1 958
check "its device too" has 958
check "it is asked for more" grow n1 1000 15 --no-wait
refuse "it waits" code=3 says="goes on, but after 2 s: shard 15: no quorum" \
	grow n1 1000 15 --timeout=2
check "it has the old size" has 958
three_start n2
check "with n2 it goes on" grow n1 1000 15
check "its device too" has 1000
CODE=0
wait $PUT || CODE=$?
check "the write that waited went on" test $CODE = 0
check "it is there" is 100 16 /run/random
three_start n3
check "all are in sync" wait_until 120 three_in_sync n1 48

log "the holder is fenced while the new shard has no quorum"
asks_to_grow n1 1080 16
attaches n2 1080
no_writer n1
other_copies 16 n1
attached n2 1080
check "n1 is as it was" shows n1 '"state": "dead".*"growing_bytes": null'
lets_go n1 1000
check "the new shard is written to" put /run/random 1060
check "all are in sync" wait_until 120 three_in_sync n2 51
check "what was there is there" discarded
check "on all copies" at n2 qbdctl kernel shard verify --volume 7 \
	--term "$(cat /run/three.term)"

# enough for a short run
[[ ${QBD_LONG:-} ]] || exit 0

log "the holder is cut off meanwhile"
asks_to_grow n2 1150 17
sever_both n2 n1
sever_both n2 n3
other_copies 17 n2
attaches n3 1150
attached n3 1150
heal n2 n1
heal n2 n3
no_writer n2
lets_go n2 1080
check "all are in sync" wait_until 120 three_in_sync n3 54

log "the copies come while it is fenced: either one may make it grow"
from=n3 mib=1150
for shard in 18 19 20 21; do
	to=n$((${from#n} % 3 + 1))
	asks_to_grow $from $((mib + 64)) "$shard"
	attaches $to $((mib + 64))
	wait_until 60 shows $to '"state": "opening"'
	other_copies "$shard" $from
	attached $to $((mib + 64))
	no_writer $from
	log "$(at $from qbdctl kernel volume list)"
	check "what was acknowledged is there" ledger_check "$DEV"
	check "$from lets go" three_detach $from 7 --force
	from=$to
	mib=$((mib + 64))
done
check "all are in sync" wait_until 120 three_in_sync $from 66
check "what was there is there" discarded
check "on all copies" at $from qbdctl kernel shard verify --volume 7 \
	--term "$(cat /run/three.term)"
