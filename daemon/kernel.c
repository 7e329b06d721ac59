// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl kernel: table of the verbs, their help, and what they share.
 */
#include "kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

/**
 * struct kernel_verb - one verb
 * @noun: the object
 * @verb: what to do with it
 * @run: does it
 * @args: arguments for the usage line
 * @help: one line of help
 */
struct kernel_verb {
	const char *noun;
	const char *verb;
	int (*run)(struct kernel_ctx *ctx, int argc, char **argv);
	const char *args;
	const char *help;
};

/* clang-format off */
static const struct kernel_verb kernel_verbs[] = {
	{ "node", "start", kernel_node_start,
	  "--id N --name NAME --cluster UUID [--lease-ms MS]",
	  "make this network namespace a node" },
	{ "node", "show", kernel_node_show, "",
	  "show the node" },
	{ "node", "stop", kernel_node_stop, "--id N",
	  "close all stores in order; refused while a volume is attached" },
	{ "node", "crash", kernel_node_crash, "--id N",
	  "drop everything as a power cut would (for tests)" },
	{ "store", "add", kernel_store_add,
	  "PATH [--uuid UUID] [--opens-min N]",
	  "open a formatted store" },
	{ "store", "list", kernel_store_list, "",
	  "list the stores" },
	{ "store", "remove", kernel_store_remove, "UUID",
	  "close a store in order" },
	{ "replica", "create", kernel_replica_create,
	  "--id N --volume N --shard N --store UUID --size SIZE --epoch N --members NODE:REPLICA,...",
	  "create an empty replica" },
	{ "replica", "list", kernel_replica_list, "",
	  "list the replicas" },
	{ "replica", "delete", kernel_replica_delete, "--id N --epoch N",
	  "delete a replica for ever" },
	{ "replica", "floor", kernel_replica_floor, "--id N --term N",
	  "let one that has no vote have it again, once it has caught up;\n"
	  "        --term: the highest that was ever given out for its volume" },
	{ "volume", "attach", kernel_volume_attach,
	  "--id N --name NAME --size SIZE --term N [--shard-size SIZE]\n"
	  "        --shard NO:EPOCH:NODE:REPLICA,... [--shard ...] [--on-no-quorum suspend|error]\n"
	  "        [--no-quorum-ms MS] [--reads lease|quorum]",
	  "open all shards under a new term and add the device" },
	{ "volume", "detach", kernel_volume_detach, "--id N [--force]",
	  "remove the device; --force fails what hangs, within 10 s" },
	{ "volume", "list", kernel_volume_list, "",
	  "list the attached volumes" },
	{ "volume", "set", kernel_volume_set,
	  "--id N [--on-no-quorum suspend|error] [--no-quorum-ms MS]",
	  "change a volume while it is attached" },
	{ "shard", "list", kernel_shard_list, "[--volume N]",
	  "list the shards led here and their replicas" },
	{ "peer", "add", kernel_peer_add, "--id N [--links N]",
	  "make another node known; 'links' then connects to it" },
	{ "peer", "remove", kernel_peer_remove, "--id N",
	  "end the links to it and take no new ones" },
	{ "peer", "show", kernel_peer_show, "[--id N]",
	  "show the peers; times in ms: heard from, leases held from and granted to" },
	{ "link", "add", kernel_link_add,
	  "--peer N --link N --fd N [--accept]",
	  "hand over a connected socket that this process inherited: TCP, or an end\n"
	  "        of an AF_UNIX socketpair whose other end goes to a node of this kernel" },
	{ "link", "show", kernel_link_show, "[--peer N]",
	  "show the connections to peers" },
	{ "link", "remove", kernel_link_remove, "--peer N --link N",
	  "end a connection; 'links' replaces it" },
	{ "links", "", kernel_links, "FILE [--check]",
	  "connect to the peers in FILE, listen for them, replace what is lost;\n"
	  "        runs until SIGTERM, the links stay; --check only reads FILE, lines of it:\n"
	  "          listen ADDRESS:PORT\n"
	  "          peer ID ADDRESS:PORT [links=N]    # the node's own line is skipped" },
	{ "events", "", kernel_events, "[--count N]",
	  "print what changes, as it changes" },
};

/* clang-format on */

static void kernel_help(FILE *file)
{
	size_t i;

	fputs("usage: qbdctl kernel NOUN VERB [OPTION...]\n\n", file);
	for (i = 0; i < sizeof(kernel_verbs) / sizeof(kernel_verbs[0]); i++) {
		const struct kernel_verb *verb = &kernel_verbs[i];

		fprintf(file, "  %s%s%s %s\n        %s\n", verb->noun,
			*verb->verb ? " " : "", verb->verb, verb->args,
			verb->help);
	}
	fputs("\nOptions of every verb:\n"
	      "  --json         one JSON document instead of a table\n"
	      "  --no-wait      do not wait for the end of what was started\n"
	      "  --timeout S    how long to wait (default 60)\n"
	      "\nExit codes: 0 done, 1 refused or failed, 2 usage, 3 not finished in time\n"
	      "\nTerms are yours here: never give one term to two attaches of a volume.\n",
	      file);
}

int kernel_usage(const struct kernel_ctx *ctx, const char *why)
{
	fprintf(stderr, "qbdctl: %s\nusage: qbdctl kernel %s%s%s %s\n", why,
		ctx->noun, *ctx->verb ? " " : "", ctx->verb, ctx->args);
	return KERNEL_USAGE;
}

int kernel_bad(const struct kernel_ctx *ctx, const char *option,
	       const char *word, const char *expected)
{
	fprintf(stderr, "qbdctl: %s %s: expected %s\n", option, word, expected);
	fprintf(stderr, "usage: qbdctl kernel %s%s%s %s\n", ctx->noun,
		*ctx->verb ? " " : "", ctx->verb, ctx->args);
	return KERNEL_USAGE;
}

/* Say how a verb ended. */
int kernel_end(struct kernel_ctx *ctx, int err)
{
	if (!err)
		return KERNEL_OK;
	fprintf(stderr, "qbdctl: %s%s%s: %s\n", ctx->noun,
		*ctx->verb ? " " : "", ctx->verb,
		*ctx->knl.error ? ctx->knl.error : strerror(-err));
	return err == -ETIMEDOUT ? KERNEL_TIMEOUT : KERNEL_FAILED;
}

/* Put NODE:REPLICA,... as nests of @attr; -EINVAL: not of that form. */
int kernel_members_put(struct nl_msg *msg, int attr, const char *word)
{
	char text[512];
	char *save = NULL;
	size_t len = strlen(word) + 1;
	char *part;

	if (len > sizeof(text))
		return -EINVAL;
	memcpy(text, word, len);
	for (part = strtok_r(text, ",", &save); part;
	     part = strtok_r(NULL, ",", &save)) {
		char *colon = strchr(part, ':');
		struct nlattr *nest;
		uint64_t replica;
		uint32_t node;

		if (!colon)
			return -EINVAL;
		*colon = '\0';
		if (!parse_u32(part, 1, UINT32_MAX, &node) ||
		    !parse_u64(colon + 1, 1, UINT64_MAX, &replica))
			return -EINVAL;
		nest = nla_nest_start(msg, attr | NLA_F_NESTED);
		if (!nest || nla_put_u32(msg, QBD_A_MEMBER_NODE, node) ||
		    nla_put_u64(msg, QBD_A_MEMBER_REPLICA, replica))
			return -ENOMEM;
		nla_nest_end(msg, nest);
	}
	return 0;
}

static int kernel_run(const struct kernel_verb *verb, int argc, char **argv)
{
	struct kernel_ctx ctx = { .noun = verb->noun,
				  .verb = verb->verb,
				  .args = verb->args,
				  .timeout_ms = KERNEL_TIMEOUT_MS };
	int code;

	/* links opens it by itself, and may do without */
	if (verb->run != kernel_links && knl_open(&ctx.knl)) {
		fprintf(stderr, "qbdctl: %s\n", ctx.knl.error);
		return KERNEL_FAILED;
	}
	code = verb->run(&ctx, argc, argv);
	knl_close(&ctx.knl);
	return code;
}

/**
 * cmd_kernel() - qbdctl kernel
 * @argc: number of words, from "kernel" on
 * @argv: the words
 *
 * Return: exit code, see enum kernel_exit.
 */
int cmd_kernel(int argc, char **argv)
{
	size_t i;

	if (argc < 2 || !strcmp(argv[1], "--help") ||
	    !strcmp(argv[1], "help")) {
		kernel_help(argc < 2 ? stderr : stdout);
		return argc < 2 ? KERNEL_USAGE : KERNEL_OK;
	}
	for (i = 0; i < sizeof(kernel_verbs) / sizeof(kernel_verbs[0]); i++) {
		const struct kernel_verb *verb = &kernel_verbs[i];
		int words = *verb->verb ? 2 : 1;

		if (strcmp(argv[1], verb->noun))
			continue;
		if (words == 2 && (argc < 3 || strcmp(argv[2], verb->verb)))
			continue;
		return kernel_run(verb, argc - words, argv + words);
	}
	fprintf(stderr,
		"qbdctl: unknown: kernel %s%s%s; see 'qbdctl kernel help'\n",
		argv[1], argc > 2 ? " " : "", argc > 2 ? argv[2] : "");
	return KERNEL_USAGE;
}
