// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of actions.
 */
#include "harness.h"
#include "step.h"

TEST(actions_are_clean)
{
	struct qbd_action act[2];
	struct qbd_actions acts = { .act = act, .max = 2 };

	memset(act, 0xff, sizeof(act));
	ASSERT_TRUE(qbd_actions_add(&acts, QBD_ACT_PUT) == &act[0]);
	EXPECT_EQ(QBD_ACT_PUT, act[0].kind);
	EXPECT_NULL(act[0].payload);
	EXPECT_EQ(0, act[0].err);
	EXPECT_EQ(1, qbd_actions_room(&acts));
	ASSERT_TRUE(qbd_actions_add(&acts, QBD_ACT_SPACE) == &act[1]);
	EXPECT_EQ(0, qbd_actions_room(&acts));
}

TEST(all_have_names)
{
	int i;

	for (i = QBD_ACT_SEND; i <= QBD_ACT_VERIFIED; i++)
		EXPECT_STRNE("?", qbd_action_name(i));
	EXPECT_STREQ("?", qbd_action_name(QBD_ACT_VERIFIED + 1));
}

TEST_HARNESS_MAIN
