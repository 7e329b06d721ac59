// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl's side of the administrator's door: against the real one, and against
 * others that answer wrongly, late, too much, or not at all.
 */
#include <errno.h>
#include <json-c/json.h>
#include <pwd.h>
#include <signal.h>
#include <unistd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "harness.h"

#include "../../daemon/admin/call.h"
#include "../../daemon/admin/server.h"
#include "../../daemon/log.h"
#include "admin_verbs.h"

FIXTURE(call)
{
	char dir[32];
	char path[64];
	pid_t server;
	struct admin_call call;
	int progress;
	int events;
};

static void on_progress(struct json_object *progress, void *arg)
{
	FIXTURE_DATA(call) *self = arg;

	self->progress++;
}

static void on_event(struct json_object *event, void *arg)
{
	FIXTURE_DATA(call) *self = arg;

	self->events++;
}

FIXTURE_SETUP(call)
{
	snprintf(self->dir, sizeof(self->dir), "/tmp/qbd-test-call-XXXXXX");
	ASSERT_TRUE(mkdtemp(self->dir));
	snprintf(self->path, sizeof(self->path), "%s/sock", self->dir);
	self->call = (struct admin_call){ .socket = self->path,
					  .timeout_ms = 10000,
					  .verb = "echo",
					  .progress = on_progress,
					  .event = on_event,
					  .arg = self };
}

FIXTURE_TEARDOWN(call)
{
	char path[96];

	if (self->server > 0) {
		kill(self->server, SIGKILL);
		waitpid(self->server, NULL, 0);
	}
	json_object_put(self->call.ok);
	unlink(self->path);
	snprintf(path, sizeof(path), "%s.lock", self->path);
	unlink(path);
	EXPECT_EQ(0, rmdir(self->dir));
}

static int listen_at(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path, path, strlen(path));
	ASSERT_EQ(0, bind(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ(0, listen(fd, 1));
	return fd;
}

/* A server that says what it is told to, whatever it was asked. */
static void serve(FIXTURE_DATA(call) * self, const char *text, size_t len,
		  bool stay)
{
	int at = listen_at(self->path);
	char line[4096];
	size_t sent = 0;
	int fd;

	self->server = fork();
	if (self->server) {
		close(at);
		return;
	}
	fd = accept(at, NULL, NULL);
	if (read(fd, line, sizeof(line)) <= 0)
		_exit(1);
	while (sent < len) {
		ssize_t more = send(fd, text + sent, len - sent, MSG_NOSIGNAL);

		if (more <= 0)
			break;
		sent += (size_t)more;
	}
	while (stay && read(fd, line, sizeof(line)) > 0)
		;
	_exit(0);
}

TEST_F(call, answers)
{
	const char *text =
		"{\"id\":1,\"progress\":{\"n\":1}}\n"
		"{\"id\":1,\"event\":{}}\n{\"id\":1,\"event\":{}}\n"
		"{\"id\":1,\"ok\":{\"a\":5}}\n{\"id\":1,\"event\":{}}\n";

	serve(self, text, strlen(text), true);
	EXPECT_EQ(0, admin_call(&self->call));
	EXPECT_STREQ("", self->call.error);
	EXPECT_EQ(1, self->progress);
	EXPECT_EQ(2, self->events);
	ASSERT_TRUE(self->call.ok);
	EXPECT_EQ(5, json_object_get_int(
			     json_object_object_get(self->call.ok, "a")));
}

static const struct {
	const char *text;
	int error;
	const char *said;
} wrong[] = {
	{ "{\"id\":1,\"error\":{\"code\":\"FULL\",\"message\":\"no room\",\"errno\":28}}\n",
	  -ENOSPC, "no room" },
	{ "{\"id\":null,\"error\":{\"code\":\"BUSY\",\"message\":\"later\",\"errno\":16}}\n",
	  -EBUSY, "later" },
	{ "{\"id\":1,\"error\":{\"code\":\"X\",\"message\":\"a\\u001b[2Jb\",\"errno\":-7}}\n",
	  -EREMOTEIO, "a?[2Jb" },
	{ "{\"id\":1,\"error\":{\"code\":\"X\"}}\n", -EBADMSG,
	  "does not talk like qbdd" },
	{ "{\"id\":1,\"error\":{\"code\":1,\"message\":\"x\"}}\n", -EBADMSG,
	  "does not talk like qbdd" },
	{ "SSH-2.0-OpenSSH\r\n", -EBADMSG, "does not talk like qbdd" },
	{ "{\"id\":2,\"ok\":{}}\n", -EBADMSG, "does not talk like qbdd" },
	{ "{\"id\":1}\n", -EBADMSG, "does not talk like qbdd" },
	{ "{\"id\":1,\"ok\":null}\n", -EBADMSG, "does not talk like qbdd" },
	{ "[]\n", -EBADMSG, "does not talk like qbdd" },
	{ "", -ECONNRESET, "ended before it had answered" },
	{ "{\"id\":1,\"ok\":{}}", -ECONNRESET, "ended before it had answered" },
	{ "{\"id\":1,\"progress\":{}}\n", -ECONNRESET,
	  "ended before it had answered" },
};

TEST_F(call, wrong_answers)
{
	size_t i;

	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		TH_LOG("%s", wrong[i].text);
		serve(self, wrong[i].text, strlen(wrong[i].text), false);
		EXPECT_EQ(wrong[i].error, admin_call(&self->call));
		EXPECT_NULL(self->call.ok);
		EXPECT_TRUE(strstr(self->call.error, wrong[i].said));
		if (!strstr(self->call.error, wrong[i].said))
			TH_LOG("said: %s", self->call.error);
		waitpid(self->server, NULL, 0);
		unlink(self->path);
	}
	self->server = 0;
}

TEST_F(call, endless_line)
{
	size_t len = CALL_LINE_MAX + 4096;
	char *text = malloc(len);

	ASSERT_TRUE(text);
	memset(text, ' ', len);
	serve(self, text, len, true);
	EXPECT_EQ(-EMSGSIZE, admin_call(&self->call));
	EXPECT_TRUE(strstr(self->call.error, "too long"));
	free(text);
}

TEST_F(call, no_answer_in_time)
{
	self->call.timeout_ms = 50;
	serve(self, "{\"id\":1,", 8, true);
	EXPECT_EQ(-ETIMEDOUT, admin_call(&self->call));
	EXPECT_TRUE(strstr(self->call.error, "did not answer in time"));
}

TEST_F(call, nobody_there)
{
	EXPECT_EQ(-ENOENT, admin_call(&self->call));
	EXPECT_TRUE(strstr(self->call.error, "systemctl start qbdd"));
	close(listen_at(self->path));
	EXPECT_EQ(-ECONNREFUSED, admin_call(&self->call));
	EXPECT_TRUE(strstr(self->call.error, "systemctl start qbdd"));
}

TEST_F(call, no_name_of_a_socket)
{
	char path[300];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	self->call.socket = path;
	EXPECT_EQ(-ENAMETOOLONG, admin_call(&self->call));
}

TEST_F(call, too_large_a_request)
{
	struct json_object *args = json_object_new_object();
	char *text = calloc(1, 65537);

	ASSERT_TRUE(text);
	memset(text, 'x', 65536);
	json_object_object_add(args, "name", json_object_new_string(text));
	self->call.args = args;
	serve(self, "", 0, false);
	EXPECT_EQ(-E2BIG, admin_call(&self->call));
	json_object_put(args);
	free(text);
}

/* --- against the real one
 * ------------------------------------------------------
 */

static void run_echo(struct admin_request *request, struct json_object *args,
		     void *owner)
{
	struct json_object *ok = json_object_new_object();

	admin_progress(request, json_object_new_object());
	json_object_object_add(ok, "args", json_object_get(args));
	admin_ok(request, ok);
}

static const struct admin_handler handlers[] = { { "make thing", run_echo } };

/* In a child: never returns. */
static void be_server(const char *path, int ready)
{
	char why[ADMIN_WHY_MAX] = "";
	struct loop *loop = loop_create();
	struct admin_server *server = admin_server_create(loop, test_verbs);

	log_level(LOG_LEVEL_NONE);
	admin_server_handle(server, handlers, 1, NULL);
	if (admin_server_open(server, path, why) || write(ready, "r", 1) != 1)
		_exit(1);
	loop_run(loop);
	_exit(1);
}

static void serve_really(FIXTURE_DATA(call) * self)
{
	int ready[2];
	char byte;

	ASSERT_EQ(0, pipe(ready));
	self->server = fork();
	if (!self->server)
		be_server(self->path, ready[1]);
	close(ready[1]);
	ASSERT_EQ(1, read(ready[0], &byte, 1));
	close(ready[0]);
}

TEST_F(call, the_real_one)
{
	serve_really(self);
	self->call.verb = "make thing";
	self->call.args = json_tokener_parse("{\"name\":\"a\"}");
	EXPECT_EQ(0, admin_call(&self->call));
	EXPECT_EQ(1, self->progress);
	EXPECT_STREQ("{\"args\":{\"name\":\"a\"}}",
		     json_object_to_json_string_ext(self->call.ok,
						    JSON_C_TO_STRING_PLAIN));
	json_object_put(self->call.ok);
	json_object_put(self->call.args);
	self->call.args = NULL;
	EXPECT_EQ(-EINVAL, admin_call(&self->call));
	EXPECT_STREQ("ARGS", self->call.code);
	EXPECT_STREQ("name: is needed", self->call.error);
}

/* What a user who is not root is told, at a door with and without modes. */
TEST_F(call, not_root)
{
	const struct passwd *who = getpwnam("nobody");
	int open, status;
	pid_t pid;

	if (getuid() || !who)
		SKIP(return, "has to be root, and to have a nobody");
	serve_really(self);
	for (open = 0; open < 2; open++) {
		if (open && (chmod(self->path, 0666) || chmod(self->dir, 0755)))
			ASSERT_TRUE(false);
		pid = fork();
		if (!pid) {
			bool good = !setgid(who->pw_gid) &&
				    !setuid(who->pw_uid);
			int error = good ? admin_call(&self->call) : 0;
			const char *said = self->call.error;

			good = (error == -EACCES || error == -EPERM) &&
			       strstr(said, "run qbdctl as root");
			if (!good)
				fprintf(stderr, "%d: %s\n", error, said);
			_exit(!good);
		}
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		EXPECT_EQ(0, status);
	}
}

TEST_HARNESS_MAIN
