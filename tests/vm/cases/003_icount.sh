#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Virtual time: the runner runs this twice with one seed, and every figure it
# prints has to be the same: pings over a delayed link, a disk with a medium
# of 20 us, and random numbers of the kernel.
#
#	n1 ---+--- n2        /dev/ram_a: null_blk, 20 us
#
# MODE=icount
# KERNELS=debian
# REPEAT=2
# TIMEOUT=240
# MODULES="null_blk"
# PROGRAMS="ping"
DESCRIPTION="virtual time: same seed, same figures"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

now_ns()
{
	echo "${EPOCHREALTIME/./}000"
}

nodes 2
delay n1 500us
at n1 ping -c 3 -i 0.2 10.77.0.2 | sed --quiet 's/^64 bytes.*icmp_seq=/ping /p'

ram_disk ram_a 16 irqmode=2 completion_nsec=20000
before=$(now_ns)
dd if=/dev/zero of=/dev/ram_a bs=4096 count=100 oflag=direct status=none \
	2>/dev/null || dd if=/dev/zero of=/dev/ram_a bs=4096 count=100
log "100 writes: $(($(now_ns) - before)) ns, at $EPOCHREALTIME"
log "uptime $(cat /proc/uptime)"
random=$(head -c 8 /dev/urandom | od -An -tx1)
log "random $random"
check "random numbers are there" test "${random// /}" != 0000000000000000
