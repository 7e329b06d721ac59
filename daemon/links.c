// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel links: the loop that keeps links to peers; see links.h.
 */
#include "links.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

#include "kernel.h"

static const char kernel_links_file[] =
	"who the peers are; one entry a line:\n"
	"listen ADDRESS:PORT\n"
	"links N # to each peer, on all nodes the same (default 2)\n"
	"peer ID ADDRESS:PORT # the node's own one is skipped";

/* CLOCK_BOOTTIME: a machine that slept looks at its links at once. */
int64_t links_now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* One line, in one write: what happened, then key=value. */
void links_log(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	fprintf(stderr, "links: %s\n", line);
}

bool links_watch(struct links *links, struct links_source *source,
		 uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = source };

	return !epoll_ctl(links->epoll, EPOLL_CTL_ADD, source->fd, &event);
}

void links_unwatch(struct links *links, struct links_source *source)
{
	/* the kernel of before 2.6.9 wanted an event; ours takes NULL */
	epoll_ctl(links->epoll, EPOLL_CTL_DEL, source->fd, NULL);
}

void links_close(struct links *links, struct links_source *source)
{
	if (source->fd < 0)
		return;
	links_unwatch(links, source);
	close(source->fd);
	source->fd = -1;
}

struct links_peer *links_peer_find(struct links *links, uint32_t id)
{
	unsigned int i;

	for (i = 0; i < links->nr_peers; i++)
		if (links->peer[i].conf->id == id)
			return &links->peer[i];
	return NULL;
}

static void links_signal(struct links *links, struct links_source *source,
			 uint32_t events)
{
	struct signalfd_siginfo info;

	(void)events;
	if (read(source->fd, &info, sizeof(info)) != sizeof(info))
		return;
	links_log("stopped signal=%u refused=%llu", info.ssi_signo,
		  (unsigned long long)links->hush.total);
	links->end = true;
}

static bool links_signals(struct links *links)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	if (sigprocmask(SIG_BLOCK, &set, NULL))
		return false;
	links->signals.fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	links->signals.ready = links_signal;
	return links->signals.fd >= 0 &&
	       links_watch(links, &links->signals, EPOLLIN);
}

/* The peers of the file, but for the node itself. */
static bool links_peers(struct links *links)
{
	unsigned int i;
	uint32_t number;

	links->peer = calloc(links->conf.nr_peers, sizeof(*links->peer));
	if (!links->peer)
		return false;
	for (i = 0; i < links->conf.nr_peers; i++) {
		const struct links_conf_peer *conf = &links->conf.peer[i];
		struct links_peer *peer = &links->peer[links->nr_peers];

		if (conf->id == links->node)
			continue;
		links->nr_peers++;
		peer->conf = conf;
		peer->dials = links->node < conf->id;
		for (number = 0; number < QBD_PEER_LINKS_MAX; number++)
			links_link_init(peer, number);
	}
	return true;
}

/* Do what is due; when is the next thing? */
static int64_t links_due(struct links *links, int64_t now_ms)
{
	int64_t next_ms = links->stale ? now_ms : links->stock_ms;
	unsigned int i;
	uint32_t number;

	links_accept_due(links, now_ms);
	if (links_accept_next(links) < next_ms)
		next_ms = links_accept_next(links);
	for (i = 0; i < links->nr_peers; i++) {
		struct links_peer *peer = &links->peer[i];

		for (number = 0; number < peer->nr_links; number++) {
			struct links_link *link = &peer->link[number];

			if (link->due_ms && link->due_ms <= now_ms)
				links_link_due(links, link, now_ms);
			if (link->due_ms && link->due_ms < next_ms)
				next_ms = link->due_ms;
		}
		if (peer->stale)
			next_ms = now_ms;
	}
	return next_ms;
}

static void links_run(struct links *links)
{
	while (!links->end) {
		struct links_source *source;
		struct epoll_event event;
		int64_t now_ms = links_now_ms();
		int64_t wait_ms;
		int got;

		links_kernel_settle(links, now_ms);
		if (links->end)
			break;
		wait_ms = links_due(links, now_ms) - links_now_ms();
		got = epoll_wait(links->epoll, &event, 1,
				 wait_ms > 0 ? (int)wait_ms : 0);
		if (got <= 0)
			continue; /* the time has come */
		source = event.data.ptr;
		source->ready(links, source, event.events);
	}
}

static void links_end(struct links *links)
{
	unsigned int i;
	uint32_t number;

	for (i = 0; i < links->nr_peers; i++)
		for (number = 0; number < QBD_PEER_LINKS_MAX; number++)
			links_close(links, &links->peer[i].link[number].source);
	for (i = 0; i < LINKS_HALVES_MAX; i++)
		links_close(links, &links->half[i].source);
	for (i = 0; i < LINKS_LISTENS_MAX; i++)
		links_close(links, &links->listener[i].source);
	links_close(links, &links->signals);
	knl_close(&links->knl);
	if (links->epoll >= 0)
		close(links->epoll);
	free(links->peer);
}

static bool links_begin(struct links *links)
{
	int i;

	links->events.fd = -1;
	links->signals.fd = -1;
	for (i = 0; i < LINKS_HALVES_MAX; i++)
		links->half[i].source.fd = -1;
	for (i = 0; i < LINKS_LISTENS_MAX; i++)
		links->listener[i].source.fd = -1;
	links->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (links->epoll < 0 || !links_signals(links)) {
		fprintf(stderr, "qbdctl: links: %s\n", strerror(errno));
		return false;
	}
	if (knl_open(&links->knl)) {
		fprintf(stderr, "qbdctl: %s\n", links->knl.error);
		return false;
	}
	if (!links_kernel_begin(links) || !links_listen(links))
		return false;
	if (!links_peers(links)) {
		fprintf(stderr, "qbdctl: links: %s\n", strerror(errno));
		return false;
	}
	links_log("started node=%u peers=%u", links->node, links->nr_peers);
	return true;
}

static int links_keep(struct links *links)
{
	if (links_begin(links))
		links_run(links);
	else
		links->code = KERNEL_FAILED;
	links_end(links);
	return links->code;
}

static void links_check_said(const struct kernel_ctx *ctx,
			     const struct links_conf *conf)
{
	if (!ctx->json) {
		printf("%s: ok, %u peer%s\n", conf->name, conf->nr_peers,
		       conf->nr_peers == 1 ? "" : "s");
		return;
	}
	fputs("{\"file\": ", stdout);
	out_json_string(stdout, conf->name);
	printf(", \"listens\": %u, \"links\": ", conf->nr_listens);
	if (conf->links)
		printf("%u", conf->links);
	else
		fputs("null", stdout);
	printf(", \"peers\": %u}\n", conf->nr_peers);
}

int kernel_links(struct kernel_ctx *ctx, int argc, char **argv)
{
	const char *name = NULL;
	bool check = false;
	const struct opt opts[] = {
		{ "FILE", &opt_name, OPT_WORD, &name, NULL, kernel_links_file },
		{ "check", &opt_flag, OPT_MAY, &check, NULL,
		  "only read FILE, and say what is in it, or wrong with it" },
		OPT_END,
	};
	struct links *links;
	/* it opens the module by itself, and may do without */
	int code = opt_parse(&ctx->cmd, argc, argv, opts);

	if (code)
		return code;
	if (ctx->json && !check)
		return opt_usage(
			&ctx->cmd, opts,
			"--json is for --check: what changes is said on stderr");
	ctx->said = true;
	links = calloc(1, sizeof(*links));
	if (!links)
		return kernel_end(ctx, -ENOMEM);
	if (!links_conf_load(&links->conf, name)) {
		fprintf(stderr, "qbdctl: %s\n", links->conf.error);
		code = KERNEL_FAILED;
	} else if (check) {
		links_check_said(ctx, &links->conf);
	} else {
		code = links_keep(links);
	}
	free(links);
	return code;
}
