// SPDX-License-Identifier: GPL-2.0-only
/*
 * An answer of the daemon, for people as its verb's table says, or as it is;
 * see verb.h.
 */
#include "call.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <json-c/json.h>

#include "../out.h"

#define RENDER_TEXT_MAX 512
#define RENDER_JSON (JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE)

/**
 * admin_clean() - make text of somebody else do nothing to a terminal
 * @text: changed in place
 */
void admin_clean(char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			*text = '?';
}

/* The value of "a.b.c"; NULL: there is none. */
static struct json_object *render_find(struct json_object *row, const char *key)
{
	char name[64];

	while (row && *key) {
		size_t len = strcspn(key, ".");

		if (len >= sizeof(name) ||
		    !json_object_is_type(row, json_type_object))
			return NULL;
		memcpy(name, key, len);
		name[len] = '\0';
		row = json_object_object_get(row, name);
		key += len + (key[len] == '.');
	}
	return row;
}

static void render_ns(char *text, size_t room, uint64_t ns)
{
	uint64_t s = ns / 1000000000;

	if (ns < 1000000)
		snprintf(text, room, "%" PRIu64 " us", ns / 1000);
	else if (ns < 10000000000)
		snprintf(text, room, "%" PRIu64 ".%03" PRIu64 " s", s,
			 ns / 1000000 % 1000);
	else if (s < 600)
		snprintf(text, room, "%" PRIu64 " s", s);
	else
		snprintf(text, room, "%" PRIu64 "d %02" PRIu64 ":%02" PRIu64,
			 s / 86400, s / 3600 % 24, s / 60 % 60);
}

/* What is of another type than the table says is shown as it is. */
static void render_value(char text[RENDER_TEXT_MAX], enum verb_show show,
			 struct json_object *value)
{
	bool number = json_object_is_type(value, json_type_int) &&
		      json_object_get_int64(value) >= 0;

	if (!value)
		snprintf(text, RENDER_TEXT_MAX, "-");
	else if (show == VERB_BYTES && number)
		out_size_format(text, RENDER_TEXT_MAX,
				json_object_get_uint64(value));
	else if (show == VERB_NS && number)
		render_ns(text, RENDER_TEXT_MAX, json_object_get_uint64(value));
	else if (show == VERB_YES)
		snprintf(text, RENDER_TEXT_MAX, "%s",
			 json_object_get_boolean(value) ? "yes" : "no");
	else
		snprintf(text, RENDER_TEXT_MAX, "%s",
			 json_object_get_string(value));
	admin_clean(text);
	if (!*text)
		snprintf(text, RENDER_TEXT_MAX, "-");
}

static void render_thing(const struct verb_col *cols, struct json_object *ok)
{
	const struct verb_col *col;
	char text[RENDER_TEXT_MAX];
	size_t width = 0;

	for (col = cols; col->key; col++)
		if (strlen(col->title) > width)
			width = strlen(col->title);
	for (col = cols; col->key; col++) {
		render_value(text, col->show, render_find(ok, col->key));
		printf("%-*s  %s\n", (int)width, col->title, text);
	}
}

static size_t render_nr(struct json_object *ok, const char *rows)
{
	struct json_object *list = rows ? render_find(ok, rows) : NULL;

	return json_object_is_type(list, json_type_array) ?
		       json_object_array_length(list) :
		       0;
}

static void render_rows(const struct verb_view *view, struct json_object *ok)
{
	struct json_object *rows = render_find(ok, view->rows);
	struct out_col cols[OUT_COLS_MAX];
	char text[RENDER_TEXT_MAX];
	struct out out;
	size_t nr = 0;
	size_t i, row;

	for (; view->cols[nr].key; nr++) {
		if (nr == OUT_COLS_MAX)
			abort();
		cols[nr] = (struct out_col){
			.key = view->cols[nr].key,
			.title = view->cols[nr].title,
			.right = view->cols[nr].show == VERB_COUNT ||
				 view->cols[nr].show == VERB_BYTES,
		};
	}
	out_begin(&out, cols, nr, false);
	if (!json_object_is_type(rows, json_type_array))
		rows = NULL;
	for (row = 0; rows && row < json_object_array_length(rows); row++) {
		for (i = 0; i < nr; i++) {
			render_value(text, view->cols[i].show,
				     render_find(json_object_array_get_idx(rows,
									   row),
						 view->cols[i].key));
			out_raw(&out, "", text);
		}
	}
	out_end(&out);
}

/**
 * admin_render_line() - print what comes before the answer
 * @line: progress or event
 * @json: for programs: one document in a line
 */
void admin_render_line(struct json_object *line, bool json)
{
	if (json) {
		puts(json_object_to_json_string_ext(
			line, JSON_C_TO_STRING_PLAIN |
				      JSON_C_TO_STRING_NOSLASHESCAPE));
		fflush(stdout);
		return;
	}
	json_object_object_foreach(line, name, value)
	{
		char shown[RENDER_TEXT_MAX];

		snprintf(shown, sizeof(shown), "%s", name);
		admin_clean(shown);
		printf("%s=", shown);
		render_value(shown, VERB_TEXT, value);
		printf("%s ", shown);
	}
	putchar('\n');
	fflush(stdout);
}

/**
 * admin_render() - print an answer
 * @verb: whose answer
 * @ok: the answer
 * @json: for programs: as it is
 */
void admin_render(const struct verb *verb, struct json_object *ok, bool json)
{
	const struct verb_view *view = verb->view;

	if (json) {
		puts(json_object_to_json_string_ext(
			ok, RENDER_JSON | JSON_C_TO_STRING_PRETTY));
		return;
	}
	for (; view; view = view->more) {
		/* a table below others is there only if it has something */
		if (view != verb->view && !render_nr(ok, view->rows))
			continue;
		if (view != verb->view)
			putchar('\n');
		if (view->rows)
			render_rows(view, ok);
		else
			render_thing(view->cols, ok);
	}
}
