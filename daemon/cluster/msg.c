// SPDX-License-Identifier: GPL-2.0-only
/*
 * Messages between daemons: bytes and back (msg.h).
 */
#include <errno.h>
#include <string.h>

#include "../session/bytes.h"
#include "msg.h"

#define MSG_PEER_HEAD 40
#define MSG_ADDR 20

static int msg_text_put(const struct msg_text *text, uint8_t *at, size_t head,
			size_t room)
{
	if (text->bytes > MSG_TEXT_MAX || head + text->bytes > room)
		return -EMSGSIZE;
	memcpy(at + head, text->text, text->bytes);
	return head + text->bytes;
}

static int msg_text_get(const uint8_t *at, size_t bytes, size_t head,
			struct msg_text *text)
{
	if (bytes < head || bytes - head > MSG_TEXT_MAX)
		return -EBADMSG;
	memset(text, 0, sizeof(*text));
	text->id = session_get64(at);
	text->text = (const char *)at + head;
	text->bytes = bytes - head;
	return 0;
}

/**
 * msg_ask_put() - an ask as bytes
 * @ask: the ask
 * @to: for them
 * @room: bytes there
 *
 * Return: their number, or -EMSGSIZE.
 */
int msg_ask_put(const struct msg_text *ask, void *to, size_t room)
{
	int bytes = msg_text_put(ask, to, MSG_ASK_HEAD, room);

	if (bytes < 0)
		return bytes;
	session_put64(to, ask->id);
	session_put64((uint8_t *)to + 8, ask->client);
	session_put64((uint8_t *)to + 16, ask->seq);
	return bytes;
}

/**
 * msg_ask_get() - the way back
 * @from: bytes, hostile
 * @bytes: how many
 * @ask: its text stays where it is
 *
 * Return: 0 or -EBADMSG.
 */
int msg_ask_get(const void *from, size_t bytes, struct msg_text *ask)
{
	int err = msg_text_get(from, bytes, MSG_ASK_HEAD, ask);

	if (err)
		return err;
	ask->client = session_get64((const uint8_t *)from + 8);
	ask->seq = session_get64((const uint8_t *)from + 16);
	return !ask->client == !ask->seq ? 0 : -EBADMSG;
}

/**
 * msg_answer_put() - an answer as bytes
 * @answer: the answer
 * @to: for them
 * @room: bytes there
 *
 * Return: their number, or -EMSGSIZE.
 */
int msg_answer_put(const struct msg_text *answer, void *to, size_t room)
{
	int bytes = msg_text_put(answer, to, MSG_ANSWER_HEAD, room);

	if (bytes < 0)
		return bytes;
	session_put64(to, answer->id);
	session_put32((uint8_t *)to + 8, answer->what);
	session_put32((uint8_t *)to + 12, answer->leader);
	return bytes;
}

/**
 * msg_answer_get() - the way back
 * @from: bytes, hostile
 * @bytes: how many
 * @answer: its text stays where it is
 *
 * Return: 0 or -EBADMSG.
 */
int msg_answer_get(const void *from, size_t bytes, struct msg_text *answer)
{
	int err = msg_text_get(from, bytes, MSG_ANSWER_HEAD, answer);

	if (err)
		return err;
	answer->what = session_get32((const uint8_t *)from + 8);
	answer->leader = session_get32((const uint8_t *)from + 12);
	return answer->what <= MSG_ELSEWHERE ? 0 : -EBADMSG;
}

static void msg_addr_put(uint8_t *at, const union links_addr *addr)
{
	bool v6 = addr->any.sa_family == AF_INET6;

	memset(at, 0, MSG_ADDR);
	session_put16(at, v6 ? 6 : 4);
	session_put16(at + 2,
		      ntohs(v6 ? addr->v6.sin6_port : addr->v4.sin_port));
	if (v6)
		memcpy(at + 4, &addr->v6.sin6_addr, 16);
	else
		memcpy(at + 4, &addr->v4.sin_addr, 4);
}

static int msg_addr_get(const uint8_t *at, union links_addr *addr)
{
	static const uint8_t zero[12];
	uint16_t family = session_get16(at), port = session_get16(at + 2);

	memset(addr, 0, sizeof(*addr));
	if (!port)
		return -EBADMSG;
	if (family == 6) {
		addr->v6.sin6_family = AF_INET6;
		addr->v6.sin6_port = htons(port);
		memcpy(&addr->v6.sin6_addr, at + 4, 16);
		return 0;
	}
	if (family != 4 || memcmp(at + 8, zero, sizeof(zero)))
		return -EBADMSG;
	addr->v4.sin_family = AF_INET;
	addr->v4.sin_port = htons(port);
	memcpy(&addr->v4.sin_addr, at + 4, 4);
	return 0;
}

static size_t msg_peer_bytes(const struct record_peer *peer)
{
	return MSG_PEER_HEAD + (size_t)peer->nr * MSG_ADDR;
}

/**
 * msg_members_put() - the group as bytes
 * @members: the group
 * @to: for them
 * @room: bytes there
 *
 * Return: their number, or -EMSGSIZE.
 */
int msg_members_put(const struct msg_members *members, void *to, size_t room)
{
	uint8_t *at = to, *begin = to;
	const struct record_peer *peer;
	unsigned int i, k;

	if (room < MSG_MEMBERS_MAX || members->nr > RECORD_PEERS_MAX)
		return -EMSGSIZE;
	session_put64(at, members->term);
	session_put64(at + 8, members->log_term);
	session_put64(at + 16, members->log_index);
	session_put32(at + 24, members->leader);
	session_put32(at + 28, members->nr);
	at += MSG_MEMBERS_HEAD;
	for (i = 0; i < members->nr; i++) {
		peer = &members->peer[i];
		session_put32(at, peer->node);
		session_put32(at + 4, peer->nr);
		memcpy(at + 8, peer->key, sizeof(peer->key));
		for (k = 0; k < peer->nr; k++)
			msg_addr_put(at + MSG_PEER_HEAD + k * MSG_ADDR,
				     &peer->addr[k]);
		at += msg_peer_bytes(peer);
	}
	return at - begin;
}

static int msg_peer_get(const uint8_t *at, size_t left,
			struct record_peer *peer)
{
	unsigned int i;

	if (left < MSG_PEER_HEAD)
		return -EBADMSG;
	peer->node = session_get32(at);
	peer->nr = session_get32(at + 4);
	memcpy(peer->key, at + 8, sizeof(peer->key));
	if (!peer->node || !peer->nr || peer->nr > RECORD_ADDRS_MAX ||
	    left < msg_peer_bytes(peer))
		return -EBADMSG;
	for (i = 0; i < peer->nr; i++)
		if (msg_addr_get(at + MSG_PEER_HEAD + i * MSG_ADDR,
				 &peer->addr[i]))
			return -EBADMSG;
	return 0;
}

/**
 * msg_members_get() - the way back
 * @from: bytes, hostile
 * @bytes: how many
 * @members: the group
 *
 * Return: 0 or -EBADMSG.
 */
int msg_members_get(const void *from, size_t bytes, struct msg_members *members)
{
	const uint8_t *at = from, *end = at + bytes;
	unsigned int i;

	memset(members, 0, sizeof(*members));
	if (bytes < MSG_MEMBERS_HEAD)
		return -EBADMSG;
	members->term = session_get64(at);
	members->log_term = session_get64(at + 8);
	members->log_index = session_get64(at + 16);
	members->leader = session_get32(at + 24);
	members->nr = session_get32(at + 28);
	if (!members->nr || members->nr > RECORD_PEERS_MAX)
		return -EBADMSG;
	at += MSG_MEMBERS_HEAD;
	for (i = 0; i < members->nr; i++) {
		if (msg_peer_get(at, end - at, &members->peer[i]))
			return -EBADMSG;
		at += msg_peer_bytes(&members->peer[i]);
	}
	return at == end ? 0 : -EBADMSG;
}

/**
 * msg_server_put() - an order to be a server, or a report of it
 * @server: the server
 * @report: a report
 * @to: for its bytes
 * @room: bytes there
 *
 * Return: their number, or -EMSGSIZE.
 */
int msg_server_put(const struct msg_server_is *server, bool report, void *to,
		   size_t room)
{
	if (room < 16)
		return -EMSGSIZE;
	session_put64(to, server->server);
	if (!report)
		return 8;
	session_put32((uint8_t *)to + 8, server->what);
	session_put32((uint8_t *)to + 12, 0);
	return 16;
}

/**
 * msg_server_get() - the way back
 * @from: bytes, hostile
 * @bytes: how many
 * @report: a report
 * @server: the server
 *
 * Return: 0 or -EBADMSG.
 */
int msg_server_get(const void *from, size_t bytes, bool report,
		   struct msg_server_is *server)
{
	memset(server, 0, sizeof(*server));
	if (bytes != (report ? 16 : 8))
		return -EBADMSG;
	server->server = session_get64(from);
	if (!server->server)
		return -EBADMSG;
	if (!report)
		return 0;
	server->what = session_get32((const uint8_t *)from + 8);
	if (server->what > MSG_SERVER_FAILED ||
	    session_get32((const uint8_t *)from + 12))
		return -EBADMSG;
	return 0;
}

/**
 * msg_life_put() - how far logs are
 * @life: it
 * @to: for its bytes
 * @room: bytes there
 *
 * Return: their number, or -EMSGSIZE.
 */
int msg_life_put(const struct msg_life *life, void *to, size_t room)
{
	uint8_t *at = to;

	if (room < MSG_LIFE_BYTES)
		return -EMSGSIZE;
	session_put64(at, life->server);
	session_put64(at + 8, life->generation);
	session_put64(at + 16, life->your_server);
	session_put64(at + 24, life->your_generation);
	return MSG_LIFE_BYTES;
}

/**
 * msg_life_get() - the way back
 * @from: bytes, hostile
 * @bytes: how many
 * @life: it
 *
 * Return: 0 or -EBADMSG.
 */
int msg_life_get(const void *from, size_t bytes, struct msg_life *life)
{
	const uint8_t *at = from;

	memset(life, 0, sizeof(*life));
	if (bytes != MSG_LIFE_BYTES)
		return -EBADMSG;
	life->server = session_get64(at);
	life->generation = session_get64(at + 8);
	life->your_server = session_get64(at + 16);
	life->your_generation = session_get64(at + 24);
	if (!life->server || !life->generation ||
	    !life->your_server != !life->your_generation)
		return -EBADMSG;
	return 0;
}
