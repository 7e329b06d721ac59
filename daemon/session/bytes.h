/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Little-endian numbers in bytes that need not be aligned.
 */
#ifndef QBD_SESSION_BYTES_H
#define QBD_SESSION_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline void session_put16(uint8_t *at, uint16_t val)
{
	uint16_t le = htole16(val);

	memcpy(at, &le, sizeof(le));
}

static inline void session_put32(uint8_t *at, uint32_t val)
{
	uint32_t le = htole32(val);

	memcpy(at, &le, sizeof(le));
}

static inline void session_put64(uint8_t *at, uint64_t val)
{
	uint64_t le = htole64(val);

	memcpy(at, &le, sizeof(le));
}

static inline uint16_t session_get16(const uint8_t *at)
{
	uint16_t le;

	memcpy(&le, at, sizeof(le));
	return le16toh(le);
}

static inline uint32_t session_get32(const uint8_t *at)
{
	uint32_t le;

	memcpy(&le, at, sizeof(le));
	return le32toh(le);
}

static inline uint64_t session_get64(const uint8_t *at)
{
	uint64_t le;

	memcpy(&le, at, sizeof(le));
	return le64toh(le);
}

#endif /* QBD_SESSION_BYTES_H */
