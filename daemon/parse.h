/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Words of the command line: numbers, sizes, uuids.
 *
 * Each function takes a whole word, refuses what it does not understand to
 * the last character, and leaves its result alone then.
 */
#ifndef QBD_DAEMON_PARSE_H
#define QBD_DAEMON_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool parse_u64(const char *word, uint64_t min, uint64_t max, uint64_t *value);
bool parse_u32(const char *word, uint32_t min, uint32_t max, uint32_t *value);
bool parse_size(const char *word, uint64_t *bytes);
bool parse_uuid(const char *word, uint8_t uuid[16]);
bool parse_hex(const char *word, uint8_t *to, size_t bytes);

#endif /* QBD_DAEMON_PARSE_H */
