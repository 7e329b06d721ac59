/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The running half of harness.h, which includes it: main(), one child process
 * per test, KTAP lines, exit codes. Tests use nothing from here but
 * TEST_HARNESS_MAIN.
 */
#ifndef QBD_TESTS_HARNESS_RUN_H
#define QBD_TESTS_HARNESS_RUN_H

#include <fnmatch.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TH_TIMEOUT_S 120
#define TH_EXIT_SKIP 4

static inline void th_phase(void (*func)(void *self), void *self)
{
	if (func && !setjmp(th.end))
		func(self);
}

/* No setup, no test and no teardown: a failed setup cleans up after itself. */
static inline int th_run_here(const struct th_test *test)
{
	struct th_verdict *verdict = th.verdict;

	th.rand_used = false;
	if (test->self)
		memset(test->self, 0, test->self_bytes);
	th_phase(test->setup, test->self);
	if (!verdict->failed && !verdict->skipped) {
		th_phase(test->body, test->self);
		th_phase(test->teardown, test->self);
	}
	return verdict->failed ? 1 : 0;
}

static inline void th_run_forked(const struct th_test *test)
{
	struct th_verdict *verdict = th.verdict;
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		alarm(TH_TIMEOUT_S);
		exit(th_run_here(test)); /* exit(): leaks are looked for */
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid) {
		perror("# fork");
		verdict->failed = true;
	} else if (WIFSIGNALED(status)) {
		printf("# killed by signal %d (%s)\n", WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
		verdict->failed = true;
	} else if (WEXITSTATUS(status) && !verdict->failed) {
		printf("# exit code %d\n", WEXITSTATUS(status));
		verdict->failed = true;
	}
}

static inline bool th_wanted(const struct th_test *test, int globs, char **glob)
{
	int i;

	for (i = 0; i < globs; i++)
		if (!fnmatch(glob[i], test->name, 0))
			return true;
	return globs == 0;
}

static inline int th_run_all(int globs, char **glob, bool forked)
{
	int seen = 0, failed = 0, skipped = 0;
	struct th_test *test;

	for (test = th.first; test; test = test->next)
		seen += th_wanted(test, globs, glob);
	printf("KTAP version 1\n1..%d\n", seen);
	seen = 0;
	for (test = th.first; test; test = test->next) {
		if (!th_wanted(test, globs, glob))
			continue;
		memset(th.verdict, 0, sizeof(*th.verdict));
		if (forked)
			th_run_forked(test);
		else
			th_run_here(test);
		failed += th.verdict->failed;
		skipped += !th.verdict->failed && th.verdict->skipped;
		printf("%sok %d %s", th.verdict->failed ? "not " : "", ++seen,
		       test->name);
		if (!th.verdict->failed && th.verdict->skipped)
			printf(" # SKIP %s", th.verdict->why);
		putchar('\n');
	}
	printf("# Totals: pass:%d fail:%d skip:%d\n", seen - failed - skipped,
	       failed, skipped);
	if (failed || !seen)
		return 1;
	return skipped == seen ? TH_EXIT_SKIP : 0;
}

static inline int th_main(int argc, char **argv)
{
	const char *seed = getenv("QBD_SEED");
	bool forked = true;
	struct th_test *test;
	struct timespec now;

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (test = th.first; test; test = test->next)
			puts(test->name);
		return 0;
	}
	if (argc > 1 && !strcmp(argv[1], "--no-fork")) {
		forked = false;
		argc--;
		argv++;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	th.seed = seed ? strtoull(seed, NULL, 0) :
			 (uint64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	th.verdict = mmap(NULL, sizeof(*th.verdict), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (th.verdict == MAP_FAILED) {
		perror("mmap");
		return 1;
	}
	return th_run_all(argc - 1, argv + 1, forked);
}

#define TEST_HARNESS_MAIN                   \
	int main(int argc, char **argv)     \
	{                                   \
		return th_main(argc, argv); \
	}

#endif /* QBD_TESTS_HARNESS_RUN_H */
