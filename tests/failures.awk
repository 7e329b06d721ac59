# SPDX-License-Identifier: GPL-2.0-only
#
# What the log of a part says of each test that failed: its result and the last
# lines before it, those of the results of its parts among them always. Input is
# KTAP, flat, or with the output of a case as comments before its result.

function tell(line)
{
	sub(/^# /, "", line)
	print "    " line
}

/^(ok|not ok) [0-9]+/ || /^# timeout/ {
	if (/^not ok/ || /^# timeout/) {
		for (at = 1; at <= count; at++)
			if (at > count - 25 || lines[at] ~ /^(# )+not ok/)
				tell(lines[at])
		tell($0)
		told = 1
	}
	count = 0
	next
}

{
	lines[++count] = $0
}

# Nothing failed by name: its end says why.
END {
	for (at = count - 15; !told && at <= count; at++)
		if (at > 0)
			tell(lines[at])
}
