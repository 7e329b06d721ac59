// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units, by systemctl: one at a time for each volume, so many in all.
 */
#include "runner_inner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/epoll.h>

#include "../log.h"

#define CLIENT_AGAIN_NS 1000000000ULL /* while it stops */
#define CLIENT_EACH_NS 100000000ULL /* ten looks a second, of all units */

static void client_begin(struct runner_item *item);

static const char *client_verb(enum runner_ask ask)
{
	switch (ask) {
	case RUNNER_ASK_NONE:
		break;
	case RUNNER_ASK_START:
		return "start";
	case RUNNER_ASK_STOP:
		return "stop";
	case RUNNER_ASK_KILL:
		return "kill";
	case RUNNER_ASK_LOOK:
		return "is-active";
	}
	return "?";
}

static void client_read(struct runner_client *client)
{
	char data[RUNNER_SAID_MAX];
	size_t room = sizeof(client->said) - 1 - client->used;
	ssize_t bytes = read(client->out.fd, data, sizeof(data));

	if (bytes <= 0)
		return;
	if ((size_t)bytes > room)
		bytes = (ssize_t)room;
	memcpy(client->said + client->used, data, (size_t)bytes);
	client->used += (unsigned int)bytes;
	client->said[client->used] = '\0';
}

static void client_out_ready(struct loop_source *source, uint32_t events)
{
	struct runner_item *item =
		container_of(source, struct runner_item, client.out);

	client_read(&item->client);
	if (events & (EPOLLHUP | EPOLLERR)) {
		loop_source_remove(item->runner->loop, source);
		close(source->fd);
	}
}

static void client_out_close(struct runner_item *item)
{
	if (!item->client.out.watched)
		return;
	client_read(&item->client);
	loop_source_remove(item->runner->loop, &item->client.out);
	close(item->client.out.fd);
}

/* Those that wait because there were too many. */
static void client_pass_on(struct runner *runner)
{
	struct runner_item *item = runner->items;

	while (item && runner->clients < RUNNER_CLIENTS_MAX) {
		struct runner_item *link = item->link;

		if (item->client.queued)
			client_begin(item);
		item = link;
	}
}

/* What `is-active` printed; no word that is known: it says nothing. */
static void client_looked(struct runner_item *item)
{
	char *word = item->client.said;
	bool stopping = item->machine.state == RUNNER_STOPPING;

	word[strcspn(word, "\n")] = '\0';
	if (!strcmp(word, "inactive")) {
		runner_event(item, RUNNER_WELL);
		return;
	}
	if (!strcmp(word, "failed") || !strcmp(word, "unknown")) {
		runner_event(item, RUNNER_BADLY);
		return;
	}
	runner_look_later(item, stopping ? CLIENT_AGAIN_NS :
					   item->runner->opt.times.poll_ns);
}

static void client_answer(struct runner_item *item, enum runner_ask ask,
			  int code)
{
	char text[RUNNER_SAID_MAX + 3];

	if (code && ask != RUNNER_ASK_LOOK)
		log_write(LOG_LEVEL_WARN, "unit-refused",
			  "volume=%s unit=%s verb=%s code=%d text=%s",
			  item->now.name, item->now.program + 5,
			  client_verb(ask), code,
			  log_quote(text, sizeof(text), item->client.said,
				    item->client.used));
	if (ask == RUNNER_ASK_START)
		runner_event(item, code ? RUNNER_BADLY : RUNNER_STARTED);
	else if (ask == RUNNER_ASK_LOOK)
		client_looked(item);
	else
		runner_ask(item, RUNNER_ASK_LOOK); /* has it ended? */
}

static void client_ended(struct loop_source *source, uint32_t events)
{
	struct runner_item *item =
		container_of(source, struct runner_item, client.process.source);
	struct runner *runner = item->runner;
	struct runner_client *client = &item->client;
	enum runner_ask ask = client->ask;
	int code = runner_process_reap(&client->process);

	(void)events;
	client_out_close(item);
	client->ask = RUNNER_ASK_NONE;
	runner->clients--;
	loop_timer_stop(runner->loop, &item->look);
	/* it was ended to make room for the next one: it says nothing */
	if (client->next != RUNNER_ASK_NONE)
		client_begin(item);
	else
		client_answer(item, ask, code);
	client_pass_on(runner);
}

static int client_spawn(struct runner_item *item, enum runner_ask ask)
{
	char *const unit = item->now.program + 5;
	char *argv[5] = { "systemctl", (char *)client_verb(ask), unit, NULL,
			  NULL };
	struct runner_client *client = &item->client;
	struct runner_spawn spawn = { .argv = argv, .envp = environ };
	int out[2], err;

	if (ask == RUNNER_ASK_KILL) {
		argv[2] = "--signal=SIGKILL";
		argv[3] = unit;
	}
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK))
		return -errno;
	spawn.out_fd = out[1];
	client->process.source.ready = client_ended;
	err = runner_process_spawn(&client->process, item->runner->loop,
				   &spawn);
	close(out[1]);
	if (err) {
		close(out[0]);
		return err;
	}
	client->out = (struct loop_source){ .name = "runner-client",
					    .fd = out[0],
					    .ready = client_out_ready };
	/* unheard, a look says nothing, and is made again */
	if (loop_source_add(item->runner->loop, &client->out, EPOLLIN))
		close(out[0]);
	return 0;
}

/* The next one, or its turn. */
static void client_begin(struct runner_item *item)
{
	struct runner *runner = item->runner;
	struct runner_client *client = &item->client;
	enum runner_ask ask = client->next;
	int err;

	client->queued = runner->clients >= RUNNER_CLIENTS_MAX;
	if (client->queued)
		return;
	client->next = RUNNER_ASK_NONE;
	client->used = 0;
	client->said[0] = '\0';
	err = client_spawn(item, ask);
	if (!err) {
		client->ask = ask;
		runner->clients++;
		if (ask == RUNNER_ASK_LOOK)
			loop_timer_set(runner->loop, &item->look,
				       loop_now(runner->loop) +
					       runner->opt.times.look_ns);
		return;
	}
	log_write(LOG_LEVEL_ERROR, "systemctl-not-started",
		  "volume=%s verb=%s error=%d", item->now.name,
		  client_verb(ask), -err);
	if (ask == RUNNER_ASK_START)
		runner_event(item, RUNNER_BADLY);
	else
		runner_look_later(item, CLIENT_AGAIN_NS);
}

/**
 * runner_ask() - call systemctl
 * @item: the volume
 * @ask: what for; one that runs is ended first
 */
void runner_ask(struct runner_item *item, enum runner_ask ask)
{
	struct runner_client *client = &item->client;

	client->next = ask;
	loop_timer_stop(item->runner->loop, &item->look);
	if (client->ask != RUNNER_ASK_NONE)
		runner_process_signal(&client->process, SIGKILL);
	else
		client_begin(item);
}

/**
 * runner_look_later() - look how the unit is
 * @item: the volume
 * @in_ns: when
 */
void runner_look_later(struct runner_item *item, uint64_t in_ns)
{
	uint64_t least = item->runner->nr * CLIENT_EACH_NS;

	if (item->machine.state == RUNNER_RUNNING && in_ns < least)
		in_ns = least;
	loop_timer_set(item->runner->loop, &item->look,
		       loop_now(item->runner->loop) + in_ns);
}

/**
 * runner_looked() - it is time to look, or a look has taken too long
 * @timer: of the volume
 */
void runner_looked(struct loop_timer *timer)
{
	struct runner_item *item =
		container_of(timer, struct runner_item, look);

	if (item->machine.state == RUNNER_RUNNING ||
	    item->machine.state == RUNNER_STOPPING)
		runner_ask(item, RUNNER_ASK_LOOK);
}

/**
 * runner_client_end() - no systemctl of this volume any more
 * @item: the volume
 */
void runner_client_end(struct runner_item *item)
{
	struct runner_client *client = &item->client;

	client->next = RUNNER_ASK_NONE;
	client->queued = false;
	client_out_close(item);
	if (client->ask == RUNNER_ASK_NONE)
		return;
	client->ask = RUNNER_ASK_NONE;
	item->runner->clients--;
	runner_process_signal(&client->process, SIGKILL);
	runner_process_forget(&client->process);
}
