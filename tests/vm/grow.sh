# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Growing volume 7 of three.sh, in shards of 64 MiB. A case sources it after
# that.

# grow NODE MIB [SHARD | OPTION]...: to that size, with these new shards.
grow()
{
	local words=() word
	for word in "${@:3}"; do
		case $word in
		[0-9]*) words+=(--shard "$word:1:$(three_set 7 "$word")") ;;
		*) words+=("$word") ;;
		esac
	done
	at "$1" qbdctl kernel volume grow --id 7 --size "$2M" \
		--term "$(cat /run/three.term)" "${words[@]}"
}

# copies SHARD NODE...: of a shard. A log may be full for a moment.
copies()
{
	local node
	for node in "${@:2}"; do
		wait_until 60 three_copy "$node" 7 "$1" 64
	done
}

# has MIB: the device has that size.
has() { [[ $(blockdev --getsize64 "$DEV") == $(($1 << 20)) ]]; }

# shows NODE PATTERN: the volume is shown like this.
shows()
{
	local shown
	shown=$(at "$1" qbdctl kernel volume list --json | tr '\n' ' ')
	echo "$shown"
	grep --quiet "$2" <<<"$shown"
}
