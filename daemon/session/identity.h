/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The key of a node: Ed25519, made once, and its owner's only proof of who it
 * is.
 *
 * It lives in a file (PKCS #8, PEM) that only its owner can read.  It is made
 * under another name, written to stable media, and given its name in one step
 * that never replaces a file: a crash leaves a whole key or none, and a key
 * that the cluster knows is never lost to a second `join`.  At load what others
 * could read or write, what is not a file, and what is not an Ed25519 key is
 * refused: a key that others had is not one.
 */
#ifndef QBD_SESSION_IDENTITY_H
#define QBD_SESSION_IDENTITY_H

#include <stdint.h>
#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>

#define IDENTITY_KEY 32 /* bytes of a public key */
#define IDENTITY_SPKI 44 /* the same in DER, as RFC 7250 sends it */

/**
 * struct identity - a node's key
 * @public: the public key
 * @private: the key
 * @error: what is wrong with the file, with its name
 */
struct identity {
	uint8_t public[IDENTITY_KEY];
	gnutls_privkey_t private;
	char error[256];
};

int identity_create(struct identity *identity, const char *path);
int identity_load(struct identity *identity, const char *path);
void identity_free(struct identity *identity);
void identity_spki(uint8_t spki[IDENTITY_SPKI],
		   const uint8_t key[IDENTITY_KEY]);
int identity_spki_parse(const void *spki, size_t bytes,
			uint8_t key[IDENTITY_KEY]);

#endif /* QBD_SESSION_IDENTITY_H */
