#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Writes vmlinux.h, the kernel's types for BPF programs, from the BTF that the
# kernel's headers carry. Not from the running kernel: that one may be another
# or have no BTF at all.
#
# usage: gen_vmlinux.sh OUTPUT      nothing is done if it is newer than the BTF
set -euo pipefail

output=$1
kdir=$("$(dirname "$0")/modules.sh" debian --kdir)
vmlinux=$kdir/vmlinux

[[ -e $vmlinux ]] || {
	echo "gen_vmlinux.sh: $kdir carries no vmlinux with BTF" >&2
	exit 1
}
[[ $output -nt $vmlinux ]] && exit
mkdir -p "$(dirname "$output")"
bpftool btf dump file "$vmlinux" format c >"$output.new"
mv "$output.new" "$output"
