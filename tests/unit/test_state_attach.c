// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who holds a volume, and under which term: S2, S16, V3, and what a person is
 * told.
 */
#include "state_world.h"

static u32 attach(struct sw *w, u32 node, u64 session, u8 flags, u64 term)
{
	return SW_DO(w, ATTACH, .volume = 1, .node = node, .session = session,
		     .flags = flags, .term = term);
}

FIXTURE(attach)
{
	struct sw w;
};

FIXTURE_SETUP(attach)
{
	sw_begin(&self->w, &SW_LIMITS, 3);
	ASSERT_EQ(1, sw_volume(&self->w, "db1", 2, 3, 3));
}

FIXTURE_TEARDOWN(attach)
{
}

static const struct state_volume *vol(struct sw *w)
{
	return state_volume_by_id(w->s, 1);
}

TEST_F(attach, terms_only_grow)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(1, w->res.arg[0]);
	/* the same attach asks again */
	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(1, w->res.arg[0]);
	/* S2: the same node after a reboot is another attach */
	EXPECT_EQ(0, attach(w, 1, 8, 0, 0));
	EXPECT_EQ(2, w->res.arg[0]);
	SW_OK(w, DETACH, .volume = 1, .node = 1, .term = 2);
	EXPECT_EQ(STATE_HOLD_NONE, vol(w)->hold);
	EXPECT_EQ(0, attach(w, 2, 9, 0, 0));
	EXPECT_EQ(3, w->res.arg[0]);
	EXPECT_EQ(2, vol(w)->holder);
}

TEST_F(attach, held_elsewhere)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(STATE_WHY_ATTACHED, attach(w, 2, 8, 0, 0));
	EXPECT_EQ(-EBUSY, state_result_errno(&w->res));
	sw_text_is(w, "volume db1 is attached on node n0 under term 1: detach "
		      "it there, or use --force, which fences it");
	EXPECT_EQ(1, vol(w)->holder);
	EXPECT_EQ(0, attach(w, 2, 8, STATE_ATTACH_FORCE, 0));
	EXPECT_EQ(2, w->res.arg[0]);
	EXPECT_EQ(2, vol(w)->holder);
	/* the old holder's release comes late, and is not the new one's */
	EXPECT_EQ(STATE_WHY_TERM,
		  SW_DO(w, DETACH, .volume = 1, .node = 1, .term = 1));
	EXPECT_EQ(STATE_WHY_NOT_HOLDER,
		  SW_DO(w, DETACH, .volume = 1, .node = 1, .term = 2));
	EXPECT_EQ(2, vol(w)->holder);
}

/* Evidence is about one holder and is worth nothing against the next one. */
TEST_F(attach, takeover_compares_its_term)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(0, attach(w, 2, 8, STATE_ATTACH_TAKEOVER, 1));
	EXPECT_EQ(STATE_WHY_TERM, attach(w, 3, 9, STATE_ATTACH_TAKEOVER, 1));
	EXPECT_EQ(STATE_WHY_TERM, attach(w, 3, 9, STATE_ATTACH_TAKEOVER, 0));
	EXPECT_EQ(2, vol(w)->holder);
	EXPECT_EQ(STATE_WHY_TERM, attach(w, 3, 9, STATE_ATTACH_FORCE, 1));
	EXPECT_EQ(0, attach(w, 3, 9, STATE_ATTACH_FORCE, 2));
}

TEST_F(attach, repair_yields)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, attach(w, 1, 7, STATE_ATTACH_REPAIR, 0));
	EXPECT_EQ(STATE_WHY_HELD, attach(w, 2, 8, STATE_ATTACH_REPAIR, 0));
	EXPECT_EQ(0, attach(w, 2, 8, 0, 0));
	EXPECT_EQ(2, w->res.arg[0]);
	/* and no repair ends a device, whoever asks */
	EXPECT_EQ(STATE_WHY_ATTACHED, attach(w, 2, 9, STATE_ATTACH_REPAIR, 0));
	EXPECT_EQ(STATE_WHY_ATTACHED,
		  attach(w, 1, 9, STATE_ATTACH_REPAIR | STATE_ATTACH_TAKEOVER,
			 2));
	EXPECT_EQ(STATE_WHY_BAD,
		  attach(w, 1, 9, STATE_ATTACH_REPAIR | STATE_ATTACH_FORCE, 0));
	EXPECT_EQ(STATE_HOLD_DEVICE, vol(w)->hold);
}

/* Who holds for repair says how that is, too, and has no device. */
TEST_F(attach, repair_serves)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, attach(w, 1, 7, STATE_ATTACH_REPAIR, 0));
	EXPECT_EQ(STATE_WHY_BAD,
		  SW_DO(w, SERVES, .volume = 1, .node = 1, .term = 1,
			.state = STATE_SERVE_DEVICE, .name = "qbd0"));
	SW_OK(w, SERVES, .volume = 1, .node = 1, .term = 1,
	      .state = STATE_SERVE_DEVICE);
	EXPECT_EQ(STATE_SERVE_DEVICE, vol(w)->serve);
	/* another node takes it over: what was said is gone */
	EXPECT_EQ(STATE_WHY_TERM,
		  attach(w, 2, 8, STATE_ATTACH_REPAIR | STATE_ATTACH_TAKEOVER,
			 0));
	EXPECT_EQ(0, attach(w, 2, 8,
			    STATE_ATTACH_REPAIR | STATE_ATTACH_TAKEOVER, 1));
	EXPECT_EQ(STATE_SERVE_NOT, vol(w)->serve);
}

/* A repair keeps nobody from anything: what he does ends it. */
TEST_F(attach, repair_ends)
{
	struct sw *w = &self->w;

	EXPECT_EQ(0, attach(w, 1, 7, STATE_ATTACH_REPAIR, 0));
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_GONE);
	SW_OK(w, VOLUME_DELETE, .volume = 1);
	EXPECT_EQ(STATE_HOLD_NONE, vol(w)->hold);
	EXPECT_EQ(STATE_VOLUME_DELETING, vol(w)->state);
	EXPECT_EQ(STATE_WHY_VOLUME_STATE,
		  attach(w, 1, 7, STATE_ATTACH_REPAIR, 0));
}

TEST_F(attach, fence)
{
	struct sw *w = &self->w;
	u64 bits[1];
	u32 i;
	bool named = false;

	EXPECT_EQ(STATE_WHY_NOT_HOLDER, SW_DO(w, FENCE, .volume = 1));
	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(STATE_WHY_TERM, SW_DO(w, FENCE, .volume = 1, .term = 2));
	SW_OK(w, FENCE, .volume = 1, .term = 1);
	EXPECT_EQ(2, vol(w)->term);
	EXPECT_EQ(0, vol(w)->holder);
	/* the one that was put aside is told */
	for (i = 0; i < w->delta.nr; i++) {
		if (w->delta.item[i].kind != STATE_KIND_HOLDER)
			continue;
		named = w->delta.item[i].id == 1 &&
			w->delta.item[i].number == 1;
		EXPECT_FALSE(
			state_view_audience(w->s, &w->delta.item[i], bits, 1));
		EXPECT_EQ(1, bits[0]);
	}
	EXPECT_TRUE(named);
}

/* S16: after a restore terms are above all promises found in stores. */
TEST_F(attach, floor_of_terms)
{
	struct sw *w = &self->w;
	u64 floor;

	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	SW_OK(w, CLUSTER_RESTORE, .session = 78, .node = 1,
	      .id = STATE_SERVER(1, 9));
	floor = w->res.arg[0];
	EXPECT_EQ(1 + STATE_RESTORE_JUMP, floor);
	EXPECT_EQ(0, attach(w, 1, 8, 0, 0));
	EXPECT_EQ(floor + 1, w->res.arg[0]);
	EXPECT_EQ(0, attach(w, 1, 9, 0, 0));
	EXPECT_EQ(floor + 2, w->res.arg[0]);
	SW_OK(w, CLUSTER_RESTORE, .session = 79, .term = STATE_TERM_MAX,
	      .node = 1, .id = STATE_SERVER(1, 9));
	EXPECT_EQ(STATE_WHY_IDS_FULL, attach(w, 1, 10, 0, 0));
}

TEST_F(attach, who_may_not)
{
	struct sw *w = &self->w;

	EXPECT_EQ(STATE_WHY_NO_NODE, attach(w, 9, 7, 0, 0));
	EXPECT_EQ(STATE_WHY_BAD, attach(w, 1, 0, 0, 0));
	EXPECT_EQ(STATE_WHY_BAD, attach(w, 1, 7, 0x80, 0));
	SW_OK(w, NODE_STATE, .node = 2, .state = STATE_NODE_DRAINING);
	EXPECT_EQ(STATE_WHY_NODE_STATE, attach(w, 2, 7, 0, 0));
	EXPECT_EQ(STATE_WHY_NO_VOLUME,
		  SW_DO(w, ATTACH, .volume = 2, .node = 1, .session = 7));
	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(STATE_WHY_HELD, SW_DO(w, VOLUME_DELETE, .volume = 1));
	/* it would be held by nobody */
	SW_OK(w, STORE_STATE, .store = 1, .state = STATE_STORE_GONE);
	EXPECT_EQ(STATE_WHY_NODE_STORES, SW_DO(w, NODE_REMOVE, .node = 1));
}

/* Where a device is wanted: until it is asked to go, or its holder is fenced.
 */
TEST_F(attach, wanted)
{
	struct sw *w = &self->w;

	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 5);
	EXPECT_EQ(2, state_volume_by_id(w->s, 1)->want);
	SW_OK(w, VOLUME_SET, .volume = 1, .flags = STATE_VOLUME_SET_WANT);
	EXPECT_EQ(0, state_volume_by_id(w->s, 1)->want);
	EXPECT_EQ(2, state_volume_by_id(w->s, 1)->holder);
	SW_OK(w, DETACH, .volume = 1, .node = 2, .term = 1);
	SW_OK(w, ATTACH, .volume = 1, .node = 3, .session = 6,
	      .flags = STATE_ATTACH_REPAIR);
	EXPECT_EQ(0, state_volume_by_id(w->s, 1)->want);
	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 7);
	SW_OK(w, FENCE, .volume = 1, .term = 3);
	EXPECT_EQ(0, state_volume_by_id(w->s, 1)->want);
}

static u32 set_autos(struct sw *w, u32 nr)
{
	struct state_cmd cmd = { .kind = STATE_CMD_VOLUME_SET,
				 .volume = 1,
				 .flags = STATE_VOLUME_SET_AUTOS,
				 .nr_autos = nr,
				 .autos = { 1, 2 } };

	return sw_do(w, cmd);
}

static u32 want(struct sw *w, u32 node, u8 flags)
{
	return SW_DO(w, VOLUME_SET, .volume = 1, .node = node,
		     .flags = STATE_VOLUME_SET_WANT | flags);
}

/* Detached on purpose: an attach that nobody asked for comes too late. */
TEST_F(attach, parked)
{
	struct sw *w = &self->w;

	EXPECT_EQ(STATE_WHY_PARKED, attach(w, 1, 7, STATE_ATTACH_AUTO, 0));
	ASSERT_EQ(0, set_autos(w, 2));
	EXPECT_EQ(STATE_WHY_PARKED, attach(w, 3, 7, STATE_ATTACH_AUTO, 0));
	EXPECT_EQ(STATE_WHY_BAD,
		  attach(w, 1, 7, STATE_ATTACH_AUTO | STATE_ATTACH_REPAIR, 0));
	EXPECT_EQ(STATE_WHY_BAD,
		  attach(w, 1, 7, STATE_ATTACH_AUTO | STATE_ATTACH_FORCE, 0));
	EXPECT_EQ(0, attach(w, 1, 7, STATE_ATTACH_AUTO, 0));
	EXPECT_FALSE(vol(w)->parked);
	ASSERT_EQ(0, want(w, 0, 0));
	EXPECT_TRUE(vol(w)->parked);
	SW_OK(w, DETACH, .volume = 1, .node = 1, .term = 1);
	EXPECT_EQ(STATE_WHY_PARKED, attach(w, 1, 8, STATE_ATTACH_AUTO, 0));
	sw_text_is(w, "volume db1 was detached, or is wanted elsewhere: it "
		      "does not move by itself");
	EXPECT_EQ(-ESTALE, state_result_errno(&w->res));
	/* other policies do not ask for it again, nor does "no node may" */
	SW_OK(w, VOLUME_SET, .volume = 1, .flags = STATE_VOLUME_SET_RUN);
	ASSERT_EQ(0, set_autos(w, 0));
	EXPECT_TRUE(vol(w)->parked);
	ASSERT_EQ(0, set_autos(w, 2));
	EXPECT_FALSE(vol(w)->parked);
	EXPECT_EQ(0, attach(w, 2, 9, STATE_ATTACH_AUTO, 1));
	/* so is one whose holder was fenced, until somebody attaches it */
	SW_OK(w, FENCE, .volume = 1, .term = 2);
	EXPECT_EQ(STATE_WHY_PARKED, attach(w, 2, 9, STATE_ATTACH_AUTO, 3));
	EXPECT_EQ(0, attach(w, 2, 9, 0, 3));
	EXPECT_FALSE(vol(w)->parked);
}

/* It moves by itself from where it is wanted, and from nowhere else. */
TEST_F(attach, moves_by_itself)
{
	struct sw *w = &self->w;

	ASSERT_EQ(0, set_autos(w, 2));
	EXPECT_EQ(STATE_WHY_PARKED, want(w, 2, STATE_VOLUME_SET_AUTO));
	EXPECT_EQ(0, attach(w, 1, 7, 0, 0));
	EXPECT_EQ(STATE_WHY_BAD, want(w, 0, STATE_VOLUME_SET_AUTO));
	EXPECT_EQ(STATE_WHY_BAD,
		  want(w, 2, STATE_VOLUME_SET_AUTO | STATE_VOLUME_SET_RUN));
	ASSERT_EQ(0, want(w, 2, STATE_VOLUME_SET_AUTO));
	EXPECT_EQ(2, vol(w)->want);
	EXPECT_EQ(1, vol(w)->holder);
	/* it is on its way already */
	EXPECT_EQ(STATE_WHY_PARKED, want(w, 1, STATE_VOLUME_SET_AUTO));
	/* somebody says: nowhere */
	ASSERT_EQ(0, want(w, 0, 0));
	EXPECT_EQ(STATE_WHY_PARKED, want(w, 2, STATE_VOLUME_SET_AUTO));
	EXPECT_TRUE(vol(w)->parked);
}

/* What the holder's kernel says is gone with the term that it was said under.
 */
TEST_F(attach, serves)
{
	struct sw *w = &self->w;

	EXPECT_EQ(STATE_WHY_NOT_HOLDER, SW_DO(w, SERVES, .volume = 1, .node = 2,
					      .state = STATE_SERVE_DEVICE));
	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 5);
	EXPECT_EQ(STATE_WHY_TERM, SW_DO(w, SERVES, .volume = 1, .node = 2,
					.state = STATE_SERVE_DEVICE));
	EXPECT_EQ(STATE_WHY_NOT_HOLDER,
		  SW_DO(w, SERVES, .volume = 1, .node = 1, .term = 1,
			.state = STATE_SERVE_DEVICE));
	EXPECT_EQ(STATE_WHY_BAD, SW_DO(w, SERVES, .volume = 1, .node = 2,
				       .term = 1, .state = 3));
	SW_OK(w, SERVES, .volume = 1, .node = 2, .term = 1,
	      .state = STATE_SERVE_DEVICE, .name = "qbd0");
	EXPECT_EQ(STATE_SERVE_DEVICE, vol(w)->serve);
	EXPECT_STREQ("qbd0", vol(w)->device);
	SW_OK(w, ATTACH, .volume = 1, .node = 2, .session = 6);
	EXPECT_EQ(STATE_SERVE_NOT, vol(w)->serve);
	EXPECT_STREQ("", vol(w)->device);
	SW_OK(w, SERVES, .volume = 1, .node = 2, .term = 2,
	      .state = STATE_SERVE_FAILED, .reason = "no quorum");
	EXPECT_STREQ("no quorum", vol(w)->reason);
	SW_OK(w, DETACH, .volume = 1, .node = 2, .term = 2);
	EXPECT_STREQ("", vol(w)->reason);
}

TEST_HARNESS_MAIN
