// SPDX-License-Identifier: GPL-2.0-only
/*
 * A load for block devices: a fixed number of direct writes at random places,
 * and what they cost.
 *
 *	qbdload DEVICE [--ops N] [--warm-up N] [--depth N] [--span MIB]
 *		[--stride KIB] [--sync] [--seed N]
 *
 * Made for guests in virtual time, where an instruction is a nanosecond: small
 * enough not to matter beside what it measures, no library, and the same seed
 * gives the same operations. One writer: depth 1 is pwrite(), more are kept in
 * flight with io_submit(). With --sync each write is followed by fdatasync()
 * (depth 1 only). With --stride the places are not random but so far apart.
 *
 * Prints one line of key=value; times are in nanoseconds, of operations that
 * come after the warm-up. "wall" is their number of nanoseconds in all, "busy"
 * of these what tasks of the whole machine ran (0 if the kernel does not count
 * that): in virtual time, the instructions that were executed.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/aio_abi.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096U
#define DEPTH_MAX 256U
#define OPS_MAX 10000000U

/**
 * struct load - what to do, and what came of it
 * @fd: the device
 * @ops: operations that are measured
 * @warm_up: operations before these
 * @depth: how many are in flight
 * @span: blocks of the device that are written to
 * @stride: blocks from one place to the next, 0 = random places
 * @sync: fdatasync() after each write
 * @random: state of the generator
 * @at: number of places handed out
 * @buf: a block for each operation in flight
 * @start_ns: when the operation of each was begun
 * @taken_ns: what the operations took, in the order of their ends
 * @done: operations that have ended
 * @begin_ns: end of the warm-up
 * @begin_busy_ns: likewise, see busy_ns()
 */
struct load {
	int fd;
	uint32_t ops;
	uint32_t warm_up;
	uint32_t depth;
	uint64_t span;
	uint64_t stride;
	bool sync;
	uint64_t random;
	uint64_t at;
	char *buf;
	uint64_t start_ns[DEPTH_MAX];
	uint64_t *taken_ns;
	uint32_t done;
	uint64_t begin_ns;
	uint64_t begin_busy_ns;
};

static void die(const char *what)
{
	fprintf(stderr, "qbdload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void usage(const char *what)
{
	fprintf(stderr, "qbdload: %s\n", what);
	exit(2);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* xorshift64*: good enough for places, and the same everywhere. */
static uint64_t random_next(struct load *load)
{
	uint64_t x = load->random;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	load->random = x;
	return x * 0x2545f4914f6cdd1dULL;
}

static uint64_t place(struct load *load)
{
	uint64_t at = load->at++;

	if (load->stride)
		return at * load->stride % load->span * BLOCK;
	return (random_next(load) >> 16) % load->span * BLOCK;
}

/* How long tasks have run on all CPUs, up to when each was last taken off. */
static uint64_t busy_ns(void)
{
	FILE *file = fopen("/proc/schedstat", "r");
	uint64_t sum = 0;
	char line[512];
	uint64_t ns;

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "cpu%*u %*u %*u %*u %*u %*u %*u %" SCNu64,
			   &ns) == 1)
			sum += ns;
	fclose(file);
	return sum;
}

static void warm(struct load *load)
{
	load->begin_busy_ns = busy_ns();
	load->begin_ns = now_ns();
}

/* An operation has ended; those of the warm-up are only counted. */
static void ended(struct load *load, uint64_t start_ns, uint64_t end_ns)
{
	if (load->done >= load->warm_up)
		load->taken_ns[load->done - load->warm_up] = end_ns - start_ns;
	if (++load->done == load->warm_up)
		warm(load);
}

/* --- one at a time ----------------------------------------------------- */

static void run_single(struct load *load)
{
	uint32_t total = load->warm_up + load->ops;
	uint64_t start;

	while (load->done < total) {
		off_t at = place(load);

		start = now_ns();
		if (pwrite(load->fd, load->buf, BLOCK, at) != BLOCK)
			die("write");
		if (load->sync && fdatasync(load->fd))
			die("fdatasync");
		ended(load, start, now_ns());
	}
}

/* --- several in flight ------------------------------------------------- */

static void submit(struct load *load, aio_context_t ctx, struct iocb *iocb,
		   const uint32_t *slot, uint32_t nr)
{
	struct iocb *list[DEPTH_MAX];
	uint32_t i;

	for (i = 0; i < nr; i++) {
		struct iocb *one = &iocb[slot[i]];

		memset(one, 0, sizeof(*one));
		one->aio_lio_opcode = IOCB_CMD_PWRITE;
		one->aio_fildes = load->fd;
		one->aio_buf = (uintptr_t)load->buf + slot[i] * BLOCK;
		one->aio_nbytes = BLOCK;
		one->aio_offset = place(load);
		one->aio_data = slot[i];
		list[i] = one;
		load->start_ns[slot[i]] = now_ns();
	}
	for (i = 0; i < nr;) {
		long ret = syscall(SYS_io_submit, ctx, nr - i, list + i);

		if (ret <= 0)
			die("io_submit");
		i += ret;
	}
}

/* Wait for some; their slots are free then. */
static uint32_t reap(struct load *load, aio_context_t ctx, uint32_t *slot)
{
	struct io_event event[DEPTH_MAX];
	uint64_t end;
	long nr, i;

	nr = syscall(SYS_io_getevents, ctx, 1, load->depth, event, NULL);
	if (nr <= 0)
		die("io_getevents");
	end = now_ns();
	for (i = 0; i < nr; i++) {
		if (event[i].res != BLOCK) {
			errno = -event[i].res;
			die("write");
		}
		slot[i] = event[i].data;
		ended(load, load->start_ns[slot[i]], end);
	}
	return nr;
}

static void run_many(struct load *load)
{
	uint32_t left = load->warm_up + load->ops;
	static struct iocb iocb[DEPTH_MAX];
	uint32_t slot[DEPTH_MAX];
	aio_context_t ctx = 0;
	uint32_t flying = 0;
	uint32_t nr;

	if (syscall(SYS_io_setup, load->depth, &ctx))
		die("io_setup");
	for (nr = 0; nr < load->depth && nr < left; nr++)
		slot[nr] = nr;
	do {
		submit(load, ctx, iocb, slot, nr);
		left -= nr;
		flying += nr;
		nr = reap(load, ctx, slot);
		flying -= nr;
		if (nr > left)
			nr = left;
	} while (flying || nr);
	syscall(SYS_io_destroy, ctx);
}

/* --- the whole --------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(struct load *load)
{
	uint64_t wall = now_ns() - load->begin_ns;
	uint64_t busy = busy_ns() - load->begin_busy_ns;
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < load->ops; i++)
		sum += load->taken_ns[i];
	qsort(load->taken_ns, load->ops, sizeof(*load->taken_ns), compare);
	printf("ops=%" PRIu32 " wall=%" PRIu64 " busy=%" PRIu64
	       " per_op=%" PRIu64 " busy_op=%" PRIu64 " mean=%" PRIu64
	       " min=%" PRIu64 " p50=%" PRIu64 " p99=%" PRIu64 " max=%" PRIu64
	       "\n",
	       load->ops, wall, busy, wall / load->ops, busy / load->ops,
	       sum / load->ops, load->taken_ns[0],
	       load->taken_ns[load->ops / 2],
	       load->taken_ns[(uint64_t)load->ops * 99 / 100],
	       load->taken_ns[load->ops - 1]);
}

static uint64_t number(const char *text, uint64_t max)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value > max)
		usage("a value is wrong");
	return value;
}

static void options(struct load *load, int argc, char **argv)
{
	static const struct option known[] = {
		{ "ops", required_argument, NULL, 'o' },
		{ "warm-up", required_argument, NULL, 'w' },
		{ "depth", required_argument, NULL, 'd' },
		{ "span", required_argument, NULL, 'm' },
		{ "stride", required_argument, NULL, 'k' },
		{ "seed", required_argument, NULL, 's' },
		{ "sync", no_argument, NULL, 'y' },
		{},
	};
	int opt;

	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (opt) {
		case 'o':
			load->ops = number(optarg, OPS_MAX);
			break;
		case 'w':
			load->warm_up = number(optarg, OPS_MAX);
			break;
		case 'd':
			load->depth = number(optarg, DEPTH_MAX);
			break;
		case 'm':
			load->span = number(optarg, UINT32_MAX) * 256;
			break;
		case 'k':
			load->stride = number(optarg, UINT32_MAX) / 4;
			break;
		case 's':
			load->random ^= number(optarg, UINT32_MAX) << 20;
			break;
		case 'y':
			load->sync = true;
			break;
		default:
			usage("see the top of load.c");
		}
	}
	if (optind + 1 != argc || !load->ops || !load->depth ||
	    (load->sync && load->depth > 1))
		usage("see the top of load.c");
}

static void prepare(struct load *load, const char *path)
{
	off_t size;

	load->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (load->fd < 0)
		die(path);
	size = lseek(load->fd, 0, SEEK_END);
	if (size < (off_t)BLOCK)
		usage("the device is too small");
	if (!load->span || load->span > (uint64_t)size / BLOCK)
		load->span = size / BLOCK;
	load->taken_ns = calloc(load->ops, sizeof(*load->taken_ns));
	if (!load->taken_ns ||
	    posix_memalign((void **)&load->buf, BLOCK, BLOCK * load->depth))
		die("memory");
	memset(load->taken_ns, 0xff, load->ops * sizeof(*load->taken_ns));
	memset(load->buf, 0x5a, (size_t)BLOCK * load->depth);
}

int main(int argc, char **argv)
{
	struct load load = {
		.ops = 1000,
		.depth = 1,
		.random = 0x9e3779b97f4a7c15ULL,
	};

	options(&load, argc, argv);
	prepare(&load, argv[optind]);
	warm(&load);
	if (load.depth == 1)
		run_single(&load);
	else
		run_many(&load);
	report(&load);
	return 0;
}
