// SPDX-License-Identifier: GPL-2.0-only
/*
 * The administrator's door with clients in the same process: good ones, and
 * those that talk rubbish, too much, too slowly, do not read, are too many, go
 * away in the middle, or are not root.
 */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <pwd.h>
#include <unistd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "harness.h"

#include "../../daemon/admin/conn.h"
#include "admin_verbs.h"

#define S_NS 1000000000ULL

FIXTURE(admin)
{
	struct loop *loop;
	struct admin_server *server;
	struct admin_request *open; /* by "later" and "follow" */
	int left;
	char dir[32];
	char path[64];
};

/* --- what the verbs do -------------------------------------------------------
 */

static void run_echo(struct admin_request *request, struct json_object *args,
		     void *owner)
{
	struct json_object *ok = json_object_new_object();

	if (args)
		json_object_object_add(ok, "args", json_object_get(args));
	admin_ok(request, ok);
}

static void on_left(struct admin_request *request, void *arg)
{
	FIXTURE_DATA(admin) *self = arg;

	EXPECT_TRUE(request == self->open);
	self->open = NULL;
	self->left++;
	/* what it says now goes nowhere, and does no harm */
	admin_event(request, json_object_new_object());
}

static void run_later(struct admin_request *request, struct json_object *args,
		      void *owner)
{
	FIXTURE_DATA(admin) *self = owner;

	self->open = request;
	admin_later(request, on_left, self);
}

/* More than anybody takes at once, before the answer. */
static void run_flood(struct admin_request *request, struct json_object *args,
		      void *owner)
{
	char text[4096];
	int i;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (i = 0; i < 1000; i++) {
		struct json_object *progress = json_object_new_object();

		json_object_object_add(progress, "text",
				       json_object_new_string(text));
		admin_progress(request, progress);
	}
	admin_ok(request, json_object_new_object());
}

static void run_large(struct admin_request *request, struct json_object *args,
		      void *owner)
{
	struct json_object *ok = json_object_new_object();
	char *text = malloc(ADMIN_ANSWER_MAX + 1);

	ASSERT_TRUE(text);
	memset(text, 'y', ADMIN_ANSWER_MAX);
	text[ADMIN_ANSWER_MAX] = '\0';
	json_object_object_add(ok, "text", json_object_new_string(text));
	free(text);
	admin_ok(request, ok);
}

static const struct admin_handler handlers[] = {
	{ "make thing", run_echo }, { "echo", run_echo },
	{ "later", run_later },	    { "follow", run_later },
	{ "flood", run_flood },	    { "large", run_large },
};

FIXTURE_SETUP(admin)
{
	char why[ADMIN_WHY_MAX] = "";

	log_level(LOG_LEVEL_NONE);
	umask(0077);
	snprintf(self->dir, sizeof(self->dir), "/tmp/qbd-test-admin-XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/door/sock", self->dir);
	self->loop = loop_create();
	ASSERT_TRUE(self->loop);
	self->server = admin_server_create(self->loop, test_verbs);
	admin_server_handle(self->server, handlers,
			    sizeof(handlers) / sizeof(handlers[0]), self);
	EXPECT_STREQ("nobody", admin_server_missing(self->server));
	EXPECT_EQ(0, admin_server_open(self->server, self->path, why));
	EXPECT_STREQ("", why);
}

FIXTURE_TEARDOWN(admin)
{
	char name[96];

	admin_server_destroy(self->server);
	loop_destroy(self->loop);
	EXPECT_NE(0, access(self->path, F_OK)); /* taken away */
	snprintf(name, sizeof(name), "%s.lock", self->path);
	unlink(name);
	*strrchr(self->path, '/') = '\0';
	EXPECT_EQ(0, rmdir(self->path));
	EXPECT_EQ(0, rmdir(self->dir));
}

/* --- clients
 * ------------------------------------------------------------------
 */

static int connect_to(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, path, strlen(path));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	return fd;
}

/* Let the door do all that there is to do. */
static void turns(struct loop *loop)
{
	int i;

	for (i = 0; i < 40; i++)
		loop_turn(loop, 0);
}

static void say(int fd, const char *text)
{
	ASSERT_EQ((ssize_t)strlen(text),
		  send(fd, text, strlen(text), MSG_NOSIGNAL));
}

/* All that there is to read; NULL: the end, or the connection was cut. */
static const char *hear(int fd)
{
	static char text[1 << 21];
	size_t len = 0;
	ssize_t got;

	while ((got = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0)
		len += (size_t)got;
	text[len] = '\0';
	return len || (got < 0 && errno == EAGAIN) ? text : NULL;
}

static const char *ask(FIXTURE_DATA(admin) * self, int fd, const char *text)
{
	say(fd, text);
	turns(self->loop);
	return hear(fd);
}

static bool has(const char *text, const char *part)
{
	return text && strstr(text, part);
}

static const struct admin_stats *stats(FIXTURE_DATA(admin) * self)
{
	return admin_server_stats(self->server);
}

TEST_F(admin, modes)
{
	struct stat stat;

	ASSERT_EQ(0, lstat(self->path, &stat));
	EXPECT_EQ(S_IFSOCK | 0600, stat.st_mode);
	*strrchr(self->path, '/') = '\0';
	ASSERT_EQ(0, lstat(self->path, &stat));
	EXPECT_EQ(S_IFDIR | 0700, stat.st_mode);
	self->path[strlen(self->path)] = '/';
}

TEST_F(admin, good)
{
	int fd = connect_to(self->path);

	EXPECT_STREQ("{\"id\":1,\"ok\":{}}\n",
		     ask(self, fd, "{\"id\":1,\"verb\":\"echo\"}\n"));
	/* a byte at a time, and several at once */
	say(fd, "{\"id\":2,\"ver");
	turns(self->loop);
	EXPECT_STREQ("{\"id\":2,\"ok\":{}}\n{\"id\":3,\"ok\":{}}\n",
		     ask(self, fd,
			 "b\":\"echo\"}\n{\"id\":3,\"verb\":\"echo\"}\n"));
	EXPECT_STREQ(
		"{\"id\":4,\"ok\":{\"args\":{\"name\":\"a/b\"}}}\n",
		ask(self, fd,
		    "{\"id\":4,\"verb\":\"make thing\",\"args\":{\"name\":\"a/b\"}}\n"));
	EXPECT_EQ(4ULL, stats(self)->requests);
	EXPECT_EQ(1ULL, stats(self)->clients);
	close(fd);
	turns(self->loop);
	EXPECT_EQ(0ULL, stats(self)->clients);
	EXPECT_EQ(1ULL, stats(self)->accepted);
}

/* Many lines in one go: some in each turn, all of them in the end. */
TEST_F(admin, many_lines)
{
	static char text[REQUEST_LINE_MAX];
	int fd = connect_to(self->path);
	const char *line = "{\"id\":1,\"verb\":\"echo\"}\n";
	const char *heard;
	unsigned int nr = 0;
	int i;

	for (i = 0; i < 200; i++)
		memcpy(text + i * strlen(line), line, strlen(line) + 1);
	say(fd, text);
	while (stats(self)->requests == 0)
		loop_turn(self->loop, 0);
	EXPECT_LE(stats(self)->requests, 2ULL * ADMIN_LINES_MAX);
	turns(self->loop);
	for (heard = hear(fd); has(heard, "ok"); nr++)
		heard = strchr(heard, '\n') + 1;
	EXPECT_EQ(200U, nr);
	close(fd);
}

TEST_F(admin, errors_with_an_id_go_on)
{
	int fd = connect_to(self->path);

	EXPECT_STREQ(
		"{\"id\":1,\"error\":{\"code\":\"ARGS\",\"message\":\"name: is needed\",\"errno\":22}}\n",
		ask(self, fd, "{\"id\":1,\"verb\":\"make thing\"}\n"));
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":2,\"verb\":\"nobody\"}\n"),
			"\"code\":\"UNAVAILABLE\""));
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":2,\"verb\":\"such\"}\n"),
			"\"code\":\"VERB\""));
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":3,\"verb\":\"echo\"}\n"),
			"{\"id\":3,\"ok\""));
	EXPECT_EQ(2ULL, stats(self)->bad);
	close(fd);
}

TEST_F(admin, rubbish_ends_it)
{
	static const char *const rubbish[] = {
		"GET / HTTP/1.1\r\n",
		"\n",
		"{\"verb\":\"echo\"}\n",
		"\xff\xfe\n",
		"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\n",
	};
	size_t i;

	for (i = 0; i < sizeof(rubbish) / sizeof(rubbish[0]); i++) {
		int fd = connect_to(self->path);
		const char *heard = ask(self, fd, rubbish[i]);

		EXPECT_TRUE(has(heard, "{\"id\":null,\"error\":{\"code\":"));
		EXPECT_NULL(hear(fd));
		close(fd);
	}
	EXPECT_EQ(5ULL, stats(self)->bad);
	EXPECT_EQ(0ULL, stats(self)->clients);
}

/* The longest line that is one, and one byte more. */
TEST_F(admin, oversized)
{
	static char text[REQUEST_LINE_MAX + 2];
	int room = 1 << 20;
	int fd = connect_to(self->path);

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	memset(text, ' ', sizeof(text));
	memcpy(text, "{\"id\":1,\"verb\":\"echo\"}", 22);
	text[REQUEST_LINE_MAX] = '\n';
	text[REQUEST_LINE_MAX + 1] = '\0';
	EXPECT_TRUE(has(ask(self, fd, text), "{\"id\":1,\"ok\""));
	text[REQUEST_LINE_MAX] = ' ';
	EXPECT_TRUE(has(ask(self, fd, text), "at most 65536 bytes"));
	EXPECT_NULL(hear(fd));
	close(fd);
}

TEST_F(admin, answers_come_later)
{
	int fd = connect_to(self->path);
	struct json_object *event = json_object_new_object();

	EXPECT_STREQ("", ask(self, fd, "{\"id\":9,\"verb\":\"later\"}\n"));
	ASSERT_TRUE(self->open);
	/* others are served meanwhile, but not under the same id */
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":1,\"verb\":\"echo\"}\n"),
			"{\"id\":1,\"ok\""));
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":9,\"verb\":\"echo\"}\n"),
			"an open request of this connection has it"));
	admin_progress(self->open, json_object_new_object());
	json_object_object_add(event, "line",
			       json_object_new_string("a\nb\x1b"));
	admin_event(self->open, event);
	admin_error(self->open, "FULL", ENOSPC, "no room: add a store");
	turns(self->loop);
	EXPECT_STREQ(
		"{\"id\":9,\"progress\":{}}\n"
		"{\"id\":9,\"event\":{\"line\":\"a\\nb\\u001b\"}}\n"
		"{\"id\":9,\"error\":{\"code\":\"FULL\",\"message\":\"no room: add a store\",\"errno\":28}}\n",
		hear(fd));
	EXPECT_EQ(0, self->left);
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":9,\"verb\":\"echo\"}\n"),
			"{\"id\":9,\"ok\""));
	close(fd);
}

TEST_F(admin, leaves_in_the_middle)
{
	int fd = connect_to(self->path);

	ask(self, fd, "{\"id\":1,\"verb\":\"follow\"}\n");
	ASSERT_TRUE(self->open);
	close(fd);
	/* it is not seen yet: what is sent meanwhile is lost, no more */
	admin_event(self->open, json_object_new_object());
	EXPECT_EQ(0, self->left);
	turns(self->loop);
	EXPECT_EQ(1, self->left);
	EXPECT_NULL(self->open);
	EXPECT_EQ(0ULL, stats(self)->clients);
	/* nor does anything have to be sent for it to be seen */
	fd = connect_to(self->path);
	ask(self, fd, "{\"id\":1,\"verb\":\"later\"}\n");
	close(fd);
	turns(self->loop);
	EXPECT_EQ(2, self->left);
	EXPECT_EQ(0ULL, stats(self)->clients);
}

/* One half closed: it still gets what it asked for, then the end. */
TEST_F(admin, half_closed)
{
	int fd = connect_to(self->path);

	say(fd, "{\"id\":1,\"verb\":\"later\"}\n");
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	turns(self->loop);
	ASSERT_TRUE(self->open);
	EXPECT_EQ(1ULL, stats(self)->clients);
	admin_ok(self->open, json_object_new_object());
	turns(self->loop);
	EXPECT_STREQ("{\"id\":1,\"ok\":{}}\n", hear(fd));
	EXPECT_EQ(0ULL, stats(self)->clients);
	close(fd);
	fd = connect_to(self->path);
	say(fd, "{\"id\":1,\"verb\":");
	ASSERT_EQ(0, shutdown(fd, SHUT_WR));
	turns(self->loop);
	EXPECT_TRUE(has(hear(fd), "a request ends with a newline"));
	EXPECT_EQ(0ULL, stats(self)->clients);
	close(fd);
}

TEST_F(admin, open_requests_are_bounded)
{
	int fd = connect_to(self->path);
	struct admin_conn *conn;
	char text[64];
	int i;

	for (i = 0; i < ADMIN_REQUESTS_MAX; i++) {
		snprintf(text, sizeof(text), "{\"id\":%d,\"verb\":\"later\"}\n",
			 i);
		EXPECT_STREQ("", ask(self, fd, text));
	}
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":99,\"verb\":\"echo\"}\n"),
			"\"code\":\"BUSY\""));
	/* on_left() knows only one of them */
	conn = self->server->conns;
	while (conn->nr_requests)
		admin_ok(conn->requests, json_object_new_object());
	close(fd);
}

TEST_F(admin, clients_are_bounded)
{
	int fd[ADMIN_CLIENTS_MAX + 1];
	int i;

	for (i = 0; i <= ADMIN_CLIENTS_MAX; i++) {
		fd[i] = connect_to(self->path);
		turns(self->loop);
	}
	EXPECT_EQ(ADMIN_CLIENTS_MAX, stats(self)->clients);
	EXPECT_EQ(1ULL, stats(self)->refused_full);
	EXPECT_TRUE(has(hear(fd[ADMIN_CLIENTS_MAX]), "\"code\":\"BUSY\""));
	EXPECT_NULL(hear(fd[ADMIN_CLIENTS_MAX]));
	close(fd[ADMIN_CLIENTS_MAX]);
	EXPECT_TRUE(
		has(ask(self, fd[0], "{\"id\":1,\"verb\":\"echo\"}\n"), "ok"));
	close(fd[5]);
	turns(self->loop);
	fd[5] = connect_to(self->path);
	EXPECT_TRUE(
		has(ask(self, fd[5], "{\"id\":1,\"verb\":\"echo\"}\n"), "ok"));
	for (i = 0; i < ADMIN_CLIENTS_MAX; i++)
		close(fd[i]);
}

TEST_F(admin, does_not_read)
{
	int fd = connect_to(self->path);

	say(fd, "{\"id\":1,\"verb\":\"flood\"}\n");
	turns(self->loop);
	EXPECT_EQ(0ULL, stats(self)->clients);
	EXPECT_EQ(1ULL, stats(self)->cut_read);
	close(fd);
}

/* It asks for more than may wait, and reads late: it has to wait, no more. */
TEST_F(admin, reads_slowly)
{
	static char text[REQUEST_LINE_MAX], got[65536];
	int fd = connect_to(self->path);
	size_t said = 0, heard = 0, len = 0;
	int i;

	for (i = 0; i < 12; i++)
		len += (size_t)sprintf(
			text + len,
			"{\"id\":1,\"verb\":\"make thing\",\"args\":{\"name\":\"a\",\"list\":[\"%04000d\"]}}\n",
			0);
	/* it says all that it can, before it reads at all */
	for (i = 0; i < 1000 && said < 4 * ADMIN_OUT_MAX; i++) {
		ssize_t more = send(fd, text + said % len, len - said % len,
				    MSG_NOSIGNAL);

		said += more > 0 ? (size_t)more : 0;
		turns(self->loop);
	}
	EXPECT_GT(said, 2 * sizeof(text));
	EXPECT_LT(said, ADMIN_OUT_MAX);
	/* and then it reads, until there is nothing more */
	for (i = 0; i < 1000 && self->server->conns; i++) {
		ssize_t more = recv(fd, got, sizeof(got), 0);

		if (more <= 0)
			break;
		heard += (size_t)more;
		turns(self->loop);
	}
	EXPECT_EQ(said / (len / 12), stats(self)->requests);
	EXPECT_GT(heard, stats(self)->requests * 4000);
	EXPECT_EQ(0ULL, stats(self)->cut_read);
	close(fd);
}

TEST_F(admin, too_long_an_answer)
{
	int fd = connect_to(self->path);

	EXPECT_TRUE(has(ask(self, fd, "{\"id\":1,\"verb\":\"large\"}\n"),
			"{\"id\":1,\"error\":{\"code\":\"LARGE\""));
	close(fd);
}

/* --- time: the deadlines are looked at, then moved into the past
 * --------------
 */

static void expire(FIXTURE_DATA(admin) * self, uint64_t due_ns)
{
	struct admin_conn *conn = self->server->conns;

	EXPECT_EQ(due_ns, conn->timer.due_ns);
	EXPECT_NE(0U, conn->timer.slot);
}

TEST_F(admin, slow_request)
{
	struct admin_conn *conn;
	int fd = connect_to(self->path);

	say(fd, "{\"id\":1,");
	turns(self->loop);
	conn = self->server->conns;
	expire(self, conn->begun_ns + ADMIN_SEND_NS);
	/* another byte is no reason to wait longer */
	conn->begun_ns -= ADMIN_SEND_NS;
	say(fd, "\"verb\"");
	turns(self->loop);
	EXPECT_EQ(1ULL, stats(self)->cut_send);
	EXPECT_EQ(0ULL, stats(self)->clients);
	EXPECT_NULL(hear(fd));
	close(fd);
}

TEST_F(admin, idle)
{
	struct admin_conn *conn;
	int fd = connect_to(self->path);

	turns(self->loop);
	conn = self->server->conns;
	expire(self, conn->since_ns + ADMIN_IDLE_NS);
	/* whoever asks is not idle */
	conn->since_ns -= ADMIN_IDLE_NS - S_NS;
	ask(self, fd, "{\"id\":1,\"verb\":\"echo\"}\n");
	EXPECT_GT(conn->since_ns + ADMIN_IDLE_NS, loop_now(self->loop) + S_NS);
	/* nor who waits for an answer */
	ask(self, fd, "{\"id\":1,\"verb\":\"later\"}\n");
	EXPECT_EQ(0U, conn->timer.slot);
	admin_ok(self->open, json_object_new_object());
	turns(self->loop);
	expire(self, conn->since_ns + ADMIN_IDLE_NS);
	conn->since_ns -= ADMIN_IDLE_NS;
	admin_conn_wake(conn);
	turns(self->loop);
	EXPECT_EQ(1ULL, stats(self)->cut_idle);
	EXPECT_EQ(0ULL, stats(self)->clients);
	close(fd);
}

TEST_F(admin, stops_reading)
{
	char text[4096];
	struct admin_conn *conn;
	int fd = connect_to(self->path);
	int i;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	ask(self, fd, "{\"id\":1,\"verb\":\"follow\"}\n");
	conn = self->server->conns;
	for (i = 0; i < 200 && conn->out_from == conn->out_to; i++) {
		struct json_object *event = json_object_new_object();

		json_object_object_add(event, "t",
				       json_object_new_string(text));
		admin_event(self->open, event);
		turns(self->loop);
	}
	ASSERT_NE(conn->out_from, conn->out_to);
	expire(self, conn->moved_ns + ADMIN_READ_NS);
	conn->moved_ns -= ADMIN_READ_NS;
	admin_conn_wake(conn);
	turns(self->loop);
	EXPECT_EQ(1ULL, stats(self)->cut_read);
	EXPECT_EQ(1, self->left);
	close(fd);
}

/* --- who ---------------------------------------------------------------------
 */

/* In a child that is nobody: 0 if it was told that only root may speak. */
static int as_nobody(const char *path, const struct passwd *who)
{
	char text[512] = "";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path, path, strlen(path));
	if (setgid(who->pw_gid) || setuid(who->pw_uid))
		return 2;
	if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return errno == EACCES ? 3 : 4;
	if (recv(fd, text, sizeof(text) - 1, 0) <= 0)
		return 5;
	return strstr(text, "\"code\":\"PERMISSION\"") &&
			       strstr(text, "run qbdctl as root") ?
		       0 :
		       6;
}

static int child_of(FIXTURE_DATA(admin) * self, const struct passwd *who)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(as_nobody(self->path, who));
	while (!waitpid(pid, &status, WNOHANG))
		loop_turn(self->loop, loop_now(self->loop) + 1000000);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(admin, not_root)
{
	const struct passwd *who = getpwnam("nobody");
	char dir[64];

	if (getuid() || !who)
		SKIP(return, "has to be root, and to have a nobody");
	/* by the modes, as they are made */
	EXPECT_EQ(3, child_of(self, who));
	EXPECT_EQ(0ULL, stats(self)->refused_user);
	/* and by who it is, whatever the modes say */
	snprintf(dir, sizeof(dir), "%s", self->path);
	*strrchr(dir, '/') = '\0';
	ASSERT_EQ(0, chmod(self->dir, 0755));
	ASSERT_EQ(0, chmod(dir, 0755));
	ASSERT_EQ(0, chmod(self->path, 0666));
	EXPECT_EQ(0, child_of(self, who));
	EXPECT_EQ(1ULL, stats(self)->refused_user);
	EXPECT_EQ(0ULL, stats(self)->clients);
}

/* --- the socket in the file system -------------------------------------------
 */

static int open_again(FIXTURE_DATA(admin) * self, const char *path,
		      char why[ADMIN_WHY_MAX])
{
	struct admin_server *other =
		admin_server_create(self->loop, test_verbs);
	int error = admin_server_open(other, path, why);

	admin_server_destroy(other);
	return error;
}

TEST_F(admin, second_one)
{
	char why[ADMIN_WHY_MAX];
	int fd;

	EXPECT_EQ(-EADDRINUSE, open_again(self, self->path, why));
	EXPECT_TRUE(has(why, "another daemon answers there"));
	fd = connect_to(self->path);
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":1,\"verb\":\"echo\"}\n"), "ok"));
	close(fd);
}

TEST_F(admin, left_behind)
{
	char path[96], why[ADMIN_WHY_MAX] = "";
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(path, sizeof(path), "%s/old", self->dir);
	memcpy(addr.sun_path, path, strlen(path));
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	close(fd);
	EXPECT_EQ(0, open_again(self, path, why));
	EXPECT_STREQ("", why);
	snprintf(path, sizeof(path), "%s/old.lock", self->dir);
	EXPECT_EQ(0, unlink(path));
}

TEST_F(admin, bad_places)
{
	char path[160], why[ADMIN_WHY_MAX];
	int fd;

	snprintf(path, sizeof(path), "%s/file", self->dir);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	ASSERT_GE(fd, 0);
	close(fd);
	EXPECT_EQ(-EEXIST, open_again(self, path, why));
	EXPECT_TRUE(has(why, "is there and is no socket"));
	snprintf(path, sizeof(path), "%s/file/sock", self->dir);
	EXPECT_NE(0, open_again(self, path, why));
	snprintf(path, sizeof(path), "%s/file", self->dir);
	EXPECT_EQ(0, unlink(path));
	snprintf(path, sizeof(path), "%s/file.lock", self->dir);
	EXPECT_EQ(0, unlink(path));
	EXPECT_EQ(-EPERM, open_again(self, "/tmp/qbd-test-sock", why));
	EXPECT_TRUE(has(why, "others may write there"));
	EXPECT_EQ(-EINVAL, open_again(self, "relative", why));
	snprintf(path, sizeof(path), "/%0120d", 0);
	EXPECT_EQ(-EINVAL, open_again(self, path, why));
	EXPECT_NE(0, open_again(self, "/nonexistent/dir/sock", why));
	EXPECT_TRUE(has(why, "can not make the directory"));
}

/* Out of descriptors: it does not turn in circles, and comes back. */
TEST_F(admin, no_descriptors)
{
	struct admin_server *server = self->server;
	int fd = connect_to(self->path);
	struct rlimit before, few;
	uint64_t turns_before;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &before));
	few = before;
	few.rlim_cur = (rlim_t)fd + 1;
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &few));
	loop_turn(self->loop, 0);
	EXPECT_FALSE(server->listener.watched);
	turns_before = loop_stats(self->loop)->turns;
	loop_turn(self->loop, loop_now(self->loop) + 20000000);
	EXPECT_EQ(turns_before + 1, loop_stats(self->loop)->turns);
	EXPECT_EQ(0ULL, stats(self)->clients);
	/* still none when it tries again */
	loop_timer_set(self->loop, &server->pause, 0);
	turns(self->loop);
	EXPECT_FALSE(server->listener.watched);
	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &before));
	loop_timer_set(self->loop, &server->pause, 0);
	turns(self->loop);
	EXPECT_TRUE(has(ask(self, fd, "{\"id\":1,\"verb\":\"echo\"}\n"), "ok"));
	close(fd);
}

TEST_HARNESS_MAIN
