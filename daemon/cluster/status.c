// SPDX-License-Identifier: GPL-2.0-only
/*
 * How the cluster looks from here, what is wrong, and what to do about it.
 *
 * It is answered by this daemon, without asking anybody: when nobody leads is
 * when one wants to know most.
 */
#include <json-c/json.h>
#include <string.h>

#include "verbs.h"

#define STATUS_SILENT \
	"is its machine up, does qbdd run there, is its control port open? was this node removed meanwhile ('qbdctl node list' elsewhere)?"
#define STATUS_REMOVED \
	"this node was removed: to join again it needs an empty state directory"

#define STATUS_LINEAGE \
	"one of the two was restored without the other ('qbdctl state restore'): stop qbdd on the one that shall follow, remove 'record' and 'peers' from its state directory, start it, join again"

/* What to do about a member that is not heard. */
static const char *status_remedy(enum session_why why)
{
	if (why == SESSION_WHY_KEY)
		return STATUS_REMOVED;
	return why == SESSION_WHY_LINEAGE ? STATUS_LINEAGE : STATUS_SILENT;
}

static void status_problem(struct json_object *list, const char *what,
			   const char *remedy)
{
	struct json_object *row = json_object_new_object();

	json_text(row, "problem", what);
	json_text(row, "do", remedy);
	json_object_array_add(list, row);
}

/* Names are in the state, which only members have; #ID does for the others. */
static const char *status_name(const struct cluster *c, u32 node,
			       char text[STATE_NAME_MAX + 1])
{
	const struct state_node *known;

	known = c->group ? state_node_by_id(c->s, node) : NULL;
	if (known)
		return known->name;
	if (node == c->record.node)
		return c->opt.name;
	snprintf(text, STATE_NAME_MAX + 1, "#%u", node);
	return text;
}

static void status_member(struct cluster *c, struct json_object *list,
			  struct json_object *problems, u32 node,
			  const char *role)
{
	struct json_object *row = json_object_new_object();
	const char *heard = cluster_heard(c, node);
	struct session_status status;
	char what[128], name[STATE_NAME_MAX + 1];

	json_number(row, "node", node);
	json_text(row, "name", status_name(c, node, name));
	json_text(row, "role", role);
	json_text(row, "heard", heard);
	if (c->group)
		json_number(row, "generation", life_known(c, node));
	json_object_array_add(list, row);
	if (!strcmp(heard, "alive"))
		return;
	if (!c->net || session_peer_status(c->net, node, &status) ||
	    !status.why)
		status.why = SESSION_WHY_SILENT;
	if (status.why == SESSION_WHY_KEY)
		snprintf(
			what, sizeof(what),
			"member %u refuses this node: its key is not of the cluster any more",
			node);
	else
		snprintf(what, sizeof(what), "member %u is not heard: %.80s",
			 node, session_why_text(status.why));
	status_problem(problems, what, status_remedy(status.why));
}

static void status_group(struct cluster *c, struct json_object *doc,
			 struct json_object *list, struct json_object *problems)
{
	struct group_info info;
	u64 server;
	u32 i;

	group_look(c->group, &info);
	json_number(doc, "term", info.term);
	json_text(doc, "role", raft_role_name(info.role));
	json_number(doc, "applied", info.applied);
	/* until it is through, who was a voter before has to agree, too */
	json_object_object_add(doc, "changing",
			       json_object_new_boolean(info.conf.next != 0));
	for (i = 0; i < info.conf.nr; i++) {
		server = info.conf.id[i];
		status_member(c, list, problems, server_node(server),
			      server == info.leader ? "leader" :
			      raft_config_voters(&info.conf) & (1U << i) ?
						      "voter" :
						      "learner");
	}
	if (info.store.full)
		status_problem(
			problems, "the disk of the state directory is full",
			"make room there; meanwhile this node takes no part in decisions");
	if (info.state == GROUP_FAILED && c->newer)
		status_problem(
			problems,
			"the cluster's feature level is above what this qbdd knows",
			"start the newer qbdd again: 'qbdctl cluster show' elsewhere has the level");
	else if (info.state == GROUP_FAILED)
		status_problem(
			problems,
			"the log of the control plane can not be written",
			"look into the log of qbdd, mend the disk, restart qbdd");
}

static void status_record(struct cluster *c, struct json_object *list,
			  struct json_object *problems)
{
	unsigned int i;

	for (i = 0; i < c->record.nr_peers; i++)
		status_member(c, list, problems, c->record.peer[i].node,
			      c->record.peer[i].node == c->leader ? "leader" :
								    "member");
}

/* Who came to the door of the control plane, and who was sent away, and why. */
static void status_door(const struct cluster *c, struct json_object *doc)
{
	struct json_object *door = json_object_new_object();
	struct json_object *refused = json_object_new_object();
	struct session_counts counts;
	u32 why;

	session_counts(c->net, &counts);
	json_number(door, "accepted", counts.accepted);
	json_number(door, "half_open", counts.half_open);
	json_number(door, "joins", counts.joins);
	for (why = 0; why < SESSION_WHYS; why++)
		if (counts.refused[why])
			json_number(refused, session_why_text(why),
				    counts.refused[why]);
	json_object_object_add(door, "refused", refused);
	json_object_object_add(doc, "door", door);
}

static void status_in(struct cluster *c, struct json_object *doc,
		      struct json_object *problems)
{
	struct json_object *list = json_object_new_array();
	char name[STATE_NAME_MAX + 1], what[CLUSTER_WHY_MAX + 64];
	u32 leader = cluster_leader(c);

	json_number(doc, "id", c->record.node);
	json_object_object_add(doc, "uuid", json_uuid(c->record.cluster));
	if (c->group)
		json_text(doc, "cluster", state_cluster(c->s)->name);
	json_text(doc, "leader", leader ? status_name(c, leader, name) : "");
	json_number(doc, "leader_node", leader);
	if (c->group)
		status_group(c, doc, list, problems);
	else
		status_record(c, list, problems);
	json_object_object_add(doc, "members", list);
	if (c->net)
		status_door(c, doc);
	if (!leader)
		status_problem(
			problems, "nobody leads the cluster",
			"have more than half of its voters up, and reach each other; I/O goes on");
	if (c->begin_err) {
		snprintf(what, sizeof(what),
			 "this node's server can not begin: %s", c->begin_why);
		status_problem(problems, what,
			       "mend that; it is tried again by itself");
	}
	if (c->lost)
		status_problem(
			problems,
			"this node's log of the control plane is damaged or gone",
			"nothing: who leads gives it a new one; if nobody leads, bring the other members back");
}

/**
 * cluster_status() - how the cluster looks from here
 * @c: the cluster
 *
 * Return: an object.
 */
struct json_object *cluster_status(struct cluster *c)
{
	struct json_object *doc = json_object_new_object();
	struct json_object *problems = json_object_new_array();
	static const char *const phase[] = { "alone", "joining", "in" };

	json_text(doc, "node", c->opt.name);
	json_text(doc, "phase", phase[c->phase]);
	if (c->phase == CLUSTER_IN)
		status_in(c, doc, problems);
	else
		status_problem(
			problems, "this node is in no cluster",
			"'qbdctl cluster init' makes one, 'qbdctl cluster join' joins one");
	json_object_object_add(doc, "problems", problems);
	return doc;
}
