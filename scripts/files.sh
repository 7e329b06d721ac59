#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Lists the tree's files of one kind, tracked or not, one per line: what the
# gates look at. Generated files and what is ignored by git are left out.
#
# usage: files.sh c|sh|py|text [DIRECTORY]...
set -euo pipefail

cd "$(dirname "$0")/.."
kind=$1
shift

list()
{
	git ls-files --cached --others --exclude-standard -- "$@" | sort --unique |
	while read -r file; do
		[[ ! -f $file || -L $file ]] || echo "$file"
	done
}

not_generated()
{
	xargs --no-run-if-empty --delimiter='\n' grep --files-without-match \
		--extended-regexp 'auto-generated|DO NOT EDIT' || true
}

# By their first line: scripts/setup has no suffix.
with_shebang()
{
	while read -r file; do
		[[ ! $(head --lines=1 "$file" | tr --delete '\0') =~ $1 ]] ||
			echo "$file"
	done
}

[[ $# -gt 0 ]] || set -- .
case $kind in
c) list "$@" | grep --extended-regexp '\.[ch]$' | not_generated ;;
sh) list "$@" | with_shebang '^#!.*[/ ](ba)?sh( |$)' ;;
py) list "$@" | with_shebang '^#!.*python' ;
	list "$@" | grep '\.py$' | with_shebang '^[^#]|^#[^!]' ;;
text) list "$@" ;;
esac
