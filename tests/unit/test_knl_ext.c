// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the kernel says of a request that it refuses: whole, capped, cut off
 * anywhere, and made up.
 */
#include "harness.h"

#include <linux/genetlink.h>
#include <linux/qbd.h>

#include "../../daemon/knl_ext.h"

#define EXT_BYTES 512

/* A request in an error message, and what stands behind it. */
FIXTURE(refusal)
{
	u8 buf[EXT_BYTES] __aligned(8);
	struct nlmsghdr *hdr;
	struct nlmsgerr *err;
	char text[EXT_BYTES];
	char word[EXT_BYTES];
	size_t len;
};

static void *ext_put(size_t *len, u8 *buf, u16 type, const void *data,
		     size_t size)
{
	struct nlattr *attr = (void *)(buf + *len);

	attr->nla_type = type;
	attr->nla_len = (u16)(NLA_HDRLEN + size);
	if (size)
		memcpy(buf + *len + NLA_HDRLEN, data, size);
	*len += NLA_ALIGN(attr->nla_len);
	return attr;
}

/* A volume attach with a name, a size and a nested shard. */
static void ext_request(struct nlmsgerr *err, size_t *at, u32 *places)
{
	u8 *buf = (u8 *)&err->msg;
	struct genlmsghdr genl = { .cmd = QBD_CMD_VOLUME_ATTACH };
	size_t len = NLMSG_HDRLEN + GENL_HDRLEN;
	struct nlattr *nest;
	u64 size = 4096;
	u32 number = 3;

	memcpy(buf + NLMSG_HDRLEN, &genl, sizeof(genl));
	places[0] = (u32)len;
	ext_put(&len, buf, QBD_A_VOLUME_NAME, "data", 5);
	places[1] = (u32)len;
	ext_put(&len, buf, QBD_A_VOLUME_SIZE_BYTES, &size, sizeof(size));
	nest = ext_put(&len, buf, QBD_A_VOLUME_SHARD | NLA_F_NESTED, NULL, 0);
	places[2] = (u32)len;
	ext_put(&len, buf, QBD_A_SHARD_SET_NUMBER, &number, sizeof(number));
	nest->nla_len = (u16)(nest->nla_len + NLA_HDRLEN + sizeof(number));
	err->msg.nlmsg_len = (u32)len;
	*at += len - sizeof(err->msg);
}

FIXTURE_SETUP(refusal)
{
	memset(self, 0, sizeof(*self));
	self->hdr = (void *)self->buf;
	self->err = (void *)(self->buf + NLMSG_HDRLEN);
	self->hdr->nlmsg_type = NLMSG_ERROR;
	self->hdr->nlmsg_flags = NLM_F_ACK_TLVS;
	self->err->error = -EINVAL;
	self->len = NLMSG_HDRLEN + sizeof(*self->err);
}

FIXTURE_TEARDOWN(refusal)
{
}

/*
 * Exactly so many bytes exist: reading on is seen by ASan. What is found lies
 * in the copy, so it is compared before that goes.
 */
static void ext_take(const void *bytes, size_t len, char *text, char *word)
{
	struct nlmsghdr *copy = malloc(len > NLMSG_HDRLEN ? len : NLMSG_HDRLEN);
	struct knl_ext ext;

	memset(copy, 0, NLMSG_HDRLEN);
	memcpy(copy, bytes, len);
	knl_ext_take(copy, len, &ext);
	snprintf(text, EXT_BYTES, "%s", ext.text ?: "-");
	snprintf(word, EXT_BYTES, "%s", ext.word ?: "-");
	free(copy);
}

#define TAKE(len) ext_take(self->buf, len, self->text, self->word)

/* Its words, and where what is wrong stands in the request. */
static void ext_end(u8 *buf, size_t *len, u32 place)
{
	ext_put(len, buf, NLMSGERR_ATTR_MSG, "no", 3);
	ext_put(len, buf, NLMSGERR_ATTR_OFFS, &place, sizeof(place));
	((struct nlmsghdr *)buf)->nlmsg_len = (u32)*len;
}

TEST_F(refusal, words_and_attribute)
{
	static const char *const words[] = { "name", "size", "shard" };
	size_t behind;
	u32 places[3];
	u32 i;

	ext_request(self->err, &self->len, places);
	behind = self->len;
	for (i = 0; i < ARRAY_SIZE(places); i++) {
		self->len = behind;
		ext_end(self->buf, &self->len, places[i]);
		TAKE(self->len);
		EXPECT_STREQ("no", self->text);
		EXPECT_STREQ(words[i], self->word);
	}
}

/* The same number is another attribute to another verb, or none. */
TEST_F(refusal, by_verb)
{
	struct genlmsghdr *genl =
		(void *)((u8 *)&self->err->msg + NLMSG_HDRLEN);
	u32 places[3];

	ext_request(self->err, &self->len, places);
	ext_end(self->buf, &self->len, places[0]);
	genl->cmd = QBD_CMD_STORE_ADD;
	TAKE(self->len);
	EXPECT_STREQ("uuid", self->word);
	genl->cmd = QBD_CMD_EVENT_NTF;
	TAKE(self->len);
	EXPECT_STREQ("no", self->text);
	EXPECT_STREQ("-", self->word);
}

/* Without the request nobody knows what stood at that place. */
TEST_F(refusal, capped)
{
	self->hdr->nlmsg_flags |= NLM_F_CAPPED;
	self->err->msg.nlmsg_len = 200;
	ext_end(self->buf, &self->len, 20);
	TAKE(self->len);
	EXPECT_STREQ("no", self->text);
	EXPECT_STREQ("-", self->word);
}

TEST_F(refusal, no_place_of_an_attribute)
{
	static const u32 nowhere[] = { 0, 4, NLMSG_HDRLEN, 4096, U32_MAX };
	size_t behind;
	u32 places[3];
	u32 i;

	ext_request(self->err, &self->len, places);
	behind = self->len;
	for (i = 0; i < ARRAY_SIZE(nowhere); i++) {
		self->len = behind;
		ext_end(self->buf, &self->len, nowhere[i]);
		TAKE(self->len);
		EXPECT_STREQ("no", self->text);
		EXPECT_STREQ("-", self->word);
	}
}

TEST_F(refusal, cut_off_anywhere)
{
	u32 places[3];
	size_t len;

	ext_request(self->err, &self->len, places);
	ext_end(self->buf, &self->len, places[1]);
	for (len = 0; len < self->len; len++) {
		TAKE(len);
		EXPECT_STREQ("-", self->word);
	}
}

/* Lengths and types that nobody would send. */
TEST_F(refusal, made_up)
{
	u8 whole[EXT_BYTES];
	u32 places[3];
	size_t at;
	u32 bit;

	ext_request(self->err, &self->len, places);
	ext_end(self->buf, &self->len, places[2]);
	memcpy(whole, self->buf, sizeof(whole));
	for (at = 0; at < self->len; at++) {
		for (bit = 0; bit <= 8; bit++) {
			self->buf[at] = bit < 8 ? whole[at] ^ BIT(bit) : 0xff;
			TAKE(self->len);
		}
		self->buf[at] = whole[at];
	}
	memset(&self->err->msg.nlmsg_len, 0xff, sizeof(u32));
	TAKE(self->len);
	EXPECT_STREQ("-", self->text);
	EXPECT_STREQ("-", self->word);
}

TEST_HARNESS_MAIN
