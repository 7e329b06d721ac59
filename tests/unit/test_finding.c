// SPDX-License-Identifier: GPL-2.0-only
/* core/finding.c: each finding has words and a severity. */
#include "finding.h"
#include "harness.h"

TEST(finding_words)
{
	u32 kind, other;

	for (kind = 0; kind < QBD_FIND_NR; kind++) {
		ASSERT_TRUE(qbd_finding_name(kind));
		ASSERT_TRUE(qbd_finding_text(kind));
		EXPECT_STRNE("unknown", qbd_finding_name(kind));
		EXPECT_LE(qbd_finding_severity(kind), QBD_SEVERITY_STORE);
		for (other = 0; other < kind; other++)
			EXPECT_STRNE(qbd_finding_name(other),
				     qbd_finding_name(kind));
	}
	EXPECT_STREQ("unknown", qbd_finding_name(QBD_FIND_NR));
	EXPECT_EQ(QBD_SEVERITY_STORE, qbd_finding_severity(QBD_FIND_NR));
}

TEST(finding_severities)
{
	EXPECT_STREQ("note", qbd_severity_name(QBD_SEVERITY_NOTE));
	EXPECT_STREQ("store", qbd_severity_name(QBD_SEVERITY_STORE));
	/* A healthy store after a power loss shows notes and nothing else. */
	EXPECT_EQ(QBD_SEVERITY_NOTE, qbd_finding_severity(QBD_FIND_TORN));
	EXPECT_EQ(QBD_SEVERITY_REPLICA, qbd_finding_severity(QBD_FIND_GAP));
}

TEST_HARNESS_MAIN
