#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The guest is what cases take for granted: kernel, CPUs, tools, places that
# can be written to, and a repository that cannot.
DESCRIPTION="a guest boots and has what cases need"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"

writable()
{
	local dir
	for dir in /tmp /run /mnt /var/lib /var/log /dev/shm /run/bed; do
		echo x >"$dir/.probe"
		rm "$dir/.probe"
	done
}

check "kernel is 6.12 or later" \
	sort --version-sort --check <(printf '6.12\n%s\n' "$(uname -r)")
check "two processors" test "$(nproc)" = 2
check "the repository is here" test -x "${QBD_TOP:?}/scripts/testbed"
refuse "and read-only" says="Read-only" touch "$QBD_TOP/.probe"
check "what has to be writable is" writable
check "lo is up" ping -c 1 -W 5 127.0.0.1
check "tools" type -P ip tc nft fio insmod dmesg mkfs.ext4 mkfs.xfs
check "debugfs" test -d /sys/kernel/debug/block
check "tracefs" test -e /sys/kernel/tracing/trace
