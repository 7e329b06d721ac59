/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * qbdctl kernel: the verbs that speak to the module of this node directly.
 *
 * They are what the daemon does by itself, for hands: nothing here consults a
 * cluster.  Terms, holders and replica sets come from the administrator, who
 * must never give one term twice.
 *
 * Each verb takes its words, itself included, and returns an exit code of enum
 * kernel_exit, or OPT_HELPED; errors are printed where they are found. It calls
 * kernel_begin() first, which reads and checks all words before it looks for
 * the module.
 */
#ifndef QBD_DAEMON_KERNEL_H
#define QBD_DAEMON_KERNEL_H

#include "knl.h"
#include "opt.h"
#include "out.h"

/**
 * enum kernel_exit - exit codes of qbdctl kernel
 * @KERNEL_OK: done
 * @KERNEL_FAILED: the kernel refused, or what was started failed
 * @KERNEL_USAGE: the command line was not understood
 * @KERNEL_TIMEOUT: started, but not finished in time
 * @KERNEL_DIFFERS: copies were compared, and are not known to be the same
 */
enum kernel_exit {
	KERNEL_OK = 0,
	KERNEL_FAILED = 1,
	KERNEL_USAGE = 2,
	KERNEL_TIMEOUT = 3,
	KERNEL_DIFFERS = 4,
};

#define KERNEL_TIMEOUT_MS 60000

/**
 * struct kernel_ctx - a verb being run
 * @knl: connection to the module
 * @cmd: the verb as its options see it
 * @common: the options that all verbs have
 * @json: print JSON
 * @said: something was printed, so that there is no need to say {}
 * @no_wait: do not wait for the end of what was started
 * @timeout_ms: how long to wait
 */
struct kernel_ctx {
	struct knl knl;
	struct opt_cmd cmd;
	struct opt common[4];
	bool json;
	bool said;
	bool no_wait;
	int timeout_ms;
};

/* Shards in one request: 14 members of 36 bytes each fit 4 KiB 8 times,
 * but for the little that surrounds them.
 */
#define KERNEL_SHARDS_PER_MSG 7

/**
 * struct kernel_shards - words of a repeated --shard
 * @word: each NO:EPOCH:NODE:REPLICA,...; owned
 * @nr: how many
 */
struct kernel_shards {
	const char **word;
	size_t nr;
};

/* kernel_opt.c: kinds of options, and what they put where */
extern const struct opt_kind kernel_opt_term; /* uint64_t */
extern const struct opt_kind kernel_opt_floor; /* uint64_t */
extern const struct opt_kind kernel_opt_links; /* uint32_t */
extern const struct opt_kind kernel_opt_members; /* const char * */

void kernel_opt_common(struct kernel_ctx *ctx);
int kernel_open(struct kernel_ctx *ctx);
int kernel_begin(struct kernel_ctx *ctx, int argc, char **argv,
		 const struct opt *opts);
int kernel_begin_bare(struct kernel_ctx *ctx, int argc, char **argv);
void kernel_list(struct kernel_ctx *ctx, struct out *out,
		 const struct out_col *cols, size_t nr_cols);
int kernel_end(struct kernel_ctx *ctx, int err);
int kernel_members_put(struct nl_msg *msg, int attr, const char *word);
int kernel_shard_put(struct nl_msg *msg, const char *word);

/* kernel_volume.c: what attach and grow share; struct kernel_shards */
extern const struct opt_kind kernel_opt_shard;
int kernel_shards_put(struct nl_msg *msg, const struct kernel_shards *shards,
		      size_t from);

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
int kernel_volume_grow(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_volume_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_volume_set(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_shard_config(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_shard_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_shard_verify(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_shard_verify_list(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_shard_verify_stop(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_peer_add(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_peer_remove(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_peer_show(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_link_add(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_link_show(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_link_remove(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_links(struct kernel_ctx *ctx, int argc, char **argv);
int kernel_events(struct kernel_ctx *ctx, int argc, char **argv);

const char *kernel_role(uint32_t role);
const char *kernel_replica_state(uint32_t state);
const char *kernel_link_state(uint32_t state);

int cmd_kernel(int argc, char **argv);
void kernel_visit(const struct opt_visit *visit);

#endif /* QBD_DAEMON_KERNEL_H */
