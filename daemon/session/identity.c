// SPDX-License-Identifier: GPL-2.0-only
/*
 * The file with a node's key; see identity.h.
 */
#include "identity.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <gnutls/x509.h>
#include <sys/stat.h>

#define IDENTITY_FILE_MAX 4096 /* it is 119 bytes */

/* SubjectPublicKeyInfo of an Ed25519 key is this, then the key (RFC 8410). */
static const uint8_t identity_head[IDENTITY_SPKI - IDENTITY_KEY] = {
	0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00,
};

static int identity_wrong(struct identity *identity, int error,
			  const char *path, const char *format, ...)
	__attribute__((__format__(printf, 4, 5)));

static int identity_wrong(struct identity *identity, int error,
			  const char *path, const char *format, ...)
{
	size_t len;
	va_list args;

	snprintf(identity->error, sizeof(identity->error), "%s: ", path);
	len = strlen(identity->error);
	va_start(args, format);
	vsnprintf(identity->error + len, sizeof(identity->error) - len, format,
		  args);
	va_end(args);
	return error;
}

static int identity_errno(struct identity *identity, const char *path)
{
	int error = errno;

	return identity_wrong(identity, -error, path, "%s", strerror(error));
}

/**
 * identity_spki() - a public key as TLS has it
 * @spki: SubjectPublicKeyInfo, DER
 * @key: the key
 */
void identity_spki(uint8_t spki[IDENTITY_SPKI], const uint8_t key[IDENTITY_KEY])
{
	memcpy(spki, identity_head, sizeof(identity_head));
	memcpy(spki + sizeof(identity_head), key, IDENTITY_KEY);
}

/**
 * identity_spki_parse() - the way back
 * @spki: what the other side sent
 * @bytes: its length
 * @key: the key; left alone if it is none
 *
 * Return: 0; -EINVAL: it is not exactly an Ed25519 key.
 */
int identity_spki_parse(const void *spki, size_t bytes,
			uint8_t key[IDENTITY_KEY])
{
	if (bytes != IDENTITY_SPKI ||
	    memcmp(spki, identity_head, sizeof(identity_head)))
		return -EINVAL;
	memcpy(key, (const uint8_t *)spki + sizeof(identity_head),
	       IDENTITY_KEY);
	return 0;
}

/* The public key belongs to the private one: it is made from it. */
static int identity_public(struct identity *identity)
{
	uint8_t spki[IDENTITY_SPKI];
	size_t bytes = sizeof(spki);
	gnutls_pubkey_t public;
	int error;

	if (gnutls_privkey_get_pk_algorithm(identity->private, NULL) !=
	    GNUTLS_PK_EDDSA_ED25519)
		return -EINVAL;
	if (gnutls_pubkey_init(&public))
		return -ENOMEM;
	error = gnutls_pubkey_import_privkey(public, identity->private, 0, 0);
	if (!error)
		error = gnutls_pubkey_export(public, GNUTLS_X509_FMT_DER, spki,
					     &bytes);
	gnutls_pubkey_deinit(public);
	return error ? -EINVAL :
		       identity_spki_parse(spki, bytes, identity->public);
}

static int identity_write_all(int fd, const void *data, size_t bytes)
{
	ssize_t put = write(fd, data, bytes);

	if (put != (ssize_t)bytes) {
		errno = put < 0 ? errno : ENOSPC;
		return -1;
	}
	return fsync(fd);
}

/* A name is on stable media when its directory is. */
static int identity_sync_dir(const char *path)
{
	char copy[PATH_MAX];
	int fd, failed, error;

	if ((size_t)snprintf(copy, sizeof(copy), "%s", path) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	failed = fsync(fd);
	error = errno;
	close(fd);
	errno = error;
	return failed;
}

static int identity_store(struct identity *identity, const char *path,
			  const gnutls_datum_t *pem)
{
	char fresh[PATH_MAX];
	int fd, error;

	if ((size_t)snprintf(fresh, sizeof(fresh), "%s.new", path) >=
	    sizeof(fresh))
		return identity_wrong(identity, -ENAMETOOLONG, path, "%s",
				      strerror(ENAMETOOLONG));
	/* what a crash left was never anybody's key */
	if (unlink(fresh) && errno != ENOENT)
		return identity_errno(identity, fresh);
	fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		  0600);
	if (fd < 0)
		return identity_errno(identity, fresh);
	error = identity_write_all(fd, pem->data, pem->size);
	if (error)
		error = identity_errno(identity, fresh);
	close(fd);
	if (!error &&
	    renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_NOREPLACE))
		error = identity_errno(identity, path);
	if (error) {
		unlink(fresh);
		return error;
	}
	return identity_sync_dir(path) ? identity_errno(identity, path) : 0;
}

static int identity_generate(struct identity *identity, gnutls_datum_t *pem)
{
	gnutls_x509_privkey_t plain = NULL;
	int error;

	error = gnutls_privkey_generate(identity->private,
					GNUTLS_PK_EDDSA_ED25519, 0, 0);
	if (!error)
		error = gnutls_privkey_export_x509(identity->private, &plain);
	if (!error)
		error = gnutls_x509_privkey_export2_pkcs8(
			plain, GNUTLS_X509_FMT_PEM, NULL, GNUTLS_PKCS_PLAIN,
			pem);
	if (plain)
		gnutls_x509_privkey_deinit(plain);
	return error ? -EIO : identity_public(identity);
}

/**
 * identity_create() - make a node's key
 * @identity: the key; identity_free() it
 * @path: its file, which must not be there
 *
 * Return: 0; -errno with @identity->error set; -EEXIST: there is a key.
 */
int identity_create(struct identity *identity, const char *path)
{
	gnutls_datum_t pem = { NULL, 0 };
	int error;

	memset(identity, 0, sizeof(*identity));
	if (gnutls_privkey_init(&identity->private))
		return identity_wrong(identity, -ENOMEM, path, "%s",
				      strerror(ENOMEM));
	error = identity_generate(identity, &pem);
	if (error)
		identity_wrong(identity, error, path, "can not make a key");
	else
		error = identity_store(identity, path, &pem);
	if (pem.data)
		gnutls_memset(pem.data, 0, pem.size);
	gnutls_free(pem.data);
	if (error)
		identity_free(identity);
	return error;
}

/* Nobody else could have read or changed it. */
static int identity_private_file(struct identity *identity, const char *path,
				 int fd)
{
	struct stat stat;

	if (fstat(fd, &stat))
		return identity_errno(identity, path);
	if (!S_ISREG(stat.st_mode))
		return identity_wrong(identity, -EINVAL, path, "not a file");
	if (stat.st_uid != geteuid())
		return identity_wrong(identity, -EPERM, path,
				      "belongs to uid %u, not to uid %u",
				      stat.st_uid, geteuid());
	if (stat.st_mode & 077)
		return identity_wrong(identity, -EPERM, path,
				      "mode %04o: others may use it, want 0600",
				      stat.st_mode & 07777);
	return 0;
}

static int identity_read(struct identity *identity, const char *path,
			 uint8_t *text, size_t *bytes)
{
	/* O_NONBLOCK: a fifo of that name must not hold us up */
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	ssize_t got;
	int error;

	if (fd < 0)
		return identity_errno(identity, path);
	error = identity_private_file(identity, path, fd);
	if (!error) {
		got = read(fd, text, IDENTITY_FILE_MAX);
		if (got < 0)
			error = identity_errno(identity, path);
		else if (got == IDENTITY_FILE_MAX)
			error = identity_wrong(identity, -EFBIG, path,
					       "too long for a key");
		*bytes = got > 0 ? (size_t)got : 0;
	}
	close(fd);
	return error;
}

/**
 * identity_load() - the node's key
 * @identity: the key; identity_free() it
 * @path: its file
 *
 * Return: 0; -errno with @identity->error set.
 */
int identity_load(struct identity *identity, const char *path)
{
	uint8_t text[IDENTITY_FILE_MAX];
	gnutls_datum_t pem = { text, 0 };
	size_t bytes = 0;
	int error;

	memset(identity, 0, sizeof(*identity));
	error = identity_read(identity, path, text, &bytes);
	if (error)
		return error;
	pem.size = (unsigned int)bytes;
	if (gnutls_privkey_init(&identity->private))
		return identity_wrong(identity, -ENOMEM, path, "%s",
				      strerror(ENOMEM));
	if (gnutls_privkey_import_x509_raw(identity->private, &pem,
					   GNUTLS_X509_FMT_PEM, NULL, 0) ||
	    identity_public(identity))
		error = identity_wrong(identity, -EINVAL, path,
				       "not an Ed25519 key (PKCS #8, PEM)");
	gnutls_memset(text, 0, sizeof(text));
	if (error)
		identity_free(identity);
	return error;
}

/**
 * identity_free() - forget it; @error stays
 * @identity: the key
 */
void identity_free(struct identity *identity)
{
	if (identity->private)
		gnutls_privkey_deinit(identity->private);
	identity->private = NULL;
}
