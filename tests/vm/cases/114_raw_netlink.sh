#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Requests that qbdctl would not send: it checks what it is given first. Each
# attribute of each verb is too short, too long, out of range, not there, not
# known; headers and lengths lie; nobody asks; messages are random. Each is
# refused for what is wrong with it, and nothing has changed.
#
#	rawnl_*.py (AF_NETLINK) -> node 1, volume 7 -> /dev/qd
# DEBUG=long
# TIMEOUT=300
# LONG=900
DESCRIPTION="raw netlink: what is malformed, not allowed, random is refused"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires python3
python3 -c 'import yaml' 2>/dev/null || skip "no PyYAML"

raw() { timeout 800 python3 "$QBD_VM/rawnl_$1.py" "${@:2}"; }

bytes() { sha256sum <"$DEV"; }

ram_disk qd 192
ram_disk qe 64
one_node
one_store /dev/qd --wal-size 64M
one_create 7 16 64
one_attach 7 16 64
head --bytes=1M /dev/urandom | dd of="$DEV" bs=64K oflag=direct \
	iflag=fullblock conv=nocreat status=none
before=$(bytes)
exec 9<"$DEV"
on_exit eval 'exec 9<&-'
qbdctl kernel peer add --id 2 --links 2

check "each attribute of each verb" raw test verbs
check "headers, lengths, dumps" raw test heads
check "nobody, on three kinds of sockets" raw test nobody
log "$_out"
check "all is as it was" test "$(bytes)" = "$before"

amount=$(amount 300 100 5000 1000)
check "$amount random messages, seed ${QBD_SEED:-1}" \
	raw fuzz "$amount" "${QBD_SEED:-1}"
log "$(sed '2,$s/^/# /' <<<"$_out")"
check "the volume serves" test "$(bytes)" = "$before"
for what in "node show" "store list" "replica list" "volume list" \
	"shard list" "peer show" "link show"; do
	# shellcheck disable=SC2086  # words
	check "$what" quiet qbdctl kernel $what
done
exec 9<&-
check "detach" one_detach 7
check "the node ends" one_stop
check "the module goes" wait_until 20 rmmod qbd
check "the store is sound" quiet qbdctl store check /dev/qd
