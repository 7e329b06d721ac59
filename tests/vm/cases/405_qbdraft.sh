#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# qbdraft counts what the daemons commit, and shows who leads, before and after
# a daemon that leads is killed. It needs no module, so no BTF of one either.
#
#	n1, n2, n3: daemons of one cluster
# KERNELS=debian
# TIMEOUT=200
DESCRIPTION="qbdraft: every command is in its histograms, and who leads"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/observer.sh
. "${QBD_VM:?}/observer.sh"

# counts STAGE NUMBER: so many at least.
counts()
{
	[[ $(field "$1" count) -ge $2 ]]
}

# roles ROLE: how many have it.
roles()
{
	newest | { grep --only-matching "\"role\": \"$1\"" || true; } |
		wc --lines
}

# are LEADERS FOLLOWERS: is that so?
are()
{
	[[ $(roles leader) == "$1" && $(roles follower) == "$2" ]]
}

# leads NODE: does it lead?
leads()
{
	ctl "$1" cluster status | grep --quiet 'role of this node *leader'
}

check "where there is no daemon it says so" grep --quiet "is this the program" \
	<(qbdraft --binary /bin/true --count 1 2>&1)
daemons_cluster 128
watch qbdraft
check "who leads is seen, and who follows" wait_until 60 are 1 2
before=$(field commit count)
for ((i = 0; i < 20; i++)); do
	check "a command" quiet ctl n1 cluster set repairs-at-once \
		--value $((8 + i % 2))
done
check "each is counted" wait_until 60 counts commit $((before + 20))
check "and was written on each of three, at least once" \
	test "$(field store count)" -ge 3
in_order commit store loop
unwatch && code=0 || code=$?
check "interrupted it ends well" test "$code" = 0

for node in n1 n2 n3; do
	! leads $node || leader=$node
done
watch qbdraft --pid "${DAEMON_PID[$leader]}"
check "one daemon only" wait_until 60 are 1 0
unwatch
watch qbdraft
check "all again" wait_until 60 are 1 2
daemon_kill "$leader"
two()
{
	[[ $(newest | grep --only-matching '"changes": [0-9]*' |
		grep --count --invert-match ' 0$') -ge 2 ]]
}
check "the others' change is seen" wait_until 60 two
unwatch
check "a table for people" grep --quiet 'STAGE *COUNT *MEAN us' \
	<(qbdraft --count 1)
