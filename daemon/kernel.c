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
 * struct kernel_verb - one verb; its options are where it is run
 * @noun: the object
 * @verb: what to do with it; "": the noun says it all
 * @run: does it
 * @help: what it does
 */
struct kernel_verb {
	const char *noun;
	const char *verb;
	int (*run)(struct kernel_ctx *ctx, int argc, char **argv);
	const char *help;
};

/* clang-format off */
static const struct kernel_verb kernel_verbs[] = {
	{ "node", "start", kernel_node_start,
	  "make this network namespace a node" },
	{ "node", "show", kernel_node_show,
	  "show the node" },
	{ "node", "stop", kernel_node_stop,
	  "close all stores in order; refused while a volume is attached" },
	{ "node", "crash", kernel_node_crash,
	  "drop everything as a power cut would (for tests)" },
	{ "store", "add", kernel_store_add,
	  "open a formatted store" },
	{ "store", "list", kernel_store_list,
	  "list the stores; SPACE: low below 20 % free, scarce below 5 %" },
	{ "store", "remove", kernel_store_remove,
	  "close a store in order" },
	{ "replica", "create", kernel_replica_create,
	  "create an empty replica" },
	{ "replica", "list", kernel_replica_list,
	  "list the replicas" },
	{ "replica", "delete", kernel_replica_delete,
	  "delete a replica for ever" },
	{ "replica", "floor", kernel_replica_floor,
	  "let one that has no vote have it again, once it has caught up" },
	{ "volume", "attach", kernel_volume_attach,
	  "open all shards under a new term and add the device" },
	{ "volume", "detach", kernel_volume_detach,
	  "remove the device" },
	{ "volume", "grow", kernel_volume_grow,
	  "make an attached volume larger; it stays in use" },
	{ "volume", "list", kernel_volume_list,
	  "list the attached volumes" },
	{ "volume", "set", kernel_volume_set,
	  "change a volume while it is attached" },
	{ "shard", "list", kernel_shard_list,
	  "list the shards led here and their replicas" },
	{ "shard", "config", kernel_shard_config,
	  "change the replica set of a shard, step by step" },
	{ "shard", "verify", kernel_shard_verify,
	  "compare all copies, while they are in use; exit code 4 if not all is the same" },
	{ "shard", "verify-list", kernel_shard_verify_list,
	  "show what comparisons have found, and how far they are" },
	{ "shard", "verify-stop", kernel_shard_verify_stop,
	  "end a comparison" },
	{ "peer", "add", kernel_peer_add,
	  "make another node known; 'links' then connects to it" },
	{ "peer", "remove", kernel_peer_remove,
	  "end the links to it and take no new ones" },
	{ "peer", "show", kernel_peer_show,
	  "show the peers; times in ms: heard from, leases held from and granted to" },
	{ "link", "add", kernel_link_add,
	  "hand over a connected socket that this process inherited: TCP, or an end "
	  "of an AF_UNIX socketpair whose other end goes to a node of this kernel" },
	{ "link", "show", kernel_link_show,
	  "show the connections to peers" },
	{ "link", "remove", kernel_link_remove,
	  "end a connection; 'links' replaces it" },
	{ "links", "", kernel_links,
	  "connect to the peers in FILE, listen for them, replace what is lost; "
	  "runs until SIGTERM, the links stay" },
	{ "events", "", kernel_events,
	  "print what changes, as it changes" },
};

/* clang-format on */

#define KERNEL_VERBS (sizeof(kernel_verbs) / sizeof(kernel_verbs[0]))

static const char kernel_notes[] =
	"Exit codes: 0 done, 1 refused or failed, 2 usage, 3 not finished in time\n"
	"\n"
	"Terms are yours here: never give one term to two attaches of a volume.";

/* Begin the listing that a verb prints. */
void kernel_list(struct kernel_ctx *ctx, struct out *out,
		 const struct out_col *cols, size_t nr_cols)
{
	ctx->said = true;
	out_begin(out, cols, nr_cols, ctx->json);
}

/* Say how a verb ended. */
int kernel_end(struct kernel_ctx *ctx, int err)
{
	if (!err)
		return KERNEL_OK;
	/* without "kernel", as all verbs that end here have it */
	fprintf(stderr, "qbdctl: %s: %s\n", strchr(ctx->cmd.name, ' ') + 1,
		*ctx->knl.error ? ctx->knl.error : strerror(-err));
	return err == -ETIMEDOUT ? KERNEL_TIMEOUT : KERNEL_FAILED;
}

static const char *const kernel_roles[] = {
	[QBD_MEMBER_ROLE_VOTER] = "voter",
	[QBD_MEMBER_ROLE_LEARNER] = "learner",
	[QBD_MEMBER_ROLE_JOINING] = "joining",
	[QBD_MEMBER_ROLE_LEAVING] = "leaving",
};

const char *kernel_role(uint32_t role)
{
	if (role >= sizeof(kernel_roles) / sizeof(char *))
		return "unknown";
	return kernel_roles[role];
}

/* REPLICA or REPLICA:ROLE. */
static bool kernel_member_take(char *word, uint64_t *replica, uint32_t *role)
{
	char *colon = strchr(word, ':');

	*role = QBD_MEMBER_ROLE_VOTER;
	if (colon) {
		*colon = '\0';
		while (*role <= QBD_MEMBER_ROLE_LEAVING &&
		       strcmp(colon + 1, kernel_roles[*role]) != 0)
			++*role;
	}
	return *role <= QBD_MEMBER_ROLE_LEAVING &&
	       parse_u64(word, 1, UINT64_MAX, replica);
}

/*
 * Put NODE:REPLICA[:ROLE],... as nests of @attr; -EINVAL: not of that form.
 * Without @msg it only looks at the form.
 */
int kernel_members_put(struct nl_msg *msg, int attr, const char *word)
{
	char text[512];
	char *save = NULL;
	unsigned int nr = 0;
	size_t len = strlen(word) + 1;
	char *part;

	if (len > sizeof(text))
		return -EINVAL;
	memcpy(text, word, len);
	for (part = strtok_r(text, ",", &save); part;
	     part = strtok_r(NULL, ",", &save)) {
		char *colon = strchr(part, ':');
		struct nlattr *nest;
		uint32_t node, role;
		uint64_t replica;

		if (!colon)
			return -EINVAL;
		*colon = '\0';
		if (!parse_u32(part, 1, UINT32_MAX, &node) ||
		    !kernel_member_take(colon + 1, &replica, &role))
			return -EINVAL;
		nr++;
		if (!msg)
			continue;
		nest = nla_nest_start(msg, attr | NLA_F_NESTED);
		if (!nest || nla_put_u32(msg, QBD_A_MEMBER_NODE, node) ||
		    nla_put_u64(msg, QBD_A_MEMBER_REPLICA, replica) ||
		    nla_put_u32(msg, QBD_A_MEMBER_ROLE, role))
			return -ENOMEM;
		nla_nest_end(msg, nest);
	}
	return nr ? 0 : -EINVAL;
}

static int kernel_run(const struct kernel_verb *verb,
		      const struct opt_visit *visit, int argc, char **argv)
{
	struct kernel_ctx ctx = { .timeout_ms = KERNEL_TIMEOUT_MS };
	char name[64];
	int code;

	snprintf(name, sizeof(name), "kernel %s%s%s", verb->noun,
		 *verb->verb ? " " : "", verb->verb);
	ctx.cmd.name = name;
	ctx.cmd.help = verb->help;
	ctx.cmd.notes = kernel_notes;
	ctx.cmd.visit = visit;
	kernel_opt_common(&ctx);
	code = verb->run(&ctx, argc, argv);
	knl_close(&ctx.knl);
	if (code == KERNEL_OK && ctx.json && !ctx.said)
		puts("{}");
	return code == OPT_HELPED ? KERNEL_OK : code;
}

/**
 * kernel_visit() - show all verbs
 * @visit: to whom
 */
void kernel_visit(const struct opt_visit *visit)
{
	size_t i;

	for (i = 0; i < KERNEL_VERBS; i++)
		kernel_run(&kernel_verbs[i], visit, 0, NULL);
}

/* The verbs of @noun, or of all of them; @file is stderr if nobody asked. */
static int kernel_help(FILE *file, const char *noun)
{
	const struct opt_visit list = { opt_help_list, file };
	struct kernel_ctx ctx = { .timeout_ms = 0 };
	size_t i;

	fprintf(file, "usage: qbdctl kernel %s VERB [OPTION...]\n\n",
		noun ? noun : "NOUN");
	for (i = 0; i < KERNEL_VERBS; i++)
		if (!noun || !strcmp(noun, kernel_verbs[i].noun))
			kernel_run(&kernel_verbs[i], &list, 0, NULL);
	fputs("\nOptions of every verb:\n", file);
	kernel_opt_common(&ctx);
	opt_help_table(file, ctx.common);
	fprintf(file, "\n'qbdctl kernel NOUN VERB --help' says more.\n%s\n",
		kernel_notes);
	return file == stdout ? KERNEL_OK : KERNEL_USAGE;
}

static bool kernel_is_noun(const char *word)
{
	size_t i;

	for (i = 0; i < KERNEL_VERBS; i++)
		if (!strcmp(word, kernel_verbs[i].noun))
			return true;
	return false;
}

/* No verb was named: a list of them, or what is wrong. */
static int kernel_no_verb(const char *noun, const char *word)
{
	bool known = kernel_is_noun(noun);

	if (known && !word)
		return kernel_help(stderr, noun);
	if (known && opt_help_asked(word))
		return kernel_help(stdout, noun);
	if (known)
		fprintf(stderr,
			"qbdctl: unknown: kernel %s %s; see 'qbdctl kernel %s --help'\n",
			noun, word, noun);
	else
		fprintf(stderr,
			"qbdctl: unknown: kernel %s; see 'qbdctl kernel --help'\n",
			noun);
	return KERNEL_USAGE;
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

	if (argc < 2)
		return kernel_help(stderr, NULL);
	if (opt_help_asked(argv[1]))
		return kernel_help(stdout, NULL);
	for (i = 0; i < KERNEL_VERBS; i++) {
		const struct kernel_verb *verb = &kernel_verbs[i];
		int words = *verb->verb ? 2 : 1;

		if (strcmp(argv[1], verb->noun))
			continue;
		if (words == 2 && (argc < 3 || strcmp(argv[2], verb->verb)))
			continue;
		return kernel_run(verb, NULL, argc - words, argv + words);
	}
	return kernel_no_verb(argv[1], argc > 2 ? argv[2] : NULL);
}
