# SPDX-License-Identifier: GPL-2.0-only
#
# Counts the results in the log of one part: "passed failed skipped". Input
# is flat KTAP, one or more documents; or, without a plan, a last line of
# "N passed, N failed[, N skipped]". What a plan promised and nobody printed
# has failed, and so has a part that died without either, or whose exit code
# (-v rc=N) is not 0 (fine), 1 (failed) or 4 (skipped). A part called build
# (-v name=) is one test: its exit code.

/^1\.\.[0-9]+/ {
	planned += substr($1, 4)
	plans++
}

/^1\.\.0 # SKIP/ {
	skipped++
}

/^ok [0-9]+/ {
	if (/# SKIP/)
		skipped++
	else
		passed++
}

/^not ok [0-9]+/ {
	failed++
}

/^[0-9]+ passed, [0-9]+ failed/ {
	sum_passed = $1
	sum_failed = $3
	sum_skipped = $6 == "skipped" ? $5 : 0
	sums++
}

END {
	if (name ~ /^build/) {
		print rc == 0, rc != 0, 0
		exit
	}
	if (!plans && sums) {
		passed = sum_passed
		failed = sum_failed
		skipped = sum_skipped
	} else if (planned > passed + failed + skipped) {
		failed = planned - passed - skipped
	}
	if (!plans && !sums && rc != 4)
		failed++
	if (rc == 4 && !passed && !failed && !skipped)
		skipped = 1
	if (rc != 0 && rc != 4 && !failed)
		failed = 1
	print passed + 0, failed + 0, skipped + 0
}
