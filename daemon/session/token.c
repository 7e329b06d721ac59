// SPDX-License-Identifier: GPL-2.0-only
/*
 * Join tokens as text, and the key that they stand for; see token.h.
 */
#include "token.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>

#define TOKEN_BEGIN "qbd1-"
#define TOKEN_BEGIN_LEN 5
#define TOKEN_ID_LEN 8
#define TOKEN_SECRET_LEN 32
#define TOKEN_CHECK_LEN 6
#define TOKEN_ID_AT TOKEN_BEGIN_LEN
#define TOKEN_SECRET_AT (TOKEN_ID_AT + TOKEN_ID_LEN + 1)
#define TOKEN_CHECK_AT (TOKEN_SECRET_AT + TOKEN_SECRET_LEN + 1)
#define TOKEN_LEN (TOKEN_CHECK_AT + TOKEN_CHECK_LEN)

static const char token_digits[] = "0123456789abcdefghjkmnpqrstvwxyz";

/* @len digits of 5 bits, of which @bytes has as many. */
static void token_base32(char *to, size_t len, const uint8_t *bytes)
{
	size_t i;

	for (i = 0; i < len; i++) {
		size_t bit = 5 * i;
		unsigned int two = (unsigned int)bytes[bit / 8] << 8;

		if (bit % 8 > 3)
			two |= bytes[bit / 8 + 1];
		to[i] = token_digits[two >> (11 - bit % 8) & 31];
	}
}

/* The digits are known to be such. */
static void token_unbase32(uint8_t *to, const char *from, size_t len)
{
	unsigned int bits = 0;
	unsigned int have = 0;

	while (len--) {
		bits = bits << 5 |
		       (unsigned int)(strchr(token_digits, *from++) -
				      token_digits);
		have += 5;
		if (have < 8)
			continue;
		have -= 8;
		*to++ = (uint8_t)(bits >> have);
	}
}

static int token_check(char *to, const char *text)
{
	uint8_t digest[32];

	if (gnutls_hash_fast(GNUTLS_DIG_SHA256, text, TOKEN_CHECK_AT - 1,
			     digest))
		return -EIO;
	token_base32(to, TOKEN_CHECK_LEN, digest);
	return 0;
}

/**
 * token_make() - a new token
 * @token: it
 *
 * Return: 0; -EIO: there is no randomness.
 */
int token_make(struct token *token)
{
	if (gnutls_rnd(GNUTLS_RND_RANDOM, &token->id, sizeof(token->id)) ||
	    gnutls_rnd(GNUTLS_RND_KEY, token->secret, sizeof(token->secret)))
		return -EIO;
	token->id &= TOKEN_ID_MAX;
	return 0;
}

static void token_id_bytes(uint8_t to[5], uint64_t id)
{
	int i;

	for (i = 0; i < 5; i++)
		to[i] = (uint8_t)(id >> (32 - 8 * i));
}

/**
 * token_format() - a token as text
 * @text: it
 * @token: the token
 */
void token_format(char text[TOKEN_TEXT], const struct token *token)
{
	uint8_t id[5];

	token_id_bytes(id, token->id);
	memcpy(text, TOKEN_BEGIN, TOKEN_BEGIN_LEN);
	token_base32(text + TOKEN_ID_AT, TOKEN_ID_LEN, id);
	text[TOKEN_SECRET_AT - 1] = '-';
	token_base32(text + TOKEN_SECRET_AT, TOKEN_SECRET_LEN, token->secret);
	text[TOKEN_CHECK_AT - 1] = '-';
	text[TOKEN_LEN] = '\0';
	if (token_check(text + TOKEN_CHECK_AT, text))
		text[0] = '\0'; /* no hash: no token either */
}

/* The one way to write it; false if a character is none of a token's. */
static bool token_canon(char to[TOKEN_LEN + 1], const char *from)
{
	size_t i;

	for (i = 0; i < TOKEN_LEN; i++) {
		char c = from[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c - 'A' + 'a');
		if (i >= TOKEN_ID_AT && c == 'o')
			c = '0';
		if (i >= TOKEN_ID_AT && (c == 'i' || c == 'l'))
			c = '1';
		if (i == TOKEN_SECRET_AT - 1 || i == TOKEN_CHECK_AT - 1) {
			if (c != '-')
				return false;
		} else if (i >= TOKEN_ID_AT &&
			   (!c || !strchr(token_digits, c))) {
			return false;
		}
		to[i] = c;
	}
	to[TOKEN_LEN] = '\0';
	return !memcmp(to, TOKEN_BEGIN, TOKEN_BEGIN_LEN);
}

/**
 * token_parse() - the token that somebody typed
 * @text: the whole word
 * @token: the token; left alone if it is none
 *
 * Return: 0; -EINVAL: it does not look like one; -EBADMSG: mistyped; -EIO.
 */
int token_parse(const char *text, struct token *token)
{
	char canon[TOKEN_LEN + 1];
	char check[TOKEN_CHECK_LEN];
	uint8_t id[5];
	int i;

	if (strnlen(text, TOKEN_LEN + 1) != TOKEN_LEN ||
	    !token_canon(canon, text))
		return -EINVAL;
	if (token_check(check, canon))
		return -EIO;
	if (memcmp(check, canon + TOKEN_CHECK_AT, TOKEN_CHECK_LEN))
		return -EBADMSG;
	token_unbase32(id, canon + TOKEN_ID_AT, TOKEN_ID_LEN);
	token->id = 0;
	for (i = 0; i < 5; i++)
		token->id = token->id << 8 | id[i];
	token_unbase32(token->secret, canon + TOKEN_SECRET_AT,
		       TOKEN_SECRET_LEN);
	gnutls_memset(canon, 0, sizeof(canon));
	return 0;
}

/**
 * token_key() - the pre-shared key that a token stands for
 * @token: the token
 * @key: the key
 *
 * Return: 0; -EIO: the library could not.
 */
int token_key(const struct token *token, uint8_t key[TOKEN_KEY])
{
	static const char salt[] = "qbd join token, version 1";
	uint8_t secret[TOKEN_SECRET];
	uint8_t extract[32];
	char name[TOKEN_NAME];
	gnutls_datum_t in = { secret, sizeof(secret) };
	gnutls_datum_t mid = { extract, sizeof(extract) };
	gnutls_datum_t with = { (void *)salt, sizeof(salt) - 1 };
	gnutls_datum_t info = { (void *)name, 0 };
	int error;

	memcpy(secret, token->secret, sizeof(secret));
	token_name(name, token->id);
	info.size = (unsigned int)strlen(name);
	error = gnutls_hkdf_extract(GNUTLS_MAC_SHA256, &in, &with, extract);
	if (!error)
		error = gnutls_hkdf_expand(GNUTLS_MAC_SHA256, &mid, &info, key,
					   TOKEN_KEY);
	gnutls_memset(secret, 0, sizeof(secret));
	gnutls_memset(extract, 0, sizeof(extract));
	return error ? -EIO : 0;
}

/**
 * token_name() - the name of a token's pre-shared key, which is no secret
 * @name: it
 * @id: of the token
 */
void token_name(char name[TOKEN_NAME], uint64_t id)
{
	uint8_t bytes[5];

	token_id_bytes(bytes, id);
	memcpy(name, TOKEN_BEGIN, TOKEN_BEGIN_LEN);
	token_base32(name + TOKEN_ID_AT, TOKEN_ID_LEN, bytes);
	name[TOKEN_ID_AT + TOKEN_ID_LEN] = '\0';
}

/**
 * token_name_parse() - the way back
 * @name: what a stranger sent
 * @bytes: its length
 * @id: of the token; left alone if it is no name
 *
 * Return: 0; -EINVAL.
 */
int token_name_parse(const uint8_t *name, size_t bytes, uint64_t *id)
{
	char text[TOKEN_NAME];
	uint8_t got[5];
	int i;

	if (bytes != TOKEN_ID_AT + TOKEN_ID_LEN ||
	    memcmp(name, TOKEN_BEGIN, TOKEN_BEGIN_LEN))
		return -EINVAL;
	memcpy(text, name, bytes);
	for (i = TOKEN_ID_AT; i < TOKEN_ID_AT + TOKEN_ID_LEN; i++)
		if (!text[i] || !strchr(token_digits, text[i]))
			return -EINVAL;
	token_unbase32(got, text + TOKEN_ID_AT, TOKEN_ID_LEN);
	*id = 0;
	for (i = 0; i < 5; i++)
		*id = *id << 8 | got[i];
	return 0;
}
