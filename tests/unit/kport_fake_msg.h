/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a false kernel says: messages of netlink; see kport_fake.h.
 */
#ifndef QBD_TESTS_KPORT_FAKE_MSG_H
#define QBD_TESTS_KPORT_FAKE_MSG_H

#include <errno.h>
#include <linux/genetlink.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include "harness.h"

#include "../../daemon/kport/kport.h"

#define FAKE_BYTES 65536
#define FAKE_GROUP 77

struct fake {
	struct loop *loop;
	struct loop_source source; /* requests */
	int tells; /* events */
	bool ctrl; /* joined */
	bool events; /* joined */
	int open_error;
	int join_error;
	bool module;
	u16 family;
	bool node;
	u32 id;
	u64 lineage;
	u32 state;
	u64 seq;
	bool mute_node;
	unsigned int opened;
	unsigned int finds;
	unsigned int looks;
	/* the last request that is not answered by itself */
	unsigned int asked;
	u8 cmd;
	u16 flags;
	struct nlattr *attr[64];
	u8 req[FAKE_BYTES] __aligned(8);
	/* true: it was answered */
	bool (*answer)(struct fake *fake);
	void *arg;
};

static inline struct nlmsghdr *fake_req(struct fake *fake)
{
	return (struct nlmsghdr *)fake->req;
}

static inline void fake_put(int fd, const void *data, size_t bytes)
{
	ASSERT_EQ((ssize_t)bytes, send(fd, data, bytes, MSG_NOSIGNAL));
}

/* A message of the family, to be filled; then fake_msg_put(). */
static inline struct nl_msg *fake_msg(u16 type, u8 cmd, u32 seq, u16 flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(4096);

	ASSERT_TRUE(msg);
	ASSERT_TRUE(genlmsg_put(msg, 1, seq, type, 0, flags, cmd, 1));
	nlmsg_hdr(msg)->nlmsg_pid = 0;
	return msg;
}

static inline void fake_msg_put(int fd, struct nl_msg *msg)
{
	fake_put(fd, nlmsg_hdr(msg), nlmsg_hdr(msg)->nlmsg_len);
	nlmsg_free(msg);
}

/* Yes or no; with words, as the extended acknowledgement has them. */
static inline void fake_error(struct fake *fake, u32 seq, int error,
			      const char *text)
{
	struct nl_msg *msg = nlmsg_alloc_size(4096);
	struct nlmsgerr err = { .error = error, .msg = *fake_req(fake) };
	u16 flags = NLM_F_CAPPED | (text ? NLM_F_ACK_TLVS : 0);
	struct nlmsghdr *hdr;

	err.msg.nlmsg_len = sizeof(err.msg);
	ASSERT_TRUE(msg);
	hdr = nlmsg_put(msg, 1, seq, NLMSG_ERROR, 0, flags);
	ASSERT_TRUE(hdr);
	ASSERT_EQ(0, nlmsg_append(msg, &err, sizeof(err), NLMSG_ALIGNTO));
	if (text)
		ASSERT_EQ(0, nla_put_string(msg, NLMSGERR_ATTR_MSG, text));
	fake_msg_put(fake->source.fd, msg);
}

static inline void fake_ack(struct fake *fake)
{
	fake_error(fake, fake_req(fake)->nlmsg_seq, 0, NULL);
}

static inline void fake_refuse(struct fake *fake, int error, const char *text)
{
	fake_error(fake, fake_req(fake)->nlmsg_seq, error, text);
}

static inline void fake_done(struct fake *fake, u32 seq, u16 flags)
{
	struct nl_msg *msg = nlmsg_alloc_size(64);
	int error = 0;

	ASSERT_TRUE(msg);
	ASSERT_TRUE(nlmsg_put(msg, 1, seq, NLMSG_DONE, 0, NLM_F_MULTI | flags));
	ASSERT_EQ(0, nlmsg_append(msg, &error, sizeof(error), NLMSG_ALIGNTO));
	fake_msg_put(fake->source.fd, msg);
}

/* An object of the kind that was asked for. */
static inline struct nl_msg *fake_object(struct fake *fake, u16 flags)
{
	return fake_msg(fake->family, fake->cmd, fake_req(fake)->nlmsg_seq,
			flags);
}

static inline void fake_object_put(struct fake *fake, struct nl_msg *msg)
{
	fake_msg_put(fake->source.fd, msg);
}

#endif /* QBD_TESTS_KPORT_FAKE_MSG_H */
