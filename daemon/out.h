/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a command prints: a table for people, or one JSON document for
 * programs, from the same calls.
 *
 * A listing is declared by its columns.  Each row is filled cell by cell in
 * their order; numbers keep their exact value in JSON and are rounded for
 * people.  Rows are kept until the end, because a table needs to know its
 * widest cell before it prints the first.
 */
#ifndef QBD_DAEMON_OUT_H
#define QBD_DAEMON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OUT_COLS_MAX 24

/**
 * struct out_col - one column of a listing
 * @key: name in JSON
 * @title: heading in the table; NULL shows the column in JSON only
 * @right: align to the right, for numbers
 */
struct out_col {
	const char *key;
	const char *title;
	bool right;
};

/**
 * struct out - a listing that is being made
 * @file: where it goes
 * @json: JSON instead of a table
 * @cols: the columns
 * @nr_cols: how many
 * @cell: cells of all rows so far, row by row, owned
 * @nr_cells: how many
 * @room: cells that @cell has room for
 */
struct out {
	FILE *file;
	bool json;
	const struct out_col *cols;
	size_t nr_cols;
	char **cell;
	size_t nr_cells;
	size_t room;
};

void out_begin(struct out *out, const struct out_col *cols, size_t nr_cols,
	       bool json);
void out_str(struct out *out, const char *text);
void out_u64(struct out *out, uint64_t value);
void out_s64(struct out *out, int64_t value);
void out_bytes(struct out *out, uint64_t bytes);
void out_uuid(struct out *out, const uint8_t uuid[16]);
void out_raw(struct out *out, const char *json, const char *text);
void out_none(struct out *out);
void out_end(struct out *out);

void out_json_string(FILE *file, const char *text);
void out_size_format(char *text, size_t room, uint64_t bytes);
void out_uuid_format(char text[37], const uint8_t uuid[16]);

#endif /* QBD_DAEMON_OUT_H */
