/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tickets for links: how the kernels of two nodes get a connection of which
 * both daemons know who has the other end.
 *
 * A ticket is 16 bytes of name and 32 of secret, both random, for one (from,
 * to, link).  Who will accept makes it, when who will connect asks for it over
 * their session, which is authenticated and encrypted; so the secret is known
 * to these two and nobody else.  It is good once, and for a few seconds.  Who
 * accepts keeps the newest one for each link: a peer that asks much has no more
 * tickets than links.
 *
 * MESSAGES, inside of a session.  Numbers are little-endian.
 *
 *	0  u8   kind: 1 ASK, 2 TICKET, 3 REFUSE
 *	1  u8   version 1
 *	2  u16  0
 *	4  u32  link
 *	8  u64  number of the ask, the same in its answer
 *	TICKET:	16 name, 16 bytes	32 secret, 32 bytes
 *	REFUSE:	16 u32 enum link_why	20 u32 0
 *
 * Who speaks, and to whom, says the session.
 *
 * CLAIM, the first bytes of a connection, from who connects:
 *
 *	0  u32  magic "qLk1"
 *	4  u16  version 1
 *	6  u16  0
 *	8  u32  from: node that connects
 *	12 u32  to: node that is meant
 *	16 u32  link
 *	20 u32  0
 *	24 16   name of the ticket
 *	40 16   nonce, random
 *	56 32   HMAC-SHA256 with the secret over all before it
 *
 * PROOF, the first bytes the other way:
 *
 *	0  u32  magic "qLp1"
 *	4  u16  version 1
 *	6  u16  0
 *	8  16   nonce, random
 *	24 32   HMAC-SHA256 with the secret over the whole claim, then all
 *		before it
 *
 * Nothing else is said.  Who connects proves that it was given the ticket, who
 * accepts that it made it, each about this very connection: neither a claim nor
 * a proof of former times is of use, and no claim is a proof.  What follows on
 * the connection is the kernels'; see link.h for what that is not protected
 * against.
 *
 * Pure but for randomness: bytes in, bytes out.
 */
#ifndef QBD_LINK_TICKET_H
#define QBD_LINK_TICKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_NAME 16
#define LINK_SECRET 32
#define LINK_NONCE 16
#define LINK_CLAIM 88
#define LINK_PROOF 56
#define LINK_MSG_MAX 64

/**
 * enum link_kind - messages
 * @LINK_KIND_ASK: a ticket, please
 * @LINK_KIND_TICKET: here it is
 * @LINK_KIND_REFUSE: no
 */
enum link_kind {
	LINK_KIND_ASK = 1,
	LINK_KIND_TICKET,
	LINK_KIND_REFUSE,
};

/**
 * enum link_why - why there is no ticket
 * @LINK_WHY_PEER: you are no peer of this node's kernel, or not yet
 * @LINK_WHY_DIRECTION: you have the higher id, and must not connect
 * @LINK_WHY_NUMBER: there is no such link
 * @LINK_WHY_NODE: this node's kernel is not there, or another node
 * @LINK_WHY_FAILED: it could not be made
 */
enum link_why {
	LINK_WHY_PEER = 1,
	LINK_WHY_DIRECTION,
	LINK_WHY_NUMBER,
	LINK_WHY_NODE,
	LINK_WHY_FAILED,
};

/**
 * struct link_ticket - a ticket
 * @name: under which who made it finds it
 * @secret: what only two know
 */
struct link_ticket {
	uint8_t name[LINK_NAME];
	uint8_t secret[LINK_SECRET];
};

/**
 * struct link_msg - a message
 * @kind: which
 * @link: number of the link
 * @ask: number of the ask
 * @ticket: TICKET: it
 * @why: REFUSE: why
 */
struct link_msg {
	enum link_kind kind;
	uint32_t link;
	uint64_t ask;
	struct link_ticket ticket;
	enum link_why why;
};

/**
 * struct link_claim - who connects, and for what
 * @from: who
 * @to: to whom
 * @link: number of the link
 * @name: of the ticket
 * @nonce: of this connection
 */
struct link_claim {
	uint32_t from;
	uint32_t to;
	uint32_t link;
	uint8_t name[LINK_NAME];
	uint8_t nonce[LINK_NONCE];
};

size_t link_msg_put(uint8_t to[LINK_MSG_MAX], const struct link_msg *msg);
int link_msg_get(const void *data, size_t bytes, struct link_msg *msg);
const char *link_why_text(enum link_why why);

int link_ticket_make(struct link_ticket *ticket);
void link_ticket_wipe(struct link_ticket *ticket);
int link_claim_put(uint8_t to[LINK_CLAIM], struct link_claim *claim,
		   const uint8_t secret[LINK_SECRET]);
int link_claim_get(const uint8_t *at, size_t bytes, struct link_claim *claim);
bool link_claim_holds(const uint8_t claim[LINK_CLAIM],
		      const struct link_ticket *ticket);
int link_proof_put(uint8_t to[LINK_PROOF], const uint8_t claim[LINK_CLAIM],
		   const uint8_t secret[LINK_SECRET]);
int link_proof_check(const uint8_t *at, size_t bytes,
		     const uint8_t claim[LINK_CLAIM],
		     const uint8_t secret[LINK_SECRET]);

#endif /* QBD_LINK_TICKET_H */
