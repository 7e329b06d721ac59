// SPDX-License-Identifier: GPL-2.0-only
/*
 * A writer that keeps a ledger, who reads beside it, and the check of it: the
 * oracle of the nemesis in guests (tests/vm/nemesis.sh).
 *
 *	qbdledger make LEDGER [--blocks N] [--from N]
 *	qbdledger write DEVICE LEDGER [--seed N] [--pause US] [--name N]
 *	qbdledger watch DEVICE LEDGER [--seed N] [--pause US]
 *	qbdledger check DEVICE LEDGER
 *	qbdledger count LEDGER		(prints what was acknowledged)
 *	qbdledger gap LEDGER
 *
 * One operation at a time: a block of 4 KiB is written, discarded or read.
 * Several writers at once have a ledger and a part of the device each: so many
 * blocks, from --from on. Each write has a version of its own, which stands in
 * each sector of the block. The ledger, a file in memory that outlives nodes,
 * is told what is about to be written, and what was acknowledged. So a block
 * has the version that was acknowledged last, or one that was begun later and
 * never ended (R1, R3); what was read once does not go back (R2); its sectors
 * are of one version (R5).
 *
 * "watch" reads beside the writer of a ledger, perhaps from who had the volume
 * before: what was acknowledged when it began to read a block it has to be
 * given, or an error (R1, R9).
 *
 * "gap" prints the longest time between two acknowledgements that followed each
 * other, of one writer or of the next one, since "gap" was asked for last: its
 * length, its begin and its end on the wall clock, in ns, and the last
 * acknowledgement of all; and of each writer that has a name, a number, and was
 * acknowledged something since then, "wN=first:last".
 *
 * "write" and "watch" go on until SIGTERM (exit code 0) or an I/O error (1); a
 * broken rule is exit code 3, for all. The same seed and ledger give the same
 * operations.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096U
#define SECTOR 512U
#define BLOCKS_MAX 65536U
#define NAMES 16U
#define OPEN_MAX 15U /* operations on a block whose end is not known */
#define BROKEN 3

/**
 * struct version - what a block may hold
 * @no: number of the operation, 0 = none yet
 * @zero: it reads as zero
 */
struct version {
	uint64_t no;
	uint64_t zero;
};

/**
 * struct entry - a block
 * @acked: newest version that was acknowledged or read
 * @nr_open: entries of @open in use
 * @open: later ones that were begun
 */
struct entry {
	struct version acked;
	uint64_t nr_open;
	struct version open[OPEN_MAX];
};

/**
 * struct times - of a writer, since "gap" was asked for
 * @first_ns: its first acknowledgement; 0 = none yet
 * @last_ns: its last one
 */
struct times {
	uint64_t first_ns;
	uint64_t last_ns;
};

/**
 * struct ledger - the file
 * @blocks: of the device that are used
 * @from: the first of them
 * @next: number of the next operation
 * @acked: operations that were acknowledged
 * @reads: reads that were checked
 * @last_ns: when the last one was acknowledged; 0 = none yet
 * @gap_from_ns: begin of the longest gap between two of them
 * @gap_to_ns: and its end
 * @writer: by name
 * @entry: by block
 */
struct ledger {
	uint64_t blocks;
	uint64_t from;
	uint64_t next;
	uint64_t acked;
	uint64_t reads;
	uint64_t last_ns;
	uint64_t gap_from_ns;
	uint64_t gap_to_ns;
	struct times writer[NAMES];
	struct entry entry[];
};

/* What each sector of a block says; the rest of it follows from that. */
struct mark {
	uint64_t block;
	uint64_t no;
	uint64_t sector;
};

static volatile sig_atomic_t stopped;
static uint32_t own_name;

static void on_term(int sig)
{
	(void)sig;
	stopped = 1;
}

static void usage(const char *what)
{
	fprintf(stderr, "qbdledger: %s\n", what);
	exit(2);
}

static void fail(const char *what)
{
	fprintf(stderr, "qbdledger: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	x ^= x >> 33;
	x *= 0xc4ceb9fe1a85ec53ULL;
	return x ^ (x >> 33);
}

static struct ledger *ledger_map(const char *path, uint64_t blocks,
				 uint64_t from)
{
	int fd = open(path, O_RDWR | (blocks ? O_CREAT : 0), 0600);
	size_t bytes = sizeof(struct ledger);
	struct ledger *ledger;
	off_t size;

	if (fd < 0)
		fail(path);
	size = lseek(fd, 0, SEEK_END);
	bytes += blocks * sizeof(struct entry);
	if (!blocks)
		bytes = (size_t)size;
	if (!size && ftruncate(fd, (off_t)bytes))
		fail(path);
	ledger = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ledger == MAP_FAILED)
		fail(path);
	close(fd);
	if (!ledger->blocks) {
		ledger->blocks = blocks;
		ledger->from = from;
		ledger->next = 1;
	}
	if (!ledger->blocks ||
	    (blocks && (ledger->blocks != blocks || ledger->from != from)))
		usage("the ledger is of other blocks");
	return ledger;
}

/* All bytes of a version: no sector of it is like another one, or another's. */
static void stamp(char *buf, uint64_t block, uint64_t no)
{
	uint64_t sector, at;

	for (sector = 0; sector < BLOCK / SECTOR; sector++) {
		struct mark mark = { block, no, sector };
		uint64_t *word = (uint64_t *)(buf + sector * SECTOR);

		memcpy(word, &mark, sizeof(mark));
		for (at = sizeof(mark) / 8; at < SECTOR / 8; at++)
			word[at] = mix(mix(block) + no + sector * SECTOR + at);
	}
}

/* Version of a block; false if it is none, or of several. */
static bool stamped(const char *buf, uint64_t block, struct version *version)
{
	static const char zero[BLOCK];
	static char want[BLOCK] __attribute__((aligned(8)));
	struct mark mark;

	*version = (struct version){ .zero = 1 };
	if (!memcmp(buf, zero, BLOCK))
		return true;
	memcpy(&mark, buf, sizeof(mark));
	*version = (struct version){ .no = mark.no };
	stamp(want, block, mark.no);
	return !memcmp(buf, want, BLOCK);
}

static bool same(const struct version *has, const struct version *may)
{
	if (!may->no || may->zero)
		return has->zero;
	return !has->zero && has->no == may->no;
}

/* It is known now that the block has this version: nothing before it counts. */
static void settle(struct entry *entry, const struct version *version)
{
	uint64_t i, left = 0;

	/* one that waited with a holder that was deposed, and is late */
	if (version->no < entry->acked.no)
		return;
	entry->acked = *version;
	for (i = 0; i < entry->nr_open; i++)
		if (entry->open[i].no > version->no)
			entry->open[left++] = entry->open[i];
	entry->nr_open = left;
}

static void broken(const struct ledger *ledger, uint64_t block,
		   const struct version *has, const struct version *acked)
{
	printf("BROKEN block=%" PRIu64 " has=%" PRId64 "%s acked=%" PRIu64
	       "%s open=%" PRIu64 "\n",
	       ledger->from + block, (int64_t)has->no,
	       has->zero ? " (zero)" : "", acked->no,
	       acked->zero ? " (zero)" : "", ledger->entry[block].nr_open);
	exit(BROKEN);
}

/* What was read is what may be there, or it is the end. */
static void check_block(struct ledger *ledger, uint64_t block, const char *buf)
{
	struct entry *entry = &ledger->entry[block];
	struct version has;
	uint64_t i;

	ledger->reads++;
	if (stamped(buf, ledger->from + block, &has)) {
		for (i = entry->nr_open; i; i--) {
			if (!same(&has, &entry->open[i - 1]))
				continue;
			has = entry->open[i - 1];
			settle(entry, &has);
			return;
		}
		if (same(&has, &entry->acked))
			return;
	} else {
		has = (struct version){ .no = UINT64_MAX };
	}
	broken(ledger, block, &has, &entry->acked);
}

static void begin(struct entry *entry, const struct version *version)
{
	if (entry->nr_open == OPEN_MAX)
		usage("too many operations on one block never ended");
	entry->open[entry->nr_open++] = *version;
}

/* One more was acknowledged; how long after the one before it? */
static void note(struct ledger *ledger)
{
	struct times *own = &ledger->writer[own_name];
	uint64_t last = ledger->last_ns;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	ledger->acked++;
	ledger->last_ns =
		(uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	own->last_ns = ledger->last_ns;
	if (!own->first_ns)
		own->first_ns = own->last_ns;
	if (!last ||
	    ledger->last_ns - last <= ledger->gap_to_ns - ledger->gap_from_ns)
		return;
	ledger->gap_from_ns = last;
	ledger->gap_to_ns = ledger->last_ns;
}

/* One operation of the number @no; false after an I/O error. */
static bool operate(int fd, struct ledger *ledger, uint64_t random, char *buf)
{
	uint64_t block = (random >> 8) % ledger->blocks;
	uint64_t range[2] = { (ledger->from + block) * BLOCK, BLOCK };
	struct entry *entry = &ledger->entry[block];
	struct version version = { .no = ledger->next++ };
	uint32_t what = random & 15;
	bool good;

	if (what < 3) {
		if (pread(fd, buf, BLOCK, (off_t)range[0]) != BLOCK)
			return false;
		check_block(ledger, block, buf);
		return true;
	}
	version.zero = what == 3;
	begin(entry, &version);
	if (version.zero) {
		good = !ioctl(fd, random & 16 ? BLKDISCARD : BLKZEROOUT, range);
	} else {
		stamp(buf, ledger->from + block, version.no);
		good = pwrite(fd, buf, BLOCK, (off_t)range[0]) == BLOCK;
	}
	if (!good)
		return false;
	settle(entry, &version);
	note(ledger);
	return true;
}

/* May a block read as zero that had @before when the read began? */
static bool zeroed(const struct entry *entry, const struct version *before)
{
	uint64_t i;

	if (before->zero || entry->acked.zero || entry->acked.no != before->no)
		return true;
	for (i = 0; i < entry->nr_open; i++)
		if (entry->open[i].zero)
			return true;
	return false;
}

/* One read beside the writer; false after an I/O error. */
static bool look(int fd, struct ledger *ledger, uint64_t random, char *buf)
{
	uint64_t block = random % ledger->blocks;
	const struct entry *entry = &ledger->entry[block];
	struct version before = entry->acked, has;
	off_t at = (off_t)((ledger->from + block) * BLOCK);
	/* before the read, or a discard may end while it is under way */
	bool zero = zeroed(entry, &before);

	if (pread(fd, buf, BLOCK, at) != BLOCK)
		return false;
	if (!stamped(buf, ledger->from + block, &has))
		has.no = 0;
	else if (has.zero)
		has.no = zero || zeroed(entry, &before) ? before.no : 0;
	if (has.no < before.no)
		broken(ledger, block, &has, &before);
	return true;
}

typedef bool (*work_fn)(int fd, struct ledger *ledger, uint64_t random,
			char *buf);

static int run(int fd, struct ledger *ledger, work_fn work, uint64_t seed,
	       uint64_t pause_us, char *buf)
{
	uint64_t turn = 0;
	struct timespec pause = { .tv_sec = (time_t)(pause_us / 1000000),
				  .tv_nsec =
					  (long)(pause_us % 1000000) * 1000 };

	while (!stopped) {
		/* a ledger that goes on has other operations than before */
		uint64_t random = mix(seed ^ mix(ledger->next + turn));

		turn += work == look;
		if (!work(fd, ledger, random, buf)) {
			fprintf(stderr, "qbdledger: %s\n", strerror(errno));
			return 1;
		}
		if (pause_us)
			nanosleep(&pause, NULL);
	}
	return 0;
}

static int run_check(int fd, struct ledger *ledger, char *buf)
{
	uint64_t block;

	for (block = 0; block < ledger->blocks; block++) {
		off_t at = (off_t)((ledger->from + block) * BLOCK);

		if (pread(fd, buf, BLOCK, at) != BLOCK)
			fail("read");
		check_block(ledger, block, buf);
	}
	printf("operations=%" PRIu64 " acked=%" PRIu64 " checked=%" PRIu64 "\n",
	       ledger->next - 1, ledger->acked, ledger->reads);
	return 0;
}

static int run_gap(struct ledger *ledger)
{
	uint32_t i;

	printf("gap_ns=%" PRIu64 " from_ns=%" PRIu64 " to_ns=%" PRIu64
	       " last_ns=%" PRIu64,
	       ledger->gap_to_ns - ledger->gap_from_ns, ledger->gap_from_ns,
	       ledger->gap_to_ns, ledger->last_ns);
	for (i = 1; i < NAMES; i++)
		if (ledger->writer[i].first_ns)
			printf(" w%" PRIu32 "=%" PRIu64 ":%" PRIu64, i,
			       ledger->writer[i].first_ns,
			       ledger->writer[i].last_ns);
	printf("\n");
	ledger->gap_from_ns = 0;
	ledger->gap_to_ns = 0;
	memset(ledger->writer, 0, sizeof(ledger->writer));
	return 0;
}

static uint64_t number(const char *text, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || *end || value > max)
		usage("a value is wrong");
	return value;
}

int main(int argc, char **argv)
{
	static const struct option known[] = {
		{ "blocks", required_argument, NULL, 'b' },
		{ "from", required_argument, NULL, 'f' },
		{ "seed", required_argument, NULL, 's' },
		{ "pause", required_argument, NULL, 'p' },
		{ "name", required_argument, NULL, 'n' },
		{},
	};
	static char buf[BLOCK] __attribute__((aligned(BLOCK)));
	struct sigaction term = { .sa_handler = on_term };
	uint64_t blocks = 512, from = 0, seed = 1, pause_us = 0;
	const char *verb;
	int opt, fd;

	while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (opt == 'b')
			blocks = number(optarg, BLOCKS_MAX);
		else if (opt == 'f')
			from = number(optarg, UINT32_MAX);
		else if (opt == 's')
			seed = number(optarg, UINT64_MAX);
		else if (opt == 'p')
			pause_us = number(optarg, 60000000);
		else if (opt == 'n')
			own_name = (uint32_t)number(optarg, NAMES - 1);
		else
			usage("see the top of ledger.c");
	}
	if (optind + 2 == argc && !strcmp(argv[optind], "make") && blocks) {
		ledger_map(argv[optind + 1], blocks, from);
		return 0;
	}
	if (optind + 2 == argc && !strcmp(argv[optind], "count")) {
		printf("%" PRIu64 "\n",
		       ledger_map(argv[optind + 1], 0, 0)->acked);
		return 0;
	}
	if (optind + 2 == argc && !strcmp(argv[optind], "gap"))
		return run_gap(ledger_map(argv[optind + 1], 0, 0));
	if (optind + 3 != argc)
		usage("see the top of ledger.c");
	verb = argv[optind];
	sigaction(SIGTERM, &term, NULL);
	fd = open(argv[optind + 1], O_RDWR | O_DIRECT);
	if (fd < 0)
		fail(argv[optind + 1]);
	if (!strcmp(verb, "write"))
		return run(fd, ledger_map(argv[optind + 2], 0, 0), operate,
			   seed, pause_us, buf);
	if (!strcmp(verb, "watch"))
		return run(fd, ledger_map(argv[optind + 2], 0, 0), look, seed,
			   pause_us, buf);
	if (strcmp(verb, "check") != 0)
		usage("see the top of ledger.c");
	return run_check(fd, ledger_map(argv[optind + 2], 0, 0), buf);
}
