/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Repair: which copy is to be replaced, by what, and how far that is.
 *
 * Who leads has this beside the replicated state, as it has failover
 * (promote/duty.h).  It is told what changes (repair_changed()), which daemons
 * are there (repair_node()) and what nodes say of copies (repair_heard());
 * repair_next() gives the next command that is due.  It decides nothing: each
 * command has the term of the volume and the epoch of the set that it goes by,
 * and is refused by the state if one of them has passed.  How far a change is
 * stands in the state; nothing of this is kept.  The next leader begins with
 * the state, and with what it hears: nodes say again what is not done yet.
 *
 * A copy is to be replaced (BAD) if
 *
 *   its store failed, or is gone for repair-after-ms;
 *   its node says that the copy is not there any more (LOST);
 *   the daemon of its node was not heard for repair-after-ms, whatever its
 *	kernel does: a copy that nobody can be told anything about can take part
 *	in no change;
 *   its node or store drains.
 *
 * STEPS of one change.  e is the epoch of the set {A,B,C}; C is bad, D a store
 * that place.h found, on no host that has a copy already.
 *
 *	PROPOSE	D learns.  Its node makes it, the holder's kernel fills it
 *	JOINT	when the holder says, under the term in force, of this epoch
 *		and this copy, that it is filled: {A,B,C} and {A,B,D}, e+1
 *	ADOPT	when the holder says, under the term in force, that e+1 is on
 *		stable media of quorums of both: {A,B,D}, e+2
 *	SETTLED	when e+2 is, too: said to the cluster at once (say.c).  C gets
 *		its tombstone (S11)
 *	ABORT	instead of JOINT or ADOPT: see below.
 *
 * RULES, each with what it prevents.
 *
 *   NOT WHO IS ONLY SUSPECT.  (A switch is restarted, for 5 s nobody hears
 *	three nodes: 20000 copies begin to move.)  A leader counts from when its
 *	own daemon heard a node last, or began to listen for it: a new one may
 *	wait longer, never shorter.
 *   WORDS ARE ABOUT A TERM, AN EPOCH, A COPY.  FILLED and JOINED count only if
 *	the holder says them, under the term in force.  (L1 is fenced; its
 *	"joined" comes late; L2 opened the old set: S6.)  FILLED names the copy.
 *	(D is given up, E learns under the same epoch; what was said of D makes
 *	the empty E a voter.)
 *   A QUORUM LIVES.  Nothing is begun, and no set made joint or adopted, unless
 *	a quorum of it is there: of the old set and of the new one.  (A and C
 *	are dead, D is filled from B alone: JOINT would have to wait for
 *	{A,B,C}, and nobody could go back.)
 *   WHO COMES BACK IS KEPT.  As long as D has no vote, and C is well again, D
 *	is given up.  When it votes the change goes on to its end, which is as
 *	many steps as the way back.  After that C has to be silent for
 *	repair-after-ms again.  (A node that reboots every 11 min would have
 *	its copies moved off and on for ever, each time with all their bytes.)
 *	Not before @grace_ms of a leader's time: it may not have heard yet what
 *	is wrong with C.
 *   A TARGET THAT FAILS IS GIVEN UP.  D's store fails, drains, or says that the
 *	copy is lost; its node is silent for @target_ms, or repair-after-ms if
 *	that is shorter; or D is not made in @make_ms.  The store is put off for
 *	@off_ms where it was its own fault.  (D's disk dies while it learns; the
 *	holder waits for it for ever, the volume has two copies.)
 *   A JOINT SET WITHOUT A QUORUM GOES BACK (V7), if the old one has its own,
 *	and after @doubt_ms.  (Two copies {A,C}; C drains to D; D dies when
 *	joint: nothing is acknowledged any more, with A and C in good health.)
 *   FEW AT A TIME.  repairs-at-once (8) in the cluster, @store_max (2) towards
 *	one store: each fills a copy at the pace that a store gives to resyncs,
 *	and two of them keep a store busy while one waits for a round trip;
 *	eight of 4 GiB are 32 GiB that may have to be begun anew when who leads
 *	or holds changes, and more would only make each of them take longer.
 *	First those with the fewest live copies.  (A node dies with 8000
 *	copies; of one shard a second one is dead: it waits for 4000 others.)
 *   ONE COMMAND AT A TIME about a shard, until its answer or @answer_ms; after
 *	a refusal not for @again_ms, twice as long each time.
 *
 * A VOLUME HAS TO BE HELD, by a node that is there: the leader of a shard, in
 * the holder's kernel, directs the filling and commits the sets.  One that is
 * attached, and whose holder has no daemon, waits (V8; counts.unheld).  ABORT
 * of what learns needs no holder.
 *
 * HOLDS.  What nobody has attached is held for repair (S16): ATTACH with
 * STATE_ATTACH_REPAIR gives it a term and a holder as each attach does, and the
 * holder's kernel leads its shards without a device, and without a lease.
 *
 *   ONLY WHAT IS LEFT ALONE.  There is something to be done, and a quorum for
 *	it; and nobody has held the volume for @free_ms, or @wanted_ms if it is
 *	wanted somewhere, or may be attached by itself.  (A volume moves; in the
 *	50 ms between two holders repair takes it, and it opens twice.)
 *   WHO WANTS IT HAS IT.  An attach takes it, whoever asks; to delete it ends
 *	the hold, too.  Nothing here waits for that, or is asked.  Who only
 *	ended it is left alone for @off_ms.
 *   BY WHO HAS A COPY, if there is one who may.  At most @holds_max on a node,
 *	and no more in all than changes may be under way.  (A drain of 500
 *	volumes opens all of them on one node.)
 *   IT ENDS when a whole round has found nothing more; and when the node
 *	drains.  When no set of it was changed for @hold_ms, as there is no
 *	place for a copy: there is none for as long after that.  When its
 *	kernel says that it can not, or has not said for @hold_ms that it leads:
 *	this node is off for this volume.  (These are twice as long after each
 *	hold that came to nothing.)  And when its daemon is silent for
 *	@target_ms: that is no word of kernels (V3), and need not be one, for
 *	nobody writes, and the term of the next holder fences it.  (Its daemon
 *	is dead, its kernel leads: no set is changed until somebody attaches.)
 *
 * COST.  Shards are not walked through.  A round looks at all stores, and at
 * the copies of those that are bad, at most 512 each, and at all volumes, for
 * holds that a former leader began; REPAIR_SLICE of all of these in a call.  It
 * keeps REPAIR_KEEP candidates of each number of live copies, and gives out
 * those of the lowest first.  There is one each REPAIR_ROUND_MS, and one soon
 * after something changed.  Changes that are under way are looked at in each
 * call: REPAIR_SHARDS_MAX at most.
 *
 * Pure: no clock, no sockets.  It allocates; out of memory ends the process.
 *
 * Files: duty.c (life, what is told, what is next), step.c (changes under way),
 * pick.c (what is begun), hold.c (who leads what nobody has attached), view.c
 * (who is there, who is bad), why.c (what it waits for, for people: why.h).
 */
#ifndef QBD_REPAIR_DUTY_H
#define QBD_REPAIR_DUTY_H

#include "state/command.h"
#include "state/view.h"

#define REPAIR_SLICE 4096
#define REPAIR_KEEP 64
#define REPAIR_ROUND_MS 1000
#define REPAIR_SOON_MS 100
#define REPAIR_SHARDS_MAX 4096 /* of which something is remembered */
#define REPAIR_LOST_MAX 65536
#define REPAIR_NEVER U64_MAX

struct repair;

/**
 * struct repair_conf - times and bounds; 0: the default
 * @store_max: changes under way towards one store: 2
 * @answer_ms: a command without an answer is forgotten: 10 s
 * @again_ms: after a command that was refused: 1 s, and up to 64 times that
 * @grace_ms: of a new leader, before it gives up what learns: 10 s
 * @target_ms: a target may be silent for so long: 60 s
 * @make_ms: a target has so long to be made: 120 s
 * @doubt_ms: a joint set may be without a quorum for so long: 10 s
 * @off_ms: a store that failed as a target is put off for so long: 10 min
 * @word_ms: what was said counts for so long; it is said again: 10 s
 * @holds_max: volumes that a node holds for repair: 4
 * @free_ms: nobody has held a volume for so long: 3 s
 * @wanted_ms: the same, of one that is wanted by somebody: 30 s
 * @hold_ms: a hold may come to nothing for so long: 30 s
 */
struct repair_conf {
	u32 store_max;
	u32 answer_ms;
	u32 again_ms;
	u32 grace_ms;
	u32 target_ms;
	u32 make_ms;
	u32 doubt_ms;
	u32 off_ms;
	u32 word_ms;
	u32 holds_max;
	u32 free_ms;
	u32 wanted_ms;
	u32 hold_ms;
};

/**
 * struct repair_node - a node's daemon, as the failure detector sees it
 * @node: its id
 * @alive: it is there: not suspect, not dead; true of the own node
 * @silent_ms: since it was heard, or since this daemon listens for it
 */
struct repair_node {
	u32 node;
	bool alive;
	u64 silent_ms;
};

/**
 * enum repair_word - what a node says of a copy
 * @REPAIR_FILLED: the holder: what learns has all that the others have
 * @REPAIR_JOINED: the holder: the joint set is on stable media
 * @REPAIR_LOST: the node of a copy that was made: it is not there
 */
enum repair_word {
	REPAIR_FILLED = 1,
	REPAIR_JOINED,
	REPAIR_LOST,
};

/**
 * struct repair_said - a word, and whose
 * @from: id of the node that says it
 * @word: enum repair_word
 * @volume: id
 * @number: of the shard
 * @term: FILLED, JOINED: under which it holds the volume
 * @epoch: FILLED, JOINED: of the set
 * @replica: FILLED: that learns; LOST: that is lost
 */
struct repair_said {
	u32 from;
	u8 word;
	u32 volume;
	u32 number;
	u64 term;
	u64 epoch;
	u64 replica;
};

/**
 * struct repair_counts - for status and tests
 * @changing: changes under way
 * @bad: copies that are to be replaced, of the last round
 * @draining: of these, those that only drain
 * @unheld: of these, those whose volume nobody holds, or no daemon of a holder
 * @holds: volumes that are held for repair
 * @no_quorum: of these, those of shards without a live quorum
 * @no_place: found in the last round: no store may take them
 * @lost: copies that are said to be lost
 * @dropped: words that there was no room for
 * @refused: words that made no sense, or came too late
 * @rounds: so far
 * @commands: so far
 */
struct repair_counts {
	u32 changing;
	u32 bad;
	u32 draining;
	u32 unheld;
	u32 holds;
	u32 no_quorum;
	u32 no_place;
	u32 lost;
	u64 dropped;
	u64 refused;
	u64 rounds;
	u64 commands;
};

struct repair *repair_create(const struct repair_conf *conf);
void repair_destroy(struct repair *r);
void repair_begin(struct repair *r, u64 now_ms);
void repair_changed(struct repair *r, const struct state_delta *delta);
void repair_node(struct repair *r, const struct repair_node *node);
int repair_heard(struct repair *r, const struct state *s,
		 const struct repair_said *said, u64 now_ms);
bool repair_next(struct repair *r, const struct state *s, u64 now_ms,
		 struct state_cmd *cmd, u64 *again_ms);
void repair_answered(struct repair *r, const struct state_cmd *cmd, bool done,
		     u64 now_ms);
void repair_counts(const struct repair *r, struct repair_counts *counts);

#endif /* QBD_REPAIR_DUTY_H */
