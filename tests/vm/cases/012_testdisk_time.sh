#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# In virtual time the latency of a test disk is what its law says: a medium
# that is 100 us slower costs 100 us more for each request, within 0.5 %, and
# beside null_blk with the same 20 us the module itself is not the slower one
# by more than 3 us.
#
# MODE=icount
# KERNELS=debian
# TIMEOUT=240
# MODULES="null_blk"
# FILES="tests/testdisk/td.sh"
DESCRIPTION="the test disk in virtual time: an exact medium"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/testdisk/td.sh
. "${QBD_TOP:?}/tests/testdisk/td.sh"

readonly count=400

# per_write_ns DEVICE: of sequential 4K writes, the second time they are made.
per_write_ns()
{
	local start end
	dd if=/dev/zero of="$1" bs=4096 count=$count oflag=direct status=none
	start=${EPOCHREALTIME/./}
	dd if=/dev/zero of="$1" bs=4096 count=$count oflag=direct status=none
	end=${EPOCHREALTIME/./}
	echo $(((end - start) * 1000 / count))
}

# steady_ns DEVICE: the same, once it repeats; what boot left to do pollutes
# some of the figures.
steady_ns()
{
	local last now i
	now=$(per_write_ns "$1")
	for ((i = 0; i < 8; i++)); do
		last=$now
		now=$(per_write_ns "$1")
		[[ $((now - last)) -gt 200 || $((last - now)) -gt 200 ]] || break
	done
	echo "$now"
}

# between LOW VALUE HIGH
between()
{
	[[ $1 -le $2 && $2 -le $3 ]]
}

# shellcheck disable=SC2119  # the parameters are the module's
load_testdisk
td_create a size=16M write_ns=20000
fast=$(steady_ns /dev/td_a)
td_latency a write_ns=120000
slow=$(steady_ns /dev/td_a)
td_latency a write_ns=20000 kib_ns=25000
sized=$(steady_ns /dev/td_a)
ram_disk ram_a 16 irqmode=2 completion_nsec=20000
null=$(steady_ns /dev/ram_a)
log "4K write: 20 us medium $fast ns, 120 us $slow ns, null_blk $null ns"
check "100 us more cost 100 us" between 99500 $((slow - fast)) 100500
check "4 times 25 us a KiB cost 100 us" between 99500 $((sized - fast)) 100500
check "no slower than null_blk + 3 us" test $((fast - null)) -le 3000
td_remove a
