/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Failover: which volume is to be attached where, without anybody who says so.
 *
 * Who leads has this beside the replicated state.  It is told what changes
 * (duty_changed()), which daemons are there (duty_node()), what kernels say of
 * holders (duty_word()) and what went wrong (duty_failed()); duty_next() gives
 * the next command that is due, or says when to look again.  It decides
 * nothing: a command is refused by the state if what it goes by has passed.
 * Nothing of it is kept: the next leader begins with the state, and with what
 * it hears.
 *
 * It cares for volumes that are READY, have @autos and are not parked:
 *
 *   held by nobody: ATTACH to the first node that may (the one that is wanted,
 *	then @autos in order), which is there and has not failed lately.
 *   held with a device, and the kernels say that its holder is gone: the same
 *	with STATE_ATTACH_TAKEOVER, to anybody but the holder.
 *   held, and the holder says that it can not: DETACH, if it has no device;
 *	else the volume is wanted elsewhere, if there is somebody, and its
 *	holder detaches it in order.
 *
 * RULES, each with what it prevents.  A is the holder, B and C are next.
 *
 *   A SILENT DAEMON IS NO DEAD HOLDER.  Only takeover_may() says so (V3).  (A's
 *	daemon is killed by the administrator, its kernel serves a database; B
 *	attaches, and the database dies, for nothing: P7.)  The detector's word
 *	about the holder is used the other way only: if A's daemon is there,
 *	the kernels' words have to hold for @doubt_ms.  (A's daemon is about to
 *	make the connections of its kernel again; two seconds later all is
 *	well.)
 *   WORDS ARE ABOUT A TERM.  They are kept with it, and count for no other.
 *	(Words say that A is silent in term 5.  C attaches by force, term 6.
 *	The takeover would take it from C.)  The state compares again.
 *   WHO FAILED IS NOT TRIED AGAIN AT ONCE.  A fault is noted for volume and
 *	node, and puts the node off for @backoff_ms, doubled each time; the next
 *	one in the list is tried.  (B has no module: attach, failure, attach,
 *	a term and some commands each, for ever, while C could have had it.)
 *   PARKED IS PARKED.  What was detached on purpose stays so until it is
 *	attached, or @autos are set again; the state has that, and refuses
 *	what was under way (STATE_ATTACH_AUTO).  (The administrator detaches the
 *	volume to check its file system; it is mounted under his hands.)
 *   NOBODY GETS A VOLUME BACK.  A holder that works is left alone, whoever
 *	comes before it in the list.  (A reboots every five minutes because its
 *	memory is bad; each time the database moves there and back.)  To move
 *	it: `volume attach NAME --node A`; the wanted node is first, before the
 *	list.
 *   WHO WAS NEVER HEARD MAY BE BOOTING.  A node that this daemon has not heard
 *	since it can (@since_ms) is no reason to go past it, or to take its
 *	volume, for @grace_ms, 10 s if nothing else is said.  (The power comes
 *	back; B and C are up 2 s before A, and all volumes of A go to B.)  A
 *	node that was heard and fell silent gets no such time.  So a leader
 *	whose daemon has been up for a while, which has heard all that are up,
 *	waits for nobody, also if the holder was the leader before it.
 *   ONE AT A TIME.  Of a volume one command is under way, until its answer, its
 *	change, or @answer_ms.
 *
 * HOW LONG A FAILOVER TAKES, by the defaults; t = 0: A's power fails.
 *
 *	1.50 s	the kernels with copies have not heard A for suspect-after-ms;
 *		leases (lease-ms) end by then, too; A's daemon is suspected by
 *		1.0 s (two beats of 500 ms)
 *	1.75 s	words arrive: an agent sends them when a silence begins to
 *		count, 250 ms are left for that, and each 500 ms while it lasts
 *	1.75 s	the command: with the word that completes the quorum, in the
 *		same turn of the loop; nothing here waits for a tick
 *	1.80 s	it is committed (a sync and a round)
 *	1.85 s	the node has it, and asks for a term under its own session
 *	1.95 s	its kernel has opened all shards and recovered (no lease is left
 *		to wait for), and there is a device; a few shards, little to
 *		recover: `make failover` measures it
 *	1.95 s	the unit or command is being started
 *
 * If A led the group, the next one is elected between 1.0 and 2.0 s, and words
 * go to it then: up to 0.5 s later.  What the file system or the database needs
 * to recover is not in it.
 *
 * WORDS.  At most one of each replica, the newest; only those that count for
 * something are kept (alive, and silent for suspect-after-ms), until they are
 * as old as that; one that says otherwise removes it.  DUTY_WORDS_MAX in all.
 * Only the shard of a word that came is looked at, so the price of a word does
 * not depend on the size of a volume.
 *
 * COST.  Volumes that are held and nobody complains about are not in here.
 * Those that are wait in one of two lists: to be looked at, or for a time.  A
 * call looks at DUTY_SLICE of them, and of the state if that has to be walked
 * through; times are rounded up to DUTY_ROUND_MS, after which all that wait are
 * looked at again.  So 100 000 volumes that nobody can take cost 400 calls a
 * second.
 *
 * Pure: no clock, no sockets.  It allocates; out of memory ends the process.
 */
#ifndef QBD_PROMOTE_DUTY_H
#define QBD_PROMOTE_DUTY_H

#include "state/command.h"
#include "state/takeover.h"
#include "state/view.h"

#define DUTY_SLICE 256
#define DUTY_ROUND_MS 1000
#define DUTY_WORDS_MAX 1000000
#define DUTY_FAULTS (STATE_AUTOS_MAX + 1) /* of a volume: autos, and wanted */
#define DUTY_NEVER U64_MAX

struct duty;

/**
 * enum duty_fault - what went wrong on a node
 * @DUTY_FAULT_DEVICE: its kernel does not have the volume, and will not have it
 *	under the term: the daemon there has thrown the term away
 * @DUTY_FAULT_RUN: there is a device, but its unit or command does not run
 */
enum duty_fault {
	DUTY_FAULT_DEVICE = 1,
	DUTY_FAULT_RUN,
};

/**
 * struct duty_conf - times; 0: the default
 * @grace_ms: for nodes that were never heard: 10 s
 * @doubt_ms: for holders whose daemon is there: 10 s
 * @backoff_ms: after the first fault: 10 s
 * @backoff_max_ms: at most: 10 min; after as long without a fault it is the
 *	first one again
 * @again_ms: after a command that was refused: 1 s
 * @answer_ms: a command without an answer is forgotten: 10 s
 * @words_max: words in all: DUTY_WORDS_MAX
 */
struct duty_conf {
	u32 grace_ms;
	u32 doubt_ms;
	u32 backoff_ms;
	u32 backoff_max_ms;
	u32 again_ms;
	u32 answer_ms;
	u32 words_max;
};

/**
 * struct duty_node - a node's daemon, as the failure detector sees it
 * @node: its id
 * @alive: it is there: not suspect, not dead; true of the own node
 * @heard: this daemon has heard it some time, as a leader or before
 * @since_ms: not heard: since when this daemon listens for it
 */
struct duty_node {
	u32 node;
	bool alive;
	bool heard;
	u64 since_ms;
};

/**
 * struct duty_said - a word, and whose
 * @from: id of the node that says it
 * @volume: about the holder of this one
 * @term: who got this term
 * @word: the word; its age is counted from now on
 */
struct duty_said {
	u32 from;
	u32 volume;
	u64 term;
	struct takeover_word word;
};

/**
 * struct duty_counts - for status and tests
 * @volumes: that are looked at, or wait
 * @words: kept now
 * @dropped: words that there was no room for
 * @refused: words that made no sense, or came too late
 * @looks: volumes looked at so far
 * @commands: so far
 */
struct duty_counts {
	u32 volumes;
	u32 words;
	u64 dropped;
	u64 refused;
	u64 looks;
	u64 commands;
};

/* duty.c */
struct duty *duty_create(const struct duty_conf *conf);
void duty_destroy(struct duty *duty);
void duty_begin(struct duty *duty, u64 now_ms);
void duty_changed(struct duty *duty, const struct state *s,
		  const struct state_delta *delta);
bool duty_next(struct duty *duty, const struct state *s, u64 now_ms,
	       struct state_cmd *cmd, u64 *again_ms);
void duty_answered(struct duty *duty, u32 volume, bool done, u64 now_ms);
void duty_counts(const struct duty *duty, struct duty_counts *counts);

/* duty_hear.c */
void duty_node(struct duty *duty, const struct duty_node *node);
int duty_word(struct duty *duty, const struct state *s,
	      const struct duty_said *said, u64 now_ms);
int duty_failed(struct duty *duty, const struct state *s, u32 volume, u32 node,
		u64 term, enum duty_fault fault, u64 now_ms);

#endif /* QBD_PROMOTE_DUTY_H */
