// SPDX-License-Identifier: GPL-2.0-only
/*
 * A group of three servers in one loop, each with its log in a directory: what
 * is answered, what a crash, a cut, a snapshot, a full and a broken disk do.
 */
#include <stdlib.h>
#include <unistd.h>
#include <sys/stat.h>

#include "gate.h"
#include "harness.h"
#include "loop_wait.h"
#include "../../daemon/group/group.h"
#include "../../daemon/log.h"
#include "../../daemon/work.h"

#define NODES 3
#define MS LOOP_MS
#define COMMANDS_MAX 4096

/* The machine: the numbers that were said, in order. */
struct machine {
	u64 nr;
	u64 said[COMMANDS_MAX];
};

struct mail {
	struct mail *next;
	u64 to;
	u32 bytes;
	u8 data[];
};

struct world;

struct node {
	struct world *w;
	u64 id;
	struct group *group;
	struct machine machine;
	struct raftlog_env real;
	struct raftlog_env env;
	char dir[64];
	bool cut;
	int write_err;
	int room_err;
	u32 loads;
	bool opened;
	int open_err;
};

struct world {
	struct loop *loop;
	struct work *work;
	struct gate save_gate;
	struct gate load_gate;
	bool torn; /* a machine was another one behind the gate */
	pthread_t thread; /* with the loop */
	bool touched; /* it read or wrote a file */
	struct node node[NODES];
	struct mail *first;
	struct mail **last;
	struct loop_call deliver;
	char top[48];
};

struct asked {
	struct group_wait wait;
	bool done;
	int err;
	u64 seen; /* of the machine, when it was applied */
};

static struct world world;

/* --- disks that fail ---------------------------------------------------------
 */

static struct node *node_of_dir(void *dir)
{
	u32 i;

	for (i = 0; i < NODES; i++)
		if (world.node[i].real.dir == dir)
			return &world.node[i];
	abort();
}

/* Whatever opens, closes, reads or writes a log comes by here. */
static struct node *node_at_disk(void *dir)
{
	if (pthread_equal(world.thread, pthread_self()))
		world.touched = true;
	return node_of_dir(dir);
}

static int seen_open(void *dir, const char *name, enum raftlog_mode mode)
{
	return node_at_disk(dir)->real.open(dir, name, mode);
}

static s64 seen_pread(void *dir, int file, void *buf, u64 bytes, u64 at)
{
	return node_at_disk(dir)->real.pread(dir, file, buf, bytes, at);
}

static s64 bad_pwrite(void *dir, int file, const void *buf, u64 bytes, u64 at)
{
	struct node *node = node_at_disk(dir);

	return node->write_err ?: node->real.pwrite(dir, file, buf, bytes, at);
}

static int bad_allocate(void *dir, int file, u64 bytes)
{
	struct node *node = node_at_disk(dir);

	return node->room_err ?: node->real.allocate(dir, file, bytes);
}

/* --- the machine --------------------------------------------------------- */

static int machine_apply(void *arg, u64 index, const void *data, u32 bytes,
			 struct group_wait *wait)
{
	struct node *node = arg;
	struct machine *m = &node->machine;

	(void)index;
	if (bytes < sizeof(u64) || m->nr == COMMANDS_MAX)
		abort();
	memcpy(&m->said[m->nr++], data, sizeof(u64));
	if (wait)
		((struct asked *)wait)->seen = m->nr;
	return 0;
}

static void *machine_itself(void *arg)
{
	return &((struct node *)arg)->machine;
}

/* Beside the loop: whoever lets something be applied meanwhile is found out. */
static int machine_save(void *machine, void **data, u64 *bytes)
{
	const struct machine *m = machine;

	*bytes = sizeof(u64) * (1 + m->nr);
	*data = malloc(*bytes);
	if (!*data)
		return -ENOMEM;
	memcpy(*data, m, *bytes);
	gate_pass(&world.save_gate);
	if (memcmp(*data, m, *bytes))
		world.torn = true;
	return 0;
}

static void machine_reset(void *arg)
{
	memset(&((struct node *)arg)->machine, 0, sizeof(struct machine));
}

static int machine_load(const void *data, u64 bytes, void **machine,
			const char **why)
{
	(void)why;
	if (bytes < sizeof(u64) || bytes > sizeof(struct machine))
		return -EBADMSG;
	gate_pass(&world.load_gate);
	*machine = calloc(1, sizeof(struct machine));
	if (!*machine)
		return -ENOMEM;
	memcpy(*machine, data, bytes);
	return 0;
}

static void machine_adopt(void *arg, void *machine)
{
	struct node *node = arg;

	memcpy(&node->machine, machine, sizeof(node->machine));
	free(machine);
	node->loads++;
}

static void machine_drop(void *machine)
{
	free(machine);
}

static void node_opened(void *arg, int err, const struct raftlog_report *report)
{
	struct node *node = arg;

	(void)report;
	node->opened = true;
	node->open_err = err;
}

/* --- the net -----------------------------------------------------------------
 */

static void net_send(void *arg, u64 to, bool bulk, const void *data, u32 bytes)
{
	struct node *node = arg;
	struct mail *mail;

	(void)bulk;
	if (node->cut || world.node[to - 1].cut)
		return;
	mail = malloc(sizeof(*mail) + bytes);
	if (!mail)
		abort();
	*mail = (struct mail){ .to = to, .bytes = bytes };
	memcpy(mail->data, data, bytes);
	*world.last = mail;
	world.last = &mail->next;
	loop_call_later(world.loop, &world.deliver);
}

static void net_deliver(struct loop_call *call)
{
	struct mail *mail = world.first, *next;

	(void)call;
	world.first = NULL;
	world.last = &world.first;
	for (; mail; mail = next) {
		struct node *node = &world.node[mail->to - 1];

		next = mail->next;
		if (node->group)
			group_recv(node->group, 0, mail->data, mail->bytes);
		free(mail);
	}
}

static void node_changed(void *arg)
{
	(void)arg;
}

static const struct group_ops node_ops = { .apply = machine_apply,
					   .machine = machine_itself,
					   .save = machine_save,
					   .load = machine_load,
					   .adopt = machine_adopt,
					   .drop = machine_drop,
					   .reset = machine_reset,
					   .opened = node_opened,
					   .send = net_send,
					   .changed = node_changed };

/* --- a world -----------------------------------------------------------------
 */

static int node_start(struct node *node)
{
	struct group_options opt = {
		.work = world.work,
		.id = { .cluster = { 1 }, .server = node->id, .lineage = 1 },
		.election_ns = 150 * MS,
		.beat_ns = 30 * MS,
		.seed = node->id,
		.slots = 64,
		.pool_bytes = 512 * 1024,
		.segment_bytes = 256 * 1024,
	};
	int err;

	memset(&node->machine, 0, sizeof(node->machine));
	node->opened = false;
	err = group_open(world.loop, &node->env, &opt, &node_ops, node,
			 &node->group);
	if (err)
		return err;
	work_settle(world.work);
	return node->opened ? node->open_err : -ETIME;
}

static void node_stop(struct node *node)
{
	if (node->group)
		group_close(node->group);
	node->group = NULL;
	/* its files are closed behind it: its machine may go */
	work_settle(world.work);
}

static int node_make(struct node *node)
{
	struct raftlog_identity id = {
		.cluster = { 1 },
		.server = node->id,
		.lineage = 1,
		.conf = { .nr = 3, .old = 7, .id = { 1, 2, 3 } }
	};
	struct raftlog_report report;
	int err;

	snprintf(node->dir, sizeof(node->dir), "%s/%llu", world.top,
		 (unsigned long long)node->id);
	err = raftlog_posix_open(node->dir, true, &node->real);
	if (err)
		return err;
	err = raftlog_format(&node->real, &id, &report);
	node->env = node->real;
	node->env.open = seen_open;
	node->env.pread = seen_pread;
	node->env.pwrite = bad_pwrite;
	node->env.allocate = bad_allocate;
	return err ?: node_start(node);
}

FIXTURE(group)
{
	int unused;
};

FIXTURE_SETUP(group)
{
	u32 i;

	(void)self;
	log_level(getenv("QBD_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_NONE);
	memset(&world, 0, sizeof(world));
	world.thread = pthread_self();
	world.last = &world.first;
	world.deliver = (struct loop_call){ .name = "net", .run = net_deliver };
	world.loop = loop_create();
	ASSERT_TRUE(world.loop);
	ASSERT_EQ(0, work_create(&world.work, world.loop));
	gate_init(&world.save_gate);
	gate_init(&world.load_gate);
	snprintf(world.top, sizeof(world.top), "%s", "/tmp/qbd-group-XXXXXX");
	ASSERT_TRUE(mkdtemp(world.top));
	for (i = 0; i < NODES; i++) {
		world.node[i].w = &world;
		world.node[i].id = i + 1;
		ASSERT_EQ(0, node_make(&world.node[i]));
	}
}

FIXTURE_TEARDOWN(group)
{
	struct mail *mail;
	u32 i;

	(void)self;
	gate_shut(&world.save_gate, false);
	gate_shut(&world.load_gate, false);
	for (i = 0; i < NODES; i++) {
		node_stop(&world.node[i]);
		raftlog_posix_close(&world.node[i].real);
	}
	EXPECT_FALSE(world.touched);
	loop_call_stop(world.loop, &world.deliver);
	while ((mail = world.first)) {
		world.first = mail->next;
		free(mail);
	}
	work_destroy(world.work);
	loop_destroy(world.loop);
	dir_remove(world.top);
}

/* --- waiting for conditions --------------------------------------------------
 */

static struct node *leader(void)
{
	struct node *found = NULL;
	struct group_info info, best = { 0 };
	u32 i;

	for (i = 0; i < NODES; i++) {
		if (!world.node[i].group || world.node[i].cut ||
		    !group_leads(world.node[i].group))
			continue;
		group_look(world.node[i].group, &info);
		if (info.term <= best.term)
			continue;
		best = info;
		found = &world.node[i];
	}
	return found;
}

#define WAIT_FOR(condition) LOOP_WAIT(world.loop, condition)

static void asked_done(struct group_wait *wait, int err)
{
	struct asked *asked = (struct asked *)wait;

	asked->done = true;
	asked->err = err;
}

static int say(struct node *node, u64 number, struct asked *asked)
{
	*asked = (struct asked){ .wait.done = asked_done };
	return group_propose(node->group, &number, sizeof(number),
			     &asked->wait);
}

/* One that leads takes it, and it is applied there. */
static bool say_all(u64 from, u64 nr)
{
	struct asked asked;
	struct node *node;
	u64 i;

	for (i = from; i < from + nr; i++) {
		do {
			if (!WAIT_FOR(leader()))
				return false;
			node = leader();
			loop_turn(world.loop, loop_now(world.loop));
		} while (!node->group || say(node, i, &asked));
		if (!WAIT_FOR(asked.done))
			return false;
		if (asked.err == -ESTALE)
			i--;
		else if (asked.err)
			return false;
	}
	return true;
}

/* Likewise, until so many bytes went through the log. */
static bool say_large(u64 nr)
{
	static const u8 large[32 * 1024];
	struct asked asked;
	u64 i;

	for (i = 0; i < nr; i++) {
		asked = (struct asked){ .wait.done = asked_done };
		if (!WAIT_FOR(leader() &&
			      !group_propose(leader()->group, large,
					     sizeof(large), &asked.wait)) ||
		    !WAIT_FOR(asked.done) || asked.err)
			return false;
	}
	return true;
}

static bool same(u64 nr)
{
	const struct machine *first = NULL, *m;
	u32 i;

	for (i = 0; i < NODES; i++) {
		m = &world.node[i].machine;
		if (!world.node[i].group)
			continue;
		if (m->nr != nr || (first && memcmp(m, first, sizeof(*m))))
			return false;
		first = m;
	}
	return true;
}

/* --- tests -------------------------------------------------------------------
 */

TEST_F(group, commands)
{
	struct asked asked;
	struct node *node;
	u32 i;

	ASSERT_TRUE(say_all(1, 100));
	ASSERT_TRUE(WAIT_FOR(same(100)));
	for (i = 0; i < 100; i++)
		EXPECT_EQ((u64)i + 1, world.node[0].machine.said[i]);
	/* who does not lead takes none, and answers no read */
	node = leader();
	ASSERT_TRUE(node);
	for (i = 0; i < NODES; i++)
		if (&world.node[i] != node) {
			EXPECT_EQ(-ENOTCONN, say(&world.node[i], 7, &asked));
			EXPECT_EQ(-ENOTCONN,
				  group_read(world.node[i].group, &asked.wait));
		}
}

TEST_F(group, reads)
{
	struct asked read = { .wait.done = asked_done }, asked, again;
	struct node *node;

	ASSERT_TRUE(say_all(1, 5));
	node = leader();
	ASSERT_EQ(0, say(node, 6, &asked));
	ASSERT_EQ(0, group_read(node->group, &read.wait));
	ASSERT_TRUE(WAIT_FOR(read.done && asked.done));
	EXPECT_EQ(0, read.err);
	EXPECT_EQ(6, asked.seen);
	/* whoever forgot one and asks again gets the second answer */
	node->cut = true;
	read.done = false;
	ASSERT_EQ(0, group_read(node->group, &read.wait));
	group_forget(node->group, &read.wait);
	again = (struct asked){ .wait.done = asked_done };
	ASSERT_EQ(0, group_read(node->group, &again.wait));
	ASSERT_TRUE(WAIT_FOR(again.done));
	EXPECT_EQ(-EAGAIN, again.err);
	EXPECT_FALSE(read.done);
}

TEST_F(group, leader_dies)
{
	struct node *node;

	ASSERT_TRUE(say_all(1, 20));
	node = leader();
	node_stop(node);
	ASSERT_TRUE(say_all(21, 20));
	ASSERT_EQ(0, node_start(node));
	ASSERT_TRUE(WAIT_FOR(same(40)));
}

TEST_F(group, overwritten)
{
	struct asked asked, late;
	struct node *old;

	ASSERT_TRUE(say_all(1, 3));
	old = leader();
	old->cut = true;
	ASSERT_EQ(0, say(old, 1000, &asked));
	ASSERT_EQ(0, say(old, 1001, &late));
	group_forget(old->group, &late.wait);
	ASSERT_TRUE(say_all(4, 3));
	EXPECT_FALSE(asked.done);
	old->cut = false;
	ASSERT_TRUE(WAIT_FOR(asked.done));
	EXPECT_EQ(-ESTALE, asked.err);
	EXPECT_FALSE(late.done);
	ASSERT_TRUE(WAIT_FOR(same(6)));
}

TEST_F(group, snapshot)
{
	struct group_info info;
	struct asked asked;
	struct node *old;

	ASSERT_TRUE(say_all(1, 10));
	old = leader();
	old->cut = true;
	ASSERT_EQ(0, say(old, 1000, &asked));
	/* more than the log holds: it has to get a snapshot */
	ASSERT_TRUE(say_all(11, 150));
	ASSERT_TRUE(WAIT_FOR(leader()));
	group_look(leader()->group, &info);
	EXPECT_LT(0, info.store.snap.index);
	EXPECT_EQ(0, info.snapshots_failed);
	old->cut = false;
	ASSERT_TRUE(WAIT_FOR(same(160)));
	EXPECT_LT(0, old->loads);
	/* its place is in the snapshot: nobody can tell */
	EXPECT_TRUE(asked.done);
	EXPECT_EQ(-EREMCHG, asked.err);
	/* and from the directory alone */
	node_stop(old);
	old->loads = 0;
	ASSERT_EQ(0, node_start(old));
	EXPECT_EQ(1, old->loads);
	ASSERT_TRUE(WAIT_FOR(same(160)));
}

static bool all_have(u64 last)
{
	struct group_info info;
	u32 i;

	for (i = 0; i < NODES; i++) {
		group_look(world.node[i].group, &info);
		if (info.last < last)
			return false;
	}
	return true;
}

/* While it becomes bytes it stays what it is, and all else goes on. */
TEST_F(group, saved_beside_the_loop)
{
	struct asked asked[64];
	struct group_info info;
	struct node *node;
	u64 term, applied;
	u32 i, n = 0;

	ASSERT_TRUE(say_all(1, 3));
	node = leader();
	gate_shut(&world.save_gate, true);
	while (!gate_waits(&world.save_gate)) {
		ASSERT_LT(n, 48);
		ASSERT_EQ(0, say(node, 4 + n, &asked[n]));
		n++;
		/* the three have one thread for it: all wait for the first */
		ASSERT_TRUE(WAIT_FOR(asked[n - 1].done ||
				     gate_waits(&world.save_gate)));
	}
	group_look(node->group, &info);
	term = info.term;
	applied = info.applied;
	for (i = 0; i < 8; i++, n++)
		ASSERT_EQ(0, say(node, 4 + n, &asked[n]));
	group_look(node->group, &info);
	ASSERT_TRUE(WAIT_FOR(all_have(info.last)));
	/* longer than anybody waits for a leader that is silent */
	for (i = 0; i < 50; i++)
		loop_turn(world.loop, loop_now(world.loop) + 10 * MS);
	group_look(node->group, &info);
	EXPECT_EQ(term, info.term);
	EXPECT_EQ(RAFT_LEADER, info.role);
	EXPECT_GE(applied + 1, info.applied);
	EXPECT_FALSE(asked[n - 1].done);
	gate_shut(&world.save_gate, false);
	for (i = 0; i < n; i++) {
		ASSERT_TRUE(WAIT_FOR(asked[i].done));
		EXPECT_EQ(0, asked[i].err);
	}
	ASSERT_TRUE(WAIT_FOR(same(3 + n)));
	EXPECT_FALSE(world.torn);
	group_look(node->group, &info);
	EXPECT_EQ(0, info.snapshots_failed);
}

/* What comes behind a snapshot waits until the machine is what it holds. */
TEST_F(group, loaded_beside_the_loop)
{
	struct group_info info, other;
	struct node *old;
	u64 nr;

	ASSERT_TRUE(say_all(1, 10));
	old = leader();
	old->cut = true;
	ASSERT_TRUE(say_all(11, 150));
	nr = old->machine.nr;
	gate_shut(&world.load_gate, true);
	old->cut = false;
	ASSERT_TRUE(WAIT_FOR(gate_waits(&world.load_gate)));
	ASSERT_TRUE(say_all(161, 3));
	ASSERT_TRUE(WAIT_FOR(leader()));
	group_look(leader()->group, &info);
	ASSERT_TRUE(WAIT_FOR(all_have(info.last)));
	group_look(old->group, &other);
	EXPECT_GT(info.applied, other.applied);
	EXPECT_EQ(nr, old->machine.nr);
	EXPECT_EQ(0, old->loads);
	gate_shut(&world.load_gate, false);
	ASSERT_TRUE(WAIT_FOR(same(163)));
	EXPECT_EQ(1, old->loads);
}

/* Nobody waits for the disk at the end of a server, nor for what is made. */
TEST_F(group, closed_while_it_is_saved)
{
	struct node *node;
	struct asked asked;
	u32 n;

	ASSERT_TRUE(WAIT_FOR(leader()));
	node = leader();
	gate_shut(&world.save_gate, true);
	for (n = 0; !gate_waits(&world.save_gate); n++) {
		ASSERT_LT(n, 48);
		ASSERT_EQ(0, say(node, n, &asked));
		ASSERT_TRUE(
			WAIT_FOR(asked.done || gate_waits(&world.save_gate)));
		if (!asked.done)
			group_forget(node->group, &asked.wait);
	}
	for (n = 0; n < NODES; n++) {
		group_close(world.node[n].group);
		world.node[n].group = NULL;
	}
	EXPECT_TRUE(gate_waits(&world.save_gate));
	gate_shut(&world.save_gate, false);
	work_settle(world.work);
	for (n = 0; n < NODES; n++)
		ASSERT_EQ(0, node_start(&world.node[n]));
	ASSERT_TRUE(WAIT_FOR(leader()));
}

TEST_F(group, transfer)
{
	struct node *node, *to;

	ASSERT_TRUE(say_all(1, 3));
	node = leader();
	to = &world.node[node->id % NODES];
	ASSERT_EQ(0, group_transfer(node->group, to->id));
	ASSERT_TRUE(WAIT_FOR(leader() == to));
	EXPECT_EQ(-EINVAL, group_transfer(to->group, to->id));
	ASSERT_TRUE(say_all(4, 3));
	ASSERT_TRUE(WAIT_FOR(same(6)));
}

static bool ended(const struct node *node)
{
	struct group_info info;

	group_look(node->group, &info);
	return info.state != GROUP_RUNS;
}

TEST_F(group, disk_fails)
{
	struct group_info info;
	struct asked asked;
	struct node *node;

	ASSERT_TRUE(say_all(1, 3));
	node = leader();
	node->write_err = -EIO;
	ASSERT_EQ(0, say(node, 4, &asked));
	ASSERT_TRUE(WAIT_FOR(asked.done));
	/* the others may have been quicker than its disk */
	EXPECT_TRUE(!asked.err || asked.err == -EREMCHG);
	ASSERT_TRUE(WAIT_FOR(ended(node)));
	group_look(node->group, &info);
	EXPECT_EQ(GROUP_FAILED, info.state);
	EXPECT_EQ(-EIO, info.store.err);
	EXPECT_EQ(-EIO, say(node, 5, &asked));
	EXPECT_EQ(-EIO, group_read(node->group, &asked.wait));
	/* the others go on; 4 may have reached them */
	ASSERT_TRUE(say_all(10, 5));
	node->write_err = 0;
	node_stop(node);
	ASSERT_EQ(0, node_start(node));
	ASSERT_TRUE(WAIT_FOR(leader() && same(leader()->machine.nr)));
	EXPECT_EQ(14, node->machine.said[node->machine.nr - 1]);
}

TEST_F(group, disk_full)
{
	struct asked asked = { .done = true };
	struct node *node;
	u8 large[32 * 1024] = { 0 };
	u32 i, tries = 0;

	ASSERT_TRUE(say_all(1, 3));
	node = leader();
	node->room_err = -ENOSPC;
	/* segments go by, none can be made: it steps down before it is too late
	 */
	while (leader() == node && tries++ < 200) {
		asked = (struct asked){ .wait.done = asked_done };
		if (group_propose(node->group, large, sizeof(large),
				  &asked.wait))
			loop_turn(world.loop, loop_now(world.loop) + MS);
		else
			ASSERT_TRUE(WAIT_FOR(asked.done || leader() != node));
	}
	if (!asked.done) /* not known before there is room */
		group_forget(node->group, &asked.wait);
	ASSERT_TRUE(WAIT_FOR(leader() && leader() != node));
	/* what the others log meanwhile has no place on it */
	ASSERT_TRUE(say_large(100));
	for (i = 0; i < NODES; i++) {
		struct group_info info;

		group_look(world.node[i].group, &info);
		EXPECT_EQ(GROUP_RUNS, info.state);
		EXPECT_EQ(&world.node[i] == node, info.store.full);
	}
	/* it takes part again as soon as there is room */
	node->room_err = 0;
	ASSERT_TRUE(WAIT_FOR(leader() && same(leader()->machine.nr)));
}

TEST_F(group, damaged)
{
	struct group_info info;
	struct asked asked;
	struct node *node;
	char name[128];

	ASSERT_TRUE(say_all(1, 3));
	ASSERT_TRUE(WAIT_FOR(same(3)));
	node = leader();
	node_stop(node);
	snprintf(name, sizeof(name), "%s/segment-%016x", node->dir, 1);
	ASSERT_EQ(0, truncate(name, 4096));
	ASSERT_EQ(0, node_start(node));
	group_look(node->group, &info);
	EXPECT_EQ(GROUP_DAMAGED, info.state);
	EXPECT_EQ(-EIO, say(node, 5, &asked));
	ASSERT_TRUE(say_all(4, 3));
	EXPECT_EQ(0, node->machine.nr);
}

TEST_HARNESS_MAIN
