// SPDX-License-Identifier: GPL-2.0-only
/*
 * The codec of field.h.  Reading never goes past the end, and what is read is
 * the only encoding of what comes out.
 */
#include "field.h"

/**
 * state_get() - a number
 * @in: bytes
 * @bytes: of the number: 1, 2, 4, 8
 *
 * Return: it; 0 and @in->bad: there is none.
 */
u64 state_get(struct state_in *in, u32 bytes)
{
	u64 value = 0;
	u32 i;

	if (in->bad || in->left < bytes) {
		in->bad = true;
		return 0;
	}
	for (i = 0; i < bytes; i++)
		value |= (u64)in->at[i] << (8 * i);
	in->at += bytes;
	in->left -= bytes;
	return value;
}

/**
 * state_get_raw() - some bytes
 * @in: bytes
 * @to: where they go; zeros if there are too few
 * @bytes: how many
 */
void state_get_raw(struct state_in *in, void *to, u32 bytes)
{
	if (in->bad || in->left < bytes) {
		in->bad = true;
		memset(to, 0, bytes);
		return;
	}
	memcpy(to, in->at, bytes);
	in->at += bytes;
	in->left -= bytes;
}

/**
 * state_put() - a number
 * @out: where it goes
 * @value: the number
 * @bytes: of it
 */
void state_put(struct state_out *out, u64 value, u32 bytes)
{
	u32 i;

	if (out->full || out->left < bytes) {
		out->full = true;
		return;
	}
	for (i = 0; i < bytes; i++)
		out->at[i] = value >> (8 * i);
	out->at += bytes;
	out->left -= bytes;
}

/**
 * state_put_raw() - some bytes
 * @out: where they go
 * @from: the bytes
 * @bytes: how many
 */
void state_put_raw(struct state_out *out, const void *from, u32 bytes)
{
	if (out->full || out->left < bytes) {
		out->full = true;
		return;
	}
	if (bytes)
		memcpy(out->at, from, bytes);
	out->at += bytes;
	out->left -= bytes;
}

static u32 state_width(u8 type)
{
	return 1U << (type - STATE_U8);
}

static void state_number_get(struct state_in *in, u8 type, void *to)
{
	u64 value = state_get(in, state_width(type));
	u8 v8 = value;
	u16 v16 = value;
	u32 v32 = value;

	if (type == STATE_U8)
		memcpy(to, &v8, sizeof(v8));
	else if (type == STATE_U16)
		memcpy(to, &v16, sizeof(v16));
	else if (type == STATE_U32)
		memcpy(to, &v32, sizeof(v32));
	else
		memcpy(to, &value, sizeof(value));
}

static u64 state_number(u8 type, const void *from)
{
	u16 v16;
	u32 v32;
	u64 v64;

	if (type == STATE_U8)
		return *(const u8 *)from;
	if (type == STATE_U16) {
		memcpy(&v16, from, sizeof(v16));
		return v16;
	}
	if (type == STATE_U32) {
		memcpy(&v32, from, sizeof(v32));
		return v32;
	}
	memcpy(&v64, from, sizeof(v64));
	return v64;
}

static void state_text_get(struct state_in *in, const struct state_field *field,
			   char *to)
{
	u32 bytes = state_get(in, 1);

	memset(to, 0, field->size);
	if (bytes >= field->size) {
		in->bad = true;
		return;
	}
	state_get_raw(in, to, bytes);
	if (strlen(to) != bytes || !state_text_good(to))
		in->bad = true;
}

static void state_list_get(struct state_in *in, const struct state_field *field,
			   u8 *to)
{
	u16 nr = state_get(in, 2);
	u32 i;

	if (nr > field->max) {
		in->bad = true;
		nr = 0;
	}
	memcpy(to + field->count_at, &nr, sizeof(nr));
	memset(to + field->at, 0, (size_t)field->size * field->max);
	for (i = 0; i < nr && !in->bad; i++) {
		u8 *element = to + field->at + (size_t)i * field->size;

		state_fields_get(in, field->of, element);
	}
}

/**
 * state_fields_get() - a struct
 * @in: bytes
 * @field: its fields
 * @to: the struct; not to be used if @in->bad
 */
void state_fields_get(struct state_in *in, const struct state_field *field,
		      void *to)
{
	u8 *base = to;
	struct state_rest rest;

	for (; field->type != STATE_END; field++) {
		if (field->type == STATE_RAW) {
			state_get_raw(in, base + field->at, field->size);
		} else if (field->type == STATE_TEXT) {
			state_text_get(in, field, (char *)base + field->at);
		} else if (field->type == STATE_LIST) {
			state_list_get(in, field, base);
		} else if (field->type == STATE_REST) {
			rest = (struct state_rest){ in->at, in->left };
			memcpy(base + field->at, &rest, sizeof(rest));
			in->at += in->left;
			in->left = 0;
		} else {
			state_number_get(in, field->type, base + field->at);
		}
	}
}

static void state_text_put(struct state_out *out, const char *text)
{
	u32 bytes = strlen(text);

	state_put(out, bytes, 1);
	state_put_raw(out, text, bytes);
}

static void state_list_put(struct state_out *out,
			   const struct state_field *field, const u8 *from)
{
	u16 nr;
	u32 i;

	memcpy(&nr, from + field->count_at, sizeof(nr));
	if (nr > field->max) {
		out->full = true;
		return;
	}
	state_put(out, nr, 2);
	for (i = 0; i < nr; i++) {
		const u8 *element = from + field->at + (size_t)i * field->size;

		state_fields_put(out, field->of, element);
	}
}

/**
 * state_fields_put() - a struct
 * @out: where it goes
 * @field: its fields
 * @from: the struct
 */
void state_fields_put(struct state_out *out, const struct state_field *field,
		      const void *from)
{
	const u8 *base = from;
	struct state_rest rest;

	for (; field->type != STATE_END; field++) {
		const u8 *at = base + field->at;

		if (field->type == STATE_RAW) {
			state_put_raw(out, at, field->size);
		} else if (field->type == STATE_TEXT) {
			state_text_put(out, (const char *)at);
		} else if (field->type == STATE_LIST) {
			state_list_put(out, field, base);
		} else if (field->type == STATE_REST) {
			memcpy(&rest, at, sizeof(rest));
			state_put_raw(out, rest.data, rest.bytes);
		} else {
			state_put(out, state_number(field->type, at),
				  state_width(field->type));
		}
	}
}

/**
 * state_text_good() - may this text be printed?
 * @text: the text
 *
 * Return: true if it has no control characters and is ASCII: a terminal that
 * shows it can not be told what to do.
 */
bool state_text_good(const char *text)
{
	for (; *text; text++)
		if (*text < 0x20 || *text > 0x7e)
			return false;
	return true;
}

/**
 * state_name_good() - can this be a name?
 * @name: the name
 *
 * It becomes the name of a link below /dev and a word on command lines.
 *
 * Return: true if it is letters, digits, '.', '_', '-' only, and does not begin
 * with '.' or '-'.
 */
bool state_name_good(const char *name)
{
	const char *at;

	if (!*name || *name == '.' || *name == '-')
		return false;
	for (at = name; *at; at++)
		if (!(*at >= 'a' && *at <= 'z') &&
		    !(*at >= 'A' && *at <= 'Z') &&
		    !(*at >= '0' && *at <= '9') && *at != '.' && *at != '_' &&
		    *at != '-')
			return false;
	return at - name <= 63;
}
