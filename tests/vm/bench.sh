# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Figures: cases that measure in virtual time source this after lib.sh. There
# an instruction is a nanosecond and all nodes share the CPU, so a time is
# what all of them did for it plus media and links, which are exact; nothing
# of the host is in it, and the same commit and seed give the same figures.
#
# The load is qbdload (tests/load/load.c). Each figure is one line
#
#	# figure: NAME | VALUE | UNIT | BOUND | VERDICT
#
# which `make bench` makes a table of; one that misses its bound fails the case.

# shellcheck disable=SC2034  # cases read it
declare -A RUN=()

# calc EXPRESSION [DIGITS]: of awk, rounded.
calc()
{
	awk "BEGIN { printf \"%.${2:-2}f\", $1 }"
}

# holds CONDITION: of awk.
holds()
{
	awk "BEGIN { exit !($1) }"
}

# load_run [OPTION...]: qbdload on DEV; RUN has what it prints.
load_run()
{
	local line pair
	line=$(qbdload "${DEV:?}" "$@")
	log "qbdload $*: $line"
	for pair in $line; do
		RUN[${pair%%=*}]=${pair#*=}
	done
}

# figure NAME VALUE UNIT [BOUND]: a bound is an operator and a number.
figure()
{
	local verdict=-
	if [[ ${4:-} ]]; then
		verdict=met
		holds "$2 $4" || verdict=MISSED
	fi
	echo "# figure: $1 | $2 | $3 | ${4:--} | $verdict"
	if [[ ${4:-} ]]; then
		check "$1: $2 $3, to be $4" test "$verdict" = met
	fi
}

# tcp_segments NODE...: TCP segments that they have sent so far, in all.
tcp_segments()
{
	local node
	for node in "$@"; do
		at "$node" cat /proc/net/snmp
	done | awk '/^Tcp: [0-9]/ { sum += $12 } END { print sum }'
}

# wire_bytes NODE: bytes that have left and reached it so far.
wire_bytes()
{
	at "$1" cat /proc/net/dev |
		awk '$1 == "eth0:" { print $2 + $10 }'
}

# disk_writes DISK: how many have ended so far.
disk_writes()
{
	awk '{ print $5 }' "/sys/block/$1/stat"
}
