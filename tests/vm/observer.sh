# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# An observer (bpf/) beside a case: it prints JSON, one document for each table,
# and is asked what the newest says. A case sources it after lib.sh.

OBSERVED=/dev/shm/observed

# watch TOOL [OPTION...]
watch()
{
	: >$OBSERVED
	"$1" --json "${@:2}" >$OBSERVED &
	OBSERVER=$!
	on_exit rm -f $OBSERVED
	# only what is attached prints a table
	wait_until 60 test -s $OBSERVED
}

# unwatch: its exit code.
unwatch()
{
	kill -INT "$OBSERVER"
	wait "$OBSERVER"
}

# newest: the newest table that is there as a whole.
newest()
{
	grep '}$' $OBSERVED | tail --lines=1
}

# field STAGE KEY
field()
{
	[[ $(newest) =~ \"$1\":\ \{[^}]*\"$2\":\ ([0-9]+) ]]
	echo "${BASH_REMATCH[1]}"
}

# in_order STAGE...: median, 99 %, most.
in_order()
{
	local stage
	for stage in "$@"; do
		check "$stage: median, 99 %, most are in order" test \
			"$(field "$stage" p50_ns)" -le \
			"$(field "$stage" p99_ns)" -a \
			"$(field "$stage" p99_ns)" -le "$(field "$stage" max_ns)"
	done
}
