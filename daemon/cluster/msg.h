/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What daemons of one cluster say to each other, inside of a session.
 *
 * Numbers are little-endian; a text is the rest of its message.
 *
 *   RAFT		a message of the group (raft/codec.h)
 *   ASK		do this, or look, for me: who leads answers
 *	 0 u64 id	 8 u64 client	16 u64 sequence	   24 JSON
 *   ANSWER		to an ask
 *	 0 u64 id	 8 u32 enum msg_answer	12 u32 node that leads, 0 = none
 *	16 JSON
 *   MEMBERS		who is in the group, from a member
 *	 0 u64 term	 8 u64 term of the last entry of its log
 *	16 u64 index of that	24 u32 node that leads, 0 = none
 *	28 u32 number, then for each
 *	 0 u32 node	 4 u32 addresses (up to 4)	 8 key, 32 bytes
 *	40 addresses: u16 family 4 or 6, u16 port, 16 bytes
 *   SERVER		from who leads: be this server of the group
 *	 0 u64 server
 *   SERVER_IS		to who leads: how mine is
 *	 0 u64 server	 8 u32 enum msg_server	12 u32 zero
 *   LIFE		to members, and who begins a session: how far my log is
 *	 0 u64 server	 8 u64 generation of its hard state
 *	16 u64 server of the receiver, as I heard	24 u64 its highest
 *	generation; both 0 = I heard nothing
 *
 * Everybody here proved to be a node of the cluster, and may be mad all the
 * same: what comes is checked for its form here, and where it is used.
 */
#ifndef QBD_CLUSTER_MSG_H
#define QBD_CLUSTER_MSG_H

#include "record.h"

#define MSG_TEXT_MAX (128 * 1024)
#define MSG_ASK_HEAD 24
#define MSG_ANSWER_HEAD 16
#define MSG_MEMBERS_HEAD 32
#define MSG_LIFE_BYTES 32
#define MSG_MEMBERS_NEWS 24 /* from here on: who leads, and who is in it */
#define MSG_MEMBERS_MAX \
	(MSG_MEMBERS_HEAD + RECORD_PEERS_MAX * (40 + 20 * RECORD_ADDRS_MAX))

/**
 * enum msg_type - types of messages
 * @MSG_RAFT: see the top of this file, for all
 * @MSG_ASK: request
 * @MSG_ANSWER: its answer
 * @MSG_MEMBERS: the group
 * @MSG_SERVER: order
 * @MSG_SERVER_IS: report
 * @MSG_LIFE: generations
 * @MSG_BESIDE: what comes behind it is not the cluster's (beside.h):
 * @MSG_WANT: what a node has to have, from who leads (agent/want.h)
 * @MSG_HELLO: how far a node is with that, to who leads
 * @MSG_LINK: about links, between daemons (hands/hands.h)
 * @MSG_WORD: whom a kernel does not hear, to who leads (state/takeover.h)
 * @MSG_FAULT: a volume does not work on a node, to who leads (promote/duty.h)
 * @MSG_COPY: a copy is filled, or lost, to who leads (repair/duty.h)
 */
enum msg_type {
	MSG_RAFT = 1,
	MSG_ASK,
	MSG_ANSWER,
	MSG_MEMBERS,
	MSG_SERVER,
	MSG_SERVER_IS,
	MSG_LIFE,
	MSG_BESIDE = 32,
	MSG_WANT,
	MSG_HELLO,
	MSG_LINK,
	MSG_WORD,
	MSG_FAULT,
	MSG_COPY,
};

/**
 * enum msg_answer - what became of an ask
 * @MSG_OK: done; the text is the answer
 * @MSG_ERROR: refused; the text is the error
 * @MSG_ELSEWHERE: this one does not lead: ask again, there
 */
enum msg_answer {
	MSG_OK,
	MSG_ERROR,
	MSG_ELSEWHERE,
};

/**
 * enum msg_server - how a server is
 * @MSG_SERVER_READY: it can take part
 * @MSG_SERVER_LOST: its log is damaged, or gone: it needs another id
 * @MSG_SERVER_FAILED: its disk failed: no server before somebody mends that
 */
enum msg_server {
	MSG_SERVER_READY,
	MSG_SERVER_LOST,
	MSG_SERVER_FAILED,
};

/**
 * struct msg_text - an ask, or an answer
 * @id: the asker's
 * @client: ASK: who asks (state/command.h); 0: only looks
 * @seq: ASK: his how manieth
 * @what: ANSWER: enum msg_answer
 * @leader: ANSWER: node that leads
 * @text: JSON
 * @bytes: of it
 */
struct msg_text {
	uint64_t id;
	uint64_t client;
	uint64_t seq;
	uint32_t what;
	uint32_t leader;
	const char *text;
	size_t bytes;
};

/**
 * struct msg_members - the group
 * @term: of the member that says so
 * @log_term: of the last entry of its log: as new as that is what it says of
 *	the members
 * @log_index: of that entry
 * @leader: node that leads, 0 = none
 * @nr: used of @peer
 * @peer: the members
 */
struct msg_members {
	uint64_t term;
	uint64_t log_term;
	uint64_t log_index;
	uint32_t leader;
	unsigned int nr;
	struct record_peer peer[RECORD_PEERS_MAX];
};

/**
 * struct msg_server_is - a server of the group
 * @server: its id
 * @what: SERVER_IS: enum msg_server
 */
struct msg_server_is {
	uint64_t server;
	uint32_t what;
};

/**
 * struct msg_life - how far a log is, and another one was
 * @server: of the sender
 * @generation: of its hard state (raftlog.h)
 * @your_server: of the receiver, 0 = not heard
 * @your_generation: the highest that was heard of it
 */
struct msg_life {
	uint64_t server;
	uint64_t generation;
	uint64_t your_server;
	uint64_t your_generation;
};

int msg_ask_put(const struct msg_text *ask, void *to, size_t room);
int msg_ask_get(const void *from, size_t bytes, struct msg_text *ask);
int msg_answer_put(const struct msg_text *answer, void *to, size_t room);
int msg_answer_get(const void *from, size_t bytes, struct msg_text *answer);
int msg_members_put(const struct msg_members *members, void *to, size_t room);
int msg_members_get(const void *from, size_t bytes,
		    struct msg_members *members);
int msg_life_put(const struct msg_life *life, void *to, size_t room);
int msg_life_get(const void *from, size_t bytes, struct msg_life *life);
int msg_server_put(const struct msg_server_is *server, bool report, void *to,
		   size_t room);
int msg_server_get(const void *from, size_t bytes, bool report,
		   struct msg_server_is *server);

#endif /* QBD_CLUSTER_MSG_H */
