// SPDX-License-Identifier: GPL-2.0-only
/*
 * "agent report": what the agent of a node says of what its kernel has
 * (volume.h).  Its kinds, and what they have:
 *
 *	made, gone	"lines": [volume, shard, replica] each
 *	stores		"lines": [store, opens, bytes free] each
 *	store-failed	"store"
 *	attached	"volume", "term", "device"
 *	failed		"volume", "term", "reason"
 *	released	"volume", "term"
 *	grown		"volume", "term", "size"
 *	settled		"volume", "shard", "term", "epoch"
 *	again		"volume", "term", "session"
 *
 * "again": its kernel lost the device, as in a reboot, or a recovery can not
 * end in its term (V6); or the volume is wanted there, and nobody has it, or
 * only for repair.  It gets another term, with backoff; one who holds it for
 * repair gets it for that again.
 *
 * A report that comes late is refused by term and epoch, or passed over; one
 * that comes twice does nothing the second time.
 */
#include <json-c/json.h>
#include <string.h>

#include "volume.h"

#define REPORT_LINES 2048 /* of 20 bytes each, as JSON within a message */
#define REPORT_BACKOFF_NS 1000000000ULL /* the first time ... */
#define REPORT_REPAIR BIT(31) /* beside the id of a node */
#define REPORT_TIMES 6 /* ... and up to 2^6 times as long */

static u8 report_rest[REPORT_LINES * 20];

static bool report_number(struct json_object *line, u32 at, u64 *number)
{
	struct json_object *value = json_object_array_get_idx(line, at);

	if (!json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0)
		return false;
	*number = json_object_get_int64(value);
	return true;
}

/* Lines of three numbers, so many bytes each. */
static int report_lines(struct json_object *args, const u8 bytes[3],
			struct state_cmd *cmd)
{
	struct state_out out = { .at = report_rest,
				 .left = sizeof(report_rest) };
	struct json_object *list, *line;
	size_t i, k;
	u64 number;

	if (!json_object_object_get_ex(args, "lines", &list) ||
	    !json_object_is_type(list, json_type_array) ||
	    !json_object_array_length(list) ||
	    json_object_array_length(list) > REPORT_LINES)
		return -EINVAL;
	for (i = 0; i < json_object_array_length(list); i++) {
		line = json_object_array_get_idx(list, i);
		if (!json_object_is_type(line, json_type_array) ||
		    json_object_array_length(line) != 3)
			return -EINVAL;
		for (k = 0; k < 3; k++) {
			if (!report_number(line, k, &number) ||
			    (bytes[k] < 8 && number >> 8 * bytes[k]))
				return -EINVAL;
			state_put(&out, number, bytes[k]);
		}
	}
	if (out.full)
		return -EINVAL;
	cmd->rest = (struct state_rest){ report_rest,
					 sizeof(report_rest) - out.left };
	return 0;
}

static int report_made(struct cluster *c, struct json_object *args,
		       struct state_cmd *cmd, char why[VERB_WHY])
{
	static const u8 bytes[] = { 4, 2, 8 };

	cmd->kind = STATE_CMD_REPLICA_CREATED;
	return report_lines(args, bytes, cmd);
}

static int report_gone(struct cluster *c, struct json_object *args,
		       struct state_cmd *cmd, char why[VERB_WHY])
{
	static const u8 bytes[] = { 4, 2, 8 };

	cmd->kind = STATE_CMD_REPLICA_DELETED;
	return report_lines(args, bytes, cmd);
}

static int report_stores(struct cluster *c, struct json_object *args,
			 struct state_cmd *cmd, char why[VERB_WHY])
{
	static const u8 bytes[] = { 4, 8, 8 };

	cmd->kind = STATE_CMD_STORE_REPORT;
	return report_lines(args, bytes, cmd);
}

static int report_store_failed(struct cluster *c, struct json_object *args,
			       struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_store *store;

	cmd->kind = STATE_CMD_STORE_STATE;
	cmd->store = args_number(args, "store", 0);
	cmd->state = STATE_STORE_FAILED;
	store = state_store_by_id(c->s, cmd->store);
	if (store && store->node == cmd->node)
		return 0;
	snprintf(why, VERB_WHY, "store %u is not one of this node", cmd->store);
	return -EPERM;
}

/* The device that this node holds, under that term: nobody else's word. */
static const struct state_volume *report_held(struct cluster *c,
					      struct json_object *args,
					      struct state_cmd *cmd,
					      char why[VERB_WHY])
{
	const struct state_volume *volume;

	cmd->volume = args_number(args, "volume", 0);
	cmd->term = args_number(args, "term", 0);
	volume = state_volume_by_id(c->s, cmd->volume);
	if (volume && volume->hold && volume->holder == cmd->node &&
	    volume->term == cmd->term)
		return volume;
	snprintf(why, VERB_WHY,
		 "volume %u is not held by this node under term %llu",
		 cmd->volume, (unsigned long long)cmd->term);
	return NULL;
}

/* It is shown to people: no control characters, and never too long. */
static void report_words(struct json_object *args, const char *key, char *to,
			 u32 room)
{
	const char *text = args_text(args, key) ?: "";
	u32 i;

	snprintf(to, room, "%s", text);
	for (i = 0; to[i]; i++)
		if ((u8)to[i] < ' ' || (u8)to[i] >= 0x7f)
			to[i] = '?';
}

static int report_attached(struct cluster *c, struct json_object *args,
			   struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_SERVES;
	cmd->state = STATE_SERVE_DEVICE;
	report_words(args, "device", cmd->name, sizeof(cmd->name));
	return report_held(c, args, cmd, why) ? 0 : -EPERM;
}

static int report_failed(struct cluster *c, struct json_object *args,
			 struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_SERVES;
	cmd->state = STATE_SERVE_FAILED;
	report_words(args, "reason", cmd->reason, sizeof(cmd->reason));
	return report_held(c, args, cmd, why) ? 0 : -EPERM;
}

/* What is remembered of a node's terms for a volume; NULL: nothing. */
static struct cluster_again *report_again_of(struct cluster *c, u32 volume,
					     u32 node)
{
	u32 i;

	for (i = 0; i < CLUSTER_AGAINS_MAX; i++)
		if (c->again[i].volume == volume && c->again[i].node == node)
			return &c->again[i];
	return NULL;
}

/* Terms for repair are remembered apart: who attaches it has not to wait. */
static u32 report_who(u32 node, bool repair)
{
	return node | (repair ? REPORT_REPAIR : 0);
}

/* How long has a node to wait for its next term of a volume? */
static u64 report_wait(struct cluster *c, u32 volume, u32 node)
{
	const struct cluster_again *again = report_again_of(c, volume, node);
	u64 now = loop_now(c->loop);

	return again && now < again->until_ns ? again->until_ns - now : 0;
}

/*
 * It got one.  Only that counts: one that was refused, because the volume had
 * another term meanwhile, is asked for anew at once.  And it counts for this
 * node alone.  (A volume moves, or its holder dies, a second after its attach:
 * the next node would wait for what the former one had.)
 */
static void report_again_note(struct cluster *c, u32 volume, u32 node)
{
	struct cluster_again *again = report_again_of(c, volume, node);
	u64 now = loop_now(c->loop);
	u32 i;

	if (!again) {
		again = c->again;
		for (i = 1; i < CLUSTER_AGAINS_MAX; i++)
			if (c->again[i].until_ns < again->until_ns)
				again = &c->again[i];
		*again = (struct cluster_again){ .volume = volume,
						 .node = node };
	}
	/* quiet for long: it served meanwhile */
	if (now > again->until_ns + (REPORT_BACKOFF_NS << (REPORT_TIMES + 1)))
		again->times = 0;
	again->until_ns = now + (REPORT_BACKOFF_NS
				 << min_t(u32, again->times, REPORT_TIMES));
	again->times++;
}

/* A node let go of a volume in order: what comes next is no failure of its. */
static void report_again_forget(struct cluster *c, u32 volume, u32 node)
{
	struct cluster_again *again = report_again_of(c, volume, node);

	if (again)
		*again = (struct cluster_again){ 0 };
}

static int report_released(struct cluster *c, struct json_object *args,
			   struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_DETACH;
	if (!report_held(c, args, cmd, why))
		return -EPERM;
	report_again_forget(c, cmd->volume, cmd->node);
	return 0;
}

static int report_grown(struct cluster *c, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_VOLUME_GROWN;
	cmd->size = args_number(args, "size", 0);
	return report_held(c, args, cmd, why) ? 0 : -EPERM;
}

static int report_settled(struct cluster *c, struct json_object *args,
			  struct state_cmd *cmd, char why[VERB_WHY])
{
	cmd->kind = STATE_CMD_SHARD_SETTLED;
	cmd->number = args_number(args, "shard", U32_MAX);
	cmd->epoch = args_number(args, "epoch", 0);
	return report_held(c, args, cmd, why) ? 0 : -EPERM;
}

/* The volume that is wanted on this node, and that no other one has. */
static const struct state_volume *report_wanted(struct cluster *c,
						struct json_object *args,
						struct state_cmd *cmd,
						char why[VERB_WHY])
{
	const struct state_volume *volume;

	/* wanted here, and no device elsewhere: its holder let go of it */
	volume = state_volume_by_id(c->s, args_number(args, "volume", 0));
	if (volume && volume->hold != STATE_HOLD_DEVICE &&
	    volume->want == cmd->node &&
	    volume->term == args_number(args, "term", 0)) {
		cmd->volume = volume->id;
		cmd->term = volume->term;
		return volume;
	}
	volume = report_held(c, args, cmd, why);
	if (!volume || volume->hold == STATE_HOLD_REPAIR ||
	    volume->want == cmd->node)
		return volume;
	snprintf(why, VERB_WHY,
		 "volume %u is not wanted here any more: release it",
		 cmd->volume);
	return NULL;
}

static int report_again(struct cluster *c, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const struct state_volume *volume = report_wanted(c, args, cmd, why);
	u64 wait;

	if (!volume)
		return -EPERM;
	cmd->kind = STATE_CMD_ATTACH;
	/* a detach that is in the log before it is not undone by this */
	cmd->flags = STATE_ATTACH_AUTO;
	if (volume->hold == STATE_HOLD_REPAIR && volume->want != cmd->node)
		cmd->flags = STATE_ATTACH_REPAIR;
	cmd->session = args_number(args, "session", 0);
	if (!cmd->session || cmd->session == volume->session) {
		snprintf(why, VERB_WHY, "another term needs another session");
		return -EINVAL;
	}
	wait = report_wait(c, volume->id,
			   report_who(cmd->node,
				      cmd->flags & STATE_ATTACH_REPAIR));
	if (!wait)
		return 0;
	snprintf(why, VERB_WHY, "volume %u had a new term only now: in %llu ms",
		 cmd->volume, (unsigned long long)(wait / 1000000 + 1));
	return -EALREADY;
}

static const struct {
	const char *kind;
	int (*build)(struct cluster *c, struct json_object *args,
		     struct state_cmd *cmd, char why[VERB_WHY]);
} reports[] = {
	{ "made", report_made },
	{ "gone", report_gone },
	{ "stores", report_stores },
	{ "store-failed", report_store_failed },
	{ "attached", report_attached },
	{ "failed", report_failed },
	{ "released", report_released },
	{ "grown", report_grown },
	{ "settled", report_settled },
	{ "again", report_again },
};

static int build_report(struct cluster *c, u32 from, struct json_object *args,
			struct state_cmd *cmd, char why[VERB_WHY])
{
	const char *kind = args_text(args, "kind");
	u32 i;

	cmd->node = from;
	for (i = 0; kind && i < ARRAY_SIZE(reports); i++)
		if (!strcmp(kind, reports[i].kind))
			return reports[i].build(c, args, cmd, why);
	snprintf(why, VERB_WHY, "a report of a kind that is not known");
	return -EINVAL;
}

/* How many lines counted; of "again", the term. */
static struct json_object *show_report(struct cluster *c,
				       struct json_object *args,
				       const struct state_result *res,
				       char why[VERB_WHY])
{
	u32 volume = args_number(args, "volume", 0);
	const char *kind = args_text(args, "kind") ?: "";
	struct json_object *doc = json_object_new_object();
	const struct state_volume *held = state_volume_by_id(c->s, volume);

	if (!strcmp(kind, "again") && held && held->hold &&
	    held->term == res->arg[0])
		report_again_note(c, volume,
				  report_who(held->holder,
					     held->hold == STATE_HOLD_REPAIR));
	json_number(doc, "result", res->arg[0]);
	return doc;
}

/* What agents say. */
const struct cluster_verb verbs_report[] = {
	{ "agent report", true, build_report, show_report },
	{ .name = NULL },
};
