#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Builds the kernel modules against one kernel: `debian`, the newest installed
# one with headers (6.12 or later), or `debug`, the one in $QBD_DEBUG_KERNEL.
#
# Kbuild puts objects beside the sources, and one source tree is built against
# two kernels here, so the sources are mirrored into build/KERNEL/ first. The
# mirror keeps modification times: an unchanged tree rebuilds nothing.
#
# usage: modules.sh debian|debug [--kdir] [argument for kbuild]...
#   --kdir  only print the kernel's build directory
set -euo pipefail

cd "$(dirname "$0")/.."
readonly floor=6.12

die()
{
	echo "modules.sh: $*" >&2
	exit 1
}

debian_kdir()
{
	local dir release
	for dir in $(printf '%s\n' /lib/modules/*/build | sort --version-sort \
			--reverse); do
		release=$(basename "$(dirname "$dir")")
		[[ -e $dir/Makefile && $release != *-rt-* ]] || continue
		if printf '%s\n' "$floor" "${release%%[-+]*}" |
				sort --version-sort --check=quiet; then
			echo "$dir"
			return
		fi
	done
	die "no headers of a kernel >= $floor; run scripts/setup"
}

# The debug kernel's headers come as one archive: unpack it once per version.
debug_kdir()
{
	local from=${QBD_DEBUG_KERNEL:-} to=build/debug-kernel stamp
	[[ -n $from ]] || die "QBD_DEBUG_KERNEL is not set"
	[[ -e $from/build.tar.xz ]] || die "no build.tar.xz in $from"
	stamp=$(stat --format='%s %Y' "$from/build.tar.xz")
	if [[ $(cat "$to/stamp" 2>/dev/null) != "$stamp" ]]; then
		rm -rf "$to"
		mkdir -p "$to"
		tar --extract --xz --file="$from/build.tar.xz" --directory="$to"
		echo "$stamp" >"$to/stamp"
	fi
	echo "$PWD/$to/build"
}

mirror()
{
	local out=$1 dir sources=(Kbuild)
	for dir in kmod uapi tests/testdisk; do
		[[ ! -d $dir ]] || sources+=("$dir")
	done
	# What is excluded is also protected from --delete: kbuild's results.
	rsync --archive --delete --relative \
		--exclude='*.o' --exclude='*.ko' --exclude='*.a' \
		--exclude='*.mod' --exclude='*.mod.c' --exclude='.*.cmd' \
		--exclude='Module.symvers' --exclude='modules.order' \
		"${sources[@]}" "$out/"
}

kernel=${1:-}
case $kernel in
debian | debug) shift ;;
*) die "usage: modules.sh debian|debug [--kdir] [argument for kbuild]..." ;;
esac

# People and jobs share one build directory: one build of a kind at a time.
mkdir -p "build/$kernel"
exec 9>"build/$kernel.lock"
flock 9

kdir=$("${kernel}_kdir")
if [[ ${1:-} == --kdir ]]; then
	echo "$kdir"
	exit
fi
mirror "build/$kernel"
[[ -e kmod/Kbuild || -e tests/testdisk/Kbuild ]] || exit 0
exec make --no-print-directory --directory="$kdir" M="$PWD/build/$kernel" \
	--jobs="$(nproc)" W=1 KCFLAGS=-Werror "$@" modules
