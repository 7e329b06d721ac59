#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What runs where a volume is attached: it is started with the device, survives
# its daemon, is started on another node when the first one dies, and ends
# before the volume is detached in order.
#
#	n1 holds the volume, then n2
# DEBUG=long
# TIMEOUT=300
DESCRIPTION="a command follows its volume, and outlives its daemon"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"

readonly prog=/run/qbd-prog

# The program: says where it runs, with which device; until it is told to end.
cat >$prog <<'END'
#!/bin/bash
echo "$$ $QBD_DEVICE" >"/run/ran.$QBD_NODE"
trap 'rm -f "/run/ran.$QBD_NODE"; exit 0' TERM
while :; do
	sleep 1 &
	wait $!
done
END
chmod 755 $prog
on_exit rm -f $prog /run/ran.n1 /run/ran.n2

runs()
{
	[[ -s /run/ran.$1 ]]
}

ended()
{
	[[ ! -e /run/ran.$1 ]]
}

pid_of()
{
	cut --delimiter=' ' --fields=1 "/run/ran.$1"
}

not_attached()
{
	[[ -z $(at "$1" qbdctl kernel volume list | tail --lines=+2) ]]
}

daemons_cluster 256
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "with a command" quiet ctl n1 volume set data --auto-attach n1,n2 \
	--run $prog
check "it runs" wait_until 60 runs n1
pid=$(pid_of n1)
daemon_kill n1
check "without its daemon" kill -0 "$pid"
daemon_start n1
wait_until 60 daemon_knows n1
wait_until 60 quiet ctl n1 volume show data
check "it is taken over" test "$(pid_of n1)" = "$pid"
check "and still there" kill -0 "$pid"
daemon_kill n1
at n1 qbdctl kernel node crash --id 1
check "it runs on another node" wait_until 120 runs n2
kill -TERM "$pid"
check "detach" quiet ctl n2 volume detach data
check "it ended first" wait_until 60 ended n2
check "the volume is not there any more" wait_until 60 not_attached n2
