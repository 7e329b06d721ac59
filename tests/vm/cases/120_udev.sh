#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The udev rule: a volume, and each of its partitions, has a name in
# /dev/qbd/by-name while it is attached, whatever number its device has.
# DEBUG=long
# TIMEOUT=120
DESCRIPTION="udev: /dev/qbd/by-name comes and goes with the volume"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/one.sh
. "${QBD_VM:?}/one.sh"
requires udevadm
udevd=/lib/systemd/systemd-udevd
[[ -x $udevd ]] || skip "no $udevd"

names=/dev/qbd/by-name

# named NAME DEVICE: the link leads there.
named()
{
	[[ $(readlink --canonicalize "$names/$1") == "$2" ]]
}

no_names() { ! compgen -G "$names/*"; }

# Only our rule: those of the host have no business with the guest's disks.
rules=/run/udev-rules
mkdir -p $rules /run/udev/rules.d
cp "${QBD_TOP:?}/kmod/60-qbd.rules" $rules/
mount --bind $rules /usr/lib/udev/rules.d
on_exit umount /usr/lib/udev/rules.d
$udevd >/run/udevd.log 2>&1 &
daemon=$!
on_exit eval "kill $daemon; wait $daemon || true"
wait_until 60 udevadm control --ping

ram_disk qd 256
one_node
one_store /dev/qd --wal-size 64M
one_create 7 64 64
one_create 8 16 64
one_attach 8 16 64
first=$DEV
check "the first volume" wait_until 60 named vol8 "$first"
one_attach 7 64 64
second=$DEV
check "the second one" wait_until 60 named vol7 "$second"
check "the first still has its own" named vol8 "$first"
partition "$second"
check "its partition" wait_until 60 named vol7-part1 "${second}p1"
udevadm settle
check "detach" one_detach 7
check "its names go" wait_until 60 test ! -L $names/vol7 -a \
	! -L $names/vol7-part1
check "the other one stays" named vol8 "$first"
udevadm settle
check "detach that too" one_detach 8
check "none is left" wait_until 60 no_names
one_attach 7 64 64
check "attached again, under a number that is free" \
	wait_until 60 named vol7-part1 "${DEV}p1"
udevadm settle
check "a forced detach" one_detach 7 --force
check "leaves none either" wait_until 60 no_names
