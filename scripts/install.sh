#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Installs what `make` built: the module below /lib/modules/.../updates, the
# tools and the daemon with its unit and an example of its file, the udev rule,
# completions and manual pages. The modules for tests stay where they are.
#
# usage: install.sh --prefix DIR --udevdir DIR --unitdir DIR --destdir DIR
set -euo pipefail

cd "$(dirname "$0")/.."
prefix=/usr/local udevdir=/usr/lib/udev/rules.d
unitdir=/usr/lib/systemd/system destdir=
while [[ $# -gt 0 ]]; do
	case $1 in
	--prefix) prefix=$2 ;;
	--udevdir) udevdir=$2 ;;
	--unitdir) unitdir=$2 ;;
	--destdir) destdir=$2 ;;
	*)
		echo "usage: install.sh --prefix DIR --udevdir DIR" \
			"--unitdir DIR --destdir DIR" >&2
		exit 2
		;;
	esac
	shift 2
done

kdir=$(scripts/modules.sh debian --kdir)
release=$(cat "$kdir/include/config/kernel.release")
for module in build/debian/kmod/*.ko; do
	[[ ! -e $module ]] || install -D --mode=644 --verbose "$module" \
		"$destdir/lib/modules/$release/updates/$(basename "$module")"
done
for tool in build/user/*; do
	[[ ! -f $tool || ! -x $tool ]] || install -D --mode=755 --verbose \
		"$tool" "$destdir$prefix/sbin/$(basename "$tool")"
done
for page in build/user/man/*.8; do
	[[ ! -e $page ]] || install -D --mode=644 --verbose "$page" \
		"$destdir$prefix/share/man/man8/$(basename "$page")"
done
for words in build/user/completions/*; do
	[[ ! -e $words ]] || install -D --mode=644 --verbose "$words" \
		"$destdir$prefix/share/bash-completion/completions/$(basename \
		"$words")"
done
# The unit has to know where the daemon is; its file is the administrator's.
if [[ -e build/user/qbdd ]]; then
	sed "s|@SBINDIR@|$prefix/sbin|" daemon/qbdd/qbdd.service.in |
		install -D --mode=644 --verbose /dev/stdin \
			"$destdir$unitdir/qbdd.service"
	install -D --mode=644 --verbose daemon/qbdd/qbdd.conf.example \
		"$destdir/etc/qbd/qbdd.conf.example"
fi
for rule in kmod/*.rules; do
	[[ ! -e $rule ]] || install -D --mode=644 --verbose "$rule" \
		"$destdir$udevdir/$(basename "$rule")"
done
# A package does this itself, where it is unpacked.
[[ -n $destdir ]] || depmod "$release"
