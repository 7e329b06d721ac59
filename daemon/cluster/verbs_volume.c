// SPDX-License-Identifier: GPL-2.0-only
/*
 * Verbs of volumes: what they ask of the state.
 *
 * A volume is made in parts (state/state.h): "volume create" decides name and
 * size, and the shards are placed by a duty of who leads, which is "volume
 * shards" here (duty.c).
 */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "verbs.h"
#include "volume.h"

#define VOLUME_COPIES 3
#define VOLUME_SHARD_BYTES (4ULL << 30)
#define VOLUME_SHARD_MIN                                    \
	(64ULL << 20) /* what a kernel takes: from here ... \
		       */
#define VOLUME_SHARD_MAX (64ULL << 30) /* ... to here */

/**
 * verb_volume() - the volume that arguments name
 * @c: the cluster
 * @args: the arguments
 * @why: why there is none
 *
 * Return: the volume or NULL.
 */
const struct state_volume *
verb_volume(struct cluster *c, struct json_object *args, char why[VERB_WHY])
{
	const char *name = args_text(args, "name");
	const struct state_volume *volume = NULL;

	if (name)
		volume = state_volume_by_name(c->s, name);
	if (!volume)
		snprintf(
			why, VERB_WHY,
			"there is no volume %.64s: 'qbdctl volume list' shows them",
			name ? name : "without a name");
	return volume;
}

static int volume_size(struct json_object *args, struct state_cmd *cmd,
		       char why[VERB_WHY])
{
	u64 shard = args_number(args, "shard-size", VOLUME_SHARD_BYTES);

	cmd->size = args_number(args, "size", 0);
	if (shard < VOLUME_SHARD_MIN || shard > VOLUME_SHARD_MAX ||
	    shard & (shard - 1)) {
		snprintf(
			why, VERB_WHY,
			"the size of a shard is a power of two, from 64M to 64G");
		return -EINVAL;
	}
	cmd->shift = __builtin_ctzll(shard);
	if (!cmd->size || cmd->size % STATE_BLOCK) {
		snprintf(why, VERB_WHY,
			 "the size of a volume is a multiple of %u bytes",
			 STATE_BLOCK);
		return -EINVAL;
	}
	if (cmd->size > (u64)STATE_VOLUME_SHARDS_MAX << cmd->shift) {
		snprintf(
			why, VERB_WHY,
			"that would be more than %u shards: give a larger --shard-size",
			STATE_VOLUME_SHARDS_MAX);
		return -EINVAL;
	}
	return 0;
}

/* Which policies are named, and whether they make sense together. */
static int volume_policies(struct json_object *args, struct state_cmd *cmd,
			   char why[VERB_WHY])
{
	const char *quorum = args_text(args, "on-no-quorum");
	const char *reads = args_text(args, "reads");
	u64 after = args_number(args, "no-quorum-after", 0);

	cmd->on_no_quorum = quorum && !strcmp(quorum, "error");
	if (after > U32_MAX || !!after != !!cmd->on_no_quorum) {
		snprintf(
			why, VERB_WHY,
			"--on-no-quorum error needs --no-quorum-after, and suspend has none");
		return -EINVAL;
	}
	cmd->value = after;
	cmd->reads = reads && !strcmp(reads, "quorum");
	cmd->flags |= quorum ? STATE_VOLUME_SET_QUORUM : 0;
	cmd->flags |= reads ? STATE_VOLUME_SET_READS : 0;
	return 0;
}

static int build_create(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	u64 copies = args_number(args, "copies", VOLUME_COPIES);
	char text[VOLUME_TEXT];
	int err = args_copy(args, "name", cmd->name, sizeof(cmd->name));

	err = err ?: volume_size(args, cmd, why);
	err = err ?: volume_policies(args, cmd, why);
	if (err)
		return err;
	cmd->kind = STATE_CMD_VOLUME_CREATE;
	if (!copies || copies > STATE_COPIES_MAX) {
		snprintf(why, VERB_WHY, "a volume has 1 to %u copies",
			 STATE_COPIES_MAX);
		return -EINVAL;
	}
	cmd->copies = copies;
	/* who has nowhere to put it should hear that now */
	err = volume_place(c->s, 0, cmd->copies, 0, 1, NULL, text);
	if (err)
		snprintf(why, VERB_WHY,
			 "%.200s: see 'qbdctl store list', or give --copies",
			 text);
	return err ? -EINVAL : 0;
}

/* The next shards, as a duty. */
static int build_shards(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	static u32 store[VOLUME_PART * STATE_COPIES_MAX];
	static u8 rest[sizeof(store)];
	const struct state_volume *volume;
	struct state_out out = { .at = rest, .left = sizeof(rest) };
	u32 nr, i;
	int err;

	volume = state_volume_by_id(c->s, args_number(args, "volume", 0));
	if (!volume || volume->state == STATE_VOLUME_DELETING ||
	    volume->shards != args_number(args, "number", U32_MAX)) {
		snprintf(why, VERB_WHY, "it was placed meanwhile, or went");
		return -EINVAL;
	}
	nr = min_t(u32, VOLUME_PART, volume_shards(volume) - volume->shards);
	err = volume_place(c->s, volume->id, volume->copies, volume->shards, nr,
			   store, why);
	if (err)
		return -EINVAL;
	for (i = 0; i < nr * volume->copies; i++)
		state_put(&out, store[i], 4);
	cmd->kind = STATE_CMD_VOLUME_SHARDS;
	cmd->volume = volume->id;
	cmd->number = volume->shards;
	cmd->rest = (struct state_rest){ rest, 4 * nr * volume->copies };
	return 0;
}

/* Names of nodes, with commas between. */
static int volume_autos(struct cluster *c, const char *list,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_node *node;
	char name[STATE_NAME_MAX + 1];
	size_t len;

	for (; *list; list += len + (list[len] == ',')) {
		len = strcspn(list, ",");
		snprintf(name, sizeof(name), "%.*s",
			 (int)min_t(size_t, len, 64), list);
		node = len < sizeof(name) ? state_node_by_name(c->s, name) :
					    NULL;
		if (!node) {
			snprintf(
				why, VERB_WHY,
				"there is no node %.63s: 'qbdctl node list' shows them",
				name);
			return -EINVAL;
		}
		if (cmd->nr_autos == STATE_AUTOS_MAX) {
			snprintf(why, VERB_WHY,
				 "at most %u nodes may attach it by themselves",
				 STATE_AUTOS_MAX);
			return -EINVAL;
		}
		cmd->autos[cmd->nr_autos++] = node->id;
	}
	cmd->flags |= STATE_VOLUME_SET_AUTOS;
	return 0;
}

/* A unit has a name, a command a path: so one can be told from the other. */
static int volume_run(struct json_object *args, struct state_cmd *cmd,
		      char why[VERB_WHY])
{
	const char *unit = args_text(args, "unit");
	const char *run = args_text(args, "run");

	if (!unit && !run)
		return 0;
	if ((unit && run) || (unit && (!*unit || *unit == '/')) ||
	    (run && *run != '/')) {
		snprintf(
			why, VERB_WHY,
			"give --unit and the name of a unit, or --run and the path of a command");
		return -EINVAL;
	}
	cmd->flags |= STATE_VOLUME_SET_RUN;
	return args_copy(args, unit ? "unit" : "run", cmd->run,
			 sizeof(cmd->run));
}

static int build_set(struct cluster *c, u32 from, struct json_object *args,
		     struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);
	const char *autos = args_text(args, "auto-attach");
	bool none = args_flag(args, "no-auto-attach");
	int err = volume ? 0 : -EINVAL;

	err = err ?: volume_policies(args, cmd, why);
	if (!err && autos)
		err = volume_autos(c, autos, cmd, why);
	err = err ?: volume_run(args, cmd, why);
	if (err)
		return err;
	if (none)
		cmd->flags |= STATE_VOLUME_SET_AUTOS | STATE_VOLUME_SET_RUN;
	if (!cmd->flags || (none && (autos || *cmd->run))) {
		snprintf(
			why, VERB_WHY,
			none ? "--no-auto-attach goes with no other of its kind" :
			       "nothing to change: see 'qbdctl volume set --help'");
		return -EINVAL;
	}
	cmd->kind = STATE_CMD_VOLUME_SET;
	cmd->volume = volume->id;
	return 0;
}

/*
 * From one node to another, in order: its holder ends what runs on it and
 * releases it, then the other one asks for a term.  Only if the node was named,
 * and is there: a volume that has left its holder, and nobody takes it, is of
 * no use.
 */
static int build_move(struct cluster *c, const struct state_volume *volume,
		      const struct state_node *node, struct state_cmd *cmd,
		      char why[VERB_WHY])
{
	const char *heard = cluster_heard(c, node->id);

	cmd->kind = STATE_CMD_VOLUME_SET;
	cmd->flags = STATE_VOLUME_SET_WANT;
	if (!strcmp(heard, "alive"))
		return 0;
	snprintf(why, VERB_WHY,
		 "%.63s is attached on %.63s, and stays: node %.63s is %s",
		 volume->name, state_node_by_id(c->s, volume->holder)->name,
		 node->name, heard);
	return -EINVAL;
}

/*
 * An attach under another session takes the device away from whoever uses it,
 * also on the same node: that is only done if it was said.
 */
static int build_attach(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);
	const char *name = args_text(args, "node");
	const struct state_node *node;

	if (!volume)
		return -EINVAL;
	node = name ? state_node_by_name(c->s, name) :
		      state_node_by_id(c->s, from);
	if (!node) {
		snprintf(
			why, VERB_WHY,
			"there is no node %.64s: 'qbdctl node list' shows them",
			name ? name : "here");
		return -EINVAL;
	}
	cmd->kind = STATE_CMD_ATTACH;
	cmd->volume = volume->id;
	cmd->node = node->id;
	cmd->session = args_number(args, "session", 0);
	cmd->flags = args_flag(args, "force") ? STATE_ATTACH_FORCE : 0;
	/* of two at a time the one that comes second changes nothing */
	cmd->term = cmd->flags ? 0 : volume->term;
	if (volume->state != STATE_VOLUME_READY) {
		snprintf(
			why, VERB_WHY,
			"%.63s is not ready: 'qbdctl volume show' says what it waits for",
			volume->name);
		return -EINVAL;
	}
	if (volume->hold == STATE_HOLD_DEVICE && volume->holder == node->id &&
	    !cmd->flags) {
		snprintf(
			why, VERB_WHY,
			"%.63s is attached on %.63s: --force gives it a new term, which ends its device",
			volume->name, node->name);
		return -EINVAL;
	}
	if (name && volume->hold == STATE_HOLD_DEVICE && !cmd->flags)
		return build_move(c, volume, node, cmd, why);
	return 0;
}

static int build_detach(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);

	if (!volume)
		return -EINVAL;
	cmd->volume = volume->id;
	if (volume->hold == STATE_HOLD_REPAIR && !volume->want) {
		/* its copies are left as they are, for some time */
		cmd->kind = STATE_CMD_DETACH;
		cmd->node = volume->holder;
		cmd->term = volume->term;
		return 0;
	}
	if (volume->hold != STATE_HOLD_DEVICE && !volume->want) {
		snprintf(why, VERB_WHY, "%.63s is not attached", volume->name);
		return -EINVAL;
	}
	if (volume->hold == STATE_HOLD_DEVICE && args_flag(args, "force")) {
		cmd->kind = STATE_CMD_FENCE;
		cmd->term = volume->term;
		return 0;
	}
	cmd->kind = STATE_CMD_VOLUME_SET;
	cmd->flags = STATE_VOLUME_SET_WANT;
	return 0;
}

static int build_resize(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);

	if (!volume)
		return -EINVAL;
	cmd->kind = STATE_CMD_VOLUME_RESIZE;
	cmd->volume = volume->id;
	cmd->size = args_number(args, "size", 0);
	return 0;
}

static int build_delete(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume = verb_volume(c, args, why);

	if (!volume)
		return -EINVAL;
	cmd->kind = STATE_CMD_VOLUME_DELETE;
	cmd->volume = volume->id;
	return 0;
}

/*
 * What the promoter of who leads found due: only it may say so, and what it
 * goes by is compared when the command is done.
 */
static int build_duty(struct cluster *c, u32 from, struct json_object *args,
		      struct state_cmd *cmd, char why[VERB_WHY])
{
	u64 kind = args_number(args, "kind", 0);

	if (from != c->record.node ||
	    (kind != STATE_CMD_ATTACH && kind != STATE_CMD_DETACH &&
	     kind != STATE_CMD_VOLUME_SET)) {
		snprintf(why, VERB_WHY, "only who leads takes over");
		return -EPERM;
	}
	cmd->kind = kind;
	cmd->volume = args_number(args, "volume", 0);
	cmd->node = args_number(args, "node", 0);
	cmd->term = args_number(args, "term", 0);
	cmd->flags = args_number(args, "flags", 0);
	cmd->session = args_number(args, "session", 0);
	return 0;
}

/* What can be asked of volumes. */
const struct cluster_verb verbs_volume[] = {
	{ "volume create", true, build_create, show_done_volume },
	{ "volume shards", true, build_shards, show_nothing },
	{ "volume duty", true, build_duty, show_nothing },
	{ "volume set", true, build_set, show_nothing },
	{ "volume attach", true, build_attach, show_done_volume },
	{ "volume detach", true, build_detach, show_done_volume },
	{ "volume resize", true, build_resize, show_done_volume },
	{ "volume delete", true, build_delete, show_done_volume },
	{ "volume list", false, NULL, show_volumes },
	{ "volume show", false, NULL, show_volume },
	{ "job list", false, NULL, show_jobs },
	{ .name = NULL },
};
