# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A ledger of blocks (ledger.py) in the memory of this guest, which outlives
# the nodes in it, and a writer in the background. A case sources it after
# lib.sh. A writer is waited for by the shell that started it: not in a check.

LEDGER=/dev/shm/ledger
LEDGER_WRITER=
LEDGER_CODE=

# ledger_write DEVICE [OPTION...]: write to it until it fails, or ledger_stop.
ledger_write()
{
	[[ -e $LEDGER ]] || on_exit rm -f "$LEDGER" /run/ledger.err
	python3 "$QBD_VM/ledger.py" write "$1" "$LEDGER" "${@:2}" \
		2>/run/ledger.err &
	LEDGER_WRITER=$!
}

# ledger_wait: until it ends by itself; LEDGER_CODE is 1 after an I/O error.
ledger_wait()
{
	LEDGER_CODE=0
	wait "$LEDGER_WRITER" || LEDGER_CODE=$?
	log "writer: exit code $LEDGER_CODE $(cat /run/ledger.err)"
}

# ledger_stop: enough; LEDGER_CODE is 143 if it was still at work.
ledger_stop()
{
	kill -TERM "$LEDGER_WRITER" || true
	ledger_wait
}

# ledger_count: writes that were acknowledged.
ledger_count()
{
	local count=
	[[ ! -e $LEDGER ]] || read -r count _ <"$LEDGER" || true
	echo "${count:-0}"
}

# ledger_slowest: milliseconds of the slowest write of this or the last run.
ledger_slowest()
{
	local slowest
	read -r _ slowest <"$LEDGER"
	echo "$slowest"
}

ledger_has()
{
	[[ $(ledger_count) -ge $1 ]]
}

# ledger_grows SECONDS WRITES: so many more are acknowledged.
ledger_grows()
{
	wait_until "$1" ledger_has $(($(ledger_count) + $2))
}

# ledger_check DEVICE: what was acknowledged is there.
ledger_check()
{
	python3 "$QBD_VM/ledger.py" check "$1" "$LEDGER"
}

# ledger_read DEVICE BLOCK: its version.
ledger_read()
{
	python3 "$QBD_VM/ledger.py" read "$@"
}
