#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Thousands of requests to two nodes that are linked: good ones in an order
# that leads to volumes with one and two copies that are written to, and the
# same ones bent in attributes, lengths, nests, types, flags, order; random
# ones; two processes of root at once, and nobody. The work is in rawnl_deep.py.
# Two nodes beside them stay as they are. Afterwards a node works as ever, and
# the module can be unloaded.
#
#	rawnl_deep.py (AF_NETLINK) -> n1: /dev/qd1 <-TCP-> n2: /dev/qd2
# TIMEOUT=300
# LONG=3000
DESCRIPTION="netlink fuzzer: bent requests amid good ones break nothing"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires python3
python3 -c 'import yaml' 2>/dev/null || skip "no PyYAML"

bytes() { sha256sum <"$DEV"; }

# works: a store, a volume on it; what is written is read back, also after it
# was closed.
works()
{
	one_store /dev/qd1 --wal-size 32M --force
	one_create 7 16 64
	one_attach 7 16 64
	head --bytes=2M /dev/urandom | dd of="$DEV" bs=64K oflag=direct \
		iflag=fullblock conv=nocreat status=none
	before=$(bytes)
	one_detach 7
	one_attach 7 16 64
	[[ $(bytes) == "$before" ]]
	one_detach 7
}

seed=${QBD_SEED:-$RANDOM}
count=$(amount 800 200 30000 6000)
log "replay: scripts/testbed cases --kernel ${QBD_KERNEL:-debian}" \
	"--seed $seed --case '116*'${QBD_LONG:+ --long}"
# shellcheck disable=SC2119  # the parameters are the module's
load_qbd
nodes 4
ram_disk qd1 384
ram_disk qd2 384
check "$count messages, seed $seed" timeout 2900 \
	python3 "$QBD_VM/rawnl_deep.py" "$count" "$seed"
log "${_out//$'\n'/$'\n'# }"
one_node
check "a node works as ever" works
check "the node ends" one_stop
check "the store is sound" quiet qbdctl store check /dev/qd1
check "the module goes" wait_until 20 rmmod qbd
