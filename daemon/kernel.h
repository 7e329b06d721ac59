/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl kernel: the verbs that speak to the module of this node directly.
 *
 * They are what the daemon does by itself, for hands: nothing here consults a
 * cluster.  Terms, holders and replica sets come from the administrator, who
 * must never give one term twice.
 *
 * Each verb takes its words after the verb and returns an exit code of enum
 * kernel_exit; errors are printed where they are found.
 */
#ifndef QBD_DAEMON_KERNEL_H
#define QBD_DAEMON_KERNEL_H

#include "knl.h"
#include "out.h"

/**
 * enum kernel_exit - exit codes of qbdctl kernel
 * @KERNEL_OK: done
 * @KERNEL_FAILED: the kernel refused, or what was started failed
 * @KERNEL_USAGE: the command line was not understood
 * @KERNEL_TIMEOUT: started, but not finished in time
 */
enum kernel_exit {
	KERNEL_OK = 0,
	KERNEL_FAILED = 1,
	KERNEL_USAGE = 2,
	KERNEL_TIMEOUT = 3,
};

#define KERNEL_TIMEOUT_MS 60000

/**
 * struct kernel_ctx - a verb being run
 * @knl: connection to the module
 * @noun: the object, for messages
 * @verb: what to do with it
 * @args: its arguments in words, for usage
 * @json: print JSON
 * @no_wait: do not wait for the end of what was started
 * @timeout_ms: how long to wait
 */
struct kernel_ctx {
	struct knl knl;
	const char *noun;
	const char *verb;
	const char *args;
	bool json;
	bool no_wait;
	int timeout_ms;
};

/**
 * enum kernel_opt_kind - what follows an option
 * @KERNEL_OPT_U32: a number; into a uint32_t
 * @KERNEL_OPT_U64: a number; into a uint64_t
 * @KERNEL_OPT_TERM: a term; into a uint64_t
 * @KERNEL_OPT_SIZE: a size as 10G; into a uint64_t
 * @KERNEL_OPT_UUID: a uuid; into 16 bytes
 * @KERNEL_OPT_STR: any word; into a const char *
 * @KERNEL_OPT_FLAG: nothing; sets a bool
 * @KERNEL_OPT_WORDS: a word, may be repeated; into a struct kernel_words
 */
enum kernel_opt_kind {
	KERNEL_OPT_U32,
	KERNEL_OPT_U64,
	KERNEL_OPT_TERM,
	KERNEL_OPT_SIZE,
	KERNEL_OPT_UUID,
	KERNEL_OPT_STR,
	KERNEL_OPT_FLAG,
	KERNEL_OPT_WORDS,
};

/**
 * struct kernel_words - words of a repeated option
 * @word: the words
 * @nr: how many
 */
struct kernel_words {
	const char **word;
	size_t nr;
};

/**
 * struct kernel_opt - an option of a verb
 * @name: without the dashes
 * @kind: what follows it
 * @needed: the verb can't do without it
 * @to: where it goes, see @kind; left alone if the option is not given
 * @given: set when it is given, or NULL
 */
struct kernel_opt {
	const char *name;
	enum kernel_opt_kind kind;
	bool needed;
	void *to;
	bool *given;
};

int kernel_parse(struct kernel_ctx *ctx, int argc, char **argv,
		 const struct kernel_opt *opts, const char **word);
int kernel_parse_none(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_usage(const struct kernel_ctx *ctx, const char *why);
int kernel_bad(const struct kernel_ctx *ctx, const char *option,
	       const char *word, const char *expected);
int kernel_end(struct kernel_ctx *ctx, int err);
int kernel_members_put(struct nl_msg *msg, int attr, const char *word);

int kernel_node_start(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_node_show(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_node_stop(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_node_crash(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_store_add(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_store_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_store_remove(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_replica_create(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_replica_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_replica_floor(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_replica_delete(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_volume_attach(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_volume_detach(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_volume_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_volume_set(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_shard_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_peer_add(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_peer_remove(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_peer_show(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_link_add(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_link_show(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_link_remove(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_links(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_events(struct kernel_ctx *ctx, int argc, char **argv);

const char *kernel_replica_state(uint32_t state);
const char *kernel_link_state(uint32_t state);

int cmd_kernel(int argc, char **argv);

#endif /* QBD_DAEMON_KERNEL_H */
