// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tables and JSON.
 *
 * A cell is kept as two strings in one allocation: what JSON shows and,
 * behind its terminating zero, what the table shows.  Running out of memory
 * ends the program: it holds nothing that could be lost.
 */
#include "out.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void out_no_memory(void)
{
	fputs("qbdctl: out of memory\n", stderr);
	abort();
}

static void *out_alloc(void *old, size_t bytes)
{
	void *mem = realloc(old, bytes);

	if (!mem)
		out_no_memory();
	return mem;
}

void out_begin(struct out *out, const struct out_col *cols, size_t nr_cols,
	       bool json)
{
	memset(out, 0, sizeof(*out));
	out->file = stdout;
	out->json = json;
	out->cols = cols;
	out->nr_cols = nr_cols;
}

/* Add a cell: @json as it stands in the document, @text for people. */
void out_raw(struct out *out, const char *json, const char *text)
{
	size_t json_len = strlen(json) + 1;
	size_t text_len = strlen(text) + 1;
	char *cell = out_alloc(NULL, json_len + text_len);

	memcpy(cell, json, json_len);
	memcpy(cell + json_len, text, text_len);
	if (out->nr_cells == out->room) {
		out->room = out->room ? 2 * out->room : 64;
		out->cell =
			out_alloc(out->cell, out->room * sizeof(*out->cell));
	}
	out->cell[out->nr_cells++] = cell;
}

static void out_quote(FILE *file, const char *text)
{
	const unsigned char *at;

	fputc('"', file);
	for (at = (const unsigned char *)text; *at; at++) {
		if (*at == '"' || *at == '\\')
			fprintf(file, "\\%c", *at);
		else if (*at < 0x20 || *at == 0x7f)
			fprintf(file, "\\u%04x", *at);
		else
			fputc(*at, file);
	}
	fputc('"', file);
}

void out_json_string(FILE *file, const char *text)
{
	out_quote(file, text);
}

void out_str(struct out *out, const char *text)
{
	char *json = NULL;
	size_t len = 0;
	FILE *mem = open_memstream(&json, &len);

	if (!mem)
		out_no_memory();
	out_quote(mem, text);
	fclose(mem);
	out_raw(out, json, *text ? text : "-");
	free(json);
}

void out_u64(struct out *out, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	out_raw(out, text, text);
}

void out_s64(struct out *out, int64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, value);
	out_raw(out, text, text);
}

void out_none(struct out *out)
{
	out_raw(out, "null", "-");
}

/* A size for people: exact in a unit where it is whole, else two digits. */
void out_size_format(char *text, size_t room, uint64_t bytes)
{
	static const char unit[] = "BKMGTPE";
	uint64_t whole = bytes;
	double value = (double)bytes;
	size_t i = 0;

	while (value >= 1024 && i + 2 < sizeof(unit)) {
		value /= 1024;
		whole = whole % 1024 ? 0 : whole / 1024;
		i++;
	}
	if (i == 0)
		snprintf(text, room, "%" PRIu64 " B", bytes);
	else if (whole)
		snprintf(text, room, "%" PRIu64 " %ciB", whole, unit[i]);
	else
		snprintf(text, room, "%.1f %ciB", value, unit[i]);
}

void out_bytes(struct out *out, uint64_t bytes)
{
	char json[24];
	char text[32];

	snprintf(json, sizeof(json), "%" PRIu64, bytes);
	out_size_format(text, sizeof(text), bytes);
	out_raw(out, json, text);
}

void out_uuid_format(char text[37], const uint8_t uuid[16])
{
	static const char dash[16] = { [4] = 1, [6] = 1, [8] = 1, [10] = 1 };
	char *at = text;
	int i;

	for (i = 0; i < 16; i++) {
		if (dash[i])
			*at++ = '-';
		at += snprintf(at, 3, "%02x", uuid[i]);
	}
}

void out_uuid(struct out *out, const uint8_t uuid[16])
{
	char text[37];

	out_uuid_format(text, uuid);
	out_str(out, text);
}

static const char *out_text(const char *cell)
{
	return cell + strlen(cell) + 1;
}

static void out_print_json(const struct out *out)
{
	size_t i;

	fputc('[', out->file);
	for (i = 0; i < out->nr_cells; i++) {
		size_t col = i % out->nr_cols;

		if (!col)
			fputs(i ? ",\n {" : "\n {", out->file);
		else
			fputs(", ", out->file);
		fprintf(out->file, "\"%s\": %s", out->cols[col].key,
			out->cell[i]);
		if (col + 1 == out->nr_cols)
			fputc('}', out->file);
	}
	fputs(out->nr_cells ? "\n]\n" : "]\n", out->file);
}

static void out_print_cell(const struct out *out, size_t col, const char *text,
			   const size_t *width)
{
	bool last = true;
	size_t i;

	for (i = col + 1; i < out->nr_cols; i++)
		if (out->cols[i].title)
			last = false;
	if (out->cols[col].right)
		fprintf(out->file, "%*s", (int)width[col], text);
	else if (last)
		fputs(text, out->file);
	else
		fprintf(out->file, "%-*s", (int)width[col], text);
	fputs(last ? "\n" : "  ", out->file);
}

static void out_print_table(const struct out *out)
{
	size_t width[OUT_COLS_MAX] = { 0 };
	size_t i;

	if (!out->nr_cols || out->nr_cols > OUT_COLS_MAX)
		abort();
	for (i = 0; i < out->nr_cols; i++)
		if (out->cols[i].title)
			width[i] = strlen(out->cols[i].title);
	for (i = 0; i < out->nr_cells; i++) {
		size_t len = strlen(out_text(out->cell[i]));

		if (len > width[i % out->nr_cols])
			width[i % out->nr_cols] = len;
	}
	for (i = 0; i < out->nr_cols; i++)
		if (out->cols[i].title)
			out_print_cell(out, i, out->cols[i].title, width);
	for (i = 0; i < out->nr_cells; i++)
		if (out->cols[i % out->nr_cols].title)
			out_print_cell(out, i % out->nr_cols,
				       out_text(out->cell[i]), width);
}

void out_end(struct out *out)
{
	size_t i;

	if (out->json)
		out_print_json(out);
	else
		out_print_table(out);
	for (i = 0; i < out->nr_cells; i++)
		free(out->cell[i]);
	free(out->cell);
	memset(out, 0, sizeof(*out));
}
