#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The engine of `make check`: runs the parts one after the other, keeps their
# output in build/logs/, counts their KTAP lines (ktap.awk) and ends with one
# line, "N passed, N failed". Parts whose files are not there are left out.
#
# Random choices come from one seed, taken from the commit, so that every
# commit tries others and each can be repeated: QBD_SEED=n.
#
# usage: run.sh check | check-fast | check-long | unit | sim | mutants
#        run.sh fuzz [--seconds N] | guests [--kernel K] [--case GLOB]
#        run.sh sweep [--points N] [--seeds N] | corrupt [--seeds N]
#        run.sh nemesis [--ops N] [--seeds N]
set -euo pipefail

cd "$(dirname "$0")/.."
readonly bin=build/tests
logs=build/logs
passed=0 failed=0 skipped=0
declare -A child=() start=()

# Ends what runs when this is interrupted: timeout gave it a group of its own.
cleanup()
{
	[[ ${#child[@]} == 0 ]] || kill "${child[@]}" 2>/dev/null || true
}
trap cleanup EXIT
trap 'exit 130' INT TERM

# begin NAME TIMEOUT_S COMMAND...: let it run; finish NAME belongs to it.
begin()
{
	local name=$1 limit_s=$2
	shift 2
	start[$name]=$EPOCHSECONDS
	timeout --kill-after=30 "$limit_s" "$@" >"$logs/$name.log" 2>&1 \
		</dev/null 7>&- &
	child[$name]=$!
}

# finish NAME: wait for its end, count it, say so in one line. It took as long
# as it wrote to its log.
finish()
{
	local name=$1 log=$logs/$1.log rc=0 took p f s
	wait "${child[$name]}" || rc=$?
	unset "child[$name]"
	took=$(($(stat --format=%Y "$log") - start[$name]))
	[[ $rc != 124 && $rc != 137 ]] || echo "# timeout" >>"$log"
	read -r p f s < <(awk -v rc="$rc" -v name="$name" -f tests/ktap.awk \
		"$log")
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
	printf '%-16s %5d passed %4d failed %4d skipped %6d s\n' "$name" \
		"$p" "$f" "$s" "$took"
	[[ $f != 0 ]] || return 0
	awk -f tests/failures.awk "$log"
	echo "    see $logs/$name.log"
}

# part NAME TIMEOUT_S COMMAND...: both.
part()
{
	begin "$@"
	finish "$1"
}

run_build()
{
	part build 1200 make --no-print-directory --keep-going all tests
	[[ ${1:-} != debug || -z ${QBD_DEBUG_KERNEL:-} ]] ||
		part build-debug 1200 make --no-print-directory modules-debug
}

# run_sim STORES CLUSTERS: schedules of each. 10000 clusters or more show too
# that each fault meets each phase, and how fast they are.
run_sim()
{
	part sim-store 1200 tests/sim/run.sh "$bin" "$1" "$QBD_SEED"
	[[ -x $bin/qbdsim ]] || return 0
	part sim 900 "$bin/qbdsim" --schedules "$2" --seed "$QBD_SEED"
	[[ ! -x $bin/qbdsim-asan ]] || part sim-asan 900 "$bin/qbdsim-asan" \
		--schedules $(($2 / 10)) --seed "$QBD_SEED"
}

# run_raft SCHEDULES: of groups of Raft servers, of their log store, of what
# they agree on, of who obeys; from 3000 on each fault has to meet each phase.
run_raft()
{
	part sim-raft 1200 "$bin/raftsim" --schedules "$1" --seed "$QBD_SEED"
	part sim-raft-asan 900 "$bin/raftsim-asan" --schedules $(($1 / 20)) \
		--seed "$QBD_SEED"
	part sim-raftlog 900 "$bin/raftlogsim" --schedules "$1" --seed "$QBD_SEED"
	part sim-raftlog-asan 900 "$bin/raftlogsim-asan" \
		--schedules $(($1 / 20)) --seed "$QBD_SEED"
	part sim-state 900 "$bin/statesim" --schedules $(($1 / 2)) --seed "$QBD_SEED"
	part sim-state-asan 900 "$bin/statesim-asan" \
		--schedules $(($1 / 40)) --seed "$QBD_SEED"
	part sim-state-cell 600 "$bin/statesim" --cell
	part sim-agent 900 "$bin/agentsim" --schedules $(($1 / 7)) --seed "$QBD_SEED"
	part sim-agent-asan 900 "$bin/agentsim-asan" \
		--schedules $(($1 / 40)) --seed "$QBD_SEED"
}

# Each planted bug and the rule that found it; --slice: those found at once.
run_mutants()
{
	local kind kinds=(store cluster raft raftlog state agent) quick=

	[[ ${1:-} != --slice ]] || quick=--quick kinds=(cluster raft raftlog state agent)
	for kind in "${kinds[@]}"; do
		part "mutants-$kind" 7200 "tests/sim/mutants_$kind.sh" $quick \
			--build "$PWD/$bin"
	done
}

run_fuzz()
{
	! compgen -G 'tests/fuzz/fuzz_*.c' >/dev/null ||
		part fuzz 7200 tests/fuzz.sh --seconds "$1"
}

# begin_guests KERNEL TIMEOUT_S [GLOB [LANE]]: these cases; lanes share them.
begin_guests()
{
	if [[ $1 == debug && -z ${QBD_DEBUG_KERNEL:-} ]]; then
		begin guests-debug 10 echo '1..0 # SKIP no QBD_DEBUG_KERNEL'
	else
		begin "guests-$1${4:+-$4}" "$2" scripts/testbed cases \
			--kernel "$1" --seed "$QBD_SEED" --case "${3:-*}" \
			${4:+--share "$logs/begun"} ${long:+--long}
	fi
}

# rows NAME SEED PATTERN FORMAT: of a table, from the lines of a part's log that
# have this word, with fields between bars. A part that failed says so in it.
rows()
{
	awk -F ' *[|] *' -v seed="$2" -v pattern="# $3: " -v format="$4\n" \
		-v log_name="$logs/$1.log" '
	index($0, pattern) {
		sub(".*" pattern, "")
		printf format, $1, seed, $2, $3, $4, $5, $6
	}
	/^not ok|^# timeout/ { print "FAILED, see " log_name }' "$logs/$1.log"
}

# run_seeds WORD FORMAT GLOB...: these cases, once with each seed; the table of
# what they say in lines with this word.
run_seeds()
{
	local word=$1 format=$2 seed glob name table=$logs/$1.table
	shift 2
	: >"$table"
	for ((seed = QBD_SEED; seed < QBD_SEED + seeds; seed++)); do
		for glob in "$@"; do
			name=$word-${glob%%_*}-$seed
			part "$name" 43200 scripts/testbed cases --long \
				--kernel "$kernel" --seed "$seed" \
				--case "$glob" --verbose
			rows "$name" "$seed" "$word" "$format" >>"$table"
		done
	done
	cat "$table"
}

# Crash points of one store, and of one, the writer's, all of three nodes. A
# point that loses something ends its sweep: what has a row has lost nothing.
run_sweep()
{
	export QBD_POINTS=$points
	echo "each row: kind, seed, points, lost, seconds"
	run_seeds sweep '%-8s  seed %-16s %6d points  lost 0  %6d s' \
		'105_*' '221_*'
}

# Flipped bits in each region of each of three copies.
run_corrupt()
{
	echo "each row: region, seed, copy, what comes of it when its own" \
		"node leads, when another one does, its state then, what" \
		"the kernel said"
	run_seeds corrupt '%-15s %-16s %s  %s | %s | %s | %s' '256_*'
}

# same_run NAME NAME: two parts with one seed did and found the same.
same_run()
{
	local log lines=()
	for log in "$@"; do
		lines+=("$(grep '# nemesis: seed=' "$logs/$log.log")")
	done
	if [[ ${lines[0]} && ${lines[0]} == "${lines[1]}" ]]; then
		echo "ok - the same seed is the same run"
		passed=$((passed + 1))
	else
		echo "not ok - the same seed is another run: $*"
		failed=$((failed + 1))
	fi
}

# A random nemesis in virtual time, with each seed; with the first one twice.
run_nemesis()
{
	local seed name names=()
	export QBD_OPS=$ops
	for ((seed = QBD_SEED; seed < QBD_SEED + seeds; seed++)); do
		names+=("nemesis-$seed")
	done
	names+=("nemesis-$QBD_SEED-again")
	for name in "${names[@]}"; do
		seed=${name#nemesis-}
		part "$name" 43200 scripts/testbed cases --long \
			--kernel debian --seed "${seed%-again}" \
			--case '310_*' --verbose
		sed --quiet 's/.*# nemesis: \(seed=.*\)/    \1/p' \
			"$logs/$name.log"
	done
	same_run "nemesis-$QBD_SEED" "nemesis-$QBD_SEED-again"
}

# run_check STORES CLUSTERS FUZZ_S GUESTS_S [--slice]: schedules and seconds.
# A guest seldom keeps two cores busy, so two run side by side.
run_check()
{
	run_build debug
	part gates 900 scripts/check.sh
	part unit 900 tests/units.sh
	run_sim "$1" "$2"
	run_raft "$2"
	run_mutants "${@:5}"
	run_fuzz "$3"
	rm -rf "$logs/begun" && mkdir "$logs/begun"
	begin_guests debug "$4"
	begin_guests debian "$4" '*' 1
	finish guests-debug
	begin_guests debian "$4" '*' 2
	finish guests-debian-1
	finish guests-debian-2
}

what=${1:-}
kernel=debian case='*' seconds=0 points=200 seeds=1 ops=40 long=
shift || true
while [[ $# -gt 0 ]]; do
	case $1 in
	--kernel) kernel=$2 ;;
	--case) case=$2 ;;
	--seconds) seconds=$2 ;;
	--points) points=$2 ;;
	--seeds) seeds=$2 ;;
	--ops) ops=$2 ;;
	*) what= ;;
	esac
	shift 2 || break
done

mkdir -p build
exec 7>build/run.lock
flock --nonblock 7 || logs+=.$$ # somebody else's run keeps its logs
mkdir -p "$logs"
head=$(git rev-parse HEAD 2>/dev/null || echo 1)
export QBD_SEED=${QBD_SEED:-$((16#${head:0:12}))}
echo "commit ${head:0:12}, QBD_SEED=$QBD_SEED"
[[ $what == gates ]] || scripts/setup
case $what in
check) run_check 6000 7000 0 2400 --slice ;;
check-long)
	export QBD_TIDY_FULL=1
	long=1
	run_check 100000 100000 300 36000
	;;
check-fast)
	run_build
	part gates 300 scripts/check.sh
	part unit 300 tests/units.sh
	run_sim 3000 3000
	run_raft 4000
	;;
unit) run_build && part unit 900 tests/units.sh ;;
sim) run_build && run_sim 10000 10000 && run_raft 10000 ;;
mutants)
	run_build && run_mutants &&
		cat "$logs"/mutants-{store,cluster,raft,raftlog,state,agent}.log
	;;
sweep) run_build && run_sweep ;;
corrupt) run_build && run_corrupt ;;
nemesis) run_build && run_nemesis ;;
fuzz) run_build && run_fuzz "$seconds" ;;
guests) run_build "$kernel" && begin_guests "$kernel" 7200 "$case" &&
	finish "guests-$kernel" ;;
*)
	sed --quiet '/^# usage/,/^set/s/^# //p' "$0" >&2
	exit 2
	;;
esac
printf '%d passed, %d failed' $passed $failed
[[ $skipped == 0 ]] || printf ', %d skipped' $skipped
echo
[[ $failed == 0 ]]
