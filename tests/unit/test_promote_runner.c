// SPDX-License-Identifier: GPL-2.0-only
/*
 * What runs where a volume is attached: the machine as a table, then commands
 * that are real processes, and daemons that come and go.
 */
#include "runner_world.h"

/* --- the machine --------------------------------------------------------- */

static const struct runner_times times = {
	.start_ns = 1000,
	.stop_ns = 2000,
	.kill_ns = 500,
	.backoff_ns = 100,
	.steady_ns = 5000,
	.rest_ns = 9000,
	.tries = 3,
};

struct step {
	uint64_t now;
	enum runner_event event;
	enum runner_act act;
	enum runner_state state;
};

static const struct step well[] = {
	{ 0, RUNNER_TIME, RUNNER_NOTHING, RUNNER_WAITING },
	{ 1, RUNNER_WANT, RUNNER_START, RUNNER_STARTING },
	{ 2, RUNNER_WANT, RUNNER_NOTHING, RUNNER_STARTING },
	{ 3, RUNNER_STARTED, RUNNER_NOTHING, RUNNER_RUNNING },
	{ 4, RUNNER_UNWANT, RUNNER_STOP, RUNNER_STOPPING },
	{ 5, RUNNER_UNWANT, RUNNER_NOTHING, RUNNER_STOPPING },
	{ 6, RUNNER_BADLY, RUNNER_GONE, RUNNER_WAITING },
};

static const struct step ended[] = {
	{ 1, RUNNER_WANT, RUNNER_START, RUNNER_STARTING },
	{ 2, RUNNER_STARTED, RUNNER_NOTHING, RUNNER_RUNNING },
	{ 3, RUNNER_WELL, RUNNER_NOTHING, RUNNER_ENDED },
	{ 99999, RUNNER_TIME, RUNNER_NOTHING, RUNNER_ENDED },
	{ 99999, RUNNER_WANT, RUNNER_NOTHING, RUNNER_ENDED },
	{ 99999, RUNNER_UNWANT, RUNNER_GONE, RUNNER_WAITING },
};

/* Backoff doubles; three are enough; after a rest it begins anew. */
static const struct step failed[] = {
	{ 0, RUNNER_WANT, RUNNER_START, RUNNER_STARTING },
	{ 0, RUNNER_BADLY, RUNNER_NOTHING, RUNNER_WAITING },
	{ 99, RUNNER_TIME, RUNNER_NOTHING, RUNNER_WAITING },
	{ 99, RUNNER_WANT, RUNNER_NOTHING, RUNNER_WAITING },
	{ 100, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 100, RUNNER_STARTED, RUNNER_NOTHING, RUNNER_RUNNING },
	{ 100, RUNNER_BADLY, RUNNER_NOTHING, RUNNER_WAITING },
	{ 299, RUNNER_TIME, RUNNER_NOTHING, RUNNER_WAITING },
	{ 300, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 300, RUNNER_BADLY, RUNNER_SAY_FAILED, RUNNER_FAILED },
	{ 9299, RUNNER_TIME, RUNNER_NOTHING, RUNNER_FAILED },
	{ 9300, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 9300, RUNNER_BADLY, RUNNER_NOTHING, RUNNER_WAITING },
	{ 9301, RUNNER_UNWANT, RUNNER_GONE, RUNNER_WAITING },
};

/* It ran for long enough: the errors before it do not count. */
static const struct step steady[] = {
	{ 0, RUNNER_WANT, RUNNER_START, RUNNER_STARTING },
	{ 0, RUNNER_BADLY, RUNNER_NOTHING, RUNNER_WAITING },
	{ 100, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 100, RUNNER_STARTED, RUNNER_NOTHING, RUNNER_RUNNING },
	{ 5100, RUNNER_TIME, RUNNER_NOTHING, RUNNER_RUNNING },
	{ 6000, RUNNER_BADLY, RUNNER_NOTHING, RUNNER_WAITING },
	{ 6100, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 6100, RUNNER_BADLY, RUNNER_NOTHING, RUNNER_WAITING },
	{ 6300, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 6300, RUNNER_BADLY, RUNNER_SAY_FAILED, RUNNER_FAILED },
};

/* It does not start in time: that is an error, when it has been stopped. */
static const struct step late[] = {
	{ 0, RUNNER_WANT, RUNNER_START, RUNNER_STARTING },
	{ 999, RUNNER_TIME, RUNNER_NOTHING, RUNNER_STARTING },
	{ 1000, RUNNER_TIME, RUNNER_STOP, RUNNER_STOPPING },
	{ 1100, RUNNER_WELL, RUNNER_NOTHING, RUNNER_WAITING },
	{ 1200, RUNNER_TIME, RUNNER_START, RUNNER_STARTING },
	{ 2200, RUNNER_TIME, RUNNER_STOP, RUNNER_STOPPING },
	{ 2200, RUNNER_UNWANT, RUNNER_NOTHING, RUNNER_STOPPING },
	{ 2300, RUNNER_WELL, RUNNER_GONE, RUNNER_WAITING },
};

/* Asked to end, ended, and that it does not is said once. */
static const struct step stuck[] = {
	{ 0, RUNNER_WANT, RUNNER_START, RUNNER_STARTING },
	{ 0, RUNNER_UNWANT, RUNNER_STOP, RUNNER_STOPPING },
	{ 1999, RUNNER_TIME, RUNNER_NOTHING, RUNNER_STOPPING },
	{ 2000, RUNNER_TIME, RUNNER_KILL, RUNNER_STOPPING },
	{ 2499, RUNNER_TIME, RUNNER_NOTHING, RUNNER_STOPPING },
	{ 2500, RUNNER_TIME, RUNNER_STUCK, RUNNER_STOPPING },
	{ 9999, RUNNER_TIME, RUNNER_NOTHING, RUNNER_STOPPING },
	{ 9999, RUNNER_WANT, RUNNER_NOTHING, RUNNER_STOPPING },
	{ 9999, RUNNER_BADLY, RUNNER_START, RUNNER_STARTING },
};

static void steps(const char *what, const struct step *step, u32 nr)
{
	struct runner_machine machine;
	enum runner_act act;
	u32 i;

	runner_machine_init(&machine);
	for (i = 0; i < nr; i++) {
		act = runner_machine_step(&machine, &times, step[i].event,
					  step[i].now);
		if (act == step[i].act && machine.state == step[i].state)
			continue;
		printf("# %s, step %u: act %d state %s\n", what, i, act,
		       runner_state_name(machine.state));
		ASSERT_TRUE(false);
	}
}

TEST(machine)
{
	steps("well", well, ARRAY_SIZE(well));
	steps("ended", ended, ARRAY_SIZE(ended));
	steps("failed", failed, ARRAY_SIZE(failed));
	steps("steady", steady, ARRAY_SIZE(steady));
	steps("late", late, ARRAY_SIZE(late));
	steps("stuck", stuck, ARRAY_SIZE(stuck));
}

/* --- files --------------------------------------------------------------- */

static const struct {
	const char *text;
	int err;
} files[] = {
	{ "qbd-run 1 7 3 4711 99 running run:true\n", 0 },
	{ "qbd-run 1 7 3 0 0 done run:true\n", 0 },
	{ "qbd-run 1 7 3 0 0 running unit:a.service\n", 0 },
	{ "", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 running run:true", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 running run:true\nx", -EBADMSG },
	{ "qbd-run 2 7 3 4711 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 0 3 4711 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 4294967296 3 4711 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 7 -3 4711 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 7 18446744073709551616 4711 99 running run:true\n",
	  -EBADMSG },
	{ "qbd-run 1 7 3 1 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 7 3 0 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 7 3 2147483648 99 running run:true\n", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 running unit:a.service\n", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 done run:true\n", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 running unit:-a\n", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 running true\n", -EBADMSG },
	{ "qbd-run 1 7 3 4711 99 walking run:true\n", -EBADMSG },
	{ "qbd-run 1 7 3 4711\n", -EBADMSG },
};

TEST(file_parse)
{
	struct runner_record record;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		if (runner_file_parse(files[i].text, &record) == files[i].err)
			continue;
		printf("# %s\n", files[i].text);
		EXPECT_TRUE(false);
	}
	ASSERT_EQ(0, runner_file_parse(files[0].text, &record));
	EXPECT_EQ(7, record.volume);
	EXPECT_EQ(3, record.term);
	EXPECT_EQ(4711, record.pid);
	EXPECT_EQ(99, record.start);
	EXPECT_FALSE(record.done);
	EXPECT_STREQ("run:true", record.program);
}

TEST(file_name)
{
	uint32_t id = 0;

	EXPECT_TRUE(runner_file_name("7.run", &id));
	EXPECT_EQ(7, id);
	EXPECT_FALSE(runner_file_name("07.run", &id));
	EXPECT_FALSE(runner_file_name(" 7.run", &id));
	EXPECT_FALSE(runner_file_name("+7.run", &id));
	EXPECT_FALSE(runner_file_name("0.run", &id));
	EXPECT_FALSE(runner_file_name("7.out", &id));
	EXPECT_FALSE(runner_file_name("7.run.new", &id));
	EXPECT_FALSE(runner_file_name("4294967296.run", &id));
	EXPECT_FALSE(runner_file_name("..", &id));
}

TEST(program_good)
{
	char program[400] = "run:";

	EXPECT_TRUE(runner_program_good("run:mount /dev/qbd/db /srv"));
	EXPECT_TRUE(runner_program_good("unit:srv-db@a\\x2d1.mount"));
	EXPECT_FALSE(runner_program_good(""));
	EXPECT_FALSE(runner_program_good("run:"));
	EXPECT_FALSE(runner_program_good("unit:"));
	EXPECT_FALSE(runner_program_good("unit:--now"));
	EXPECT_FALSE(runner_program_good("unit:a b"));
	EXPECT_FALSE(runner_program_good("run:a\nb"));
	EXPECT_FALSE(runner_program_good("mount"));
	memset(program + 4, 'a', RUNNER_PROGRAM_MAX - 3);
	EXPECT_FALSE(runner_program_good(program));
	program[RUNNER_PROGRAM_MAX] = '\0';
	EXPECT_TRUE(runner_program_good(program));
}

/* As the state has it. */
TEST(program_of_state)
{
	char program[RUNNER_PROGRAM_MAX + 1], run[300] = "/";

	EXPECT_TRUE(runner_program("/usr/sbin/db --all", program));
	EXPECT_STREQ("run:exec /usr/sbin/db --all", program);
	EXPECT_TRUE(runner_program("db.service", program));
	EXPECT_STREQ("unit:db.service", program);
	EXPECT_FALSE(runner_program("", program));
	EXPECT_FALSE(runner_program("db service", program));
	memset(run + 1, 'a', 256);
	EXPECT_FALSE(runner_program(run, program));
	run[255] = '\0';
	EXPECT_TRUE(runner_program(run, program));
}

/* --- processes ----------------------------------------------------------- */

static int pid_of(struct th_fix_runner *self, const char *name)
{
	return atoi(text_of(self, name));
}

/* A zombie has ended: nobody but its parent knows it any more. */
static bool lives(int pid)
{
	char path[64], text[512] = "";
	const char *at;
	int fd;

	if (pid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return false;
	if (read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	at = strrchr(text, ')');
	return at && at[2] != 'Z' && at[2] != 'X';
}

/* A command, in which D is the test's directory. */
static int set_command(struct th_fix_runner *self, u32 id, u64 term,
		       const char *command)
{
	char program[RUNNER_PROGRAM_MAX + 1];

	snprintf(program, sizeof(program), "run:D=%s;%s", self->dir, command);
	return set(self, id, term, program);
}

/* Begins once, or says that it was begun twice at a time; ends when asked to.
 */
#define ONCE                                                           \
	"mkdir $D/lock||echo twice>>$D/twice;echo $QBD_TERM>>$D/runs;" \
	"trap 'rmdir $D/lock;exit 0' TERM;echo $$>$D/pid;"             \
	"while :;do sleep .02;done"

TEST_F(runner, environment)
{
	ASSERT_EQ(0,
		  set_command(self, 7, 3,
			      "echo $QBD_VOLUME $QBD_DEVICE $QBD_TERM "
			      "$QBD_NODE `umask` `pwd`>$D/env;exec " RUNS_ON));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "env") == 1));
	EXPECT_STREQ("db7 /dev/qbd/db7 3 n1 0022 /\n", text_of(self, "env"));
	EXPECT_TRUE(is(self, 7, RUNNER_RUNNING));
	/* set again is set once */
	ASSERT_EQ(0,
		  set_command(self, 7, 3,
			      "echo $QBD_VOLUME $QBD_DEVICE $QBD_TERM "
			      "$QBD_NODE `umask` `pwd`>$D/env;exec " RUNS_ON));
	EXPECT_TRUE(is(self, 7, RUNNER_RUNNING));
	EXPECT_FALSE(runner_stop(self->runner, 7));
	EXPECT_EQ(0, self->stopped);
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
	EXPECT_EQ(0, self->stopped_err);
	EXPECT_TRUE(is(self, 7, RUNNER_NONE));
	EXPECT_TRUE(runner_stop(self->runner, 7));
	EXPECT_STREQ("", text_of(self, "run/7.run"));
}

/* Its signals are as if nobody had blocked or ignored any. */
TEST_F(runner, signals)
{
	unsigned long long blocked = 1, ignored = 1;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	ASSERT_EQ(0, set_command(self, 1, 1,
				 "grep -E 'Sig(Blk|Ign)' /proc/self/status"
				 ">$D/sig"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_ENDED)));
	ASSERT_EQ(2, sscanf(text_of(self, "sig"), "SigBlk: %llx SigIgn: %llx",
			    &blocked, &ignored));
	EXPECT_EQ(0ULL, blocked);
	/* 32 and 33 are the C library's own */
	EXPECT_EQ(0ULL, ignored & ~(3ULL << 31));
}

TEST_F(runner, ends_well)
{
	ASSERT_EQ(0, set_command(self, 1, 1, "echo x>>$D/runs"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_ENDED)));
	/* the next daemon knows that, too */
	daemon_ends(self);
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_ENDED));
	ASSERT_EQ(0, set_command(self, 1, 1, "echo x>>$D/runs"));
	EXPECT_TRUE(is(self, 1, RUNNER_ENDED));
	/* another term is another device */
	ASSERT_EQ(0, set_command(self, 1, 2, "echo x>>$D/runs"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "runs") == 2));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_ENDED)));
	EXPECT_TRUE(runner_stop(self->runner, 1));
	EXPECT_EQ(2, lines_of(self, "runs"));
	EXPECT_EQ(0, self->stopped);
}

TEST_F(runner, ends_badly)
{
	daemon_ends(self);
	self->options.times.rest_ns = 10 * MS;
	daemon_begins(self);
	ASSERT_EQ(0, set_command(self, 1, 9, "echo x>>$D/runs;exit 3"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->failed == 1));
	EXPECT_EQ(9, self->failed_term);
	EXPECT_TRUE(is(self, 1, RUNNER_FAILED));
	EXPECT_EQ(3, lines_of(self, "runs"));
	EXPECT_STREQ("", text_of(self, "run/1.run"));
	/* if it has to stay here it is tried again */
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->failed == 2));
	EXPECT_EQ(6, lines_of(self, "runs"));
	EXPECT_TRUE(runner_stop(self->runner, 1));
}

TEST_F(runner, can_not_be_run)
{
	char program[RUNNER_PROGRAM_MAX + 1] = "";

	EXPECT_EQ(-EINVAL, set(self, 1, 1, "mount"));
	EXPECT_EQ(-EINVAL, set(self, 0, 1, "run:true"));
	EXPECT_TRUE(is(self, 1, RUNNER_NONE));
	snprintf(program, sizeof(program), "run:%s/nothing", self->dir);
	EXPECT_EQ(0, set(self, 1, 1, program));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->failed == 1));
}

/* What has no file must not run: the next daemon would start it again. */
TEST_F(runner, no_file)
{
	ASSERT_EQ(0, mkdir(path_of(self, "run/1.new"), 0700));
	ASSERT_EQ(0, set_command(self, 1, 1, "echo x>>$D/runs;exec " RUNS_ON));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->failed == 1));
	EXPECT_EQ(0, lines_of(self, "runs"));
}

/* The daemon dies after the command was begun, before there is its file. */
TEST_F(runner, not_let_loose)
{
	char children[64];
	const char *text;
	int daemon, pid = 0, fd;

	daemon_ends(self);
	/* who opens this for writing waits for a reader */
	ASSERT_EQ(0, mkfifo(path_of(self, "run/1.new"), 0600));
	daemon = fork();
	if (!daemon) {
		daemon_begins(self);
		if (set_command(self, 1, 1, "echo x>>$D/runs;exec " RUNS_ON))
			_exit(1);
		for (;;)
			loop_turn(self->loop, LOOP_NEVER);
	}
	ASSERT_GT(daemon, 0);
	snprintf(children, sizeof(children), "../../proc/%d/task/%d/children",
		 daemon, daemon);
	EXPECT_TRUE(LOOP_WAIT(self->loop, (pid = pid_of(self, children)) > 0));
	EXPECT_TRUE(lives(pid));
	EXPECT_EQ(0, kill(daemon, SIGKILL));
	EXPECT_EQ(daemon, waitpid(daemon, NULL, 0));
	EXPECT_TRUE(LOOP_WAIT(self->loop, !lives(pid)));
	text = text_of(self, "runs");
	EXPECT_STREQ("", text);
	fd = open(path_of(self, "run/1.run"), O_RDONLY);
	EXPECT_EQ(-1, fd);
}

TEST_F(runner, ignores_sigterm)
{
	daemon_ends(self);
	self->options.times.stop_ns = 50 * MS;
	daemon_begins(self);
	ASSERT_EQ(0, set_command(self, 1, 1,
				 "trap '' TERM;echo $$>$D/pid;"
				 "while :;do sleep .1;done"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lives(pid_of(self, "pid"))));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
	EXPECT_EQ(0, self->stopped_err);
	EXPECT_FALSE(lives(pid_of(self, "pid")));
}

/* Of a command all processes end: those that it left behind, too. */
TEST_F(runner, whole_group)
{
	ASSERT_EQ(0, set_command(self, 1, 1,
				 RUNS_ON "&echo $!>$D/pid;" RUNS_ON "&wait"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lives(pid_of(self, "pid"))));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
	EXPECT_TRUE(LOOP_WAIT(self->loop, !lives(pid_of(self, "pid"))));
	ASSERT_EQ(0, set_command(self, 2, 1, RUNS_ON "&echo $!>$D/left"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 2, RUNNER_ENDED)));
	EXPECT_GT(pid_of(self, "left"), 0);
	EXPECT_TRUE(LOOP_WAIT(self->loop, !lives(pid_of(self, "left"))));
}

TEST_F(runner, another_term)
{
	ASSERT_EQ(0, set_command(self, 1, 1, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "pid") == 1));
	ASSERT_EQ(0, set_command(self, 1, 2, ONCE));
	ASSERT_EQ(0, set_command(self, 1, 3, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "runs") == 2));
	EXPECT_STREQ("1\n3\n", text_of(self, "runs"));
	EXPECT_STREQ("", text_of(self, "twice"));
	EXPECT_EQ(0, self->stopped);
	/* stopped, and set again before that has ended */
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_RUNNING)));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	ASSERT_EQ(0, set_command(self, 1, 3, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "runs") == 3));
	EXPECT_EQ(1, self->stopped);
	EXPECT_STREQ("", text_of(self, "twice"));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped == 2));
}

/* --- another daemon ------------------------------------------------------ */

TEST_F(runner, adopted)
{
	int pid;

	ASSERT_EQ(0, set_command(self, 1, 1, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "pid") == 1));
	pid = pid_of(self, "pid");
	daemon_ends(self);
	EXPECT_TRUE(lives(pid));
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	ASSERT_EQ(0, set_command(self, 1, 1, ONCE));
	runner_settle(self->runner);
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	EXPECT_TRUE(lives(pid));
	EXPECT_EQ(1, lines_of(self, "runs"));
	/* it has another device by now */
	ASSERT_EQ(0, set_command(self, 1, 2, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "runs") == 2));
	EXPECT_FALSE(lives(pid));
	EXPECT_STREQ("", text_of(self, "twice"));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
}

TEST_F(runner, adopted_and_left)
{
	int pid;

	ASSERT_EQ(0, set_command(self, 1, 1, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "pid") == 1));
	pid = pid_of(self, "pid");
	daemon_ends(self);
	daemon_begins(self);
	runner_settle(self->runner);
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_NONE)));
	EXPECT_FALSE(lives(pid));
	EXPECT_EQ(0, self->stopped);
}

/* As of one that was started here, all that it left behind ends with it. */
TEST_F(runner, adopted_group)
{
	int pid;

	ASSERT_EQ(0, set_command(self, 1, 1,
				 RUNS_ON "&echo $!>$D/left;mkfifo $D/never;"
					 "echo $$>$D/pid;read x<$D/never"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lives(pid_of(self, "pid"))));
	pid = pid_of(self, "pid");
	daemon_ends(self);
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	EXPECT_TRUE(lives(pid_of(self, "left")));
	ASSERT_EQ(0, kill(pid, SIGKILL));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	EXPECT_TRUE(LOOP_WAIT(self->loop, !lives(pid_of(self, "left"))));
}

/* It ended, nobody knows how: it is started again. */
TEST_F(runner, ended_without_daemon)
{
	int pid;

	ASSERT_EQ(0, set_command(self, 1, 1, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "pid") == 1));
	pid = pid_of(self, "pid");
	daemon_ends(self);
	ASSERT_EQ(0, kill(pid, SIGTERM));
	ASSERT_EQ(pid, waitpid(pid, NULL, 0));
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_NONE));
	ASSERT_EQ(0, set_command(self, 1, 1, ONCE));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "runs") == 2));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
}

/* The number is somebody else's by now: that one is left alone. */
TEST_F(runner, number_of_another)
{
	struct runner_record record = { .volume = 1,
					.term = 1,
					.program = "run:true" };
	int pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	ASSERT_GT(pid, 0);
	daemon_ends(self);
	record.pid = pid;
	record.start = runner_process_start(pid) + 1;
	ASSERT_EQ(0, runner_file_write(self->options.dir, &record));
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_NONE));
	runner_settle(self->runner);
	EXPECT_TRUE(lives(pid));
	daemon_ends(self);
	/* it is that one indeed */
	record.start--;
	ASSERT_EQ(0, runner_file_write(self->options.dir, &record));
	daemon_begins(self);
	EXPECT_TRUE(is(self, 1, RUNNER_RUNNING));
	kill(pid, SIGKILL);
	EXPECT_EQ(pid, waitpid(pid, NULL, 0));
	/* and its end is noticed, though it is nobody's child here */
	EXPECT_TRUE(LOOP_WAIT(self->loop, !is(self, 1, RUNNER_RUNNING)));
}

/* A directory full of things that are none. */
TEST_F(runner, bad_files)
{
	struct runner_record record;

	daemon_ends(self);
	put_text(self, "run/1.run", "qbd-run 1 2 1 0 0 done run:true\n", 0600);
	put_text(self, "run/2.run", "qbd-run 1", 0600);
	ASSERT_EQ(0, mkfifo(path_of(self, "run/3.run"), 0600));
	ASSERT_EQ(0, mkdir(path_of(self, "run/4.run"), 0700));
	put_text(self, "other", "qbd-run 1 5 1 0 0 done run:true\n", 0600);
	ASSERT_EQ(0, symlink("../other", path_of(self, "run/5.run")));
	put_text(self, "run/6.run", "qbd-run 1 6 1 0 0 done run:true\n", 0600);
	EXPECT_EQ(-EBADMSG, runner_file_read(self->options.dir, 3, &record));
	EXPECT_EQ(-ELOOP, runner_file_read(self->options.dir, 5, &record));
	EXPECT_EQ(-ENOENT, runner_file_read(self->options.dir, 9, &record));
	daemon_begins(self);
	EXPECT_EQ(1, self->runner->nr);
	EXPECT_TRUE(is(self, 6, RUNNER_ENDED));
}

/* --- output -------------------------------------------------------------- */

/* The log into a file. */
static void log_to(struct th_fix_runner *self, const char *name)
{
	int fd = open(path_of(self, name), O_WRONLY | O_CREAT | O_APPEND, 0600);

	ASSERT_GE(fd, 0);
	ASSERT_EQ(2, dup2(fd, 2));
	close(fd);
	log_level(LOG_LEVEL_INFO);
}

TEST_F(runner, output)
{
	log_to(self, "log");
	ASSERT_EQ(0, set_command(self, 1, 1,
				 "echo hello;echo 'a\"b' >&2;printf last"));
	EXPECT_TRUE(LOOP_WAIT(self->loop, is(self, 1, RUNNER_ENDED)));
	EXPECT_TRUE(strstr(text_of(self, "log"),
			   "volume=db1 silent=0 text=\"hello\"\n"));
	EXPECT_TRUE(strstr(text_of(self, "log"), "text=\"a?b\"\n"));
	EXPECT_TRUE(strstr(text_of(self, "log"), "text=\"last\"\n"));
}

TEST_F(runner, much_output)
{
	struct runner_lines lines = { .window_ns = 1 };
	char line[2 * RUNNER_LINE_MAX];
	u32 i, said;

	log_to(self, "log");
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	runner_lines_take(&lines, "db1", 1, line, sizeof(line));
	EXPECT_LT(strlen(text_of(self, "log")), (size_t)LOG_LINE_MAX);
	EXPECT_EQ(1, lines_of(self, "log"));
	for (i = 0; i < 10 * RUNNER_LINES; i++)
		runner_lines_take(&lines, "db1", 1, "x\n", 2);
	EXPECT_EQ(RUNNER_LINES, lines.lines);
	said = 10 * RUNNER_LINES + 1 - RUNNER_LINES;
	EXPECT_EQ(said, lines.lost);
	runner_lines_take(&lines, "db1", 1000000001, "y\n", 2);
	EXPECT_EQ(0, lines.lost);
	EXPECT_TRUE(strstr(text_of(self, "log"), "silent=451 text=\"y\"\n"));
}

/* While there is no daemon its output waits, and its life does not end. */
TEST_F(runner, output_without_daemon)
{
	log_to(self, "log");
	ASSERT_EQ(0, set_command(self, 1, 1,
				 "echo $$>$D/pid;while [ ! -e $D/go ];do "
				 "sleep .02;done;echo unheard;echo x>$D/said;"
				 "exec " RUNS_ON));
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "pid") == 1));
	daemon_ends(self);
	put_text(self, "go", "", 0600);
	EXPECT_TRUE(LOOP_WAIT(self->loop, lines_of(self, "said") == 1));
	EXPECT_TRUE(lives(pid_of(self, "pid")));
	daemon_begins(self);
	EXPECT_TRUE(LOOP_WAIT(self->loop, strstr(text_of(self, "log"),
						 "text=\"unheard\"")));
	EXPECT_FALSE(runner_stop(self->runner, 1));
	EXPECT_TRUE(LOOP_WAIT(self->loop, self->stopped));
}

TEST_HARNESS_MAIN
