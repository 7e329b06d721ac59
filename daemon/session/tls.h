/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * TLS 1.3 between daemons, on a socket that never blocks. All of GnuTLS is here
 * and in identity.c.
 *
 * One version, one group (X25519), one signature (Ed25519): nothing to choose
 * between, so nothing to talk a peer down to.  No certificates, names or dates:
 * both sides show a raw public key (RFC 7250) and prove that they have the
 * private one, and whose a key is says the cluster's state (tls_ops.who).  Or,
 * for joining, both have the key of a token (PSK with ECDHE: who learns the
 * token later can not read what was said before).  No tickets and no early
 * data: a session begins with fresh randomness of both sides, so nothing that
 * was recorded can be sent again.
 *
 * A listener takes both kinds; tls.by_token says which it was.  A token that is
 * unknown, used or expired is answered with a key made up by lot: it fails
 * where a wrong secret does, with the same alert.
 *
 * A client that is refused has finished its handshake before it hears of it:
 * that is TLS 1.3.  So its side is up only when the server's HELLO came.
 */
#ifndef QBD_SESSION_TLS_H
#define QBD_SESSION_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <gnutls/gnutls.h>

#include "identity.h"
#include "token.h"
#include "wire.h"

/**
 * enum session_who - what the cluster knows of a key
 * @SESSION_WHO_REFUSED: not one of ours, or no longer
 * @SESSION_WHO_NOT_YET: this node's state is too old to say
 * @SESSION_WHO_KNOWN: a node's
 */
enum session_who {
	SESSION_WHO_REFUSED,
	SESSION_WHO_NOT_YET,
	SESSION_WHO_KNOWN,
};

/**
 * struct tls_ops - what a handshake asks
 * @who: whose key is this? Sets the node if it is known
 * @token: the key of a token's id; 0, or -errno: it is not good
 * @arg: for both
 */
struct tls_ops {
	enum session_who (*who)(void *arg, const uint8_t key[IDENTITY_KEY],
				uint32_t *node);
	int (*token)(void *arg, uint64_t id, uint8_t key[TOKEN_KEY]);
	void *arg;
};

/**
 * enum tls_role - which end it is
 * @TLS_DIAL: connected, with its key
 * @TLS_JOIN: connected, with a token
 * @TLS_ACCEPT: accepted
 */
enum tls_role {
	TLS_DIAL,
	TLS_JOIN,
	TLS_ACCEPT,
};

/**
 * struct tls_conf - what all handshakes of one end have in common
 * @ops: whom to ask; not for TLS_JOIN
 * @own: the node's key; NULL: only TLS_JOIN
 * @tokens: takes tokens
 * @priority: by enum tls_role
 */
struct tls_conf {
	struct tls_ops ops;
	gnutls_certificate_credentials_t own;
	gnutls_psk_server_credentials_t tokens;
	gnutls_priority_t priority[3];
};

/**
 * struct tls - one session
 * @conf: what it has in common with others
 * @session: the library's; NULL: not begun
 * @bearer: TLS_JOIN: the token's key
 * @role: which end
 * @up: the handshake is done, and all was checked
 * @pending: a record is not sent to its end: tls_flush()
 * @pending_bytes: its length
 * @by_token: it is about joining
 * @known: @node and @key, or @token, were accepted
 * @node: whose key it is
 * @key: of the other side
 * @token: id, if @by_token
 * @why: what failed
 * @detail: the same, of the library
 */
struct tls {
	const struct tls_conf *conf;
	gnutls_session_t session;
	gnutls_psk_client_credentials_t bearer;
	enum tls_role role;
	bool up;
	bool pending;
	size_t pending_bytes;
	bool by_token;
	bool known;
	uint32_t node;
	uint8_t key[IDENTITY_KEY];
	uint64_t token;
	enum session_why why;
	const char *detail;
};

int tls_conf_init(struct tls_conf *conf, const struct identity *identity,
		  const struct tls_ops *ops);
void tls_conf_free(struct tls_conf *conf);

int tls_begin(struct tls *tls, const struct tls_conf *conf, enum tls_role role,
	      int fd, const struct token *token);
int tls_step(struct tls *tls);
ssize_t tls_read(struct tls *tls, uint8_t *to, size_t room);
int tls_write(struct tls *tls, const uint8_t *from, size_t bytes);
int tls_flush(struct tls *tls);
void tls_end(struct tls *tls);

#endif /* QBD_SESSION_TLS_H */
