# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# shellcheck disable=SC2153  # of three.sh
#
# What the nemesis stands on: chance, and the oracle, qbdledger
# (tests/load/ledger.c), whose files outlive the nodes. Two writers at once have a
# part of the volume each, and somebody reads beside one of them. A case sources
# it after lib.sh.

NEMESIS_LEDGERS=(/dev/shm/ledger1 /dev/shm/ledger2)
NEMESIS_BLOCKS=1024
WRITERS=()
READERS=()
_state=$((${QBD_SEED:-1} * 2654435761 + 12345))

# rnd N: R is a number below N.
rnd()
{
	_state=$((_state * 6364136223846793005 + 1442695040888963407))
	R=$(((_state >> 33 & 0x7fffffff) % $1))
}

# pick WORD...: R is one of them.
pick()
{
	rnd $#
	shift "$R"
	R=$1
}

# count: what was acknowledged, of all writers.
count()
{
	local ledger sum=0
	for ledger in "${NEMESIS_LEDGERS[@]}"; do
		sum=$((sum + $(qbdledger count "$ledger")))
	done
	echo $sum
}

written() { [[ $(count) -ge $1 ]]; }

# writers: new ones, on the volume as it is attached now, and a reader.
writers()
{
	local i
	WRITERS=()
	for i in "${!NEMESIS_LEDGERS[@]}"; do
		[[ -e ${NEMESIS_LEDGERS[i]} ]] ||
			qbdledger make "${NEMESIS_LEDGERS[i]}" \
				--blocks $NEMESIS_BLOCKS \
				--from $((i * NEMESIS_BLOCKS))
		qbdledger write "$DEV" "${NEMESIS_LEDGERS[i]}" --pause 4000 \
			--seed $((${QBD_SEED:-1} + i)) >>/run/ledger.err 2>&1 &
		WRITERS+=($!)
	done
	qbdledger watch "$DEV" "${NEMESIS_LEDGERS[0]}" --pause 6000 \
		--seed "${QBD_SEED:-1}" >>/run/ledger.err 2>&1 &
	READERS=($!)
}

# end RC PID...: they are told to, and end with one of these.
end()
{
	local pid rc
	for pid in "${@:2}"; do
		kill -TERM "$pid" 2>/dev/null || true
	done
	for pid in "${@:2}"; do
		rc=0
		wait "$pid" || rc=$?
		[[ $1 == *$rc* ]] ||
			fail "it ended with $rc: $(cat /run/ledger.err)"
	done
}

work() { kill -0 "${WRITERS[@]}" "${READERS[@]}" 2>/dev/null; }
