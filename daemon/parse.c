// SPDX-License-Identifier: GPL-2.0-only
/*
 * Words of the command line, checked to the last character.
 */
#include "parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool parse_number(const char *word, uint64_t *value, const char **end)
{
	bool hex = word[0] == '0' && tolower((unsigned char)word[1]) == 'x';
	unsigned long long number;
	char *stop;

	/* strtoull takes a sign and leading blanks; a user's number has none */
	if (!isdigit((unsigned char)word[0]))
		return false;
	errno = 0;
	/* not by its base 0: with that 010 is 8, and 08 is no number */
	number = strtoull(word, &stop, hex ? 16 : 10);
	if (errno)
		return false;
	*value = number;
	*end = stop;
	return true;
}

bool parse_u64(const char *word, uint64_t min, uint64_t max, uint64_t *value)
{
	const char *end;
	uint64_t number;

	if (!parse_number(word, &number, &end) || *end)
		return false;
	if (number < min || number > max)
		return false;
	*value = number;
	return true;
}

bool parse_u32(const char *word, uint32_t min, uint32_t max, uint32_t *value)
{
	uint64_t number;

	if (!parse_u64(word, min, max, &number))
		return false;
	*value = (uint32_t)number;
	return true;
}

/* Bytes, with an optional unit K M G T P (of 1024) and an optional "iB". */
bool parse_size(const char *word, uint64_t *bytes)
{
	static const char units[] = "KMGTP";
	const char *end;
	const char *unit;
	uint64_t number;
	unsigned int shift = 0;

	if (!parse_number(word, &number, &end))
		return false;
	if (*end) {
		unit = strchr(units, toupper((unsigned char)*end));
		if (!unit)
			return false;
		shift = 10 * (unsigned int)(unit - units + 1);
		end++;
		if (strcmp(end, "") && strcmp(end, "iB") && strcmp(end, "B"))
			return false;
	}
	if (shift && number > UINT64_MAX >> shift)
		return false;
	*bytes = number << shift;
	return true;
}

static int parse_digit(char digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	digit = (char)tolower((unsigned char)digit);
	if (digit >= 'a' && digit <= 'f')
		return digit - 'a' + 10;
	return -1;
}

bool parse_hex(const char *word, uint8_t *to, size_t bytes)
{
	size_t i;

	if (strlen(word) != 2 * bytes)
		return false;
	/* first all, for what is refused leaves the result alone */
	for (i = 0; i < 2 * bytes; i++)
		if (parse_digit(word[i]) < 0)
			return false;
	for (i = 0; i < bytes; i++)
		to[i] = (uint8_t)((unsigned int)parse_digit(word[2 * i]) << 4 |
				  (unsigned int)parse_digit(word[2 * i + 1]));
	return true;
}

bool parse_uuid(const char *word, uint8_t uuid[16])
{
	bool dashes = strchr(word, '-');
	uint8_t value[16];
	int i;

	for (i = 0; i < 16; i++) {
		int high, low;

		if (dashes && (i == 4 || i == 6 || i == 8 || i == 10) &&
		    *word++ != '-')
			return false;
		high = parse_digit(word[0]);
		low = high < 0 ? -1 : parse_digit(word[1]);
		if (low < 0)
			return false;
		value[i] = (uint8_t)(high << 4 | low);
		word += 2;
	}
	if (*word)
		return false;
	memcpy(uuid, value, sizeof(value));
	return true;
}
