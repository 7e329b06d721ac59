#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the project's semantic checks, scripts/cocci/*.cocci, each over the
# files that its `// Files:` lines name. A match is an error; it is printed
# as the lines that spatch would touch, below the reason the script gives.
#
# usage: cocci.sh [--script FILE] [FILE]...    (other files: for trying it)
set -euo pipefail

cd "$(dirname "$0")/.."
scripts=(scripts/cocci/*.cocci)
if [[ ${1:-} == --script ]]; then
	scripts=("$2")
	shift 2
fi

failed=0
for script in "${scripts[@]}"; do
	files=("$@")
	if [[ $# == 0 ]]; then
		shopt -s nullglob
		# The globs of the script are meant to be expanded.
		# shellcheck disable=SC2046,SC2207
		files=($(sed --quiet 's/^\/\/ Files://p' "$script"))
		shopt -u nullglob
	fi
	[[ ${#files[@]} -gt 0 ]] || continue
	out=$(spatch --very-quiet --no-includes --include-headers-for-types \
		--sp-file "$script" "${files[@]}" 2>&1)
	if [[ -n $out ]]; then
		sed --quiet '2,/^$/s/^\/\/ *//p' "$script" | grep --invert-match \
			'^Files:'
		echo "$out"
		failed=1
	fi
done
exit $failed
