/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The other end of a port to the kernel: a module that is not there, which
 * speaks netlink over a pair of sockets in the same loop. What it does not
 * answer by itself (families, the node) a test answers, well or badly.
 */
#ifndef QBD_TESTS_KPORT_FAKE_H
#define QBD_TESTS_KPORT_FAKE_H

#include <unistd.h>
#include <sys/epoll.h>

#include "kport_fake_msg.h"
#include "loop_wait.h"

/* --- families and the node ------------------------------------------------ */

static inline struct nl_msg *fake_family(u16 id, const char *name, u8 cmd,
					 u32 seq)
{
	struct nl_msg *msg = fake_msg(GENL_ID_CTRL, cmd, seq, NLM_F_MULTI);
	struct nlattr *groups, *group;

	ASSERT_EQ(0, nla_put_string(msg, CTRL_ATTR_FAMILY_NAME, name));
	ASSERT_EQ(0, nla_put_u16(msg, CTRL_ATTR_FAMILY_ID, id));
	groups = nla_nest_start(msg, CTRL_ATTR_MCAST_GROUPS);
	group = nla_nest_start(msg, 1);
	ASSERT_EQ(0, nla_put_u32(msg, CTRL_ATTR_MCAST_GRP_ID, FAKE_GROUP));
	ASSERT_EQ(0, nla_put_string(msg, CTRL_ATTR_MCAST_GRP_NAME,
				    QBD_MCGRP_EVENTS));
	nla_nest_end(msg, group);
	nla_nest_end(msg, groups);
	return msg;
}

static inline void fake_families(struct fake *fake)
{
	u32 seq = fake_req(fake)->nlmsg_seq;

	fake->finds++;
	ASSERT_TRUE(fake->flags & NLM_F_DUMP);
	fake_msg_put(fake->source.fd,
		     fake_family(GENL_ID_CTRL, "nlctrl", 1, seq));
	if (fake->module)
		fake_msg_put(fake->source.fd,
			     fake_family(fake->family, QBD_FAMILY_NAME, 1,
					 seq));
	fake_done(fake, seq, 0);
}

static inline void fake_self(struct fake *fake)
{
	struct nl_msg *msg;

	fake->looks++;
	if (fake->mute_node)
		return;
	if (!fake->node) {
		fake_refuse(fake, -ENOENT, NULL);
		return;
	}
	msg = fake_object(fake, 0);
	ASSERT_EQ(0, nla_put_u32(msg, QBD_A_NODE_ID, fake->id));
	ASSERT_EQ(0, nla_put(msg, QBD_A_NODE_CLUSTER, 16, "clusterclusterc"));
	ASSERT_EQ(0, nla_put_u64(msg, QBD_A_NODE_LINEAGE, fake->lineage));
	ASSERT_EQ(0, nla_put_u32(msg, QBD_A_NODE_STATE, fake->state));
	ASSERT_EQ(0, nla_put_u64(msg, QBD_A_NODE_EVENT_SEQ, fake->seq));
	fake_object_put(fake, msg);
	fake_ack(fake);
}

/* A family that was told to the members of the controller's group. */
static inline void fake_tell_family(struct fake *fake, u8 cmd)
{
	ASSERT_TRUE(fake->ctrl);
	fake_msg_put(fake->tells,
		     fake_family(fake->family, QBD_FAMILY_NAME, cmd, 0));
}

static inline struct nl_msg *fake_event(struct fake *fake, u64 seq, u32 kind,
					u32 state)
{
	struct nl_msg *msg = fake_msg(fake->family, QBD_CMD_EVENT_NTF, 0, 0);

	ASSERT_EQ(0, nla_put_u64(msg, QBD_A_EVENT_SEQ, seq));
	ASSERT_EQ(0, nla_put_u32(msg, QBD_A_EVENT_KIND, kind));
	ASSERT_EQ(0, nla_put_u32(msg, QBD_A_EVENT_STATE, state));
	return msg;
}

/* The next event, with its right number. */
static inline void fake_happen(struct fake *fake, u32 kind, u32 state)
{
	struct nl_msg *msg = fake_event(fake, ++fake->seq, kind, state);

	if (fake->events)
		fake_msg_put(fake->tells, msg);
	else
		nlmsg_free(msg);
}

/* --- the sockets ---------------------------------------------------------- */

static inline void fake_ready(struct loop_source *source, uint32_t events)
{
	struct fake *fake =
		(struct fake *)((char *)source - offsetof(struct fake, source));
	struct nlmsghdr *hdr = fake_req(fake);
	ssize_t len =
		recv(source->fd, fake->req, sizeof(fake->req), MSG_DONTWAIT);

	(void)events;
	if (len <= 0) {
		loop_source_remove(fake->loop, source); /* it was replaced */
		return;
	}
	ASSERT_TRUE(nlmsg_ok(hdr, (int)len));
	ASSERT_TRUE(hdr->nlmsg_flags & NLM_F_REQUEST);
	memset(fake->attr, 0, sizeof(fake->attr));
	ASSERT_EQ(0, genlmsg_parse(hdr, 0, fake->attr, 63, NULL));
	fake->cmd = genlmsg_hdr(hdr)->cmd;
	fake->flags = hdr->nlmsg_flags;
	if (hdr->nlmsg_type == GENL_ID_CTRL) {
		fake_families(fake);
	} else if (hdr->nlmsg_type != fake->family || !fake->module) {
		fake_refuse(fake, -ENOENT, NULL);
	} else if (fake->cmd == QBD_CMD_NODE_GET) {
		fake_self(fake);
	} else {
		fake->asked++;
		if (fake->answer)
			ASSERT_TRUE(fake->answer(fake));
	}
}

static inline void fake_close(struct fake *fake, int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int fake_open(void *arg, bool events)
{
	struct fake *fake = arg;
	int pair[2];

	if (fake->open_error)
		return fake->open_error;
	ASSERT_EQ(0,
		  socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair));
	if (events) {
		fake_close(fake, &fake->tells);
		fake->tells = pair[1];
		fake->ctrl = false;
		fake->events = false;
		return pair[0];
	}
	loop_source_remove(fake->loop, &fake->source);
	fake_close(fake, &fake->source.fd);
	fake->source.fd = pair[1];
	fake->opened++;
	ASSERT_EQ(0, loop_source_add(fake->loop, &fake->source, EPOLLIN));
	return pair[0];
}

static inline int fake_join(void *arg, int fd, uint32_t group)
{
	struct fake *fake = arg;

	if (fake->join_error)
		return fake->join_error;
	ASSERT_TRUE(group == GENL_ID_CTRL || group == FAKE_GROUP);
	if (group == FAKE_GROUP)
		fake->events = true;
	else
		fake->ctrl = true;
	return fd < 0 ? -EBADF : 0;
}

static inline void fake_init(struct fake *fake, struct loop *loop, u32 id)
{
	fake->loop = loop;
	fake->source.name = "fake-kernel";
	fake->source.ready = fake_ready;
	fake->source.fd = -1;
	fake->tells = -1;
	fake->module = true;
	fake->family = 40;
	fake->node = true;
	fake->id = id;
	fake->lineage = 5;
	fake->state = QBD_NODE_STATE_RUNNING;
	fake->seq = 10;
}

static inline void fake_end(struct fake *fake)
{
	loop_source_remove(fake->loop, &fake->source);
	fake_close(fake, &fake->source.fd);
	fake_close(fake, &fake->tells);
}

#endif /* QBD_TESTS_KPORT_FAKE_H */
