/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Unit tests in kselftest spelling: TEST, FIXTURE, TEST_F, EXPECT_*, ASSERT_*,
 * SKIP, TEST_HARNESS_MAIN. One program is one file of tests.
 *
 * Every test runs in a child process, so that an abort, a sanitizer report or
 * an endless loop fails that test and no other. Output is KTAP on stdout; the
 * exit code is 0 (all passed), 1 (one failed) or 4 (all were skipped).
 *
 * EXPECT_* notes a failure and goes on; ASSERT_* ends the test, from helper
 * functions too. In both the expected value comes first, as in kselftest.
 * Random data comes from th_rand(), whose seed is printed when a test first
 * uses it and can be given again in the environment as QBD_SEED.
 *
 * usage: test_x [--list] [--no-fork] [GLOB of test names]...
 */
#ifndef QBD_TESTS_HARNESS_H
#define QBD_TESTS_HARNESS_H

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TH_UNUSED __attribute__((__unused__))

struct th_test {
	const char *name;
	void (*setup)(void *self);
	void (*body)(void *self);
	void (*teardown)(void *self);
	void *self; /* the fixture's data, zero before setup */
	size_t self_bytes;
	struct th_test *next;
};

/* What the child says about its test; in memory it shares with the parent. */
struct th_verdict {
	bool failed;
	bool skipped;
	char why[200];
};

/* One program, one thread, one test at a time: file scope is enough. */
static struct {
	struct th_test *first;
	struct th_test **last;
	struct th_verdict *verdict;
	jmp_buf end;
	uint64_t seed;
	uint64_t rand;
	bool rand_used;
} th = { .last = &th.first };

/* --- what a test says -------------------------------------------------- */

#define TH_LOG(fmt, ...) \
	printf("# %s:%d: " fmt "\n", __FILE__, __LINE__, ##__VA_ARGS__)

/* The statement is there for kselftest's spelling; it is never reached. */
#define SKIP(statement, fmt, ...)                                       \
	do {                                                            \
		snprintf(th.verdict->why, sizeof(th.verdict->why), fmt, \
			 ##__VA_ARGS__);                                \
		th.verdict->skipped = true;                             \
		longjmp(th.end, 1);                                     \
		statement;                                              \
	} while (0)

static inline void th_fail(bool fatal)
{
	fflush(stdout);
	th.verdict->failed = true;
	if (fatal)
		longjmp(th.end, 1);
}

/* Signed values print as such: -22 says more than 0xffffffffffffffea. */
static inline void th_print(const char *what, bool is_signed,
			    unsigned long long val)
{
	if (is_signed)
		printf(" %s %lld", what, (long long)val);
	else
		printf(" %s %llu (%#llx)", what, val, val);
}

#define TH_IS_SIGNED(x) ((typeof(x))-1 < (typeof(x))1)

#define TH_CMP(expected, seen, op, fatal)                                 \
	do {                                                              \
		__auto_type th_exp = (expected);                          \
		__auto_type th_seen = (seen);                             \
		if (th_exp op th_seen)                                    \
			break;                                            \
		printf("# %s:%d: expected %s %s %s;", __FILE__, __LINE__, \
		       #expected, #op, #seen);                            \
		th_print("left", TH_IS_SIGNED(th_exp),                    \
			 (unsigned long long)th_exp);                     \
		th_print("right", TH_IS_SIGNED(th_seen),                  \
			 (unsigned long long)th_seen);                    \
		putchar('\n');                                            \
		th_fail(fatal);                                           \
	} while (0)

#define TH_BOOL(seen, want, fatal)                                            \
	do {                                                                  \
		if (((seen) ? true : false) == (want))                        \
			break;                                                \
		printf("# %s:%d: expected %s to be %s\n", __FILE__, __LINE__, \
		       #seen, (want) ? "true" : "false");                     \
		th_fail(fatal);                                               \
	} while (0)

#define TH_STR(expected, seen, want, fatal)                             \
	do {                                                            \
		const char *th_exp = (expected);                        \
		const char *th_seen = (seen);                           \
		if ((strcmp(th_exp, th_seen) == 0) == (want))           \
			break;                                          \
		printf("# %s:%d: expected %s %s %s; left \"%s\" right " \
		       "\"%s\"\n",                                      \
		       __FILE__, __LINE__, #expected,                   \
		       (want) ? "==" : "!=", #seen, th_exp, th_seen);   \
		th_fail(fatal);                                         \
	} while (0)

static inline bool th_mem_equal(const char *where, int line, const void *exp,
				const void *seen, size_t len_bytes)
{
	const unsigned char *left = exp;
	const unsigned char *right = seen;
	size_t i;

	for (i = 0; i < len_bytes; i++) {
		if (left[i] == right[i])
			continue;
		printf("# %s:%d: byte %zu of %zu: left %02x right %02x\n",
		       where, line, i, len_bytes, left[i], right[i]);
		return false;
	}
	return true;
}

#define TH_MEM(expected, seen, len_bytes, fatal)                      \
	do {                                                          \
		if (!th_mem_equal(__FILE__, __LINE__, expected, seen, \
				  len_bytes))                         \
			th_fail(fatal);                               \
	} while (0)

#define EXPECT_EQ(expected, seen) TH_CMP(expected, seen, ==, false)
#define EXPECT_NE(expected, seen) TH_CMP(expected, seen, !=, false)
#define EXPECT_LT(expected, seen) TH_CMP(expected, seen, <, false)
#define EXPECT_LE(expected, seen) TH_CMP(expected, seen, <=, false)
#define EXPECT_GT(expected, seen) TH_CMP(expected, seen, >, false)
#define EXPECT_GE(expected, seen) TH_CMP(expected, seen, >=, false)
#define EXPECT_NULL(seen) TH_CMP((void *)NULL, (void *)(seen), ==, false)
#define EXPECT_TRUE(seen) TH_BOOL(seen, true, false)
#define EXPECT_FALSE(seen) TH_BOOL(seen, false, false)
#define EXPECT_STREQ(expected, seen) TH_STR(expected, seen, true, false)
#define EXPECT_STRNE(expected, seen) TH_STR(expected, seen, false, false)
#define EXPECT_MEMEQ(expected, seen, len) TH_MEM(expected, seen, len, false)

#define ASSERT_EQ(expected, seen) TH_CMP(expected, seen, ==, true)
#define ASSERT_NE(expected, seen) TH_CMP(expected, seen, !=, true)
#define ASSERT_LT(expected, seen) TH_CMP(expected, seen, <, true)
#define ASSERT_LE(expected, seen) TH_CMP(expected, seen, <=, true)
#define ASSERT_GT(expected, seen) TH_CMP(expected, seen, >, true)
#define ASSERT_GE(expected, seen) TH_CMP(expected, seen, >=, true)
#define ASSERT_NULL(seen) TH_CMP((void *)NULL, (void *)(seen), ==, true)
#define ASSERT_TRUE(seen) TH_BOOL(seen, true, true)
#define ASSERT_FALSE(seen) TH_BOOL(seen, false, true)
#define ASSERT_STREQ(expected, seen) TH_STR(expected, seen, true, true)
#define ASSERT_STRNE(expected, seen) TH_STR(expected, seen, false, true)
#define ASSERT_MEMEQ(expected, seen, len) TH_MEM(expected, seen, len, true)

static inline uint64_t th_rand(void)
{
	uint64_t z;

	if (!th.rand_used) {
		th.rand = th.seed;
		th.rand_used = true;
		printf("# QBD_SEED=%llu\n", (unsigned long long)th.seed);
		fflush(stdout);
	}
	/* splitmix64: any seed is a good one */
	z = th.rand += 0x9e3779b97f4a7c15ULL;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

/* --- how a test is declared -------------------------------------------- */

/* Constructors of one file run in its order, so the tests do too. */
#define TH_REGISTER(id, ...)                                               \
	static struct th_test th_test_##id = { .name = #id, __VA_ARGS__ }; \
	__attribute__((__constructor__)) static void th_reg_##id(void)     \
	{                                                                  \
		*th.last = &th_test_##id;                                  \
		th.last = &th_test_##id.next;                              \
	}

#define TEST(id)                              \
	static void th_body_##id(void *self); \
	TH_REGISTER(id, .body = th_body_##id) \
	static void th_body_##id(TH_UNUSED void *self)

#define FIXTURE(fix) struct th_fix_##fix
#define FIXTURE_DATA(fix) struct th_fix_##fix

#define TH_FIX_FUNC(fix, phase)                                          \
	static void th_##phase##_typed_##fix(struct th_fix_##fix *self); \
	static void th_##phase##_##fix(void *self)                       \
	{                                                                \
		th_##phase##_typed_##fix(self);                          \
	}                                                                \
	static void th_##phase##_typed_##fix(                            \
		TH_UNUSED struct th_fix_##fix *self)

#define FIXTURE_SETUP(fix) TH_FIX_FUNC(fix, setup)
#define FIXTURE_TEARDOWN(fix) TH_FIX_FUNC(fix, teardown)

#define TEST_F(fix, id)                                               \
	static void th_typed_##fix##_##id(struct th_fix_##fix *self); \
	static struct th_fix_##fix th_self_##fix##_##id;              \
	static void th_body_##fix##_##id(void *self)                  \
	{                                                             \
		th_typed_##fix##_##id(self);                          \
	}                                                             \
	TH_REGISTER(fix##_##id, .setup = th_setup_##fix,              \
		    .body = th_body_##fix##_##id,                     \
		    .teardown = th_teardown_##fix,                    \
		    .self = &th_self_##fix##_##id,                    \
		    .self_bytes = sizeof(th_self_##fix##_##id))       \
	static void th_typed_##fix##_##id(TH_UNUSED struct th_fix_##fix *self)

#include "harness_run.h"

#endif /* QBD_TESTS_HARNESS_H */
