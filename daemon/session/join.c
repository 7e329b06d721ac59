// SPDX-License-Identifier: GPL-2.0-only
/*
 * Joining, the cluster's side: the bearer of a token asks once, and gets one
 * answer. The other side is joiner.c.
 *
 * Request and answer begin alike: u32 magic "qSj1", u16 version, u16 least;
 * what follows is the daemon's.
 */
#include "state.h"

#include <errno.h>
#include <string.h>

#include "bytes.h"

#define JOIN_MAGIC 0x316a5371U /* "qSj1" */

/**
 * session_join_head() - the begin of a request, or an answer
 * @head: it
 * @least: the oldest version that is spoken
 */
void session_join_head(uint8_t head[SESSION_JOIN_HEAD], uint16_t least)
{
	session_put32(head, JOIN_MAGIC);
	session_put16(head + 4, SESSION_VERSION);
	session_put16(head + 6, least);
}

/**
 * session_join_check() - is it a request, or an answer?
 * @msg: what came
 * @type: what it must be
 * @least: the oldest version that is spoken
 *
 * Return: SESSION_WHY_NONE, or what is wrong.
 */
enum session_why session_join_check(const struct inbox_msg *msg, uint16_t type,
				    uint16_t least)
{
	if (msg->class != SESSION_JOIN || msg->type != type ||
	    msg->bytes < SESSION_JOIN_HEAD ||
	    msg->bytes > SESSION_JOIN_HEAD + SESSION_JOIN_BYTES_MAX ||
	    session_get32(msg->data) != JOIN_MAGIC)
		return SESSION_WHY_PROTOCOL;
	if (session_get16(msg->data + 4) < least ||
	    session_get16(msg->data + 6) > SESSION_VERSION)
		return SESSION_WHY_VERSION;
	return SESSION_WHY_NONE;
}

/**
 * session_join_shaken() - somebody has a token
 * @link: his connection
 */
void session_join_shaken(struct session_link *link)
{
	struct session_net *net = link->net;

	if (net->joins == SESSION_JOINS_MAX) {
		session_refuse(link->conn, SESSION_WHY_CROWD);
		return;
	}
	net->joins++;
	link->joiner = ++net->joiners;
	session_gate_leave(link);
	conn_until(link->conn,
		   session_now(net) + SESSION_ANSWER_MS * SESSION_MS,
		   conn_late);
}

/**
 * session_join_message() - the bearer of a token says something
 * @link: his connection
 * @msg: it
 */
void session_join_message(struct session_link *link,
			  const struct inbox_msg *msg)
{
	struct session_net *net = link->net;
	char from[LINKS_ADDR_TEXT];
	enum session_why why;

	if (msg->class == SESSION_CONTROL && msg->type == SESSION_BYE &&
	    !msg->bytes) {
		conn_end(link->conn, SESSION_WHY_CLOSED);
		return;
	}
	why = session_join_check(msg, SESSION_JOIN_REQUEST, link->net->least);
	if (why == SESSION_WHY_NONE && link->asked)
		why = SESSION_WHY_PROTOCOL; /* once */
	if (why != SESSION_WHY_NONE) {
		session_refuse(link->conn, why);
		return;
	}
	link->asked = true;
	net->counts.joins++;
	links_addr_format(from, &link->conn->addr);
	log_write(LOG_LEVEL_INFO, "join-asked", "address=%s token=%llu", from,
		  (unsigned long long)link->conn->tls.token);
	net->ops.join(net->ops.tls.arg, link->joiner, link->conn->tls.token,
		      msg->data + SESSION_JOIN_HEAD,
		      msg->bytes - SESSION_JOIN_HEAD);
}

/**
 * session_join_answer() - answer one who asked to join
 * @net: the net
 * @joiner: who, as session_ops.join() said
 * @data: the answer
 * @bytes: its length, up to SESSION_JOIN_BYTES_MAX
 *
 * He closes when he has it.
 *
 * Return: 0; -ENOENT: he is gone; -EMSGSIZE; -ENOMEM.
 */
int session_join_answer(struct session_net *net, uint64_t joiner,
			const void *data, size_t bytes)
{
	uint8_t answer[SESSION_JOIN_HEAD + SESSION_JOIN_BYTES_MAX];
	struct session_link *link;
	struct conn *conn;

	if (bytes > SESSION_JOIN_BYTES_MAX)
		return -EMSGSIZE;
	for (conn = net->hub.conns; conn; conn = conn->next) {
		link = conn_extra(conn);
		if (joiner && link->joiner == joiner)
			break;
	}
	if (!conn)
		return -ENOENT;
	session_join_head(answer, SESSION_LEAST);
	if (bytes)
		memcpy(answer + SESSION_JOIN_HEAD, data, bytes);
	return conn_send(conn, SESSION_JOIN, SESSION_JOIN_ANSWER, answer,
			 SESSION_JOIN_HEAD + bytes);
}
