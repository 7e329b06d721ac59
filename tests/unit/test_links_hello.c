// SPDX-License-Identifier: GPL-2.0-only
/*
 * The HELLO of a stranger: whole, cut off anywhere, and made up.
 */
#include "harness.h"
#include "wire.h"
#include "wire_body.h"
#include "wire_samples.h"

#include "../../daemon/links_hello.h"

FIXTURE(stranger)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_wire_head *head;
	struct links_hello hello;
	const char *why;
	int len;
};

FIXTURE_SETUP(stranger)
{
	self->head = (void *)self->buf;
	self->why = NULL;
	self->len = qbd_wire_encode(&wire_samples[QBD_MSG_HELLO - 1], self->buf,
				    sizeof(self->buf));
	ASSERT_GT(self->len, 0);
	ASSERT_LE(self->len, LINKS_HELLO_MAX);
	ASSERT_EQ(LINKS_HELLO_MAX, QBD_WIRE_LEN_MAX);
	memset(&self->hello, 0, sizeof(self->hello));
}

FIXTURE_TEARDOWN(stranger)
{
}

/* Exactly so many bytes exist: reading on is seen by ASan. */
static enum links_hello_look look(const void *bytes, size_t len,
				  struct links_hello *hello, const char **why)
{
	void *copy = malloc(len ? len : 1);
	enum links_hello_look seen;

	memcpy(copy, bytes, len);
	seen = links_hello_look(copy, len, hello, why);
	free(copy);
	return seen;
}

#define LOOK(len) look(self->buf, len, &self->hello, &self->why)

TEST_F(stranger, whole)
{
	EXPECT_EQ(LINKS_HELLO_WHOLE, LOOK(self->len));
	EXPECT_EQ(0x25, self->hello.node);
	EXPECT_EQ(0x26, self->hello.peer);
	EXPECT_EQ(2, self->hello.link);
	EXPECT_EQ(4, self->hello.links);
	EXPECT_EQ(0x21, self->hello.lineage);
	EXPECT_EQ(0, memcmp("0123456789abcde", self->hello.cluster, 16));
}

TEST_F(stranger, more_behind_it)
{
	memset(self->buf + self->len, 0xff, sizeof(self->buf) - self->len);
	EXPECT_EQ(LINKS_HELLO_WHOLE, LOOK(sizeof(self->buf)));
}

TEST_F(stranger, cut_off_anywhere)
{
	int len;

	for (len = 0; len < self->len; len++)
		ASSERT_EQ(LINKS_HELLO_SHORT, LOOK(len));
	EXPECT_EQ(0, self->hello.node);
	EXPECT_EQ(NULL, self->why);
}

/* The first wrong byte is enough. */
TEST_F(stranger, wrong_magic)
{
	EXPECT_EQ(LINKS_HELLO_BAD, look("G", 1, &self->hello, &self->why));
	EXPECT_STREQ("not a message of qbd", self->why);
	EXPECT_EQ(LINKS_HELLO_BAD, look("QBx", 3, &self->hello, &self->why));
	self->head->magic = cpu_to_le32(QBD_WIRE_MAGIC + (1U << 24));
	EXPECT_EQ(LINKS_HELLO_SHORT, LOOK(3));
	EXPECT_EQ(LINKS_HELLO_BAD, LOOK(4));
}

TEST_F(stranger, wrong_type)
{
	int type;

	for (type = QBD_MSG_HELLO + 1; type <= QBD_MSG_TYPE_MAX; type++) {
		self->len = qbd_wire_encode(&wire_samples[type - 1], self->buf,
					    sizeof(self->buf));
		ASSERT_GT(self->len, 0);
		EXPECT_EQ(LINKS_HELLO_BAD, LOOK(self->len));
		EXPECT_STREQ("does not say HELLO first", self->why);
	}
	self->head->type = cpu_to_le16(QBD_MSG_TYPE_MAX + 1);
	EXPECT_EQ(LINKS_HELLO_BAD, LOOK(QBD_WIRE_HEAD));
	EXPECT_STREQ("unknown version or type of message", self->why);
	self->head->type = cpu_to_le16(QBD_MSG_HELLO);
	self->head->version = cpu_to_le16(QBD_WIRE_VERSION + 1);
	EXPECT_EQ(LINKS_HELLO_BAD, LOOK(QBD_WIRE_HEAD));
}

/* A length is believed by nobody: neither waited for nor read. */
TEST_F(stranger, wrong_length)
{
	static const u32 lengths[] = {
		0,	1, QBD_WIRE_HEAD - 1, QBD_WIRE_HEAD, QBD_WIRE_LEN_MAX,
		U32_MAX
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lengths); i++) {
		self->head->len_bytes = cpu_to_le32(lengths[i]);
		EXPECT_EQ(LINKS_HELLO_BAD, LOOK(QBD_WIRE_HEAD));
		EXPECT_STREQ("not a message of qbd", self->why);
	}
}

TEST_F(stranger, payload)
{
	self->head->payload_bytes = cpu_to_le32(QBD_BLOCK_SIZE);
	EXPECT_EQ(LINKS_HELLO_BAD, LOOK(self->len));
}

TEST_F(stranger, any_flipped_bit_is_seen)
{
	int bit;

	for (bit = 0; bit < self->len * 8; bit++) {
		self->buf[bit / 8] ^= 1U << bit % 8;
		ASSERT_EQ(LINKS_HELLO_BAD, LOOK(self->len));
		self->buf[bit / 8] ^= 1U << bit % 8;
	}
}

TEST_HARNESS_MAIN
