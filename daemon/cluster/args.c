// SPDX-License-Identifier: GPL-2.0-only
/*
 * Arguments of verbs, and parts of answers.
 */
#include <json-c/json.h>
#include <string.h>

#include "../parse.h"
#include "verbs.h"

/**
 * args_text() - an argument that is a text
 * @args: the arguments, of whatever type, or NULL
 * @name: of the argument
 *
 * Return: it, or NULL.
 */
const char *args_text(struct json_object *args, const char *name)
{
	struct json_object *value;

	if (!json_object_is_type(args, json_type_object) ||
	    !json_object_object_get_ex(args, name, &value) ||
	    !json_object_is_type(value, json_type_string))
		return NULL;
	return json_object_get_string(value);
}

/**
 * args_number() - an argument that is a number
 * @args: the arguments
 * @name: of the argument
 * @without: if there is none, or it is none
 *
 * Return: it.
 */
u64 args_number(struct json_object *args, const char *name, u64 without)
{
	struct json_object *value;

	if (!json_object_is_type(args, json_type_object) ||
	    !json_object_object_get_ex(args, name, &value) ||
	    !json_object_is_type(value, json_type_int) ||
	    json_object_get_int64(value) < 0)
		return without;
	return json_object_get_int64(value);
}

/**
 * args_flag() - an argument that is true or false
 * @args: the arguments
 * @name: of the argument
 *
 * Return: true if it is there, and is true.
 */
bool args_flag(struct json_object *args, const char *name)
{
	struct json_object *value;

	return json_object_is_type(args, json_type_object) &&
	       json_object_object_get_ex(args, name, &value) &&
	       json_object_is_type(value, json_type_boolean) &&
	       json_object_get_boolean(value);
}

/**
 * args_copy() - a text, if there is one
 * @args: the arguments
 * @name: of the argument
 * @to: for it; left alone if there is none
 * @room: bytes there, its end included
 *
 * Return: 0 or -EINVAL: it is too long.
 */
int args_copy(struct json_object *args, const char *name, char *to, u32 room)
{
	const char *text = args_text(args, name);

	if (!text)
		return 0;
	if (strlen(text) >= room)
		return -EINVAL;
	memset(to, 0, room);
	snprintf(to, room, "%s", text);
	return 0;
}

/**
 * args_hex() - bytes, as hexadecimal digits
 * @args: the arguments
 * @name: of the argument
 * @to: for them
 * @bytes: exactly so many
 *
 * Return: 0 or -EINVAL.
 */
int args_hex(struct json_object *args, const char *name, u8 *to, u32 bytes)
{
	const char *text = args_text(args, name);

	return text && parse_hex(text, to, bytes) ? 0 : -EINVAL;
}

static int args_addr_list(struct json_object *args, const char *name, u8 use,
			  struct state_cmd *cmd)
{
	struct json_object *list;
	union links_addr addr;
	const char *text;
	size_t i;

	if (!json_object_object_get_ex(args, name, &list))
		return 0;
	if (!json_object_is_type(list, json_type_array))
		return -EINVAL;
	for (i = 0; i < json_object_array_length(list); i++) {
		text = json_object_get_string(
			json_object_array_get_idx(list, i));
		if (!text || cmd->nr_addrs == STATE_ADDRS_MAX ||
		    !links_addr_parse(text, &addr))
			return -EINVAL;
		addr_to_state(&addr, use, &cmd->addr[cmd->nr_addrs++]);
	}
	return 0;
}

/**
 * args_addrs() - addresses of a node: "control" and "data"
 * @args: the arguments
 * @cmd: gets them
 *
 * Return: 0 or -EINVAL.
 */
int args_addrs(struct json_object *args, struct state_cmd *cmd)
{
	int err;

	if (!json_object_is_type(args, json_type_object))
		return -EINVAL;
	err = args_addr_list(args, "control", 0, cmd);
	return err ?: args_addr_list(args, "data", 1, cmd);
}

/**
 * json_of() - a document from its text
 * @text: hostile
 * @bytes: of it
 * @depth: that it may have
 *
 * Return: it, or NULL: it is none, or there is no memory.
 */
struct json_object *json_of(const void *text, size_t bytes, int depth)
{
	struct json_tokener *parser = json_tokener_new_ex(depth);
	struct json_object *doc;

	if (!parser)
		return NULL;
	doc = json_tokener_parse_ex(parser, text, bytes);
	json_tokener_free(parser);
	return doc;
}

/**
 * json_hex() - bytes as hexadecimal digits
 * @from: the bytes
 * @bytes: how many, up to 32
 *
 * Return: a string.
 */
struct json_object *json_hex(const uint8_t *from, unsigned int bytes)
{
	char text[65];
	u32 i;

	for (i = 0; i < bytes && i < 32; i++)
		snprintf(text + 2 * i, 3, "%02x", from[i]);
	return json_object_new_string_len(text, 2 * i);
}

/**
 * json_uuid() - a uuid as people and stores have it
 * @uuid: 16 bytes
 *
 * Return: a string.
 */
struct json_object *json_uuid(const uint8_t *uuid)
{
	char text[37];
	u32 i, at = 0;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		at += (u32)snprintf(text + at, 3, "%02x", uuid[i]);
	}
	return json_object_new_string_len(text, (int)at);
}

/**
 * json_text() - a text in an object
 * @to: the object
 * @key: of the text
 * @text: it
 */
void json_text(struct json_object *to, const char *key, const char *text)
{
	json_object_object_add(to, key, json_object_new_string(text));
}

/**
 * json_number() - a number in an object
 * @to: the object
 * @key: of the number
 * @number: it
 */
void json_number(struct json_object *to, const char *key, u64 number)
{
	json_object_object_add(to, key, json_object_new_uint64(number));
}

/**
 * json_page() - a part of a list
 * @key: of the list
 * @list: the part, handed over
 * @next: where the next part begins, as "from"; 0: there is none
 *
 * Return: the answer.
 */
struct json_object *json_page(const char *key, struct json_object *list,
			      u32 next)
{
	struct json_object *doc = json_object_new_object();

	json_object_object_add(doc, key, list);
	if (next)
		json_number(doc, "next", next);
	return doc;
}
