/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A server of the Raft group, running: the core (raft/), its log store
 * (raftlog/), the loop, and two things that it does not know itself: a machine
 * that commands are applied to, and a way to the other servers.
 *
 * A STEP.  Whatever happens (a message, a timer, a command, something that the
 * store finished) is one raft_step(), and its update is carried out at once and
 * whole, in the order that raft.h demands: store, send, restore, apply, reads.
 * Nothing of that waits: the store has its own thread, sends are queued by the
 * sessions, and who waits for an answer is called later, from the loop.  So no
 * callback runs within a step but the machine's, and that one must not call
 * anything here.
 *
 * WAITING.  A command is answered when its entry is applied here.  It was *not*
 * done if another entry has its place (-ESTALE); nobody knows if this server
 * lost the leadership and then jumped over that place by a snapshot, or stopped
 * (-EREMCHG): the request id of the command says it (state/command.h), when it
 * is sent again.  There is no deadline in here: whoever waits has one, and
 * takes itself out (group_forget()).
 *
 * A READ is answered when this server, as the leader, has confirmed that it
 * still was one when it was asked (rule 7), and has applied what was committed
 * then.
 *
 * SNAPSHOTS are taken when the log in memory is half full, of what is applied;
 * a quarter of it is kept behind, for servers that are a little late.
 *
 * WHAT TAKES ITS TIME is done beside the loop (work.h): the directory is opened
 * and closed there (a close waits for the store's thread, that one for the
 * disk), pieces of a snapshot are read for another server, and the machine
 * becomes bytes, and bytes a machine.  While it becomes bytes nothing is
 * applied, so it stays what it is without a lock or a copy; heartbeats, votes
 * and appends go on, and so do reads of it.  Bytes become another machine,
 * which takes the place of this one when it is whole.  What is committed
 * meanwhile is applied behind that, in order, from the log: nobody drops
 * entries from it but snapshots of what is applied.
 *
 * A FULL DISK (raftlog.h): a leader hands over to somebody who has the whole
 * log, and proposes nothing meanwhile; a follower takes no entries.  Heartbeats
 * and votes go on.  It looks every GROUP_RETRY_NS for room.  One that has none
 * for a snapshot is full as soon as one is due.  (Its segments have their room
 * since they were made.  It leads, takes none, its log in memory runs full, and
 * it refuses each command, for as long as it leads.)
 *
 * AN END.  A store that failed, or one that is damaged, ends this server for
 * good: it says nothing to the others and counts nowhere (rule 9).  The daemon
 * goes on, as one of a node that is no member, and asks for a new server id.
 *
 * One thread, the loop's, and what it has done beside it.
 */
#ifndef QBD_GROUP_GROUP_H
#define QBD_GROUP_GROUP_H

#include "../loop.h"
#include "../work.h"
#include "raft/raft.h"
#include "raftlog/raftlog.h"

#define GROUP_RETRY_NS 5000000000ULL /* between looks for room on the disk */
#define GROUP_WAITS_MAX 1024 /* commands, and reads, that wait at a time */
#define GROUP_MSG_BYTES_MAX (512 * 1024)

struct group;

/**
 * struct group_wait - somebody who waits for a command or for a read
 * @done: called once, from the loop: 0, or why not
 * @index: the group's: place of the command
 * @term: the group's: and the term of its entry
 * @err: the group's
 * @queue: the group's: where it waits, 0 = it does not
 * @next: the group's
 *
 * A member of what waits, which the machine finds by it (group_ops.apply).
 */
struct group_wait {
	void (*done)(struct group_wait *wait, int err);
	u64 index;
	u64 term;
	int err;
	u8 queue;
	struct group_wait *next;
};

/**
 * struct group_ops - the machine, and the way to the others
 * @apply: a command is committed; @wait: who waits for it here, or NULL; 0 or
 *	why the machine can not go on: then this server ends
 * @machine: what @save gets; it is there, and nothing changes it, until that is
 *	done: who ends it before has that done behind it, by the same work
 * @save: it as bytes, in memory of malloc(); beside the loop
 * @load: a machine of bytes; 0 or why it can not, and in words; beside the loop
 * @adopt: that one is the machine from here on
 * @drop: it is not needed; anywhere
 * @reset: the machine becomes empty
 * @opened: the directory was read: 0, as group_open() says, or why it can not
 *	be used; then it is to be closed, here or later
 * @send: a message for another server; it may be lost; @bulk: behind others
 * @changed: role, leader, term, members or state may be others: look; called
 *	from the loop
 */
struct group_ops {
	int (*apply)(void *arg, u64 index, const void *data, u32 bytes,
		     struct group_wait *wait);
	void *(*machine)(void *arg);
	int (*save)(void *machine, void **data, u64 *bytes);
	int (*load)(const void *data, u64 bytes, void **machine,
		    const char **why);
	void (*adopt)(void *arg, void *machine);
	void (*drop)(void *machine);
	void (*reset)(void *arg);
	void (*opened)(void *arg, int err, const struct raftlog_report *report);
	void (*send)(void *arg, u64 to, bool bulk, const void *data, u32 bytes);
	void (*changed)(void *arg);
};

/**
 * struct group_options - a server
 * @work: does what takes its time
 * @id: whose log the directory has to be
 * @election_ns: shortest time without a leader before it campaigns
 * @beat_ns: between heartbeats
 * @seed: of its random timeouts
 * @slots: entries in memory, a power of two; 0 = 8192
 * @pool_bytes: for their data; 0 = 8 MiB
 * @segment_bytes: of the store; 0 = 4 MiB
 */
struct group_options {
	struct work *work;
	struct raftlog_identity id;
	u64 election_ns;
	u64 beat_ns;
	u64 seed;
	u32 slots;
	u64 pool_bytes;
	u64 segment_bytes;
};

/**
 * enum group_state - may it take part?
 * @GROUP_RUNS: yes
 * @GROUP_DAMAGED: never again: its log lost something (rule 9)
 * @GROUP_FAILED: not before it is opened again: its store or machine failed
 * @GROUP_OPENS: not yet: its directory is being read
 */
enum group_state {
	GROUP_RUNS,
	GROUP_DAMAGED,
	GROUP_FAILED,
	GROUP_OPENS,
};

/**
 * struct group_info - how it is
 * @state: enum group_state
 * @role: enum raft_role
 * @term: its term
 * @leader: id of the leader that it follows, 0 = none
 * @applied: in the machine
 * @last: last entry of its log
 * @last_term: its term
 * @waits: commands and reads that wait
 * @snapshots_failed: own ones that came to nothing
 * @conf: the members, by its log
 * @count: of the core
 * @store: of the log store
 */
struct group_info {
	enum group_state state;
	enum raft_role role;
	u64 term;
	u64 leader;
	u64 applied;
	u64 last;
	u64 last_term;
	u32 waits;
	u64 snapshots_failed;
	struct raft_config conf;
	struct raft_counters count;
	struct raftlog_info store;
};

/* group.c */
int group_open(struct loop *loop, const struct raftlog_env *env,
	       const struct group_options *opt, const struct group_ops *ops,
	       void *arg, struct group **group);
void group_close(struct group *g);
void group_look(const struct group *g, struct group_info *info);
bool group_leads(const struct group *g);

/* ask.c */
int group_propose(struct group *g, const void *data, u32 bytes,
		  struct group_wait *wait);
int group_read(struct group *g, struct group_wait *wait);
void group_forget(struct group *g, struct group_wait *wait);
int group_members(struct group *g, const struct raft_members *want);
int group_transfer(struct group *g, u64 to);
bool group_caught_up(const struct group *g, u64 server);

/* wire.c */
int group_recv(struct group *g, u32 node, const void *data, u32 bytes);

#endif /* QBD_GROUP_GROUP_H */
