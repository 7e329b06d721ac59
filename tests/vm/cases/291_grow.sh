#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A volume grows while it is in use: within its last shard, by new shards, with
# a follower down, and when the new shards have no quorum, so that the growth
# waits: then the holder is killed, the volume detached, with force, too. What
# was written is there, beyond the old end as well, and all copies are the same.
# The last parts, from the detach on, with --long only.
#
#	MiB  72 -> 110 -> 230 -> 280 -> 340 ... 520, in shards of 64
# DEBUG=long
# TIMEOUT=600
# LONG=1200
DESCRIPTION="a volume grows while it is written to, by shards and within one"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
THREE_WAL=32M
# shellcheck source=tests/vm/three.sh
. "${QBD_VM:?}/three.sh"
# shellcheck source=tests/vm/grow.sh
. "${QBD_VM:?}/grow.sh"
# shellcheck source=tests/vm/ledger.sh
. "${QBD_VM:?}/ledger.sh"
requires fio mkfs.ext4 e2fsck resize2fs filefrag fallocate

# told PATTERN: n1 had an event like this.
told()
{
	cat /run/events
	grep --quiet "$1" /run/events
}

# fs_rounds: rounds that were good, in a file system that is written to and read
# back all the time.
fs_rounds() { wc --lines </run/fs.rounds; }

fs_round()
{
	fio --name=v --filename=/mnt/v --direct=1 --ioengine=libaio \
		--rw=randwrite --bsrange=4k-64k --iodepth=8 --size=4M \
		--verify=crc32c --do_verify=1 --verify_fatal=1 \
		--verify_state_save=0 --randrepeat=0 --minimal &&
		echo >>/run/fs.rounds
}

# fs_write: until fs_stop, or until something is wrong.
fs_write()
{
	rm -f /run/fs.stop
	: >/run/fs.rounds
	while [[ ! -e /run/fs.stop ]]; do
		fs_round || exit 1
	done >/run/fs.log 2>&1 &
	FS=$!
}

fs_had() { [[ $(fs_rounds) -ge $1 ]]; }

# fs_goes_on: one more round, begun and ended from now on.
fs_goes_on() { wait_until 100 fs_had $(($(fs_rounds) + 2)); }

# fs_stop: the round that runs is the last one. FS_CODE is 0 if all were good.
fs_stop()
{
	touch /run/fs.stop
	FS_CODE=0
	wait $FS || FS_CODE=$?
	log "$(fs_rounds) rounds; $(grep --invert-match '^3;' /run/fs.log || true)"
}

# fill FILE MIB: random bytes into the file system, noted in /run/sums.
fill()
{
	dd if=/dev/urandom of="/mnt/$1" bs=1M count="$2" conv=fsync,notrunc \
		status=none
	md5sum "/mnt/$1" >>/run/sums
}

# beyond FILE MIB: a part of it at least is kept behind that place.
beyond()
{
	filefrag -v "/mnt/$1" | awk -v first=$(($2 * 256)) \
		'$1 ~ /^[0-9]+:$/ && $4 + 0 >= first { found = 1 }
		END { exit !found }'
}

# fill_beyond FILE MIB: a file behind that place: others take what is before.
fill_beyond()
{
	local i
	for ((i = 0; i < 80; i++)); do
		fallocate --length 4M "/mnt/$1"
		! beyond "$@" || break
		mv "/mnt/$1" "/mnt/$1.$i"
	done
	fill "$1" 4
	beyond "$@"
}

# sum NODE MIB: it takes the volume over, in order; all bytes, of its own copy.
sum()
{
	three_detach "$HOLDER" 7
	HOLDER=$1
	DEV=$(three_attach "$1" 7 "$2" 64)
	check "all copies are in sync with $1" wait_until 120 three_in_sync \
		"$1" $((3 * (($2 + 63) / 64)))
	check "all bytes are the same on $1" test "$(md5sum <"$DEV")" = "$SUM"
}

# nodes have mounts of their own: what is unmounted here has to go there, too
mount --make-rshared /
on_exit mount --make-rprivate /
rm -f /run/sums
three_nodes 512
# not by "at", see three_links
ip netns exec n1 qbdctl kernel events >/run/events &
on_exit kill $!
wait_until 20 listens $!
three_create 7 72 64
three_attach n1 7 72 64
DEV=$(three_dev)
HOLDER=n1
wait_until 60 three_in_sync n1 6
mkfs.ext4 -q -F -E lazy_itable_init=0 "$DEV"
mount "$DEV" /mnt
on_exit eval 'umount /mnt 2>/dev/null || true'
fs_write
fill a 10

log "within the last shard"
check "it grows" grow n1 110
check "its device too" has 110
check "an event says so" wait_until 20 told \
	"volume-size .*volume=7 .*size_bytes=$((110 << 20))"
check "once more it is the same" grow n1 110
check "the file system grows" quiet resize2fs "$DEV"
check "it is written to" fs_goes_on

log "by shards"
for shard in 2 3; do
	check "copies of shard $shard" copies $shard n1 n2 n3
done
refuse "with a shard too few" says="sets of 1 of the 2 new shards" grow n1 230 2
check "that changes nothing" has 110
check "it grows" grow n1 230 2 3
check "its device too" has 230
check "once more it is the same" grow n1 230 2 3
check "the file system grows" quiet resize2fs "$DEV"
check "it is filled beyond the old end" fill_beyond b 110
check "it is written to" fs_goes_on
check "all shards are in sync" wait_until 60 three_in_sync n1 12

log "while a follower is down"
three_crash n3
copies 4 n1 n2
check "it grows" grow n1 280 4
check "the file system grows" quiet resize2fs "$DEV"
check "it is filled beyond the old end" fill_beyond c 230
check "it is written to" fs_goes_on
three_start n3
copies 4 n3
check "the follower comes back, with the new shard" wait_until 180 \
	three_in_sync n1 15
check "it is written to" fs_goes_on
fs_stop
check "what was written was read back, all the time" test "$FS_CODE" = 0
umount /mnt
check "the file system is clean" quiet e2fsck -f -n "$DEV"
SUM=$(md5sum <"$DEV")
sum n3 280
sum n1 280
mount -o ro "$DEV" /mnt
check "all files are there" quiet md5sum --check /run/sums
umount /mnt

log "the holder is killed while the new shard has no quorum"
ledger_write "$DEV" --blocks 512 --pause 10
ledger_grows 60 20
copies 5 n1
refuse "it waits, and says for what" code=3 says="goes on, but after 2 s: shard 5" \
	grow n1 340 5 --timeout=2
check "it is shown" shows n1 "\"growing_bytes\": $((340 << 20)).*\"shard 5"
check "it has the old size" has 280
check "and serves" shows n1 '"state": "serving"'
check "it is asked for again" grow n1 340 5 --no-wait
refuse "another size" says="growing to $((340 << 20)) bytes already" \
	grow n1 400 5 6
check "writes go on" ledger_grows 60 20
three_crash n1
ledger_wait
check "the writer got an error" test "$LEDGER_CODE" = 1
copies 5 n2 n3
check "n2 takes over, with the new size" three_attach n2 7 340 64
DEV=$(three_dev)
HOLDER=n2
check "it has it" has 340
check "what was acknowledged is there" ledger_check "$DEV"
check "the new shard is written to" dd if=/dev/urandom of="$DEV" bs=1M \
	seek=322 count=18 oflag=direct conv=nocreat status=none
three_start n1
check "all are in sync" wait_until 120 three_in_sync n2 18
SUM=$(md5sum <"$DEV")
sum n3 340
sum n1 340

# enough for a short run
[[ ${QBD_LONG:-} ]] || exit 0

log "detached meanwhile"
check "it is asked to grow" grow n1 400 6 --no-wait
check "which waits" wait_until 30 shows n1 '"shard 6: '
check "detach" three_detach n1 7
for shard in 6 7; do
	copies $shard n1 n2 n3
done
check "attach with the new size" three_attach n1 7 400 64
DEV=$(three_dev)
check "it has it" has 400

log "detached by force meanwhile"
for node in n2 n3; do
	at $node qbdctl kernel replica delete --id 707${node#n} --epoch 2
done
check "it is asked to grow" grow n1 450 7 --no-wait
check "which waits" wait_until 30 shows n1 '"shard 7: '
exec 9<"$DEV"
check "detach" three_detach n1 7 --force
exec 9<&-
at n1 qbdctl kernel replica delete --id 7071 --epoch 2

log "copies of another size"
THREE_SET[7]=3:1:7171,2:7172,3:7173
THREE_SET[8]=2:1:7181,2:7182,3:7183
for node in n1 n2 n3; do
	at $node qbdctl kernel replica create --id 717${node#n} --volume 7 \
		--shard 7 --size 64M --store "$(_uuid $node)" --epoch 3 \
		--members "${THREE_SET[7]#*:}"
	three_copy $node 7 8 128
done
check "attach with the new size" three_attach n2 7 450 64
DEV=$(three_dev)
refuse "they are named" says="not grow under this term.*shard 8: its replicas have another size" \
	grow n2 520 8
refuse "asked again, too, at once" says="not grow under this term.*shard 8: its replicas have another size" \
	grow n2 520 8
check "it serves" shows n2 '"state": "serving"'
check "with the old size" has 450
check "detach" three_detach n2 7
for node in n1 n2 n3; do
	at $node qbdctl kernel replica delete --id 708${node#n} --epoch 2
	at $node qbdctl kernel replica create --id 718${node#n} --volume 7 \
		--shard 8 --size 64M --store "$(_uuid $node)" --epoch 2 \
		--members "${THREE_SET[8]#*:}"
done
check "attach with others, and the new size" three_attach n2 7 520 64
DEV=$(three_dev)
check "it has it" has 520
check "all are in sync" wait_until 120 three_in_sync n2 27
check "what was there is there" test "$(head --bytes=340M "$DEV" | md5sum)" \
	= "$SUM"
check "detach" three_detach n2 7
