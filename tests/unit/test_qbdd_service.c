// SPDX-License-Identifier: GPL-2.0-only
/*
 * Services: the order of start and stop, one that can not start, and verbs
 * that nobody does.
 */
#include <errno.h>
#include <json-c/json.h>

#include "harness.h"

#include "../../daemon/qbdd/qbdd.h"
#include "admin_verbs.h"

static char seen[64];

static void note(const char *what)
{
	size_t len = strlen(seen);

	ASSERT_LT(len + strlen(what), sizeof(seen));
	memcpy(seen + len, what, strlen(what) + 1);
}

static int start_a(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	note("+a");
	return 0;
}

static void stop_a(struct qbdd *qbdd)
{
	note("-a");
}

static int start_b(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	note("+b");
	return 0;
}

static void stop_b(struct qbdd *qbdd)
{
	note("-b");
}

static void status_b(struct qbdd *qbdd, struct json_object *into)
{
	json_object_object_add(into, "n", json_object_new_int(2));
}

static int start_bad(struct qbdd *qbdd, char why[QBDD_WHY_MAX])
{
	note("+bad");
	snprintf(why, QBDD_WHY_MAX, "no luck");
	return -EIO;
}

static void stop_bad(struct qbdd *qbdd)
{
	note("-bad");
}

static void run_none(struct admin_request *request, struct json_object *args,
		     void *owner)
{
}

static const struct admin_handler handlers[] = { { "echo", run_none } };

static const struct service a = {
	.name = "a",
	.start = start_a,
	.stop = stop_a,
	.handlers = handlers,
	.nr_handlers = 1,
};

static const struct service b = {
	.name = "b",
	.start = start_b,
	.stop = stop_b,
	.status = status_b,
};

static const struct service bare = { .name = "bare" };
static const struct service bad = {
	.name = "bad",
	.start = start_bad,
	.stop = stop_bad,
};

FIXTURE(service)
{
	struct qbdd qbdd;
};

FIXTURE_SETUP(service)
{
	log_level(LOG_LEVEL_NONE);
	self->qbdd.loop = loop_create();
	ASSERT_TRUE(self->qbdd.loop);
	self->qbdd.admin = admin_server_create(self->qbdd.loop, test_verbs);
}

FIXTURE_TEARDOWN(service)
{
	admin_server_destroy(self->qbdd.admin);
	loop_destroy(self->qbdd.loop);
}

TEST_F(service, order)
{
	static const struct service *const list[] = { &a, &bare, &b, NULL };
	struct json_object *status = json_object_new_object();
	char why[QBDD_WHY_MAX];

	ASSERT_EQ(0, service_start(&self->qbdd, list, why));
	EXPECT_EQ(3U, self->qbdd.started);
	EXPECT_STREQ("+a+b", seen);
	service_status(&self->qbdd, status);
	EXPECT_STREQ("{\"b\":{\"n\":2}}",
		     json_object_to_json_string_ext(status,
						    JSON_C_TO_STRING_PLAIN));
	json_object_put(status);
	service_stop(&self->qbdd);
	EXPECT_STREQ("+a+b-b-a", seen);
	service_stop(&self->qbdd);
	EXPECT_STREQ("+a+b-b-a", seen);
}

TEST_F(service, one_can_not_start)
{
	static const struct service *const list[] = { &a, &b, &bad, &bare,
						      NULL };
	char why[QBDD_WHY_MAX];

	EXPECT_EQ(-EIO, service_start(&self->qbdd, list, why));
	EXPECT_STREQ("no luck", why);
	EXPECT_STREQ("+a+b+bad-b-a", seen);
	EXPECT_EQ(0U, self->qbdd.started);
}

TEST_F(service, verbs_that_nobody_does)
{
	static const struct service *const list[] = { &a, NULL };
	char why[QBDD_WHY_MAX];

	EXPECT_STREQ("make thing", admin_server_missing(self->qbdd.admin));
	ASSERT_EQ(0, service_start(&self->qbdd, list, why));
	EXPECT_STREQ("make thing", admin_server_missing(self->qbdd.admin));
	service_stop(&self->qbdd);
}

TEST_HARNESS_MAIN
