# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# A real systemd as the first process of a node, as in a container: it has the
# node's network, process ids, cgroup and unit files of its own, and the files
# of the guest but for those that "make install" and an administrator would have
# made. They are in /run/qbd-NODE outside: etc (its /etc), state (/var/lib/qbd),
# run (/run/qbd). A case sources it after daemons.sh.
#
# Only units that are there by name exist: those of the machine that runs the
# tests have nothing to do in a guest.

declare -A SYSTEMD_PID=()

# _systemd_units NODE: targets that others refer to, and the daemon's own unit
# as it is installed.
_systemd_units()
{
	local dir=/run/qbd-$1/units name
	mkdir -p "$dir/qbdd.service.d"
	for name in basic sysinit shutdown multi-user network-online; do
		printf '[Unit]\nDescription=%s\nDefaultDependencies=no\n' \
			$name >"$dir/$name.target"
	done
	sed 's|@SBINDIR@|/usr/local/sbin|' \
		"${QBD_TOP:?}/daemon/qbdd/qbdd.service.in" >"$dir/qbdd.service"
}

# _systemd_etc NODE
_systemd_etc()
{
	local dir=/run/qbd-$1 name
	mkdir -p "$dir/etc/qbd" "$dir/state" "$dir/run"
	chmod 700 "$dir/state" "$dir/run"
	for name in passwd group nsswitch.conf ld.so.cache ld.so.conf hosts; do
		[[ ! -e /etc/$name ]] || cp --archive "/etc/$name" "$dir/etc"
	done
	sed '/^\(state-dir\|socket\) /d' "$dir/qbdd.conf" \
		>"$dir/etc/qbd/qbdd.conf"
	chmod 600 "$dir/etc/qbd/qbdd.conf"
	ln --symbolic --force run/qbdd.sock "$dir/qbdd.sock"
}

# What becomes systemd: in namespaces of its own, of the node $1.
# shellcheck disable=SC2016  # another shell's
_SYSTEMD_INIT='
	set -e
	mount --make-rprivate /
	mount -t proc proc /proc
	umount /sys/fs/cgroup 2>/dev/null || true
	mount -t cgroup2 cgroup2 /sys/fs/cgroup
	mkdir -p /run/systemd /run/qbd /var/lib/qbd
	mount -t tmpfs -o mode=755 tmpfs /run/systemd
	mount --bind "/run/qbd-$1/run" /run/qbd
	mount --bind "/run/qbd-$1/state" /var/lib/qbd
	mount --bind "/run/qbd-$1/etc" /etc
	mount --bind "${QBD_USER:?}" /usr/local/sbin
	exec env --ignore-environment container=qbd PATH=/usr/local/sbin:/bin \
		SYSTEMD_UNIT_PATH="/run/qbd-$1/units" /lib/systemd/systemd \
		--system --unit=basic.target --log-target=console'

# systemd_boot NODE: until it takes orders.
systemd_boot()
{
	local node=$1 group=/sys/fs/cgroup/$1
	_systemd_etc "$node"
	_systemd_units "$node"
	mkdir -p "$group"
	(
		echo "$BASHPID" >"$group/cgroup.procs"
		# not by "at": its process id would be that of a shell
		exec ip netns exec "$node" unshare --pid --fork --mount --uts \
			--cgroup --kill-child bash -c "$_SYSTEMD_INIT" - "$node"
	) </dev/null >"/run/qbd-$node/log" 2>&1 &
	SYSTEMD_PID[$node]=$!
	# shellcheck disable=SC2034,SC2004  # of daemons.sh: its kernel is ours
	DAEMON_PID[$node]=
	on_exit systemd_end "$node"
	wait_until 60 quiet sd "$node" list-units
}

# _systemd_init NODE: R is the process id, out here, of its first process.
_systemd_init()
{
	R=$(pgrep --parent "${SYSTEMD_PID[$1]}")
}

# inside NODE COMMAND...: where its systemd is.
inside()
{
	local R
	_systemd_init "$1"
	nsenter --target "$R" --pid --mount --net --cgroup "${@:2}"
}

# sd NODE WORD...: systemctl there.
sd()
{
	inside "$1" systemctl --no-pager "${@:2}"
}

# sd_is NODE UNIT PROPERTY=VALUE
sd_is()
{
	[[ $(sd "$1" show --property "${3%%=*}" "$2") == "$3" ]]
}

_systemd_gone()
{
	find "/sys/fs/cgroup/$1" -depth -type d -exec rmdir {} +
}

# systemd_end NODE: it and all that it started, as by a power cut.
systemd_end()
{
	[[ ${SYSTEMD_PID[$1]} ]] || return 0
	kill -KILL "${SYSTEMD_PID[$1]}" 2>/dev/null || true
	wait "${SYSTEMD_PID[$1]}" 2>/dev/null || true
	SYSTEMD_PID[$1]=
	# when nothing runs there any more
	wait_until 60 _systemd_gone "$1"
}
