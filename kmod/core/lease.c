// SPDX-License-Identifier: GPL-2.0-only
/*
 * Leases between nodes; the idea is told in lease.h.
 *
 * Writes never depend on any of this: a write that a fenced leader still sends
 * is refused by term. Reads do, and clocks may drift: the holder counts 0.9 of
 * the lease, from a time not after the sending of what was answered.
 */
#include "lease.h"

/**
 * qbd_lease_voter_init() - nothing granted yet
 * @voter: the voter's state for one other node
 * @random: a random number
 *
 * The version starts at random: after a restart of this node no answer of its
 * earlier life names a version that means something now (S9 a).
 */
void qbd_lease_voter_init(struct qbd_lease_voter *voter, u64 random)
{
	memset(voter, 0, sizeof(*voter));
	voter->version = (random >> 1) + 1;
}

/**
 * qbd_lease_grant() - a message came from the holder's node
 * @voter: the voter's state for that node
 * @now_ns: now
 * @beat: the message's heartbeat number, 0 = none
 * @lease_ns: lease that the node asks for, at most the maximum
 *
 * The voter counts from the arrival, the holder from the sending: the voter's
 * end is never before the holder's (lease counted from the reply would turn
 * that round by a message's delay).
 */
void qbd_lease_grant(struct qbd_lease_voter *voter, u64 now_ns, u64 beat,
		     u64 lease_ns)
{
	voter->heard_ns = now_ns;
	if (!beat)
		return;
	voter->beat = beat;
	voter->until_ns = max(voter->until_ns, now_ns + lease_ns);
}

/**
 * qbd_lease_stamp() - what a reply to the holder says
 * @voter: the voter's state for that node
 *
 * Number and version belong together: taken at different moments, a heartbeat
 * granted after a replica left would be taken as one granted to it.
 *
 * Return: both.
 */
struct qbd_lease_stamp qbd_lease_stamp(const struct qbd_lease_voter *voter)
{
	return (struct qbd_lease_stamp){
		.beat = voter->beat,
		.version = voter->version,
	};
}

/**
 * qbd_lease_leave() - a replica here does not obey that node any more
 * @voter: the voter's state for that node
 *
 * From now on heartbeats do not renew its lease: the version that the holder
 * heard from it is gone. The other replicas of the list get the new one to
 * the holder with their next ack (S9 b). A replica calls this before it says
 * anything that another leader could build on.
 *
 * Return: until when it is bound by what was granted before.
 */
u64 qbd_lease_leave(struct qbd_lease_voter *voter)
{
	if (!QBD_MUTANT(list_version_kept))
		voter->version++;
	return voter->until_ns;
}

/**
 * qbd_lease_silent() - was nothing heard of that node for so long?
 * @voter: the voter's state for that node
 * @now_ns: now
 * @silence_ns: how long
 *
 * For takeover without force (V3): a quorum of replicas' kernels must say so,
 * a daemon that is silent proves nothing.
 *
 * Return: true if so.
 */
bool qbd_lease_silent(const struct qbd_lease_voter *voter, u64 now_ns,
		      u64 silence_ns)
{
	return voter->heard_ns + silence_ns <= now_ns;
}

/**
 * qbd_lease_holder_init() - no lease yet
 * @holder: the holder's state for one other node
 * @random: a random number
 *
 * Numbers start at random, so that an echo of a heartbeat of this node's
 * earlier life is not taken for one of this life.
 */
void qbd_lease_holder_init(struct qbd_lease_holder *holder, u64 random)
{
	memset(holder, 0, sizeof(*holder));
	holder->beat = random >> 1;
}

/**
 * qbd_lease_beat() - time for the next heartbeat
 * @holder: the holder's state for the node it goes to
 * @now_ns: now, before it is sent
 *
 * Return: its number, not 0.
 */
u64 qbd_lease_beat(struct qbd_lease_holder *holder, u64 now_ns)
{
	holder->beat++;
	holder->sent_ns[holder->beat % QBD_LEASE_BEATS] = now_ns;
	return holder->beat;
}

/**
 * qbd_lease_mark() - heartbeat number for any other message to that node
 * @holder: the holder's state for the node it goes to
 *
 * Return: the number; 0 if no heartbeat was sent yet.
 */
u64 qbd_lease_mark(const struct qbd_lease_holder *holder)
{
	return holder->sent_ns[holder->beat % QBD_LEASE_BEATS] ? holder->beat :
								 0;
}

/**
 * qbd_lease_echo() - a heartbeat came back
 * @holder: the holder's state for the node it comes from
 * @now_ns: now
 * @beat: its number
 * @version: version of the list that the node granted it for
 *
 * Answers to different connections may overtake each other: an older answer
 * with an older version names the time of its own heartbeat, so that what is
 * believed of that version is true, if less than could be known.
 */
void qbd_lease_echo(struct qbd_lease_holder *holder, u64 now_ns, u64 beat,
		    u64 version)
{
	u64 sent_ns = holder->sent_ns[beat % QBD_LEASE_BEATS];

	if (!version || beat > holder->beat ||
	    holder->beat - beat >= QBD_LEASE_BEATS || !sent_ns)
		return;
	if (QBD_MUTANT(lease_from_reply))
		sent_ns = now_ns;
	if (version == holder->view.version)
		sent_ns = max(sent_ns, holder->view.base_ns);
	holder->view.version = version;
	holder->view.base_ns = sent_ns;
}

/**
 * qbd_lease_valid() - does a member's lease run?
 * @view: what the holder knows of its node
 * @version: list version that the member itself named last, 0 = none
 * @now_ns: now
 * @lease_ns: length of the lease
 *
 * Return: true if so.
 */
bool qbd_lease_valid(struct qbd_lease_view view, u64 version, u64 now_ns,
		     u64 lease_ns)
{
	if (!version || !view.base_ns)
		return false;
	if (view.version != version && !QBD_MUTANT(list_version_ignored))
		return false;
	return now_ns < view.base_ns + div_u64(lease_ns, 10) * 9;
}
