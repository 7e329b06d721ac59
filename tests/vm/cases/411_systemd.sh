#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The daemon's unit under a real systemd, with all of its sandbox: it is active
# when the daemon has said so; it stops, starts and is restarted under I/O, by
# its watchdog too, and takes up what the kernel goes on with. A unit of
# a volume follows it: it is started where that is attached, and is stopped where
# it is detached, or lost.
#
#	n1, n2: systemd, qbdd.service, app.service; n3: qbdd alone
# DEBUG=long
# TIMEOUT=400
DESCRIPTION="qbdd.service and a volume's unit under a real systemd"
# shellcheck source=tests/vm/lib.sh
. "${QBD_VM:?}/lib.sh"
# shellcheck source=tests/vm/daemons.sh
. "${QBD_VM:?}/daemons.sh"
# shellcheck source=tests/vm/systemd.sh
. "${QBD_VM:?}/systemd.sh"

readonly ledger=/dev/shm/ledger ledgerd=${QBD_TOP:?}/build/tests/qbdledger

requires systemctl unshare nsenter pgrep
[[ -x /lib/systemd/systemd ]] || skip "no systemd"

# The others' way, without one.
eval "$(declare -f daemon_start | sed '1s/daemon_start/plain_start/')"

# daemon_start NODE: by its systemd, if it is to have one.
daemon_start()
{
	local dir=/run/qbd-$1
	if [[ $1 == n3 ]]; then
		plain_start "$1"
		return
	fi
	systemd_boot "$1"
	# its dog is more patient elsewhere than a test can be
	printf '[Service]\nWatchdogSec=4\n' \
		>"$dir/units/qbdd.service.d/watchdog.conf"
	cat >"$dir/units/app.service" <<-END
		[Service]
		ExecStart=/run/qbd-$1/app
		SuccessExitStatus=1
	END
	cat >"$dir/app" <<-END
		#!/bin/bash
		device=\$(qbdctl kernel volume list --json |
			sed -n 's/.*"device": *"\([^"]*\)".*/\1/p')
		exec $ledgerd write "/dev/\$device" $ledger --pause 5000
	END
	chmod 755 "$dir/app"
	sd "$1" daemon-reload
	sd "$1" start qbdd
}

writes_grow()
{
	local want
	want=$(($("$ledgerd" count $ledger) + $1))
	wait_until 60 writes_more "$want"
}

writes_more()
{
	[[ $("$ledgerd" count $ledger) -ge $1 ]]
}

# goes_on NODE: the same volume and the same process, and it writes.
goes_on()
{
	[[ $(attached "$1") == "$is" ]]
	sd_is "$1" app MainPID="$app"
	writes_grow 20
}

answers()
{
	sd_is "$1" qbdd ActiveState=active
	quiet ctl "$1" volume show data
}

restarted()
{
	[[ $(sd "$1" show --property NRestarts qbdd) == NRestarts="$2" ]]
	answers "$1"
}

"$ledgerd" make $ledger --blocks 256
on_exit rm -f $ledger
daemons_cluster 256
check "active, as it says" sd_is n1 qbdd ActiveState=active
log "$(sd n1 status qbdd)"
check "a volume" quiet ctl n1 volume create data --size 64M --shard-size 64M
check "with a unit" quiet ctl n1 volume set data --auto-attach n1,n2 \
	--unit app.service
check "its unit runs" wait_until 60 sd_is n1 app ActiveState=active
writes_grow 50
is=$(attached n1)
app=$(sd n1 show --property MainPID --value app)

check "restart" sd n1 restart qbdd
check "it answers" wait_until 60 answers n1
check "I/O went on" goes_on n1

pid=$(sd n1 show --property MainPID --value qbdd)
inside n1 kill -STOP "$pid"
check "the watchdog ends a daemon that hangs" wait_until 60 restarted n1 1
check "I/O went on" goes_on n1

inside n1 kill -KILL "$(sd n1 show --property MainPID --value qbdd)"
check "one that dies is started again" wait_until 60 restarted n1 2
check "I/O went on" goes_on n1

check "stop" sd n1 stop qbdd
check "in order" sd_is n1 qbdd Result=success
check "I/O goes on without it" goes_on n1
check "start" sd n1 start qbdd
check "it answers" wait_until 60 answers n1
check "I/O went on" goes_on n1

check "a move" quiet ctl n1 volume attach data --node n2
check "the unit is stopped" wait_until 60 sd_is n1 app ActiveState=inactive
check "and started there" wait_until 60 sd_is n2 app ActiveState=active
writes_grow 20
systemd_end n2
at n2 qbdctl kernel node crash --id 2
check "the holder dies: the unit comes back" \
	wait_until 120 sd_is n1 app ActiveState=active
writes_grow 20
check "detach" quiet ctl n1 volume detach data
check "the unit is stopped" wait_until 60 sd_is n1 app ActiveState=inactive
