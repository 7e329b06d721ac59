# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# What cases in a guest are written with. A case starts like this:
#
#	#!/usr/bin/env bash
#	# SPDX-License-Identifier: GPL-2.0-only
#	# TIMEOUT=30
#	DESCRIPTION="three nodes see each other"
#	. "${QBD_VM:?}/lib.sh"
#
# It runs under "set -euo pipefail": a command that fails ends the case, with
# its line. Exit codes are those of kselftest: 0 passed, 1 failed, 4 skipped.
# What a case makes it undoes with on_exit; nodes, disks and modules made by
# these functions are undone by themselves.
#
# Here: results and conditions. nodes.sh has nodes and their links, disks.sh
# disks, kernel.sh modules and the kernel log (which the runner checks).
set -euo pipefail

QBD_CASE=${QBD_CASE:-$(basename "$0" .sh)}
_checks=0
_failed=0
_trying=
_undo=()
# Read from by nobody: a place to wait without starting a process.
exec {_never}<> <(:)
_log_start="case $QBD_CASE begins $EPOCHREALTIME"
echo "$_log_start" >/dev/kmsg
echo "# $QBD_CASE: ${DESCRIPTION:?}"

# log WORDS...: a remark in the output.
log()
{
	echo "# $*"
}

# fail WORDS...: the case has failed.
fail()
{
	echo "# FAIL: $*"
	exit 1
}

# skip WORDS...: the case cannot run here.
skip()
{
	trap - ERR
	echo "# SKIP $*"
	exit 4
}

# _try COMMAND...: run it under "set -e" of its own, which a condition would
# switch off; leaves _code and _out.
_try()
{
	local -
	set +e
	_trying=1
	_out=$(_trying=; set -e; "$@" 2>&1)
	_code=$?
	_trying=
}

# check WHAT COMMAND...: one result; the case goes on if it failed.
check()
{
	_try "${@:2}"
	_result "$_code" "$1"
}

# refuse WHAT [code=N] [says=PATTERN] COMMAND...: like check, for a command that
# has to be refused: exit code 1, or this one. One that is not there, not
# understood (2), hangs (124) or is killed has shown nothing. What it says has
# to be like the pattern, if there is one.
refuse()
{
	local what=$1 code=1 pattern='' bad=''
	shift
	while [[ $1 == code=* || $1 == says=* ]]; do
		case $1 in
		code=*) code=${1#*=} ;;
		says=*) pattern=${1#*=} ;;
		esac
		shift
	done
	_try "$@"
	[[ $_code == "$code" ]] || bad="exit code $_code, not $code"
	[[ $_out =~ $pattern ]] || bad+="${bad:+, }it does not say '$pattern'"
	_out+=${bad:+ ($bad)}
	_result ${#bad} "$what"
}

_result()
{
	_checks=$((_checks + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $_checks - $2"
	else
		_failed=$((_failed + 1))
		log "${_out//$'\n'/$'\n'# }"
		echo "not ok $_checks - $2"
	fi
}

# on_exit COMMAND...: undo something; the last first.
on_exit()
{
	_undo=("$(printf '%q ' "$@")" "${_undo[@]}")
}

_finish()
{
	local code=$? command
	trap - EXIT ERR
	set +e
	for command in "${_undo[@]}"; do
		eval "$command" || {
			log "undo: $command: exit code $?"
			[[ $code != 0 ]] || code=1
		}
	done
	if [[ $_checks -gt 0 ]]; then
		echo "1..$_checks"
	fi
	[[ $code != 0 || $_failed == 0 ]] || code=1
	exit "$code"
}
trap _finish EXIT
trap '[[ $_trying ]] || echo "# ${BASH_SOURCE[0]##*/}:$LINENO: exit code $?: $BASH_COMMAND"' ERR
# A function's failing command is reported where it stands.
set -E

# wait_until SECONDS COMMAND...: until the command succeeds; fails with its
# last output if it does not in time.
wait_until()
{
	local seconds=$1 end
	shift
	end=$((SECONDS + seconds))
	_try "$@"
	while [[ $_code != 0 ]]; do
		[[ $SECONDS -lt $end ]] ||
			fail "not within $seconds s: $*: $_out"
		read -r -t 0.05 -u "$_never" || true
		_try "$@"
	done
}

# quiet COMMAND...: its output only if it fails.
quiet()
{
	local - out code _trying=1
	set +e
	# as in _try: otherwise only the last command of a function counts
	out=$(_trying=; set -e; "$@" 2>&1)
	code=$?
	[[ $code == 0 ]] || echo "$out"
	return $code
}

# requires PROGRAM...: skip the case where one is missing.
requires()
{
	local program
	for program in "$@"; do
		type -P "$program" >/dev/null || skip "no $program"
	done
}

# shellcheck source=tests/vm/kernel.sh
. "${QBD_VM:?}/kernel.sh"
# shellcheck source=tests/vm/nodes.sh
. "${QBD_VM:?}/nodes.sh"
# shellcheck source=tests/vm/disks.sh
. "${QBD_VM:?}/disks.sh"
