#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Generate the netlink code from uapi/qbd.yaml with the kernel's own generator,
# which is taken from Debian's kernel source package.  The results are kept in
# the tree, so that a build needs neither.
#
#   scripts/ynl_regen.sh           write uapi/linux/qbd.h and kmod/genl.[ch]
#   scripts/ynl_regen.sh --check   fail if they are not what the spec gives
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
ynl=$top/build/ynl
mode=${1:---write}

case "$mode" in
--write | --check) ;;
*)
	echo "usage: scripts/ynl_regen.sh [--write|--check]" >&2
	exit 2
	;;
esac

tarball=$(find /usr/src -maxdepth 1 -name 'linux-source-6.*.tar.xz' | sort -V | tail -n 1)
if [ -z "$tarball" ]; then
	echo "no kernel source in /usr/src: run scripts/setup" >&2
	exit 4
fi

if [ ! -f "$ynl/MAINTAINERS" ]; then
	rm -rf "$ynl"
	mkdir -p "$ynl"
	name=$(basename "$tarball" .tar.xz)
	tar -xJf "$tarball" -C "$ynl" --strip-components=1 \
		"$name/tools/net/ynl" "$name/Documentation/netlink"
	# The generator looks for the root of a kernel tree by this file.
	touch "$ynl/MAINTAINERS"
fi

spec=Documentation/netlink/specs/qbd.yaml
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp "$top/uapi/qbd.yaml" "$ynl/$spec"

gen() { # mode, part, output
	(cd "$ynl" && /usr/bin/python3 tools/net/ynl/ynl-gen-c.py \
		--mode "$1" "--$2" --spec "$spec" -o "$out/$3" </dev/null)
	sed -i "s#$spec#uapi/qbd.yaml#" "$out/$3"
}
gen uapi header qbd.h
gen kernel header genl.h
gen kernel source genl.c

status=0
put() { # generated, place
	if [ "$mode" = --write ]; then
		cmp -s "$out/$1" "$top/$2" || cp "$out/$1" "$top/$2"
	elif ! diff -u "$top/$2" "$out/$1"; then
		echo "$2 is not what uapi/qbd.yaml gives: run scripts/ynl_regen.sh" >&2
		status=1
	fi
}
put qbd.h uapi/linux/qbd.h
put genl.h kmod/genl.h
put genl.c kmod/genl.c
exit $status
