// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the supervisor is told: at a fake socket, in the file system and
 * abstract, with a reader that is slow, gone, or back again.
 */
#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "harness.h"

#include "../../daemon/qbdd/notify.h"

#define MS_NS 1000000ULL

FIXTURE(notify)
{
	struct loop *loop;
	struct notify notify;
	int fd;
	char name[64];
};

/* The supervisor's socket: "@..." or a path. */
static int listen_at(const char *name)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);

	ASSERT_GE(fd, 0);
	memcpy(addr.sun_path, name, strlen(name));
	if (*name == '@')
		addr.sun_path[0] = '\0';
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) +
				      strlen(name))));
	return fd;
}

FIXTURE_SETUP(notify)
{
	log_level(LOG_LEVEL_NONE);
	self->loop = loop_create();
	ASSERT_TRUE(self->loop);
	snprintf(self->name, sizeof(self->name), "@qbd-test-notify-%d",
		 (int)getpid());
	self->fd = listen_at(self->name);
	setenv("NOTIFY_SOCKET", self->name, 1);
	unsetenv("WATCHDOG_USEC");
	unsetenv("WATCHDOG_PID");
}

FIXTURE_TEARDOWN(notify)
{
	notify_close(&self->notify);
	loop_destroy(self->loop);
	if (self->fd >= 0)
		close(self->fd);
}

/* The next datagram, or "" if there is none. */
static const char *got(int fd)
{
	static char text[1024];
	ssize_t len = recv(fd, text, sizeof(text) - 1, 0);

	text[len < 0 ? 0 : len] = '\0';
	return text;
}

static void turn_for(struct loop *loop, uint64_t ns)
{
	uint64_t end_ns = loop_now(loop) + ns;

	while (loop_now(loop) < end_ns)
		loop_turn(loop, end_ns);
}

TEST_F(notify, abstract)
{
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	EXPECT_NULL(getenv("NOTIFY_SOCKET"));
	notify_ready(&self->notify);
	EXPECT_STREQ("READY=1\n", got(self->fd));
	notify_status(&self->notify, "node %s", "alpha");
	EXPECT_STREQ("STATUS=node alpha\n", got(self->fd));
	notify_stopping(&self->notify);
	EXPECT_STREQ("STOPPING=1\n", got(self->fd));
	EXPECT_STREQ("", got(self->fd));
}

TEST_F(notify, path)
{
	char path[] = "/tmp/qbd-test-notify-XXXXXX";
	char name[64];
	int fd;

	ASSERT_TRUE(mkdtemp(path));
	snprintf(name, sizeof(name), "%s/s", path);
	fd = listen_at(name);
	setenv("NOTIFY_SOCKET", name, 1);
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	notify_ready(&self->notify);
	EXPECT_STREQ("READY=1\n", got(fd));
	close(fd);
	unlink(name);
	rmdir(path);
}

TEST_F(notify, one_line_stays_one)
{
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	notify_status(&self->notify, "a\nREADY=1");
	EXPECT_STREQ("STATUS=a?READY=1\n", got(self->fd));
}

TEST_F(notify, reload_is_two_datagrams)
{
	unsigned long long us = 0;

	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	notify_reloading(&self->notify);
	notify_ready(&self->notify);
	ASSERT_EQ(1, sscanf(got(self->fd), "RELOADING=1\nMONOTONIC_USEC=%llu\n",
			    &us));
	EXPECT_NE(0ULL, us);
	EXPECT_STREQ("READY=1\n", got(self->fd));
}

TEST_F(notify, nobody)
{
	unsetenv("NOTIFY_SOCKET");
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	notify_ready(&self->notify);
	notify_status(&self->notify, "x");
	EXPECT_STREQ("", got(self->fd));
}

TEST_F(notify, bad_addresses)
{
	char name[200];

	memset(name, 'a', sizeof(name) - 1);
	name[0] = '/';
	name[sizeof(name) - 1] = '\0';
	setenv("NOTIFY_SOCKET", name, 1);
	EXPECT_EQ(-ENAMETOOLONG, notify_open(&self->notify, self->loop));
	setenv("NOTIFY_SOCKET", "vsock:2:1", 1);
	EXPECT_EQ(-EAFNOSUPPORT, notify_open(&self->notify, self->loop));
	setenv("NOTIFY_SOCKET", "@", 1);
	EXPECT_EQ(-EAFNOSUPPORT, notify_open(&self->notify, self->loop));
	notify_ready(&self->notify); /* to nobody */
}

/* The reader is away: what is due is said when it is back, once. */
TEST_F(notify, said_later)
{
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	close(self->fd);
	self->fd = -1;
	notify_reloading(&self->notify);
	notify_status(&self->notify, "old");
	notify_status(&self->notify, "new");
	notify_ready(&self->notify);
	turn_for(self->loop, 10 * MS_NS);
	self->fd = listen_at(self->name);
	turn_for(self->loop, 300 * MS_NS);
	EXPECT_EQ(0, strncmp("RELOADING=1\n", got(self->fd), 12));
	EXPECT_STREQ("READY=1\nSTATUS=new\n", got(self->fd));
	EXPECT_STREQ("", got(self->fd));
}

/* It does not read: nobody waits for it, and nothing important is lost. */
TEST_F(notify, full)
{
	int i;

	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	for (i = 0; i < 10000 && !self->notify.due; i++)
		notify_status(&self->notify, "%d", i);
	ASSERT_LT(i, 10000);
	notify_ready(&self->notify);
	while (*got(self->fd))
		;
	turn_for(self->loop, 300 * MS_NS);
	EXPECT_EQ(0, strncmp("READY=1\nSTATUS=", got(self->fd), 15));
}

TEST_F(notify, watchdog)
{
	int i;

	setenv("WATCHDOG_USEC", "40000", 1);
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	EXPECT_EQ(20 * MS_NS, self->notify.watchdog_ns);
	turn_for(self->loop, 110 * MS_NS);
	for (i = 0; *got(self->fd); i++)
		;
	/* at 20, 40, ... 100 ms; a busy machine may make it fewer */
	EXPECT_GE(i, 1);
	EXPECT_LE(i, 5);
	/* the loop does not turn: nobody is told that it does */
	EXPECT_EQ(0, poll(NULL, 0, 50));
	EXPECT_STREQ("", got(self->fd));
}

TEST_F(notify, watchdog_of_another)
{
	char pid[16];

	setenv("WATCHDOG_USEC", "40000", 1);
	setenv("WATCHDOG_PID", "1", 1);
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	EXPECT_EQ(0ULL, self->notify.watchdog_ns);
	notify_close(&self->notify);

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	setenv("NOTIFY_SOCKET", self->name, 1);
	setenv("WATCHDOG_USEC", "40000", 1);
	setenv("WATCHDOG_PID", pid, 1);
	ASSERT_EQ(0, notify_open(&self->notify, self->loop));
	EXPECT_EQ(20 * MS_NS, self->notify.watchdog_ns);
	notify_close(&self->notify);

	setenv("NOTIFY_SOCKET", self->name, 1);
	setenv("WATCHDOG_USEC", "soon", 1);
	EXPECT_EQ(-EINVAL, notify_open(&self->notify, self->loop));
	EXPECT_EQ(-1, self->notify.fd);
}

TEST_HARNESS_MAIN
