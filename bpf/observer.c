// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the observers have in common.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "observer.h"

/* What the command line says. */
struct observer observer = { .interval_s = 1 };

/* SIGINT or SIGTERM came. */
static volatile sig_atomic_t stopped;

static const struct argp_option options[] = {
	{ "interval", 'i', "S", 0, "Seconds between two tables (1)", 0 },
	{ "count", 'c', "N", 0, "Number of tables, then end", 0 },
	{ "json", 'j', NULL, 0, "One JSON document a line", 0 },
	{ 0 },
};

static error_t option_take(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case 'i':
		observer.interval_s = observer_number(state, arg, 1);
		return 0;
	case 'c':
		observer.count = observer_number(state, arg, 1);
		return 0;
	case 'j':
		observer.json = true;
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp argp = {
	.options = options,
	.parser = option_take,
};

/* Options that all of them have. */
const struct argp_child observer_options[] = { { &argp, 0, NULL, 0 }, { 0 } };

/**
 * observer_number() - a number of the command line
 * @state: of argp, which ends the program if it is none
 * @arg: the word
 * @min: the least that fits
 *
 * Return: it.
 */
unsigned int observer_number(struct argp_state *state, const char *arg,
			     unsigned int min)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(arg, &end, 10);
	if (errno || *end || end == arg || value > 1000000000 || value < min)
		argp_error(state, "%s: not a number that fits here", arg);
	return (unsigned int)value;
}

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static int quiet(enum libbpf_print_level level, const char *format,
		 va_list args)
{
	return level == LIBBPF_WARN && getenv("QBD_BPF_DEBUG") ?
		       vfprintf(stderr, format, args) :
		       0;
}

/**
 * observer_prepare() - signals end it in order, libbpf is quiet
 *
 * With QBD_BPF_DEBUG in the environment libbpf's warnings are shown.
 */
void observer_prepare(void)
{
	libbpf_set_print(quiet);
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
}

/**
 * observer_watch() - print again and again, as the command line says
 * @print: prints once; not 0: it can not
 * @arg: for @print
 *
 * Return: 0 at the end, or 1.
 */
int observer_watch(int (*print)(void *arg), void *arg)
{
	unsigned int printed = 0;

	while (!stopped && (!observer.count || printed < observer.count)) {
		struct timespec pause = { .tv_sec = observer.interval_s };

		nanosleep(&pause, NULL);
		if (print(arg))
			return 1;
		printed++;
	}
	return 0;
}

/**
 * hist_read() - a stage's histogram, over all CPUs
 * @map: of the histograms
 * @stage: which one
 * @sum: filled
 *
 * Return: 0 or -1.
 */
int hist_read(int map, unsigned int stage, struct hist *sum)
{
	int cpus = libbpf_num_possible_cpus();
	struct hist *part;
	int cpu, i;

	memset(sum, 0, sizeof(*sum));
	part = cpus > 0 ? calloc((size_t)cpus, sizeof(*part)) : NULL;
	if (!part || bpf_map_lookup_elem(map, &stage, part)) {
		free(part);
		return -1;
	}
	for (cpu = 0; cpu < cpus; cpu++) {
		sum->count += part[cpu].count;
		sum->sum_ns += part[cpu].sum_ns;
		if (part[cpu].max_ns > sum->max_ns)
			sum->max_ns = part[cpu].max_ns;
		for (i = 0; i < HIST_SLOTS; i++)
			sum->slot[i] += part[cpu].slot[i];
	}
	free(part);
	return 0;
}

/**
 * hist_percentile() - so many percent took no longer
 * @hist: the histogram
 * @percent: how many
 *
 * Return: ns, an upper bound: the next power of two, or the longest.
 */
unsigned long long hist_percentile(const struct hist *hist,
				   unsigned int percent)
{
	unsigned long long want = (hist->count * percent + 99) / 100;
	unsigned long long seen = 0;
	int i;

	for (i = 0; i < HIST_SLOTS; i++) {
		seen += hist->slot[i];
		if (seen >= want && seen) {
			unsigned long long bound = (2ULL << i) - 1;

			return bound < hist->max_ns ? bound : hist->max_ns;
		}
	}
	return hist->max_ns;
}

/**
 * hist_head() - the line above the rows
 * @first: what stands above their names
 */
void hist_head(const char *first)
{
	printf("\n%-14s %10s %10s %10s %10s %10s\n", first, "COUNT", "MEAN us",
	       "P50 us", "P99 us", "MAX us");
}

/**
 * hist_row() - a line for people, none if there is nothing
 * @name: of the stage
 * @hist: its times
 */
void hist_row(const char *name, const struct hist *hist)
{
	if (!hist->count)
		return;
	printf("%-14s %10llu %10.1f %10.1f %10.1f %10.1f\n", name, hist->count,
	       (double)hist->sum_ns / (double)hist->count / 1000,
	       (double)hist_percentile(hist, 50) / 1000,
	       (double)hist_percentile(hist, 99) / 1000,
	       (double)hist->max_ns / 1000);
}

/**
 * hist_json() - a member of a JSON object
 * @name: its key
 * @hist: the times
 * @first: there is none before it
 */
void hist_json(const char *name, const struct hist *hist, bool first)
{
	printf("%s\"%s\": {\"count\": %llu, \"sum_ns\": %llu, \"p50_ns\": %llu, "
	       "\"p99_ns\": %llu, \"max_ns\": %llu}",
	       first ? "" : ", ", name, hist->count, hist->sum_ns,
	       hist_percentile(hist, 50), hist_percentile(hist, 99),
	       hist->max_ns);
}
