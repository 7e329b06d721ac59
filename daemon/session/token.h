/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Join tokens: what an administrator carries from a cluster to a new node.
 *
 *	qbd1-<id>-<secret>-<check>
 *
 * One word, in digits and lower case letters without i, l, o, u; upper case is
 * taken too, as are o for 0 and i, l for 1.  The check finds what was mistyped
 * before anything is sent: a wrong letter is not "the cluster refuses you".
 *
 *	id	40 bits, random: under which the cluster finds the token
 *	secret	160 bits, random
 *	check	30 bits of SHA-256 over all before it
 *
 * The secret is not sent and the cluster need not keep it: identity and key of
 * TLS's pre-shared key are made from it (HKDF), and the key is what is stored.
 * Who reads the stored key can join, too, until the token is used or expired.
 */
#ifndef QBD_SESSION_TOKEN_H
#define QBD_SESSION_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#define TOKEN_ID_MAX ((1ULL << 40) - 1)
#define TOKEN_SECRET 20 /* bytes */
#define TOKEN_TEXT 64 /* with its end */
#define TOKEN_KEY 32 /* bytes of the pre-shared key */
#define TOKEN_NAME 16 /* of the pre-shared key, with its end */

/**
 * struct token - a join token
 * @id: under which the cluster finds it
 * @secret: what only its bearer knows
 */
struct token {
	uint64_t id;
	uint8_t secret[TOKEN_SECRET];
};

int token_make(struct token *token);
int token_parse(const char *text, struct token *token);
void token_format(char text[TOKEN_TEXT], const struct token *token);
int token_key(const struct token *token, uint8_t key[TOKEN_KEY]);
void token_name(char name[TOKEN_NAME], uint64_t id);
int token_name_parse(const uint8_t *name, size_t bytes, uint64_t *id);

#endif /* QBD_SESSION_TOKEN_H */
