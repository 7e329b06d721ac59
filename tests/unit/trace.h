/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Traces: what a test produced once, looked at by a person, and kept.
 *
 * A trace is a script and its output in one file, in the manner of etcd's: a
 * line that begins with "> " is an input, what follows is what came out, lines
 * with "#" are comments. The test runs the inputs again and compares. With
 * QBD_GOLDEN=update in the environment it writes the file anew instead: then
 * read the diff.
 */
#ifndef QBD_TESTS_TRACE_H
#define QBD_TESTS_TRACE_H

#include "harness.h"

#include <ctype.h>
#include <unistd.h>

/* Path of a file of the source tree, wherever the program is run. */
static inline const char *trace_path(const char *name)
{
	static char path[1024];
	char exe[512] = { 0 };
	char *slash;

	if (readlink("/proc/self/exe", exe, sizeof(exe) - 1) < 0)
		exe[0] = 0;
	snprintf(path, sizeof(path), "%s", name);
	while (access(path, R_OK)) {
		slash = strrchr(exe, '/');
		if (!slash)
			return name;
		*slash = 0;
		snprintf(path, sizeof(path), "%s/%s", exe, name);
	}
	return path;
}

static inline char *trace_read(const char *name)
{
	FILE *file = fopen(trace_path(name), "r");
	char *text = calloc(1, 1 << 20);
	size_t len;

	ASSERT_TRUE(text);
	if (!file) {
		TH_LOG("no %s", name);
		free(text);
		ASSERT_TRUE(file);
	}
	len = fread(text, 1, (1 << 20) - 1, file);
	text[len] = 0;
	fclose(file);
	return text;
}

/* Is this the text of the file? Says where the two part. */
static inline void trace_compare(const char *name, const char *want,
				 const char *seen)
{
	const char *update = getenv("QBD_GOLDEN");
	const char *line = want;
	FILE *file;
	int number = 1;
	size_t i;

	if (!strcmp(want, seen))
		return;
	if (update && !strcmp(update, "update")) {
		file = fopen(trace_path(name), "w");
		ASSERT_TRUE(file);
		fputs(seen, file);
		fclose(file);
		return;
	}
	for (i = 0; want[i] && want[i] == seen[i]; i++) {
		if (want[i] != '\n')
			continue;
		line = want + i + 1;
		number++;
	}
	TH_LOG("%s:%d differs", name, number);
	printf("# want: %.*s\n", (int)strcspn(line, "\n"), line);
	line = seen + (line - want);
	printf("# seen: %.*s\n", (int)strcspn(line, "\n"), line);
	th_fail(false);
}

/* Run a trace: @input carries out one line and writes what came out. */
static inline void trace_run(const char *name,
			     void (*input)(const char *line, FILE *out))
{
	char *want = trace_read(name), *seen = NULL, *line, *end;
	size_t len;
	FILE *out = open_memstream(&seen, &len);

	ASSERT_TRUE(out);
	for (line = want; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*line == '#' || *line == '\n' || *line == '>')
			fprintf(out, "%.*s\n", (int)(end - line), line);
		if (*line == '>') {
			char *copy = strndup(line + 2, end - line - 2);

			input(copy, out);
			free(copy);
		}
		end += *end == '\n';
	}
	fclose(out);
	trace_compare(name, want, seen);
	free(seen);
	free(want);
}

/* Value of `key=value` in an input line; a position is `term.index`. */
static inline const char *trace_word(const char *line, const char *key)
{
	size_t len = strlen(key);
	const char *at = line;

	while ((at = strstr(at, key))) {
		if ((at == line || isspace(at[-1])) && at[len] == '=')
			return at + len + 1;
		at += len;
	}
	return NULL;
}

static inline unsigned long long trace_num(const char *line, const char *key,
					   unsigned long long otherwise)
{
	const char *word = trace_word(line, key);

	return word ? strtoull(word, NULL, 0) : otherwise;
}

/* The part of `key=term.index` behind the point. */
static inline unsigned long long trace_index(const char *line, const char *key)
{
	const char *word = trace_word(line, key);

	word = word ? strchr(word, '.') : NULL;
	return word ? strtoull(word + 1, NULL, 0) : 0;
}

static inline bool trace_flag(const char *line, const char *flag)
{
	size_t len = strlen(flag);
	const char *at = line;

	while ((at = strstr(at, flag))) {
		if (at != line && isspace(at[-1]) &&
		    (!at[len] || isspace(at[len])))
			return true;
		at += len;
	}
	return false;
}

static inline bool trace_verb(const char *line, const char *verb)
{
	size_t len = strlen(verb);

	return !strncmp(line, verb, len) && (!line[len] || isspace(line[len]));
}

#endif /* QBD_TESTS_TRACE_H */
