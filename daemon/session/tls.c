// SPDX-License-Identifier: GPL-2.0-only
/*
 * TLS 1.3 by GnuTLS; see tls.h. Nothing here waits: -EAGAIN, and again when the
 * socket says so.
 */
#include "tls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <gnutls/crypto.h>

#define TLS_HANDSHAKE_MAX 4096 /* bytes of a message; ours have 500 at most */
#define TLS_NUDGES_MAX 16 /* in a row: messages that are none for us */

#define TLS_COMMON                                                 \
	"NONE:+VERS-TLS1.3:+AEAD:+AES-256-GCM:+CHACHA20-POLY1305:" \
	"+AES-128-GCM:+GROUP-X25519:+SIGN-EDDSA-ED25519:"          \
	"%DISABLE_TLS13_COMPAT_MODE"
#define TLS_KEYS ":+ECDHE-ECDSA:+CTYPE-CLI-RAWPK:+CTYPE-SRV-RAWPK"
#define TLS_TOKENS ":+ECDHE-PSK"

static const char *const tls_priority[] = {
	[TLS_DIAL] = TLS_COMMON TLS_KEYS,
	[TLS_JOIN] = TLS_COMMON TLS_TOKENS,
	[TLS_ACCEPT] = TLS_COMMON TLS_TOKENS TLS_KEYS,
};

static int tls_fail(struct tls *tls, enum session_why why, const char *detail)
{
	if (tls->why == SESSION_WHY_NONE)
		tls->why = why;
	if (!tls->detail)
		tls->detail = detail;
	return -EPROTO;
}

/* --- what a handshake asks ----------------------------------------------- */

/* The other side has the private key: TLS checked that, or is about to. */
static int tls_verify(gnutls_session_t session)
{
	struct tls *tls = gnutls_session_get_ptr(session);
	const struct tls_ops *ops = &tls->conf->ops;
	const gnutls_datum_t *shown;
	unsigned int nr = 0;

	shown = gnutls_certificate_get_peers(session, &nr);
	if (!shown || nr != 1 ||
	    gnutls_certificate_type_get2(session, GNUTLS_CTYPE_PEERS) !=
		    GNUTLS_CRT_RAWPK ||
	    identity_spki_parse(shown->data, shown->size, tls->key)) {
		tls_fail(tls, SESSION_WHY_KEY, "not an Ed25519 key");
		return GNUTLS_E_CERTIFICATE_ERROR;
	}
	switch (ops->who(ops->arg, tls->key, &tls->node)) {
	case SESSION_WHO_KNOWN:
		tls->known = true;
		return 0;
	case SESSION_WHO_NOT_YET:
		tls_fail(tls, SESSION_WHY_KEY, "not known here yet");
		break;
	case SESSION_WHO_REFUSED:
		tls_fail(tls, SESSION_WHY_KEY, "not of this cluster");
		break;
	}
	return GNUTLS_E_CERTIFICATE_ERROR;
}

/* Never "no": who guesses ids must not learn which there are. */
static int tls_token(gnutls_session_t session, const gnutls_datum_t *name,
		     gnutls_datum_t *key)
{
	struct tls *tls = gnutls_session_get_ptr(session);
	const struct tls_ops *ops = &tls->conf->ops;

	key->data = gnutls_malloc(TOKEN_KEY);
	key->size = TOKEN_KEY;
	if (!key->data)
		return GNUTLS_E_MEMORY_ERROR;
	tls->by_token = true;
	tls->known = !token_name_parse(name->data, name->size, &tls->token) &&
		     !ops->token(ops->arg, tls->token, key->data);
	if (tls->known)
		return 0;
	return gnutls_rnd(GNUTLS_RND_KEY, key->data, TOKEN_KEY);
}

/* --- what handshakes have in common -------------------------------------- */

static int tls_conf_own(struct tls_conf *conf, const struct identity *identity)
{
	gnutls_datum_t spki = { NULL, 0 }, plain = { NULL, 0 };
	gnutls_x509_privkey_t key = NULL;
	uint8_t public[IDENTITY_SPKI];
	int error;

	identity_spki(public, identity->public);
	spki.data = public;
	spki.size = sizeof(public);
	error = gnutls_certificate_allocate_credentials(&conf->own);
	if (!error)
		error = gnutls_privkey_export_x509(identity->private, &key);
	if (!error)
		error = gnutls_x509_privkey_export2_pkcs8(
			key, GNUTLS_X509_FMT_DER, NULL, GNUTLS_PKCS_PLAIN,
			&plain);
	if (!error)
		error = gnutls_certificate_set_rawpk_key_mem(
			conf->own, &spki, &plain, GNUTLS_X509_FMT_DER, NULL, 0,
			NULL, 0, 0);
	if (key)
		gnutls_x509_privkey_deinit(key);
	if (plain.data)
		gnutls_memset(plain.data, 0, plain.size);
	gnutls_free(plain.data);
	if (!error)
		gnutls_certificate_set_verify_function(conf->own, tls_verify);
	return error;
}

/**
 * tls_conf_init() - prepare for handshakes
 * @conf: what they have in common; tls_conf_free() it, also after an error
 * @identity: the node's key; NULL: for TLS_JOIN only
 * @ops: whom to ask; NULL: likewise
 *
 * Return: 0; -EIO: the library can not, or its configuration forbids it.
 */
int tls_conf_init(struct tls_conf *conf, const struct identity *identity,
		  const struct tls_ops *ops)
{
	int error = 0;
	int i;

	memset(conf, 0, sizeof(*conf));
	for (i = TLS_DIAL; i <= TLS_ACCEPT && !error; i++)
		error = gnutls_priority_init(&conf->priority[i],
					     tls_priority[i], NULL);
	if (error || !identity)
		return error ? -EIO : 0;
	conf->ops = *ops;
	error = tls_conf_own(conf, identity);
	if (!error)
		error = gnutls_psk_allocate_server_credentials(&conf->tokens);
	if (error)
		return -EIO;
	gnutls_psk_set_server_credentials_function2(conf->tokens, tls_token);
	return 0;
}

/**
 * tls_conf_free() - the end of it; no session uses it
 * @conf: what was prepared
 */
void tls_conf_free(struct tls_conf *conf)
{
	int i;

	for (i = TLS_DIAL; i <= TLS_ACCEPT; i++)
		if (conf->priority[i])
			gnutls_priority_deinit(conf->priority[i]);
	if (conf->own)
		gnutls_certificate_free_credentials(conf->own);
	if (conf->tokens)
		gnutls_psk_free_server_credentials(conf->tokens);
	memset(conf, 0, sizeof(*conf));
}

/* --- a session ----------------------------------------------------------- */

static int tls_bearer(struct tls *tls, const struct token *token)
{
	uint8_t key[TOKEN_KEY];
	gnutls_datum_t datum = { key, sizeof(key) };
	char name[TOKEN_NAME];
	int error;

	if (token_key(token, key))
		return GNUTLS_E_INTERNAL_ERROR;
	token_name(name, token->id);
	error = gnutls_psk_allocate_client_credentials(&tls->bearer);
	if (!error)
		error = gnutls_psk_set_client_credentials(
			tls->bearer, name, &datum, GNUTLS_PSK_KEY_RAW);
	gnutls_memset(key, 0, sizeof(key));
	if (!error)
		error = gnutls_credentials_set(tls->session, GNUTLS_CRD_PSK,
					       tls->bearer);
	return error;
}

static int tls_credentials(struct tls *tls, const struct token *token)
{
	const struct tls_conf *conf = tls->conf;
	int error;

	if (tls->role == TLS_JOIN)
		return tls_bearer(tls, token);
	error = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
				       conf->own);
	if (error || tls->role == TLS_DIAL)
		return error;
	gnutls_certificate_server_set_request(tls->session,
					      GNUTLS_CERT_REQUIRE);
	return gnutls_credentials_set(tls->session, GNUTLS_CRD_PSK,
				      conf->tokens);
}

/**
 * tls_begin() - make a session
 * @tls: it; tls_end() it, also after an error
 * @conf: stays until then
 * @role: which end
 * @fd: a connected socket that does not block
 * @token: TLS_JOIN: the token
 *
 * Return: 0; -ENOMEM.
 */
int tls_begin(struct tls *tls, const struct tls_conf *conf, enum tls_role role,
	      int fd, const struct token *token)
{
	unsigned int flags = GNUTLS_NONBLOCK | GNUTLS_ENABLE_RAWPK |
			     GNUTLS_NO_TICKETS | GNUTLS_NO_SIGNAL;
	int error;

	memset(tls, 0, sizeof(*tls));
	tls->conf = conf;
	tls->role = role;
	flags |= role == TLS_ACCEPT ? GNUTLS_SERVER : GNUTLS_CLIENT;
	if (gnutls_init(&tls->session, flags)) {
		tls->session = NULL;
		return -ENOMEM;
	}
	gnutls_session_set_ptr(tls->session, tls);
	gnutls_handshake_set_max_packet_length(tls->session, TLS_HANDSHAKE_MAX);
	gnutls_transport_set_int(tls->session, fd);
	error = gnutls_priority_set(tls->session, conf->priority[role]);
	if (!error)
		error = tls_credentials(tls, token);
	return error ? -ENOMEM : 0;
}

/* What the other side said before it hung up. */
static enum session_why tls_alert(const struct tls *tls)
{
	switch ((int)gnutls_alert_get(tls->session)) {
	case GNUTLS_A_BAD_CERTIFICATE:
	case GNUTLS_A_CERTIFICATE_UNKNOWN:
	case GNUTLS_A_CERTIFICATE_REQUIRED:
	case GNUTLS_A_ACCESS_DENIED:
		return SESSION_WHY_KEY;
	case GNUTLS_A_ILLEGAL_PARAMETER:
	case GNUTLS_A_DECRYPT_ERROR:
		return tls->role == TLS_JOIN ? SESSION_WHY_TOKEN :
					       SESSION_WHY_TLS;
	default:
		return SESSION_WHY_TLS;
	}
}

static int tls_broken(struct tls *tls, int error)
{
	enum session_why why = SESSION_WHY_TLS;

	if (error == GNUTLS_E_FATAL_ALERT_RECEIVED)
		why = tls_alert(tls);
	else if (error == GNUTLS_E_PULL_ERROR || error == GNUTLS_E_PUSH_ERROR ||
		 error == GNUTLS_E_PREMATURE_TERMINATION)
		why = SESSION_WHY_NETWORK;
	else if (error == GNUTLS_E_MEMORY_ERROR)
		why = SESSION_WHY_MEMORY;
	else if (tls->by_token && !tls->up)
		why = SESSION_WHY_TOKEN;
	return tls_fail(tls, why, gnutls_strerror(error));
}

/* The library says "done": is it what we wanted? */
static int tls_check(struct tls *tls)
{
	gnutls_session_t session = tls->session;
	gnutls_credentials_type_t by = gnutls_auth_get_type(session);

	if (gnutls_protocol_get_version(session) != GNUTLS_TLS1_3 ||
	    gnutls_session_is_resumed(session))
		return tls_fail(tls, SESSION_WHY_TLS, "not a fresh TLS 1.3");
	if (by == GNUTLS_CRD_PSK) {
		if (gnutls_kx_get(session) != GNUTLS_KX_ECDHE_PSK)
			return tls_fail(tls, SESSION_WHY_TLS,
					"no forward secrecy");
		if (tls->role == TLS_JOIN)
			tls->by_token = true;
		if (!tls->by_token || (!tls->known && tls->role != TLS_JOIN))
			return tls_fail(tls, SESSION_WHY_TOKEN, "not good");
	} else if (by != GNUTLS_CRD_CERTIFICATE || tls->role == TLS_JOIN ||
		   tls->by_token || !tls->known) {
		return tls_fail(tls, SESSION_WHY_KEY, "no key was shown");
	}
	tls->up = true;
	return 0;
}

/**
 * tls_step() - go on with the handshake
 * @tls: begun, not up
 *
 * Return: 0: it is up; -EAGAIN; -EPROTO: @tls has why. The other side was told.
 */
int tls_step(struct tls *tls)
{
	int nudges;
	int error;

	for (nudges = 0; nudges < TLS_NUDGES_MAX; nudges++) {
		error = gnutls_handshake(tls->session);
		if (!error)
			return tls_check(tls);
		if (error == GNUTLS_E_AGAIN || error == GNUTLS_E_INTERRUPTED)
			return -EAGAIN;
		if (!gnutls_error_is_fatal(error))
			continue;
		tls_broken(tls, error);
		gnutls_alert_send_appropriate(tls->session, error);
		return -EPROTO;
	}
	return tls_fail(tls, SESSION_WHY_TLS, "too many warnings");
}

/**
 * tls_read() - the next record
 * @tls: up
 * @to: for it
 * @room: SESSION_FRAME_MAX or more, so that it is whole
 *
 * Return: its bytes; 0: the other side closed; -EAGAIN; -EPROTO: @tls has why.
 */
ssize_t tls_read(struct tls *tls, uint8_t *to, size_t room)
{
	int nudges;
	ssize_t got;

	for (nudges = 0; nudges < TLS_NUDGES_MAX; nudges++) {
		got = gnutls_record_recv(tls->session, to, room);
		if (got >= 0)
			return got;
		if (got == GNUTLS_E_AGAIN || got == GNUTLS_E_INTERRUPTED)
			return -EAGAIN;
		if (gnutls_error_is_fatal((int)got))
			return tls_broken(tls, (int)got);
	}
	return tls_fail(tls, SESSION_WHY_TLS, "too many warnings");
}

static int tls_wrote(struct tls *tls, ssize_t put, size_t bytes)
{
	if (put == GNUTLS_E_AGAIN || put == GNUTLS_E_INTERRUPTED) {
		tls->pending = true;
		tls->pending_bytes = bytes;
		return -EAGAIN;
	}
	tls->pending = false;
	if (put < 0)
		return tls_broken(tls, (int)put);
	/* the other side may ask for short records: frames would be cut */
	if ((size_t)put != bytes)
		return tls_fail(tls, SESSION_WHY_PROTOCOL, "short records");
	return 0;
}

/**
 * tls_write() - send a record
 * @tls: up, with none pending
 * @from: whole frames
 * @bytes: at most SESSION_FRAME_MAX
 *
 * Return: 0: sent; -EAGAIN: taken, but pending: tls_flush(); -EPROTO: @tls has
 * why.
 */
int tls_write(struct tls *tls, const uint8_t *from, size_t bytes)
{
	return tls_wrote(tls, gnutls_record_send(tls->session, from, bytes),
			 bytes);
}

/**
 * tls_flush() - send what is pending
 * @tls: up
 *
 * Return: as tls_write().
 */
int tls_flush(struct tls *tls)
{
	if (!tls->pending)
		return 0;
	return tls_wrote(tls, gnutls_record_send(tls->session, NULL, 0),
			 tls->pending_bytes);
}

/**
 * tls_end() - close and forget; the socket is still open
 * @tls: also one that was not begun
 */
void tls_end(struct tls *tls)
{
	if (!tls->session)
		return;
	/* as far as it goes without waiting */
	if (tls->up && !tls->pending && tls->why == SESSION_WHY_NONE)
		gnutls_bye(tls->session, GNUTLS_SHUT_WR);
	gnutls_deinit(tls->session);
	tls->session = NULL;
	if (tls->bearer)
		gnutls_psk_free_client_credentials(tls->bearer);
	tls->bearer = NULL;
}
