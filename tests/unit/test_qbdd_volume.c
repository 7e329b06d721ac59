// SPDX-License-Identifier: GPL-2.0-only
/*
 * Volumes at the administrator's door: clients that wait until it is done, that
 * do not, that leave, and what they are told.
 */
#include <errno.h>
#include <sys/un.h>

#include "volume_world.h"
#include "../../daemon/qbdd/qbdd.h"

static struct qbdd qbdd;
static char door[96];
static char heard[1 << 20];
static size_t heard_len;

static bool open_door(void)
{
	char why[ADMIN_WHY_MAX] = "";

	umask(0077);
	qbdd = (struct qbdd){ .loop = loop, .cluster = node[0].c };
	snprintf(door, sizeof(door), "%s/door/sock", top);
	qbdd.admin = admin_server_create(loop, verb_table);
	admin_server_handle(qbdd.admin, volume_service.handlers,
			    volume_service.nr_handlers, &qbdd);
	return !admin_server_open(qbdd.admin, door, why);
}

static void shut_door(void)
{
	volume_service.stop(&qbdd);
	admin_server_destroy(qbdd.admin);
}

static int call(const char *text)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	memcpy(addr.sun_path, door, strlen(door));
	ASSERT_EQ(0, connect(fd, (struct sockaddr *)&addr, sizeof(addr)));
	ASSERT_EQ((ssize_t)strlen(text), send(fd, text, strlen(text), 0));
	heard_len = 0;
	heard[0] = '\0';
	return fd;
}

/* Does it say so by now? What it said before counts, too. */
static bool hears(int fd, const char *part)
{
	ssize_t got;

	while ((got = recv(fd, heard + heard_len, sizeof(heard) - 1 - heard_len,
			   0)) > 0)
		heard_len += (size_t)got;
	heard[heard_len] = '\0';
	return strstr(heard, part);
}

#define HEARS(fd, part)                                    \
	({                                                 \
		bool hears_ = WAIT_FOR(hears(fd, part));   \
		if (!hears_)                               \
			printf("# %s: %s\n", part, heard); \
		hears_;                                    \
	})

TEST_F(cluster, waits)
{
	struct json_object *args;
	int fd;

	ASSERT_TRUE(make_stores(3));
	ASSERT_TRUE(open_door());
	fd = call("{\"id\":1,\"verb\":\"volume create\",\"args\":"
		  "{\"name\":\"db\",\"size\":134217728,"
		  "\"shard-size\":67108864}}\n");
	ASSERT_TRUE(HEARS(fd, "\"progress\":{\"waits\":"));
	ASSERT_TRUE(HEARS(fd, "6 copies to be made"));
	EXPECT_FALSE(hears(fd, "\"ok\""));
	ASSERT_TRUE(obey());
	ASSERT_TRUE(HEARS(fd, "\"ok\""));
	EXPECT_TRUE(hears(fd, "\"state\":\"ready\""));
	close(fd);
	/* its node can not: the client hears why */
	fd = call("{\"id\":2,\"verb\":\"volume attach\",\"args\":"
		  "{\"name\":\"db\"}}\n");
	ASSERT_TRUE(HEARS(fd, "node n1, which is alive, to serve it"));
	args = with_text(held("failed", "db"), "reason", "shard 1: no quorum");
	ASSERT_TRUE(did(&node[0], "agent report", args));
	ASSERT_TRUE(HEARS(fd, "NOT_SERVING"));
	EXPECT_TRUE(hears(fd, "shard 1: no quorum"));
	close(fd);
	fd = call("{\"id\":3,\"verb\":\"volume attach\",\"args\":"
		  "{\"name\":\"db\",\"node\":\"n2\",\"force\":true}}\n");
	ASSERT_TRUE(HEARS(fd, "node n2, which is alive, to serve it"));
	args = with_text(held("attached", "db"), "device", "qbd7");
	ASSERT_TRUE(did(&node[1], "agent report", args));
	ASSERT_TRUE(HEARS(fd, "\"ok\""));
	EXPECT_TRUE(hears(fd, "\"device\":\"qbd7\""));
	close(fd);
	fd = call("{\"id\":4,\"verb\":\"volume detach\",\"args\":"
		  "{\"name\":\"db\"}}\n");
	ASSERT_TRUE(HEARS(fd, "to release it"));
	ASSERT_TRUE(did(&node[1], "agent report", held("released", "db")));
	ASSERT_TRUE(HEARS(fd, "\"ok\""));
	close(fd);
	/* detached by somebody else while it is waited for */
	fd = call("{\"id\":5,\"verb\":\"volume attach\",\"args\":"
		  "{\"name\":\"db\"}}\n");
	ASSERT_TRUE(HEARS(fd, "to serve it"));
	ASSERT_TRUE(did(&node[2], "volume detach",
			with_flag(named("db"), "force")));
	ASSERT_TRUE(HEARS(fd, "NOT_ATTACHED"));
	close(fd);
	fd = call("{\"id\":6,\"verb\":\"volume delete\",\"args\":"
		  "{\"name\":\"db\"}}\n");
	ASSERT_TRUE(HEARS(fd, "2 shards to be deleted"));
	ASSERT_TRUE(obey());
	ASSERT_TRUE(HEARS(fd, "\"state\":\"deleted\""));
	close(fd);
	shut_door();
}

TEST_F(cluster, waits_not)
{
	int fd;

	ASSERT_TRUE(make_stores(1));
	ASSERT_TRUE(open_door());
	fd = call("{\"id\":1,\"verb\":\"volume create\",\"args\":"
		  "{\"name\":\"a\",\"size\":4096}}\n");
	ASSERT_TRUE(HEARS(fd, "3 copies need 3 hosts"));
	close(fd);
	fd = call("{\"id\":2,\"verb\":\"volume create\",\"args\":"
		  "{\"name\":\"a\",\"size\":4096,\"copies\":1,"
		  "\"no-wait\":true}}\n");
	ASSERT_TRUE(HEARS(fd, "\"state\":\"creating\""));
	EXPECT_FALSE(hears(fd, "progress"));
	close(fd);
	/* who leaves ends his wait, and nothing else */
	fd = call("{\"id\":3,\"verb\":\"volume create\",\"args\":"
		  "{\"name\":\"b\",\"size\":4096,\"copies\":1}}\n");
	ASSERT_TRUE(HEARS(fd, "to be made"));
	close(fd);
	ASSERT_TRUE(obey());
	EXPECT_EQ(STATE_VOLUME_READY, volume("b")->state);
	/* the daemon ends while somebody waits */
	fd = call("{\"id\":4,\"verb\":\"volume create\",\"args\":"
		  "{\"name\":\"c\",\"size\":4096,\"copies\":1}}\n");
	ASSERT_TRUE(HEARS(fd, "to be made"));
	volume_service.stop(&qbdd);
	ASSERT_TRUE(HEARS(fd, "STOPPING"));
	EXPECT_EQ(0, node[0].c->nr_asks);
	close(fd);
	shut_door();
}

/* More than the leader says at a time. */
TEST_F(cluster, lists)
{
	struct json_object *doc, *ok, *rows;
	char name[16];
	u32 i;
	int fd;

	ASSERT_TRUE(make_stores(1));
	for (i = 0; i < 203; i++) {
		snprintf(name, sizeof(name), "v%u", i);
		ASSERT_TRUE(did(&node[0], "volume create",
				volume_args(name, 1, 1)));
	}
	ASSERT_TRUE(open_door());
	fd = call("{\"id\":1,\"verb\":\"volume list\"}\n");
	ASSERT_TRUE(HEARS(fd, "\n"));
	doc = json_of(heard, heard_len, 16);
	ASSERT_TRUE(doc && json_object_object_get_ex(doc, "ok", &ok) &&
		    json_object_object_get_ex(ok, "volumes", &rows));
	ASSERT_EQ(203, json_object_array_length(rows));
	EXPECT_STREQ("v202",
		     args_text(json_object_array_get_idx(rows, 202), "name"));
	EXPECT_EQ(0, args_number(ok, "next", 0));
	json_object_put(doc);
	close(fd);
	fd = call("{\"id\":1,\"verb\":\"volume list\","
		  "\"args\":{\"from\":201}}\n");
	ASSERT_TRUE(HEARS(fd, "\n"));
	EXPECT_FALSE(hears(fd, "v200"));
	EXPECT_TRUE(hears(fd, "v201"));
	close(fd);
	shut_door();
}

TEST_HARNESS_MAIN
