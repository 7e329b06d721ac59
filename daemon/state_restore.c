// SPDX-License-Identifier: GPL-2.0-only
/*
 * qbdctl state restore; state_restore.h says what it is and what it is not.
 * Without --force it says what it would do, and changes nothing.
 */
#include "state_restore.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/file.h>
#include <sys/random.h>

#include "state/command.h"
#include "state_cmd.h"

#define RESTORE_NEW "raft.restoring"

static int restore_failed(const char *what, const char *name, int err)
{
	fprintf(stderr, "qbdctl: %s %s: %s; nothing was changed\n", what, name,
		strerror(-err));
	return 1;
}

/* The daemon has it as long as it runs, with or without a server. */
static int restore_lock(struct restore *r)
{
	char path[512];

	snprintf(path, sizeof(path), "%.480s/lock", r->dir);
	r->lock = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (r->lock < 0)
		return restore_failed("open", path, -errno);
	if (!flock(r->lock, LOCK_EX | LOCK_NB))
		return 0;
	fprintf(stderr, "qbdctl: %s: in use: stop the daemon first\n", path);
	return 1;
}

static int restore_record(struct restore *r)
{
	char path[512], why[RECORD_WHY_MAX];
	struct record newer;
	int err;

	snprintf(path, sizeof(path), "%.480s/record", r->dir);
	err = record_load(&r->record, path, why);
	if (err) {
		fprintf(stderr, "qbdctl: %s: %s\n", path, why);
		return 1;
	}
	if (!r->record.server || !r->record.ready) {
		fprintf(stderr,
			"qbdctl: node %u had no server in the group: restore on a node that had\n",
			r->record.node);
		return 1;
	}
	/* who was in the group; only to be shown */
	snprintf(path, sizeof(path), "%.480s/peers", r->dir);
	if (!record_load(&newer, path, why) &&
	    newer.lineage == r->record.lineage) {
		r->record.nr_peers = newer.nr_peers;
		memcpy(r->record.peer, newer.peer, sizeof(newer.peer));
	}
	err = record_raft_path(&r->record, r->dir, r->from, sizeof(r->from));
	return err ? restore_failed("open", r->dir, err) : 0;
}

static int restore_image(struct restore *r)
{
	const struct rl_image *img = &r->now.img;

	if (!state_image_open(&r->now, r->from))
		return 1;
	if (img->err || !rl_image_good(img)) {
		fprintf(stderr,
			"qbdctl: %s is damaged: see 'qbdctl state check'; restore on another node\n",
			r->from);
		return 1;
	}
	if (img->id.server != r->record.server ||
	    img->id.lineage != r->record.lineage ||
	    memcmp(img->id.cluster, r->record.cluster, RAFTLOG_UUID)) {
		fprintf(stderr, "qbdctl: %s is not the log of %s/record\n",
			r->from, r->dir);
		return 1;
	}
	r->last = raftlog_last(img);
	if (r->last.index)
		return 0;
	fprintf(stderr, "qbdctl: %s is empty: there is nothing to go on from\n",
		r->from);
	return 1;
}

/* The newest one in the log: it counts, committed or not (raft.h, rule 4). */
static void restore_members(const struct restore *r, struct raft_config *conf)
{
	const struct rl_image *img = &r->now.img;
	struct raft_config newer;
	u32 i;

	*conf = img->snap.snap.pos.index ? img->snap.snap.conf : img->id.conf;
	for (i = 0; i < img->nr_entries; i++)
		if (img->entry[i].type == RAFT_ENTRY_CONFIG &&
		    !raft_conf_decode(img->entry[i].data, img->entry[i].bytes,
				      &newer))
			*conf = newer;
}

static void restore_say_peer(const struct restore *r, u32 node)
{
	char addr[LINKS_ADDR_TEXT];
	unsigned int i;

	for (i = 0; i < r->record.nr_peers; i++) {
		if (r->record.peer[i].node != node || !r->record.peer[i].nr)
			continue;
		links_addr_format(addr, &r->record.peer[i].addr[0]);
		printf(" at %s", addr);
	}
}

static void restore_say(const struct restore *r)
{
	struct raft_config conf;
	u32 i;

	restore_members(r, &conf);
	printf("The cluster goes on from node %u alone: from entry %llu of term "
	       "%llu, the last one of\n%s. It becomes server %llu of lineage "
	       "%llu, in\n%s.\n",
	       r->record.node, r->last.index, r->last.term, r->from,
	       r->id.server, r->id.lineage, r->to);
	printf("\nThe group was:\n");
	for (i = 0; i < conf.nr; i++) {
		printf("  node %u", (u32)(conf.id[i] >> 32));
		restore_say_peer(r, conf.id[i] >> 32);
		printf("%s%s\n",
		       raft_config_voters(&conf) & 1U << i ? "" : ", a learner",
		       conf.id[i] == r->record.server ? ", this one" : "");
	}
	printf("\nIf more than half of these can be brought back, do that, and "
	       "not this: no command\ncan tell a machine that is lost from one "
	       "that is cut off. If others than this one are\nleft, look at "
	       "their logs first ('qbdctl state check'): restore where the "
	       "last term is\nhighest, then the last entry; and there only.\n"
	       "\nWhat they decided without this node is forgotten: volumes, "
	       "nodes, attaches, sizes since\nentry %llu. Data are not touched: "
	       "kernels go on with what they have. Terms start far\nabove all "
	       "that is known, so whoever attaches a volume next fences whoever "
	       "has it.\n"
	       "\nEach other node: stop qbdd there, remove 'record' and 'peers' "
	       "from its state directory,\nstart it, and join again with a new "
	       "token: it is the node that it was. For one whose\nstate "
	       "directory is lost, say 'qbdctl node rekey NAME' before.\n",
	       r->last.index);
}

/* Two entries: who is in the group, and what that means (state/cluster.c). */
static int restore_carry(struct restore *r, const struct raftlog_env *env,
			 struct raftlog_report *report)
{
	const struct raft_members want = { .voters = 1,
					   .id = { r->id.server } };
	struct state_cmd cmd = { .kind = STATE_CMD_CLUSTER_RESTORE,
				 .node = r->record.node,
				 .id = r->id.server,
				 .session = r->id.lineage,
				 .term = r->term };
	u64 term = max(r->now.img.hard.term, r->last.term) + 1;
	u8 members[RAFT_CONF_BYTES_MAX], command[STATE_COMMAND_HEAD * 4];
	struct raft_entry entry[2] = {
		{ .pos = { term, r->last.index + 1 },
		  .type = RAFT_ENTRY_CONFIG,
		  .data = members },
		{ .pos = { term, r->last.index + 2 },
		  .type = RAFT_ENTRY_DATA,
		  .data = command },
	};
	struct raft_config conf;
	int len, err = raft_config_simple(&conf, &want);

	if (err)
		return err;
	len = raft_conf_encode(&conf, members, sizeof(members));
	if (len < 0)
		return len;
	entry[0].bytes = len;
	len = state_command_encode(&cmd, command, sizeof(command));
	if (len < 0)
		return len;
	entry[1].bytes = len;
	return raftlog_carry(&r->now.img, env, &r->id, entry, 2, report);
}

static int restore_make(struct restore *r)
{
	struct raftlog_report report;
	struct raftlog_env env;
	char path[512];
	int err;

	snprintf(path, sizeof(path), "%.480s/" RESTORE_NEW, r->dir);
	err = raftlog_posix_open(path, true, &env);
	if (err)
		return restore_failed("make", path, err);
	raftlog_report_init(&report);
	err = restore_carry(r, &env, &report);
	raftlog_posix_close(&env);
	if (err)
		return restore_failed(
			"write",
			report.nr ? raftlog_worst(&report)->text : path, err);
	if (rename(path, r->to))
		return restore_failed("name", r->to, -errno);
	return 0;
}

/* From here on it counts. */
static int restore_commit(struct restore *r)
{
	char path[512], why[RECORD_WHY_MAX];

	r->record.lineage = r->id.lineage;
	r->record.server = r->id.server;
	r->record.ready = true;
	r->record.nr_peers = 0;
	snprintf(path, sizeof(path), "%.480s/record", r->dir);
	if (record_save(&r->record, path, true, why)) {
		fprintf(stderr,
			"qbdctl: %s; see what is in %s before you go on\n", why,
			path);
		return 1;
	}
	printf("\nDone. Start qbdd here, and look at 'qbdctl cluster status'. "
	       "The old log stays in\n%s.\n",
	       r->from);
	return 0;
}

static int restore_begin(struct restore *r)
{
	u64 lineage;
	int code = restore_lock(r);

	code = code ?: restore_record(r);
	code = code ?: restore_image(r);
	if (code)
		return code;
	if (getrandom(&lineage, sizeof(lineage), 0) != sizeof(lineage))
		return restore_failed("get", "random numbers", -EIO);
	r->id.lineage = lineage >> 2 | 1;
	memcpy(r->id.cluster, r->record.cluster, RAFTLOG_UUID);
	if ((u32)r->record.server >= U32_MAX - RESTORE_SERVERS)
		return restore_failed("give", "another server id", -ERANGE);
	r->id.server = r->record.server + RESTORE_SERVERS;
	if (snprintf(r->to, sizeof(r->to), "%s/raft.%016llx", r->dir,
		     r->id.lineage) >= (int)sizeof(r->to))
		return restore_failed("open", r->dir, -ENAMETOOLONG);
	return 0;
}

static int restore_run(struct restore *r)
{
	int code = restore_begin(r);

	if (code)
		return code;
	restore_say(r);
	if (!r->force) {
		printf("\nNothing was changed. With --force it is done.\n");
		return 1;
	}
	code = restore_make(r);
	return code ?: restore_commit(r);
}

/**
 * state_restore() - qbdctl state restore
 * @cmd: the verb
 * @argc: number of words, from it on
 * @argv: the words
 *
 * Return: exit code, or OPT_HELPED.
 */
int state_restore(const struct opt_cmd *cmd, int argc, char **argv)
{
	struct restore r = { .lock = -1 };
	const struct opt opts[] = {
		{ "DIRECTORY", &opt_name, OPT_WORD, &r.dir, NULL,
		  "state directory of a node whose daemon does not run" },
		{ "force", &opt_flag, OPT_MAY, &r.force, NULL,
		  "do it; else it is only said what would be done" },
		{ "term-floor", &opt_u64, OPT_MAY, &r.term, NULL,
		  "grant no term up to here: the highest that a store shows" },
		OPT_END,
	};
	int code = opt_parse(cmd, argc, argv, opts);

	if (code)
		return code;
	if (r.term > STATE_TERM_MAX) {
		fprintf(stderr, "qbdctl: --term-floor: no such term\n");
		return OPT_USAGE;
	}
	code = restore_run(&r);
	if (r.now.env.dir)
		state_image_close(&r.now);
	if (r.lock >= 0)
		close(r.lock);
	return code;
}
