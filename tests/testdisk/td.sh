# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Test disks for shell scripts: source this file. Each function is one command
# of /dev/qbd-testdisk-ctl; ctl.c lists their options. The disk NAME is
# /dev/td_NAME. A command that fails says why on stderr and returns 1.
#
#   td_create a size=64M cache=on write_ns=100000
#   td_crash_after a 17 seed=3; run something; td_wait a state crashed
#   td_revive a; mount /dev/td_a ...
#   td_record a on; run something; td_snapshot a 17 b seed=3
#   td_fault a eio op=write nth=3 count=1; td_fault a stall op=flush
#   td_wait_held a; td_release a; td_clear a; td_remove a

TD_CTL=/dev/qbd-testdisk-ctl
# Nobody writes here: a place to wait without starting a process.
exec {_td_never}<> <(:)

# td_until SECONDS COMMAND...: wait until the command succeeds.
td_until()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		if ((SECONDS > end)); then
			echo "td: gave up waiting for: $*" >&2
			return 1
		fi
		read -r -t 0.05 -u "$_td_never" || true
	done
}

# td_cmd WORD...: run one command and print its reply.
td_cmd()
{
	local fd reply rc=0
	exec {fd}<>"$TD_CTL" || return 1
	{ printf '%s\n' "$*" >&"$fd"; } 2>/dev/null || rc=1
	IFS= read -r -d '' reply <&"$fd" || true
	exec {fd}>&-
	if [[ $rc != 0 ]]; then
		echo "td: $*: ${reply:-failed}" >&2
		return 1
	fi
	printf '%s' "$reply"
}

td_create() { td_cmd create "$@"; }
td_remove() { td_cmd remove "$@"; }
td_vanish() { td_cmd vanish "$@"; }
td_revive() { td_cmd revive "$@"; }
td_release() { td_cmd release "$@"; }
td_latency() { td_cmd latency "$@"; }
td_crash() { td_cmd crash "$@"; }
td_crash_after() { td_cmd crash_after "$@"; }
td_snapshot() { td_cmd snapshot "$@"; }
td_clone() { td_cmd clone "$@"; }
td_faults() { td_cmd faults "$@"; }
td_clear() { td_cmd clear "$@"; }
td_peek() { td_cmd peek "$@"; }
td_poke() { td_cmd poke "$@"; }
td_flip() { td_cmd flip "$@"; }
td_ops() { td_cmd ops "$@"; }
td_list() { td_cmd list; }

# td_record NAME on|off [limit=N]: "on" waits until nothing is in flight.
td_record()
{
	[[ $2 != on ]] || td_wait "$1" inflight 0 || return 1
	td_cmd record "$@"
}

# td_fault NAME KIND [option]...: prints the fault's identity, for td_clear.
td_fault() { td_cmd fault "$@"; }

# td_stat NAME [KEY]: all counters, or the value of one.
td_stat()
{
	local all key value
	all=$(td_cmd stat "$1") || return 1
	if [[ $# == 1 ]]; then
		echo "$all"
		return
	fi
	while read -r key value; do
		if [[ $key == "$2" ]]; then
			echo "$value"
			return
		fi
	done <<<"$all"
	echo "td: no counter $2" >&2
	return 1
}

# td_hits NAME ID: how often a fault has hit.
td_hits()
{
	local line
	while read -r line; do
		[[ $line == "$2 "* ]] && echo "${line##*hits=}" && return
	done < <(td_cmd faults "$1")
	return 1
}

td_stat_is() { [[ $(td_stat "$1" "$2") == "$3" ]]; }

# td_wait NAME KEY VALUE [SECONDS]: until a counter has a value.
td_wait() { td_until "${4:-60}" td_stat_is "$1" "$2" "$3"; }

td_holds() { [[ $(td_stat "$1" held) -gt 0 ]]; }

# td_wait_held NAME [SECONDS]: until it holds something back, be it one request
# or several: a stall catches what comes, and nobody knows how much that is.
td_wait_held() { td_until "${2:-60}" td_holds "$1"; }
