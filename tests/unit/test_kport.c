// SPDX-License-Identifier: GPL-2.0-only
/*
 * The port to the kernel: requests, dumps and events against a kernel that
 * answers late, wrong, in pieces or not at all.
 */
#include "kport_fake.h"

#define ASKS 8

struct ask {
	struct kport_request request;
	struct port_bed *bed;
	unsigned int begins;
	unsigned int objects;
	u32 sum; /* of their ids */
	unsigned int done;
	int error;
	bool unknown;
	char said[KPORT_SAY_MAX];
	int object_error;
	struct ask *cancels; /* when an object, or the end, comes */
	bool again; /* asks once more when it is done */
};

struct port_bed {
	struct loop *loop;
	struct kport *port;
	struct fake fake;
	struct kport_watch watch;
	struct kport_watch second;
	unsigned int changed;
	unsigned int stale;
	unsigned int events;
	unsigned int seconds;
	u64 event_seq;
	bool leaves; /* the second watch goes when the first is told */
	struct ask ask[ASKS];
};

FIXTURE(port)
{
	struct port_bed bed;
};

static struct port_bed *bed_of(struct kport_watch *watch)
{
	return (struct port_bed *)((char *)watch -
				   offsetof(struct port_bed, watch));
}

static void on_changed(struct kport_watch *watch)
{
	bed_of(watch)->changed++;
}

static void on_stale(struct kport_watch *watch)
{
	struct port_bed *bed = bed_of(watch);

	bed->stale++;
	if (bed->leaves)
		kport_watch_remove(&bed->second);
}

static void on_event(struct kport_watch *watch, struct nlattr **attrs)
{
	bed_of(watch)->events++;
	bed_of(watch)->event_seq = knl_u64(attrs, QBD_A_EVENT_SEQ);
}

static void on_second(struct kport_watch *watch)
{
	((struct port_bed *)((char *)watch - offsetof(struct port_bed, second)))
		->seconds++;
}

static void bed_port(struct port_bed *bed, uint32_t timeout_ms)
{
	const struct kport_options options = {
		.sys = { fake_open, fake_join, &bed->fake },
		.timeout_ms = timeout_ms,
		.retry_ms = 1,
		.stock_ms = 50,
	};

	ASSERT_EQ(0, kport_create(&bed->port, bed->loop, &options));
	bed->watch.changed = on_changed;
	bed->watch.event = on_event;
	bed->watch.stale = on_stale;
	bed->second.stale = on_second;
	kport_watch_add(bed->port, &bed->second);
	kport_watch_add(bed->port, &bed->watch);
}

#define WAIT(condition) ASSERT_TRUE(LOOP_WAIT(bed->loop, condition))
#define READY(bed) (kport_state((bed)->port) == KPORT_READY)

FIXTURE_SETUP(port)
{
	self->bed.loop = loop_create();
	ASSERT_TRUE(self->bed.loop);
	fake_init(&self->bed.fake, self->bed.loop, 3);
	bed_port(&self->bed, 20000);
}

FIXTURE_TEARDOWN(port)
{
	kport_destroy(self->bed.port);
	fake_end(&self->bed.fake);
	loop_destroy(self->bed.loop);
}

/* --- what is asked -------------------------------------------------------- */

static void ask_begin(struct kport_request *request)
{
	struct ask *ask = (struct ask *)request;

	ask->begins++;
	ask->objects = 0;
	ask->sum = 0;
}

static int ask_object(struct kport_request *request, struct nlattr **attrs)
{
	struct ask *ask = (struct ask *)request;

	EXPECT_TRUE(kport_object(ask->bed->port));
	ask->objects++;
	ask->sum += knl_u32(attrs, QBD_A_PEER_ID);
	if (ask->cancels)
		kport_cancel(&ask->cancels->request);
	return ask->object_error;
}

static int ask_put(struct port_bed *bed, struct ask *ask, enum kport_kind kind)
{
	static const u8 cmd[] = { [KPORT_DO] = QBD_CMD_PEER_ADD,
				  [KPORT_GET] = QBD_CMD_PEER_GET,
				  [KPORT_DUMP] = QBD_CMD_PEER_GET };

	ask->bed = bed;
	ask->request.kind = kind;
	ask->request.attr_max = QBD_A_PEER_MAX;
	ask->request.msg = kport_msg(cmd[kind], 64);
	ask->request.object = ask_object;
	ask->request.begin = ask_begin;
	return kport_send(bed->port, &ask->request);
}

static void ask_done(struct kport_request *request,
		     const struct kport_answer *answer)
{
	struct ask *ask = (struct ask *)request;

	ask->done++;
	ask->error = answer->error;
	ask->unknown = answer->unknown;
	kport_say(ask->said, answer);
	if (ask->cancels)
		kport_cancel(&ask->cancels->request);
	if (!ask->again)
		return;
	ask->again = false;
	EXPECT_EQ(0, ask_put(ask->bed, ask, request->kind));
}

static struct ask *ask_new(struct port_bed *bed, unsigned int i,
			   enum kport_kind kind)
{
	struct ask *ask = &bed->ask[i];

	ask->request.done = ask_done;
	ASSERT_EQ(0, ask_put(bed, ask, kind));
	return ask;
}

/* It stands before the kernel, which has not answered. */
static struct ask *ask_stands(struct port_bed *bed, enum kport_kind kind)
{
	unsigned int asked = bed->fake.asked;
	struct ask *ask;

	WAIT(READY(bed));
	ask = ask_new(bed, 0, kind);
	WAIT(bed->fake.asked > asked);
	return ask;
}

static void put_peer(struct port_bed *bed, u32 id, u16 flags)
{
	struct nl_msg *msg = fake_object(&bed->fake, flags);

	ASSERT_EQ(0, nla_put_u32(msg, QBD_A_PEER_ID, id));
	fake_object_put(&bed->fake, msg);
}

/* --- requests ------------------------------------------------------------- */

TEST_F(port, finds_family_and_node)
{
	struct port_bed *bed = &self->bed;

	WAIT(READY(bed));
	EXPECT_TRUE(kport_node(bed->port)->running);
	EXPECT_EQ(3, kport_node(bed->port)->id);
	EXPECT_EQ(5, kport_node(bed->port)->lineage);
	EXPECT_EQ(1, bed->changed);
	EXPECT_EQ(1, bed->stale);
	EXPECT_TRUE(bed->fake.events);
}

TEST_F(port, yes_and_no_with_words)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DO);

	EXPECT_TRUE(bed->fake.flags & NLM_F_ACK);
	fake_ack(&bed->fake);
	WAIT(ask->done);
	EXPECT_EQ(0, ask->error);
	ask = ask_stands(bed, KPORT_DO);
	fake_refuse(&bed->fake, -EEXIST, "there is one already");
	WAIT(ask->done == 2);
	EXPECT_EQ(-EEXIST, ask->error);
	EXPECT_FALSE(ask->unknown);
	EXPECT_STREQ("there is one already", ask->said);
	ask = ask_stands(bed, KPORT_DO);
	fake_refuse(&bed->fake, -EPERM, NULL);
	WAIT(ask->done == 3);
	EXPECT_STREQ(strerror(EPERM), ask->said);
}

TEST_F(port, an_attribute_that_is_wrong_has_a_name)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = &bed->ask[0];
	struct nlmsgerr err = { .error = -EINVAL };
	struct nl_msg *msg = nlmsg_alloc_size(4096);
	struct nlmsghdr *req = fake_req(&bed->fake);

	WAIT(READY(bed));
	ask->bed = bed;
	ask->request.done = ask_done;
	ask->request.msg = kport_msg(QBD_CMD_PEER_ADD, 64);
	ASSERT_EQ(0, nla_put_u32(ask->request.msg, QBD_A_PEER_LINKS, 99));
	ASSERT_EQ(0, kport_send(bed->port, &ask->request));
	WAIT(bed->fake.asked);
	ASSERT_TRUE(nlmsg_put(msg, 1, req->nlmsg_seq, NLMSG_ERROR, 0,
			      NLM_F_ACK_TLVS));
	ASSERT_EQ(0, nlmsg_append(msg, &err, sizeof(err.error), 0));
	ASSERT_EQ(0, nlmsg_append(msg, req, req->nlmsg_len, NLMSG_ALIGNTO));
	ASSERT_EQ(0, nla_put_u32(msg, NLMSGERR_ATTR_OFFS,
				 NLMSG_HDRLEN + GENL_HDRLEN));
	ASSERT_EQ(0, nla_put_string(msg, NLMSGERR_ATTR_MSG, "at most 8"));
	fake_msg_put(bed->fake.source.fd, msg);
	WAIT(ask->done);
	EXPECT_STREQ("links: at most 8", ask->said);
}

TEST_F(port, one_at_a_time_and_in_order)
{
	struct port_bed *bed = &self->bed;
	struct ask *first = ask_stands(bed, KPORT_DO);
	struct ask *second = ask_new(bed, 1, KPORT_DO);
	struct ask *third = ask_new(bed, 2, KPORT_DO);

	EXPECT_EQ(-EBUSY, kport_send(bed->port, &third->request));
	fake_ack(&bed->fake);
	WAIT(bed->fake.asked == 2);
	EXPECT_EQ(1, first->done);
	EXPECT_EQ(0, second->done);
	fake_refuse(&bed->fake, -EIO, NULL);
	WAIT(bed->fake.asked == 3);
	EXPECT_EQ(-EIO, second->error);
	EXPECT_EQ(0, third->done);
	fake_ack(&bed->fake);
	WAIT(third->done);
}

TEST_F(port, get_needs_its_object)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_GET);

	put_peer(bed, 7, 0);
	fake_ack(&bed->fake);
	WAIT(ask->done);
	EXPECT_EQ(0, ask->error);
	EXPECT_EQ(7, ask->sum);
	ask = ask_stands(bed, KPORT_GET);
	fake_ack(&bed->fake);
	WAIT(ask->done == 2);
	EXPECT_EQ(-EBADMSG, ask->error);
	EXPECT_TRUE(ask->unknown);
	EXPECT_EQ(2, bed->fake.opened);
}

TEST_F(port, a_request_of_no_use_is_refused)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = &bed->ask[0];

	ask->request.kind = KPORT_DUMP;
	EXPECT_EQ(-ENOMEM, kport_send(bed->port, &ask->request));
	ask->request.done = ask_done;
	ask->request.msg = kport_msg(QBD_CMD_PEER_GET, 0);
	EXPECT_EQ(-EINVAL, kport_send(bed->port, &ask->request));
	EXPECT_NULL(ask->request.msg);
	ask->request.object = ask_object;
	ask->request.attr_max = KPORT_ATTR_MAX + 1;
	ask->request.msg = kport_msg(QBD_CMD_PEER_GET, 0);
	EXPECT_EQ(-EINVAL, kport_send(bed->port, &ask->request));
}

TEST_F(port, a_full_queue_is_said)
{
	struct port_bed *bed = &self->bed;
	struct ask *many = calloc(KPORT_QUEUE_MAX + 1, sizeof(*many));
	unsigned int i;

	ASSERT_TRUE(many);
	ask_stands(bed, KPORT_DO);
	for (i = 0; i < KPORT_QUEUE_MAX; i++) {
		many[i].request.done = ask_done;
		ASSERT_EQ(0, ask_put(bed, &many[i], KPORT_DO));
	}
	many[i].request.done = ask_done;
	EXPECT_EQ(-ENOBUFS, ask_put(bed, &many[i], KPORT_DO));
	kport_cancel(&many[5].request);
	EXPECT_EQ(0, ask_put(bed, &many[i], KPORT_DO));
	for (i = 0; i <= KPORT_QUEUE_MAX; i++)
		kport_cancel(&many[i].request);
	free(many);
	fake_ack(&bed->fake);
	WAIT(bed->ask[0].done);
}

/* --- deadlines ------------------------------------------------------------ */

TEST_F(port, no_answer_is_unknown_and_costs_the_socket)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = &bed->ask[0];
	struct ask *next = &bed->ask[1];

	WAIT(READY(bed));
	ask->request.timeout_ms = 20;
	ask_new(bed, 0, KPORT_DO);
	next->request.timeout_ms = 1;
	ask_new(bed, 1, KPORT_DO);
	WAIT(ask->done && next->done);
	EXPECT_EQ(-ETIMEDOUT, ask->error);
	EXPECT_TRUE(ask->unknown);
	EXPECT_EQ(-ETIMEDOUT, next->error);
	EXPECT_FALSE(next->unknown); /* it was never sent */
	EXPECT_EQ(1, bed->fake.asked);
	EXPECT_EQ(2, bed->fake.opened);
	EXPECT_EQ(2, kport_counts(bed->port)->timeouts);
	/* and life goes on */
	ask->request.timeout_ms = 0;
	ask_stands(bed, KPORT_DO);
	fake_ack(&bed->fake);
	WAIT(ask->done == 2);
	EXPECT_EQ(0, ask->error);
}

TEST_F(port, a_late_answer_is_nobodys)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DO);
	u32 seq = fake_req(&bed->fake)->nlmsg_seq;

	kport_cancel(&ask->request);
	ask = ask_new(bed, 1, KPORT_DO);
	fake_ack(&bed->fake); /* for who does not ask any more */
	WAIT(bed->fake.asked == 2);
	EXPECT_EQ(0, ask->done);
	fake_error(&bed->fake, seq, -EIO, "once more");
	fake_error(&bed->fake, seq + 100, -EIO, "of the future");
	fake_error(&bed->fake, 0, -EIO, "of nobody");
	WAIT(kport_counts(bed->port)->strays == 3);
	EXPECT_EQ(0, ask->done);
	fake_ack(&bed->fake);
	WAIT(ask->done);
	EXPECT_EQ(0, ask->error);
	EXPECT_EQ(0, bed->ask[0].done);
	EXPECT_EQ(1, bed->fake.opened);
}

/* --- dumps ---------------------------------------------------------------- */

TEST_F(port, a_dump_object_by_object)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DUMP);
	u32 i;

	EXPECT_TRUE(bed->fake.flags & NLM_F_DUMP);
	for (i = 1; i <= 40; i++)
		put_peer(bed, i, NLM_F_MULTI);
	WAIT(ask->objects == 40);
	EXPECT_EQ(0, ask->done);
	fake_done(&bed->fake, fake_req(&bed->fake)->nlmsg_seq, 0);
	WAIT(ask->done);
	EXPECT_EQ(0, ask->error);
	EXPECT_EQ(820, ask->sum);
	EXPECT_EQ(1, ask->begins);
}

TEST_F(port, an_interrupted_dump_begins_anew)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DUMP);
	u32 seq = fake_req(&bed->fake)->nlmsg_seq;

	put_peer(bed, 1, NLM_F_MULTI);
	put_peer(bed, 2, NLM_F_MULTI | NLM_F_DUMP_INTR);
	put_peer(bed, 4, NLM_F_MULTI);
	fake_done(&bed->fake, seq, 0);
	WAIT(bed->fake.asked == 2);
	EXPECT_EQ(2, ask->begins);
	EXPECT_EQ(0, ask->done);
	EXPECT_NE(seq, fake_req(&bed->fake)->nlmsg_seq);
	put_peer(bed, 8, NLM_F_MULTI);
	fake_done(&bed->fake, fake_req(&bed->fake)->nlmsg_seq, NLM_F_DUMP_INTR);
	WAIT(bed->fake.asked == 3);
	put_peer(bed, 16, NLM_F_MULTI);
	fake_done(&bed->fake, fake_req(&bed->fake)->nlmsg_seq, 0);
	WAIT(ask->done);
	EXPECT_EQ(0, ask->error);
	EXPECT_EQ(16, ask->sum);
	EXPECT_EQ(2, kport_counts(bed->port)->again);
}

static bool always_interrupted(struct fake *fake)
{
	fake_done(fake, fake_req(fake)->nlmsg_seq, NLM_F_DUMP_INTR);
	return true;
}

TEST_F(port, a_dump_does_not_begin_anew_for_ever)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask;

	bed->fake.answer = always_interrupted;
	ask = ask_stands(bed, KPORT_DUMP);
	WAIT(ask->done);
	EXPECT_EQ(-EAGAIN, ask->error);
	EXPECT_EQ(KPORT_AGAIN_MAX, bed->fake.asked);
}

TEST_F(port, who_is_given_objects_may_say_no)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DUMP);

	ask->object_error = -ENOSPC;
	put_peer(bed, 1, NLM_F_MULTI);
	put_peer(bed, 2, NLM_F_MULTI);
	fake_done(&bed->fake, fake_req(&bed->fake)->nlmsg_seq, 0);
	WAIT(ask->done);
	EXPECT_EQ(-ENOSPC, ask->error);
	EXPECT_EQ(1, ask->objects);
}

/* --- taking back ---------------------------------------------------------- */

TEST_F(port, taken_back_within_callbacks)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DUMP);
	struct ask *next = ask_new(bed, 1, KPORT_DO);
	u32 seq = fake_req(&bed->fake)->nlmsg_seq;

	ask->cancels = ask; /* itself, at its first object */
	put_peer(bed, 1, NLM_F_MULTI);
	put_peer(bed, 2, NLM_F_MULTI);
	WAIT(ask->objects);
	fake_done(&bed->fake, seq, 0);
	WAIT(bed->fake.asked == 2);
	EXPECT_EQ(1, ask->objects);
	EXPECT_EQ(0, ask->done);
	/* now another one that still waits, when it is done */
	next->cancels = ask;
	ask->cancels = NULL;
	ask_new(bed, 0, KPORT_DO);
	fake_ack(&bed->fake);
	WAIT(next->done);
	next->cancels = NULL;
	next->again = true; /* asks from within done(), and then once more */
	ASSERT_EQ(0, ask_put(bed, next, KPORT_DO));
	WAIT(bed->fake.asked == 3);
	fake_ack(&bed->fake);
	WAIT(bed->fake.asked == 4);
	fake_ack(&bed->fake);
	WAIT(next->done == 3);
	EXPECT_EQ(0, ask->done);
}

/* --- what makes no sense -------------------------------------------------- */

/* Each is given to a dump, which must end as unknown, on a new socket. */
static void expect_broken(struct port_bed *bed, struct nlmsghdr *hdr,
			  size_t bytes)
{
	struct ask *ask = &bed->ask[0];
	unsigned int opened, done = ask->done;

	ask_stands(bed, KPORT_DUMP);
	opened = bed->fake.opened;
	hdr->nlmsg_seq = fake_req(&bed->fake)->nlmsg_seq;
	fake_put(bed->fake.source.fd, hdr, bytes);
	WAIT(ask->done > done);
	EXPECT_EQ(-EBADMSG, ask->error);
	EXPECT_TRUE(ask->unknown);
	EXPECT_EQ(opened + 1, bed->fake.opened);
}

TEST_F(port, absurd_messages)
{
	struct port_bed *bed = &self->bed;
	struct {
		struct nlmsghdr hdr;
		u8 rest[48];
	} m;

	WAIT(READY(bed));
#define ABSURD(type_, len_, bytes_, byte_)                          \
	do {                                                        \
		memset(&m, byte_, sizeof(m));                       \
		m.hdr = (struct nlmsghdr){ .nlmsg_len = (len_),     \
					   .nlmsg_type = (type_) }; \
		expect_broken(bed, &m.hdr, bytes_);                 \
	} while (0)
	ABSURD(NLMSG_ERROR, 16, 16, 0); /* no error in it */
	ABSURD(NLMSG_ERROR, 35, 36, 0);
	ABSURD(NLMSG_ERROR, 36, 36, 0); /* a dump is not acknowledged */
	ABSURD(NLMSG_ERROR, 36, 36, 0x7f); /* no errno */
	ABSURD(NLMSG_ERROR, 36, 36, 0x80);
	ABSURD(NLMSG_DONE, 20, 20, 0x7f);
	ABSURD(40, 16, 16, 0); /* an object without a head */
	ABSURD(40, 18, 20, 0);
	ABSURD(40, 20, 20, 0); /* of another command */
	ABSURD(41, 20, 20, 0); /* of another family */
	ABSURD(NLMSG_NOOP, 15, 16, 0); /* shorter than its head */
	ABSURD(NLMSG_NOOP, 0, 16, 0);
	ABSURD(NLMSG_NOOP, 17, 16, 0); /* cut off */
	ABSURD(NLMSG_NOOP, 0xffffffff, 64, 0);
	ABSURD(NLMSG_NOOP, 16, 19, 0); /* and something behind it */
	ABSURD(NLMSG_NOOP, 16, 7, 0); /* less than a head */
	EXPECT_EQ(16, kport_counts(bed->port)->bad);
	EXPECT_EQ(0, bed->ask[0].objects);
}

/* What is too short for an error is no "yes". */
TEST_F(port, half_a_yes)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DO);
	struct nlmsghdr hdr = { .nlmsg_len = NLMSG_HDRLEN,
				.nlmsg_type = NLMSG_ERROR,
				.nlmsg_seq = fake_req(&bed->fake)->nlmsg_seq };

	fake_put(bed->fake.source.fd, &hdr, sizeof(hdr));
	WAIT(ask->done);
	EXPECT_EQ(-EBADMSG, ask->error);
	EXPECT_TRUE(ask->unknown);
}

TEST_F(port, more_than_there_is_room_for)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = ask_stands(bed, KPORT_DUMP);
	static u8 much[80000];

	fake_put(bed->fake.source.fd, much, sizeof(much));
	WAIT(ask->done);
	EXPECT_EQ(-EMSGSIZE, ask->error);
	EXPECT_TRUE(ask->unknown);
}

/* --- no module, no node --------------------------------------------------- */

TEST_F(port, without_a_module_it_waits_for_one)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask = &bed->ask[0];

	bed->fake.module = false;
	ask_new(bed, 0, KPORT_DO); /* not known yet: it waits */
	WAIT(kport_state(bed->port) == KPORT_ABSENT);
	EXPECT_EQ(1, ask->done);
	EXPECT_EQ(-ENODEV, ask->error);
	EXPECT_FALSE(ask->unknown);
	EXPECT_EQ(-ENODEV, ask_put(bed, ask, KPORT_DO));
	WAIT(bed->fake.finds > 3); /* it looks again */
	bed->fake.module = true;
	WAIT(READY(bed));
	EXPECT_EQ(2, bed->changed);
	EXPECT_EQ(1, bed->stale);
}

TEST_F(port, a_module_that_goes_and_another_that_comes)
{
	struct port_bed *bed = &self->bed;
	struct ask *ask;
	u64 life;

	WAIT(READY(bed));
	life = kport_node(bed->port)->life;
	bed->fake.module = false;
	ask = ask_new(bed, 0, KPORT_DO);
	fake_tell_family(&bed->fake, CTRL_CMD_DELFAMILY);
	WAIT(kport_state(bed->port) == KPORT_ABSENT);
	EXPECT_FALSE(kport_node(bed->port)->present);
	WAIT(ask->done);
	EXPECT_NE(0, ask->error);
	bed->fake.module = true;
	bed->fake.family++;
	bed->fake.events = false;
	fake_tell_family(&bed->fake, CTRL_CMD_NEWFAMILY);
	WAIT(READY(bed));
	EXPECT_TRUE(bed->fake.events);
	EXPECT_GT(kport_node(bed->port)->life, life);
	ask = ask_stands(bed, KPORT_DO);
	fake_ack(&bed->fake);
	WAIT(ask->done == 2);
	EXPECT_EQ(0, ask->error);
}

TEST_F(port, sockets_that_can_not_be_had)
{
	struct port_bed *bed = &self->bed;

	bed->fake.open_error = -EMFILE;
	WAIT(kport_state(bed->port) == KPORT_ABSENT);
	bed->fake.open_error = 0;
	bed->fake.join_error = -EPERM;
	loop_turn(bed->loop, 0);
	EXPECT_EQ(KPORT_ABSENT, kport_state(bed->port));
	bed->fake.join_error = 0;
	WAIT(READY(bed));
}

TEST_F(port, nodes_end_and_begin)
{
	struct port_bed *bed = &self->bed;
	const struct kport_node *node = kport_node(bed->port);

	bed->fake.node = false;
	WAIT(READY(bed));
	EXPECT_FALSE(node->present);
	EXPECT_EQ(0, node->life);
	bed->fake.node = true;
	bed->fake.seq = 0;
	fake_happen(&bed->fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_RUNNING);
	WAIT(node->running);
	EXPECT_EQ(1, node->life);
	bed->fake.state = QBD_NODE_STATE_STOPPING;
	fake_happen(&bed->fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_STOPPING);
	WAIT(!node->running);
	EXPECT_TRUE(node->present);
	EXPECT_EQ(1, node->life);
	/* it ends and begins between two looks, with the same names */
	bed->fake.state = QBD_NODE_STATE_RUNNING;
	bed->fake.seq = 0;
	fake_happen(&bed->fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_RUNNING);
	WAIT(node->running);
	EXPECT_EQ(2, node->life);
	/* the same, and no event of it came through: the numbers went back */
	fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	WAIT(bed->event_seq == 3);
	bed->fake.seq = 1;
	WAIT(node->life == 3);
	/* its numbers are beyond the old ones before anybody has looked */
	bed->fake.seq = 0;
	fake_happen(&bed->fake, QBD_EVENT_KIND_NODE_STATE,
		    QBD_NODE_STATE_RUNNING);
	bed->fake.seq = 500;
	WAIT(node->life == 4);
}

/* --- events --------------------------------------------------------------- */

TEST_F(port, events_in_a_row_and_with_a_gap)
{
	struct port_bed *bed = &self->bed;
	unsigned int i;

	WAIT(READY(bed));
	for (i = 0; i < 5; i++)
		fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	WAIT(bed->events == 5);
	EXPECT_EQ(1, bed->stale);
	bed->fake.seq++; /* one that did not come */
	fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	WAIT(bed->events == 6);
	WAIT(bed->stale == 2);
	fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	WAIT(bed->events == 7);
	EXPECT_EQ(2, bed->stale);
	EXPECT_EQ(1, kport_node(bed->port)->life);
}

TEST_F(port, the_last_event_is_missed_too)
{
	struct port_bed *bed = &self->bed;

	WAIT(READY(bed));
	bed->fake.seq++; /* and nothing behind it */
	WAIT(bed->stale == 2);
	fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	WAIT(bed->events == 1);
	EXPECT_EQ(2, bed->stale);
}

TEST_F(port, events_that_make_no_sense_may_have_been_ours)
{
	struct port_bed *bed = &self->bed;
	static u8 much[80000];
	struct nl_msg *msg;

	WAIT(READY(bed));
	fake_put(bed->fake.tells, "abc", 3);
	WAIT(bed->stale == 2);
	fake_put(bed->fake.tells, much, sizeof(much)); /* as an overflow */
	WAIT(bed->stale == 3);
	msg = fake_msg(bed->fake.family, QBD_CMD_EVENT_NTF, 0, 0);
	fake_msg_put(bed->fake.tells, msg); /* without a number */
	WAIT(bed->stale == 4);
	/* of another family: none of our business */
	msg = fake_msg(bed->fake.family + 1, QBD_CMD_EVENT_NTF, 0, 0);
	fake_msg_put(bed->fake.tells, msg);
	WAIT(kport_counts(bed->port)->strays == 1);
	EXPECT_EQ(4, bed->stale);
	EXPECT_EQ(0, bed->events);
}

TEST_F(port, an_event_socket_that_ends_is_replaced)
{
	struct port_bed *bed = &self->bed;

	WAIT(READY(bed));
	shutdown(bed->fake.tells, SHUT_RDWR);
	WAIT(bed->stale >= 2 && bed->fake.events && READY(bed));
	fake_happen(&bed->fake, QBD_EVENT_KIND_LINK_STATE, 0);
	WAIT(bed->events == 1);
	EXPECT_EQ(1, kport_node(bed->port)->life);
}

TEST_F(port, who_is_told_may_send_others_away)
{
	struct port_bed *bed = &self->bed;

	bed->leaves = true;
	WAIT(READY(bed));
	EXPECT_EQ(1, bed->stale);
	EXPECT_EQ(0, bed->seconds);
	kport_watch_add(bed->port, &bed->second);
	bed->leaves = false;
	bed->fake.seq++;
	WAIT(bed->stale == 2);
	EXPECT_EQ(1, bed->seconds);
}

/* The true kernel has a list of families; ours may be in it, or not. */
TEST_F(port, speaks_to_the_true_kernel)
{
	struct port_bed *bed = &self->bed;
	const struct kport_options options = { .retry_ms = 1 };
	struct kport *port;

	ASSERT_EQ(0, kport_create(&port, bed->loop, &options));
	WAIT(kport_state(port) != KPORT_LOOKING);
	EXPECT_EQ(0, kport_counts(port)->bad);
	EXPECT_EQ(0, kport_counts(port)->strays);
	EXPECT_EQ(0, kport_counts(port)->timeouts);
	EXPECT_GE(kport_counts(port)->requests, 1);
	kport_destroy(port);
}

TEST_HARNESS_MAIN
