// SPDX-License-Identifier: GPL-2.0-only
/*
 * Queues of a session: what goes in one end comes out of the other, the urgent
 * first, within bounds.
 */
#include <errno.h>

#include "harness.h"

#include "../../daemon/session/box.h"

FIXTURE(boxes)
{
	struct outbox out;
	struct inbox in;
	uint8_t record[SESSION_FRAME_MAX];
	unsigned int records;
	unsigned int at_record[8]; /* where the message of type i was complete
				    */
};

FIXTURE_SETUP(boxes)
{
	outbox_init(&self->out);
}

FIXTURE_TEARDOWN(boxes)
{
	outbox_free(&self->out);
	inbox_free(&self->in);
	EXPECT_EQ(0, self->out.bytes);
}

/* Byte i of a message of that type. */
static uint8_t byte(uint16_t type, size_t i)
{
	return (uint8_t)(i * 7 + i / 251 + type);
}

static int put(struct th_fix_boxes *self, enum session_class class,
	       uint16_t type, size_t bytes)
{
	uint8_t *data = malloc(bytes + 1);
	size_t i;
	int error;

	for (i = 0; i < bytes; i++)
		data[i] = byte(type, i);
	error = outbox_put(&self->out, class, type, data, bytes);
	free(data);
	return error;
}

static void look(struct th_fix_boxes *self, const struct inbox_msg *msg)
{
	size_t i;

	ASSERT_LT(msg->type, 8);
	self->at_record[msg->type] = self->records;
	for (i = 0; i < msg->bytes; i++)
		ASSERT_EQ(byte(msg->type, i), msg->data[i]);
}

/* One record over; false if nothing waits. */
static bool over(struct th_fix_boxes *self)
{
	size_t len = outbox_fill(&self->out, self->record);
	const uint8_t *at = self->record;
	struct session_frame frame;
	struct inbox_msg msg;

	if (!len)
		return false;
	self->records++;
	while (len) {
		int got = session_frame_get(at, len, &frame);
		int whole;

		ASSERT_GT(got, 0);
		whole = inbox_take(&self->in, &frame, &msg);
		ASSERT_GE(whole, 0);
		if (whole) {
			look(self, &msg);
			inbox_done(&self->in, &msg);
		}
		at += got;
		len -= (size_t)got;
	}
	return true;
}

TEST_F(boxes, all_lengths)
{
	static const size_t lengths[] = {
		0,
		1,
		SESSION_FRAME_PAYLOAD - 1,
		SESSION_FRAME_PAYLOAD,
		SESSION_FRAME_PAYLOAD + 1,
		5 * SESSION_FRAME_PAYLOAD,
		SESSION_MSG_MAX - 1,
		SESSION_MSG_MAX,
	};
	size_t i;

	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		self->at_record[1] = 0;
		self->records = 0;
		ASSERT_EQ(0, put(self, SESSION_NORMAL, 1, lengths[i]));
		while (over(self))
			;
		EXPECT_EQ(lengths[i] ? (lengths[i] + SESSION_FRAME_PAYLOAD -
					1) / SESSION_FRAME_PAYLOAD :
				       1,
			  self->at_record[1]);
		EXPECT_EQ(0, self->out.bytes);
		EXPECT_NULL(self->in.part[SESSION_NORMAL].data);
	}
}

TEST_F(boxes, small_ones_share_a_record)
{
	int i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, put(self, SESSION_URGENT, 1, 100));
	EXPECT_TRUE(over(self));
	EXPECT_FALSE(over(self));
}

/* What is urgent waits for the record that was begun, and no other. */
TEST_F(boxes, the_urgent_first)
{
	ASSERT_EQ(0, put(self, SESSION_BULK, 3, SESSION_MSG_MAX));
	ASSERT_EQ(0, put(self, SESSION_NORMAL, 2, 100000));
	EXPECT_TRUE(over(self));
	ASSERT_EQ(0, put(self, SESSION_URGENT, 1, 50));
	ASSERT_EQ(0, put(self, SESSION_CONTROL, 4, 0));
	EXPECT_TRUE(over(self));
	EXPECT_EQ(2, self->at_record[1]);
	EXPECT_EQ(2, self->at_record[4]);
	while (over(self))
		;
	EXPECT_EQ(8, self->at_record[2]);
	EXPECT_EQ(73, self->at_record[3]);
}

/* Nothing waits for ever behind what is more urgent. */
TEST_F(boxes, patience_ends)
{
	int i;

	ASSERT_EQ(0, put(self, SESSION_BULK, 3, 1000));
	for (i = 0; i < 2 * OUTBOX_PATIENCE; i++) {
		ASSERT_EQ(0,
			  put(self, SESSION_URGENT, 1, SESSION_FRAME_PAYLOAD));
		EXPECT_TRUE(over(self));
	}
	EXPECT_GT(self->at_record[3], OUTBOX_PATIENCE);
	EXPECT_LE(self->at_record[3], OUTBOX_PATIENCE + 2);
}

TEST_F(boxes, bounds)
{
	int n = 0;

	EXPECT_EQ(-EMSGSIZE, put(self, SESSION_BULK, 1, SESSION_MSG_MAX + 1));
	EXPECT_EQ(-EMSGSIZE,
		  put(self, SESSION_CONTROL, 1, SESSION_CONTROL_MAX + 1));
	while (!put(self, SESSION_BULK, 1, 100000))
		n++;
	EXPECT_EQ(-ENOBUFS, put(self, SESSION_BULK, 1, 100000));
	EXPECT_EQ(OUTBOX_CLASS_MAX / (100000 + (int)outbox_cost(0)), n);
	EXPECT_LE(self->out.bytes, OUTBOX_CLASS_MAX);
	/* other classes have their own */
	EXPECT_EQ(0, put(self, SESSION_URGENT, 2, SESSION_MSG_MAX));
	/* empty ones cost too */
	for (n = 0; !put(self, SESSION_NORMAL, 3, 0); n++)
		;
	EXPECT_LE(n, OUTBOX_CLASS_MAX / (int)outbox_cost(0));
}

TEST_F(boxes, a_message_without_end)
{
	struct session_frame frame = { .bytes = SESSION_FRAME_PAYLOAD,
				       .type = 1,
				       .class = SESSION_BULK,
				       .flags = SESSION_FLAG_MORE,
				       .payload = self->record };
	struct inbox_msg msg;
	int n;

	for (n = 0; !inbox_take(&self->in, &frame, &msg); n++)
		;
	EXPECT_EQ(SESSION_MSG_MAX / SESSION_FRAME_PAYLOAD, n);
	EXPECT_EQ(-EMSGSIZE, inbox_take(&self->in, &frame, &msg));
	EXPECT_LE(self->in.part[SESSION_BULK].room, SESSION_MSG_MAX);
}

TEST_F(boxes, another_type_in_the_middle)
{
	struct session_frame frame = { .bytes = 10,
				       .type = 1,
				       .class = SESSION_BULK,
				       .flags = SESSION_FLAG_MORE,
				       .payload = self->record };
	struct inbox_msg msg;

	EXPECT_EQ(0, inbox_take(&self->in, &frame, &msg));
	frame.type = 2;
	EXPECT_EQ(-EBADMSG, inbox_take(&self->in, &frame, &msg));
	frame.class = SESSION_NORMAL; /* of another class it is fine */
	frame.flags = 0;
	EXPECT_EQ(1, inbox_take(&self->in, &frame, &msg));
	EXPECT_EQ(10, msg.bytes);
}

TEST_F(boxes, by_lot)
{
	int left[8] = { 0 };
	int i, sent = 0;

	for (i = 0; i < 400; i++) {
		enum session_class class = 1 + th_rand() % 3;

		if (!put(self, class, (uint16_t) class,
			 th_rand() % (th_rand() % 8 ? 300 : 200000))) {
			left[class]++;
			sent++;
		}
		if (th_rand() % 2)
			over(self);
	}
	while (over(self))
		;
	EXPECT_GT(sent, 300);
	EXPECT_EQ(0, self->out.bytes);
}

TEST_HARNESS_MAIN
