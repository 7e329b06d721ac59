/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of the runner share; runner.h is for everybody else.
 */
#ifndef QBD_PROMOTE_RUNNER_INNER_H
#define QBD_PROMOTE_RUNNER_INNER_H

#include "runner_machine.h"

#define RUNNER_PATH_MAX (RUNNER_DIR_MAX + 32)
#define RUNNER_SAID_MAX 256 /* of what systemctl says */
#define RUNNER_PROC_MAX 1024 /* of /proc/PID/stat */

/**
 * struct runner_process - a process that is waited for
 * @source: its pidfd; watched: it has not ended yet
 * @loop: where
 * @pid: its number, and its group's; 0 = none
 * @child: of this daemon, so that its exit code can be had
 * @go: the end of a pipe: a byte lets it loose; -1
 */
struct runner_process {
	struct loop_source source;
	struct loop *loop;
	int pid;
	bool child;
	int go;
};

/**
 * struct runner_spawn - what is started
 * @argv: program, arguments, NULL
 * @envp: its environment
 * @out: path of what its output is written to; NULL: @out_fd
 * @out_fd: descriptor
 * @wait: it waits until runner_process_go()
 */
struct runner_spawn {
	char *const *argv;
	char *const *envp;
	const char *out;
	int out_fd;
	bool wait;
};

/**
 * struct runner_lines - output, line by line
 * @used: bytes of @part
 * @window_ns: begin of the second that @lines counts
 * @lines: lines in it
 * @lost: lines that were not written since the last one that was
 * @part: a line that has not ended; what is longer is left out
 */
struct runner_lines {
	unsigned int used;
	uint64_t window_ns;
	unsigned int lines;
	uint64_t lost;
	char part[RUNNER_LINE_MAX];
};

/**
 * struct runner_record - what a file says
 * @volume: id
 * @term: under which
 * @pid: process; 0: a unit, or it is done
 * @start: its start time
 * @done: it ended well
 * @program: unit:NAME or run:COMMAND
 */
struct runner_record {
	uint32_t volume;
	uint64_t term;
	int pid;
	uint64_t start;
	bool done;
	char program[RUNNER_PROGRAM_MAX + 1];
};

/**
 * enum runner_ask - what systemctl is called for
 * @RUNNER_ASK_NONE: nothing
 * @RUNNER_ASK_START: start
 * @RUNNER_ASK_STOP: stop
 * @RUNNER_ASK_KILL: kill
 * @RUNNER_ASK_LOOK: is-active
 */
enum runner_ask {
	RUNNER_ASK_NONE,
	RUNNER_ASK_START,
	RUNNER_ASK_STOP,
	RUNNER_ASK_KILL,
	RUNNER_ASK_LOOK,
};

/**
 * struct runner_client - a systemctl of a volume
 * @process: it
 * @out: what it says
 * @ask: what for; NONE: it does not run
 * @next: the next one, which takes its place
 * @queued: waits until there are fewer
 * @used: bytes of @said
 * @said: what it said
 */
struct runner_client {
	struct runner_process process;
	struct loop_source out;
	enum runner_ask ask;
	enum runner_ask next;
	bool queued;
	unsigned int used;
	char said[RUNNER_SAID_MAX];
};

/**
 * struct runner_item - a volume
 * @runner: of which
 * @link: the next one
 * @now: what runs, or is to
 * @next: what is to run when that has stopped, if @has_next
 * @has_next: see there
 * @machine: its state
 * @timer: of @machine
 * @look: when its unit is looked at, or the look has taken too long
 * @process: its command
 * @out: what that prints
 * @lines: of that
 * @client: its systemctl
 * @found: it was there at the start, and nobody has set it yet
 * @tell: somebody waits for its end
 */
struct runner_item {
	struct runner *runner;
	struct runner_item *link;
	struct runner_volume now;
	struct runner_volume next;
	bool has_next;
	struct runner_machine machine;
	struct loop_timer timer;
	struct loop_timer look;
	struct runner_process process;
	struct loop_source out;
	struct runner_lines lines;
	struct runner_client client;
	bool found;
	bool tell;
};

/**
 * struct runner - programs of a node
 * @loop: where it runs
 * @opt: options, with all times set
 * @ops: who is told
 * @arg: for @ops
 * @items: volumes
 * @nr: how many
 * @clients: systemctl that run
 */
struct runner {
	struct loop *loop;
	struct runner_options opt;
	struct runner_ops ops;
	void *arg;
	struct runner_item *items;
	unsigned int nr;
	unsigned int clients;
};

/* runner.c */
struct runner_item *runner_find(const struct runner *runner, uint32_t volume);
void runner_free(struct runner_item *item);

/* runner_act.c */
bool runner_is_unit(const struct runner_item *item);
enum runner_act runner_step(struct runner_item *item, enum runner_event event);
void runner_do(struct runner_item *item, enum runner_act act);
void runner_event(struct runner_item *item, enum runner_event event);
void runner_clean(struct runner_item *item);
void runner_out_open(struct runner_item *item);
void runner_out_close(struct runner_item *item);
void runner_ended(struct loop_source *source, uint32_t events);

/* runner_client.c */
void runner_ask(struct runner_item *item, enum runner_ask ask);
void runner_look_later(struct runner_item *item, uint64_t in_ns);
void runner_looked(struct loop_timer *timer);
void runner_client_end(struct runner_item *item);

/* runner_process.c */
int runner_process_spawn(struct runner_process *process, struct loop *loop,
			 const struct runner_spawn *spawn);
void runner_process_go(struct runner_process *process);
int runner_process_adopt(struct runner_process *process, struct loop *loop,
			 int pid, uint64_t start);
void runner_process_signal(const struct runner_process *process, int number);
int runner_process_reap(struct runner_process *process);
void runner_process_forget(struct runner_process *process);
uint64_t runner_process_start(int pid);

/* runner_file.c */
int runner_file_write(const char *dir, const struct runner_record *record);
int runner_file_read(const char *dir, uint32_t volume,
		     struct runner_record *record);
int runner_file_parse(const char *text, struct runner_record *record);
void runner_file_remove(const char *dir, uint32_t volume);
bool runner_file_name(const char *name, uint32_t *volume);
void runner_out_path(const char *dir, uint32_t volume,
		     char path[RUNNER_PATH_MAX]);

/* runner_lines.c */
void runner_lines_take(struct runner_lines *lines, const char *volume,
		       uint64_t now_ns, const char *data, size_t bytes);
void runner_lines_end(struct runner_lines *lines, const char *volume,
		      uint64_t now_ns);

#endif /* QBD_PROMOTE_RUNNER_INNER_H */
