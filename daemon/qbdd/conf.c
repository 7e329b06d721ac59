// SPDX-License-Identifier: GPL-2.0-only
/*
 * The daemon's file, line by line, all errors at once; see conf.h.
 */
#include "conf.h"

#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#define CONF_OF(member) offsetof(struct conf, member)

#define CONF_NAME_EXPECTED \
	"1 to 63 letters, digits and -_. that begin and end with a letter or digit"

const struct conf_key conf_keys[] = {
	{ "node", "name", true, false, CONF_NAME_EXPECTED, conf_take_name,
	  CONF_OF(name), "name of this node, unique in its cluster" },
	{ "labels", "zone", false, false, CONF_NAME_EXPECTED, conf_take_name,
	  CONF_OF(zone), "what fails together: a site or a fire section" },
	{ "labels", "rack", false, false, CONF_NAME_EXPECTED, conf_take_name,
	  CONF_OF(rack), "what fails together within a zone" },
	{ "labels", "host", false, false, CONF_NAME_EXPECTED, conf_take_name,
	  CONF_OF(host),
	  "what fails together within a rack; without it the node's name" },
	{ "control", "listen", true, false,
	  "1 to 8 addresses, as 10.0.0.1, fd00::1", conf_take_listen,
	  CONF_OF(listen),
	  "addresses on which the control plane listens; 0.0.0.0 or :: are all" },
	{ "control", "port", false, false, "1 to 65535", conf_take_port,
	  CONF_OF(port), "its port (default 7788)" },
	{ "data", "addresses", true, false,
	  "1 to 8 addresses, as 10.0.0.1, fd00::1", conf_take_hosts,
	  CONF_OF(data), "addresses at which peers reach this node with data" },
	{ "data", "port", false, false, "1 to 65535", conf_take_port,
	  CONF_OF(data_port), "their port (default 7789)" },
	{ "daemon", "state-dir", false, false, "a path, as " CONF_STATE_DIR,
	  conf_take_path, CONF_OF(state_dir),
	  "where the daemon keeps what it must not forget (default " CONF_STATE_DIR
	  ")" },
	{ "daemon", "socket", false, false, "a path, as " CONF_SOCKET,
	  conf_take_socket, CONF_OF(socket),
	  "where qbdctl finds the daemon (default " CONF_SOCKET ")" },
	{ "daemon", "log-level", false, true,
	  "none, error, warn, info or debug", conf_take_level, CONF_OF(level),
	  "what is written to the log (default info)" },
};

const unsigned int conf_keys_nr = sizeof(conf_keys) / sizeof(conf_keys[0]);

_Static_assert(sizeof(conf_keys) / sizeof(conf_keys[0]) <= CONF_KEYS_MAX,
	       "each key has its place in struct conf");

__attribute__((__format__(printf, 3, 4))) static void
conf_bad(struct conf *conf, unsigned int line, const char *format, ...)
{
	struct conf_error *error;
	va_list args;

	if (conf->nr_errors++ >= CONF_ERRORS_MAX)
		return;
	error = &conf->error[conf->nr_errors - 1];
	error->line = line;
	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

static bool conf_has_section(const char *section, unsigned int key)
{
	return key < conf_keys_nr && !strcmp(conf_keys[key].section, section);
}

/* The first key of a section stands for it: its bit, and its name. */
static unsigned int conf_section(const char *section)
{
	unsigned int key = 0;

	while (key < conf_keys_nr && !conf_has_section(section, key))
		key++;
	return key;
}

/* "[node], [labels], ...", or the keys of one. */
static const char *conf_list(char *text, size_t room, const char *section)
{
	unsigned int key;
	size_t len = 0;

	text[0] = '\0';
	for (key = 0; key < conf_keys_nr && len < room; key++) {
		const char *name = conf_keys[key].name;
		const char *of = conf_keys[key].section;
		const char *comma = len ? ", " : "";

		if (section ? strcmp(of, section) != 0 :
			      conf_section(of) != key)
			continue;
		len += (size_t)snprintf(text + len, room - len, "%s%s%s%s",
					comma, section ? "" : "[",
					section ? name : of,
					section ? "" : "]");
	}
	return text;
}

static void conf_begin_section(struct conf *conf, char *line)
{
	size_t len = strlen(line);
	unsigned int key;
	char text[160];

	conf->section = NULL;
	if (line[len - 1] != ']') {
		conf_bad(conf, conf->line, "%.60s: expected a ']' at the end",
			 line);
		return;
	}
	line[len - 1] = '\0';
	key = conf_section(line + 1);
	if (key == conf_keys_nr) {
		conf_bad(conf, conf->line,
			 "[%.60s]: no such section; there are %s", line + 1,
			 conf_list(text, sizeof(text), NULL));
		return;
	}
	conf->section = conf_keys[key].section;
	if (conf->sections & 1U << key)
		conf_bad(conf, conf->line, "[%s]: already begun above",
			 conf->section);
	conf->sections |= 1U << key;
}

static void conf_take(struct conf *conf, unsigned int key, const char *word)
{
	const struct conf_key *as = &conf_keys[key];
	const char *why;

	if (conf->at[key]) {
		conf_bad(conf, conf->line, "%s: already in line %u", as->name,
			 conf->at[key]);
		return;
	}
	conf->at[key] = conf->line;
	snprintf(conf->value[key], CONF_LINE_MAX, "%s", word);
	why = as->take(word, (char *)conf + as->offset);
	if (why)
		conf_bad(conf, conf->line, "%s = %.80s: %s; expected %s",
			 as->name, word, why, as->expected);
}

static void conf_key_line(struct conf *conf, const char *name, const char *word)
{
	unsigned int key;
	char text[160];

	for (key = 0; key < conf_keys_nr; key++)
		if (!strcmp(conf_keys[key].section, conf->section) &&
		    !strcmp(conf_keys[key].name, name)) {
			conf_take(conf, key, word);
			return;
		}
	conf_bad(conf, conf->line, "%.60s: no such key in [%s]; there are %s",
		 name, conf->section,
		 conf_list(text, sizeof(text), conf->section));
}

/* Without the blanks at both ends. */
static char *conf_strip(char *text)
{
	size_t len = strlen(text);

	while (len && strchr(" \t", text[len - 1]))
		text[--len] = '\0';
	return text + strspn(text, " \t");
}

/* Whatever a message quotes can be shown. */
static bool conf_printable(const char *text)
{
	for (; *text; text++)
		if ((*text < ' ' && *text != '\t') || *text > '~')
			return false;
	return true;
}

static void conf_line(struct conf *conf, char *line)
{
	char *equal;

	line = conf_strip(line);
	if (!*line || *line == '#' || *line == ';')
		return;
	if (!conf_printable(line)) {
		conf_bad(conf, conf->line,
			 "a byte that is not printable ASCII");
		return;
	}
	if (*line == '[') {
		conf_begin_section(conf, line);
		return;
	}
	equal = strchr(line, '=');
	if (!equal) {
		conf_bad(conf, conf->line,
			 "%.60s: expected [SECTION] or KEY = VALUE", line);
		return;
	}
	*equal = '\0';
	if (conf->section)
		conf_key_line(conf, conf_strip(line), conf_strip(equal + 1));
	else if (!conf->sections && !conf->nr_errors)
		conf_bad(conf, conf->line,
			 "%.60s: expected a [SECTION] before the first key",
			 conf_strip(line));
}

/* One line without its end; false: there is none, or not of this kind. */
static bool conf_fetch(struct conf *conf, FILE *file, char line[CONF_LINE_MAX])
{
	bool zero = false;
	size_t len = 0;
	int byte = fgetc(file);

	if (byte == EOF)
		return false;
	conf->line++;
	for (; byte != EOF && byte != '\n'; byte = fgetc(file)) {
		zero |= !byte;
		if (len == CONF_LINE_MAX - 1) {
			conf_bad(conf, conf->line,
				 "the line is longer than %d bytes",
				 CONF_LINE_MAX - 1);
			return false;
		}
		line[len++] = (char)byte;
	}
	line[len] = '\0';
	if (zero)
		conf_bad(conf, conf->line, "a zero byte: this is no text");
	else if (conf->line > CONF_LINES_MAX)
		conf_bad(conf, conf->line, "more than %d lines",
			 CONF_LINES_MAX);
	return !zero && conf->line <= CONF_LINES_MAX;
}

static void conf_missing(struct conf *conf)
{
	unsigned int key;

	for (key = 0; key < conf_keys_nr; key++) {
		const struct conf_key *as = &conf_keys[key];

		if (!as->must || conf->at[key])
			continue;
		if (conf->sections & 1U << conf_section(as->section))
			conf_bad(conf, 0, "%s is missing in [%s]; expected %s",
				 as->name, as->section, as->expected);
		else
			conf_bad(conf, 0,
				 "[%s] with %s is missing; expected %s",
				 as->section, as->name, as->expected);
	}
}

/**
 * conf_read() - read the daemon's file
 * @conf: what it says, and what is wrong
 * @name: for messages; @conf keeps it
 * @file: the file
 *
 * Return: whether all of it is right.
 */
bool conf_read(struct conf *conf, const char *name, FILE *file)
{
	char line[CONF_LINE_MAX];

	memset(conf, 0, sizeof(*conf));
	conf->file = name;
	conf->port = CONF_CONTROL_PORT;
	conf->data_port = CONF_DATA_PORT;
	conf->level = LOG_LEVEL_INFO;
	memcpy(conf->state_dir, CONF_STATE_DIR, sizeof(CONF_STATE_DIR));
	memcpy(conf->socket, CONF_SOCKET, sizeof(CONF_SOCKET));
	while (conf_fetch(conf, file, line))
		conf_line(conf, line);
	if (ferror(file))
		conf_bad(conf, 0, "%s", strerror(errno));
	/* what was not read to its end is not known to lack something */
	else if (feof(file))
		conf_missing(conf);
	conf_addrs_port(&conf->listen, conf->port);
	conf_addrs_port(&conf->data, conf->data_port);
	return !conf->nr_errors;
}

/**
 * conf_load() - open the daemon's file and read it
 * @conf: what it says, and what is wrong
 * @name: of the file; @conf keeps it
 *
 * Return: whether all of it is right.
 */
bool conf_load(struct conf *conf, const char *name)
{
	FILE *file = fopen(name, "re");
	bool good;

	if (!file) {
		memset(conf, 0, sizeof(*conf));
		conf->file = name;
		conf_bad(conf, 0,
			 "%s; an example comes with qbdd: qbdd.conf.example",
			 strerror(errno));
		return false;
	}
	good = conf_read(conf, name, file);
	fclose(file);
	return good;
}

/**
 * conf_error_print() - say all that is wrong
 * @conf: what was read
 * @to: where it goes
 */
void conf_error_print(const struct conf *conf, FILE *to)
{
	unsigned int i;

	for (i = 0; i < conf->nr_errors && i < CONF_ERRORS_MAX; i++) {
		const struct conf_error *error = &conf->error[i];

		if (error->line)
			fprintf(to, "%s:%u: %s\n", conf->file, error->line,
				error->text);
		else
			fprintf(to, "%s: %s\n", conf->file, error->text);
	}
	if (conf->nr_errors > CONF_ERRORS_MAX)
		fprintf(to, "%s: and %u more\n", conf->file,
			conf->nr_errors - CONF_ERRORS_MAX);
}

/**
 * conf_changed() - does another file say something else?
 * @a: what was read
 * @b: what was read later
 * @key: which key of conf_keys
 *
 * Return: whether the values of the key differ.
 */
bool conf_changed(const struct conf *a, const struct conf *b, unsigned int key)
{
	return strcmp(a->value[key], b->value[key]) != 0;
}
