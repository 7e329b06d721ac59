# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Commands that hang, and what ends them. A case sources it after lib.sh.

# hang COMMAND...: one more that is going to hang; its exit code is kept.
hung=()
hang()
{
	"$@" >/dev/null 2>&1 &
	hung+=($!)
}

# inflight NUMBER [DISK]: so many requests, at least.
inflight()
{
	[[ $(cat "/sys/block/${2:-qbd0}/qbd/inflight") -ge $1 ]]
}

# end_all COMMAND...: this ends them; see everybody end. Leaves what it took in
# $took, and in $well how many of them ended well.
end_all()
{
	local start=$SECONDS pid
	well=0
	"$@"
	for pid in "${hung[@]}"; do
		wait "$pid" && well=$((well + 1))
	done
	took=$((SECONDS - start))
	log "$*, and the end of ${#hung[@]}: $took s, $well ended well"
	hung=()
}
