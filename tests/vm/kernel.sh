# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Modules, the kernel log and what else depends on the kernel, for cases in a
# guest. Part of lib.sh.
#
# Modules of qbd are taken from $QBD_BUILD, the build for the kernel that
# runs, and unloaded when the case ends. Its programs are in $QBD_USER, which
# is in PATH.
PATH=${QBD_USER:?}:$PATH

# amount DEBIAN DEBUG [DEBIAN DEBUG]: how much of something to do, by kernel; the
# second pair is for runs with --long.
amount()
{
	local column=1
	[[ ${QBD_KERNEL:-} != debug ]] || column=2
	[[ -z ${QBD_LONG:-} || $# == 2 ]] || column=$((column + 2))
	echo "${!column}"
}

# load MODULE [PARAMETER...]: one of the kernel's own. A kernel without a
# module directory has what cases need built in.
load()
{
	if [[ -d /lib/modules/$(uname -r) ]]; then
		modprobe "$@" || skip "no module $1"
	fi
}

# kernel_log: what the kernel said since the case began.
kernel_log()
{
	dmesg | sed "1,/${_log_start:?}/d"
}

# said PATTERN: true if the kernel said it since the case began.
said()
{
	kernel_log | grep --extended-regexp -- "$1" >/dev/null
}

# listens PID: the process has joined a group of generic netlink, on its node.
listens()
{
	# shellcheck disable=SC2016  # they are awk's
	awk -v pid="$1" '$2 == 16 && $3 % 4194304 == pid &&
		$4 != "00000000" { found = 1 } END { exit !found }' \
		"/proc/$1/net/netlink"
}

# _insert FILE [PARAMETER...]: what the module depends on, then the module.
_insert()
{
	local file=$1 name depends module
	[[ -e $file ]] || skip "no ${file##*/}: make modules"
	name=$(basename "$file" .ko)
	name=${name//-/_}
	# "depends=" of .modinfo: some kernels here have no module directory,
	# and some guests no modinfo.
	depends=$(tr '\0' '\n' <"$file" | grep --text '^depends=' || true)
	for module in $(echo "${depends#*=}" | tr ',' ' '); do
		[[ $module == qbd* ]] || load "$module"
	done
	insmod "$@"
	on_exit unload "$name"
}

# unload NAME: remove a module that may have users who are just leaving.
unload()
{
	if [[ -d /sys/module/$1 ]]; then
		wait_until 20 rmmod "$1"
	fi
}

# load_qbd [PARAMETER...]: qbd.ko.
load_qbd()
{
	_insert "${QBD_BUILD:?}/kmod/qbd.ko" "$@"
}

# load_testdisk [PARAMETER...]: the disk that forgets, tears and lies.
load_testdisk()
{
	_insert "${QBD_BUILD:?}/tests/testdisk/qbd-testdisk.ko" "$@"
}
