// SPDX-License-Identifier: GPL-2.0-only
/*
 * Lines that are requests, and those that are not: each with its code, in the
 * order of the checks; and arguments of each type, at their bounds.
 */
#include <errno.h>
#include <json-c/json.h>

#include "harness.h"

#include "../../daemon/admin/request.h"
#include "admin_verbs.h"

static struct request request;

static bool parse_bytes(const char *line, size_t len)
{
	/* of its own size, so that a byte behind it is seen by ASan */
	char *copy = malloc(len ? len : 1);
	bool good;

	ASSERT_TRUE(copy);
	memcpy(copy, line, len);
	good = request_parse(&request, test_verbs, copy, len);
	free(copy);
	return good;
}

static bool parse(const char *line)
{
	return parse_bytes(line, strlen(line));
}

TEST(good)
{
	ASSERT_TRUE(parse("{\"id\": 7, \"verb\": \"make thing\", \"args\": "
			  "{\"name\": \"a\", \"size\": 18446744073709551614, "
			  "\"count\": 2, \"force\": true, \"color\": \"red\", "
			  "\"list\": [\"x\", \"y\"]}} \r"));
	EXPECT_TRUE(request.has_id);
	EXPECT_EQ(7, request.id);
	EXPECT_STREQ("make thing", request.verb->name);
	EXPECT_STREQ("a", verb_arg_string(request.args, "name"));
	EXPECT_EQ(UINT64_MAX - 1, verb_arg_number(request.args, "size", 0));
	EXPECT_EQ(2ULL, verb_arg_number(request.args, "count", 0));
	EXPECT_EQ(5ULL, verb_arg_number(request.args, "other", 5));
	EXPECT_TRUE(verb_arg_flag(request.args, "force"));
	EXPECT_FALSE(verb_arg_flag(request.args, "other"));
	EXPECT_NULL(verb_arg_string(request.args, "other"));
	request_free(&request);
	ASSERT_TRUE(parse("{\"verb\":\"echo\",\"id\":9223372036854775807}"));
	EXPECT_EQ(INT64_MAX, request.id);
	EXPECT_NULL(request.args);
	request_free(&request);
	ASSERT_TRUE(parse("{\"verb\":\"echo\",\"id\":0,\"args\":{}}"));
	request_free(&request);
}

static const struct {
	const char *line;
	const char *code;
	bool has_id;
	const char *why;
} bad[] = {
	{ "", "JSON", false, "nothing stands in it" },
	{ " ", "JSON", false, "it ends too early" },
	{ "hello", "JSON", false, NULL },
	{ "{\"id\": 1, \"verb\": \"echo\"", "JSON", false,
	  "it ends too early" },
	{ "{\"id\": 1, \"verb\": \"echo\"} {}", "JSON", false, NULL },
	{ "{\"id\": 1, \"verb\": \"echo\"}x", "JSON", false, NULL },
	{ "{\"id\": 1, \"verb\": \"ech\xff\"}", "JSON", false, NULL },
	{ "{'id': 1, 'verb': 'echo'}", "JSON", false, NULL },
	{ "{\"id\": 1, \"verb\": \"echo\",}", "JSON", false, NULL },
	{ "[1]", "JSON", false, "expected a JSON object" },
	{ "null", "JSON", false, NULL },
	{ "{}", "REQUEST", false, "id: expected" },
	{ "{\"id\": -1, \"verb\": \"echo\"}", "REQUEST", false,
	  "id: expected" },
	{ "{\"id\": 1.0, \"verb\": \"echo\"}", "REQUEST", false, "id: " },
	{ "{\"id\": \"1\", \"verb\": \"echo\"}", "REQUEST", false, "id: " },
	{ "{\"id\": null, \"verb\": \"echo\"}", "REQUEST", false, "id: " },
	{ "{\"id\": 9223372036854775808, \"verb\": \"echo\"}", "REQUEST", false,
	  "id: " },
	{ "{\"id\": 1}", "REQUEST", true, "verb: expected a string" },
	{ "{\"id\": 1, \"verb\": 1}", "REQUEST", true,
	  "verb: expected a string" },
	{ "{\"id\": 1, \"verb\": \"echo\", \"more\": 1}", "REQUEST", true,
	  "a request has id, verb and args, nothing else" },
	{ "{\"id\": 1, \"verb\": \"Echo\"}", "VERB", true,
	  "this daemon has no" },
	{ "{\"id\": 1, \"verb\": \"echo\\u0000x\"}", "VERB", true,
	  "this daemon has no" },
	{ "{\"id\": 1, \"verb\": \"echo\", \"args\": []}", "ARGS", true,
	  "args: expected an object" },
	{ "{\"id\": 1, \"verb\": \"echo\", \"args\": null}", "ARGS", true,
	  "args: expected an object" },
	{ "{\"id\": 1, \"verb\": \"echo\", \"args\": {\"a\": 1}}", "ARGS", true,
	  "a: 'echo' has no such argument" },
	{ "{\"id\": 1, \"verb\": \"make thing\"}", "ARGS", true,
	  "name: is needed" },
	{ "{\"id\": 1, \"verb\": \"make thing\", \"args\": {}}", "ARGS", true,
	  "name: is needed" },
};

TEST(refused)
{
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		TH_LOG("%s", bad[i].line);
		ASSERT_FALSE(parse(bad[i].line));
		EXPECT_STREQ(bad[i].code, request.code);
		EXPECT_EQ(bad[i].has_id, request.has_id);
		EXPECT_GT(request.error, 0);
		EXPECT_TRUE(!bad[i].why || strstr(request.why, bad[i].why));
		if (bad[i].why && !strstr(request.why, bad[i].why))
			TH_LOG("said: %s", request.why);
		request_free(&request);
	}
}

TEST(zero_byte)
{
	static const char line[] = "{\"id\": 1, \0\"verb\": \"echo\"}";

	ASSERT_FALSE(parse_bytes(line, sizeof(line) - 1));
	EXPECT_STREQ("JSON", request.code);
	EXPECT_TRUE(strstr(request.why, "a zero byte"));
	request_free(&request);
}

static const struct {
	const char *args; /* besides the name */
	const char *why; /* NULL: good */
} args[] = {
	{ "\"name\": \"12345678\"", NULL },
	{ "\"name\": \"123456789\"", "name: 9 bytes long; expected 1 to 8" },
	{ "\"name\": \"\"", "name: 0 bytes long; expected 1 to 8" },
	{ "\"name\": null", "name: expected a string" },
	{ "\"name\": 1", "name: expected a string" },
	{ "\"name\": \"a\\u0000b\"", "name: has a control character" },
	{ "\"name\": \"a\\nb\"", "name: has a control character" },
	{ "\"name\": \"a\\u007f\"", "name: has a control character" },
	{ "\"name\": \"\xc3\xa9\"", NULL },
	{ "\"name\": \"a\", \"color\": \"blue\"", NULL },
	{ "\"name\": \"a\", \"color\": \"pink\"",
	  "color: expected red, green or blue" },
	{ "\"name\": \"a\", \"count\": 10", NULL },
	{ "\"name\": \"a\", \"count\": 1",
	  "count: expected a whole number from 2 to 10" },
	{ "\"name\": \"a\", \"count\": 11",
	  "count: expected a whole number from 2 to 10" },
	{ "\"name\": \"a\", \"count\": -3",
	  "count: expected a whole number from 2 to 10" },
	{ "\"name\": \"a\", \"count\": 3.0",
	  "count: expected a whole number from 2 to 10" },
	{ "\"name\": \"a\", \"count\": 3e0",
	  "count: expected a whole number from 2 to 10" },
	{ "\"name\": \"a\", \"count\": \"3\"",
	  "count: expected a whole number from 2 to 10" },
	{ "\"name\": \"a\", \"size\": 0", NULL },
	{ "\"name\": \"a\", \"size\": -1", "size: expected a whole number" },
	{ "\"name\": \"a\", \"size\": 18446744073709551615",
	  "size: expected a whole number" },
	{ "\"name\": \"a\", \"size\": 99999999999999999999999",
	  "size: expected a whole number" },
	{ "\"name\": \"a\", \"size\": -99999999999999999999999",
	  "size: expected a whole number" },
	{ "\"name\": \"a\", \"force\": false", NULL },
	{ "\"name\": \"a\", \"force\": 1", "force: expected true or false" },
	{ "\"name\": \"a\", \"force\": null", "force: expected true or false" },
	{ "\"name\": \"a\", \"list\": [\"x\"]", NULL },
	{ "\"name\": \"a\", \"list\": []",
	  "list: a list of 0; expected 1 to 3" },
	{ "\"name\": \"a\", \"list\": [\"1\",\"2\",\"3\",\"4\"]",
	  "list: a list of 4; expected 1 to 3" },
	{ "\"name\": \"a\", \"list\": \"x\"",
	  "list: expected a list of strings" },
	{ "\"name\": \"a\", \"list\": [1]", "list: expected a string" },
	{ "\"name\": \"a\", \"list\": [null]", "list: expected a string" },
	{ "\"name\": \"a\", \"list\": [\"\"]", "list: 0 bytes long" },
	{ "\"name\": \"a\", \"colors\": [\"red\", \"pink\"]",
	  "colors: expected red, green or blue" },
	{ "\"name\": \"a\", \"ab\\u001b[2J\": 1",
	  "ab?[2J: 'make thing' has no such argument" },
};

TEST(arguments)
{
	char line[512];
	size_t i;

	for (i = 0; i < sizeof(args) / sizeof(args[0]); i++) {
		bool good;

		snprintf(
			line, sizeof(line),
			"{\"id\": 1, \"verb\": \"make thing\", \"args\": {%s}}",
			args[i].args);
		TH_LOG("%s", args[i].args);
		good = parse(line);
		EXPECT_EQ(!args[i].why, good);
		if (args[i].why && !good && !strstr(request.why, args[i].why)) {
			TH_LOG("said: %s", request.why);
			EXPECT_STREQ(args[i].why, request.why);
		}
		request_free(&request);
	}
}

/* An object in an object in ...: as deep as it may be, and one deeper. */
static void bomb(char *line, int depth)
{
	char *at =
		line + sprintf(line, "{\"id\":1,\"verb\":\"echo\",\"args\":");
	int i;

	for (i = 1; i < depth; i++)
		at += sprintf(at, "{\"a\":");
	at += sprintf(at, "1");
	for (i = 0; i < depth; i++)
		*at++ = '}';
	*at = '\0';
}

TEST(depth)
{
	static char line[REQUEST_LINE_MAX];

	bomb(line, REQUEST_DEPTH_MAX);
	EXPECT_FALSE(parse(line));
	EXPECT_STREQ("ARGS", request.code); /* read, and there is no "a" */
	request_free(&request);
	bomb(line, REQUEST_DEPTH_MAX + 1);
	EXPECT_FALSE(parse(line));
	EXPECT_STREQ("JSON", request.code);
	EXPECT_TRUE(strstr(request.why, "nesting too deep"));
	request_free(&request);
	memset(line, '[', sizeof(line));
	EXPECT_FALSE(parse_bytes(line, sizeof(line)));
	EXPECT_STREQ("JSON", request.code);
	request_free(&request);
}

/* The table that ships: names are nouns and verbs, each argument has help. */
TEST(table)
{
	const struct verb *verb;
	const struct verb_arg *arg;

	for (verb = verb_table; verb->name; verb++) {
		EXPECT_TRUE(verb_find(verb_table, verb->name) == verb);
		EXPECT_TRUE(verb->help && *verb->help);
		for (arg = verb->args; arg && arg->name; arg++) {
			EXPECT_TRUE(arg->help && *arg->help);
			EXPECT_LE(arg->min, arg->max);
			EXPECT_TRUE(verb_arg_find(verb, arg->name) == arg);
			EXPECT_TRUE(!arg->word ||
				    (arg->must && arg->type == VERB_STRING));
		}
	}
}

TEST_HARNESS_MAIN
