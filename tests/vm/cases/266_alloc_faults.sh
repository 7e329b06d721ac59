#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Each request of the administration, from a namespace without a node to an
# attached volume and back, while one of the allocations that it makes fails:
# the first, the second, and so on. What is refused has changed nothing; what
# worked is undone, and done again. At last each works. Then a volume grows by
# shards without memory for all of them: it has them all, or none. Nothing leaks:
# kmemleak is asked at the end of the guest. The work is in allocfail.py.
#
#	allocfail.py (AF_NETLINK) -> n1: /dev/td_n1 <-TCP-> n2
# TIMEOUT=150
# LONG=600
DESCRIPTION="requests one of whose allocations fails"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"
requires python3
for kind in failslab fail_page_alloc; do
	[[ -d /sys/kernel/debug/$kind ]] || skip "a kernel without $kind"
done
python3 -c 'import yaml' 2>/dev/null || skip "no PyYAML"

# end_nodes: those that a failed walk has left.
end_nodes()
{
	local id
	for id in 1 2; do
		[[ ! -e /sys/kernel/qbd/n$id ]] ||
			at n$id qbdctl kernel node crash --id $id
	done
}

# shellcheck disable=SC2119  # the parameters are the module's
load_qbd
nodes 2
# a null_blk has no reserve of its own: without memory it has no space
# shellcheck disable=SC2119
load_testdisk
td_create n1 size=96M cache=on
on_exit td_remove n1
on_exit end_nodes
check "each request is refused, or works" python3 "$QBD_VM/allocfail.py" \
	walk /dev/td_n1 "$(amount 12 12 80 80)" "${QBD_SEED:-1}"
log "${_out//$'\n'/$'\n'# }"
check "the module goes" wait_until 60 rmmod qbd
