/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Structs as bytes and back, by tables.
 *
 * Commands, results, and what a snapshot has are encoded by one piece of code
 * that goes by a table of fields, so that there is one place where bytes of a
 * peer or of a disk are looked at.  Numbers are little-endian, a text is its
 * length in one byte and its bytes, a list is its length in two bytes and its
 * elements.  There is one encoding of a value, or two servers could differ: a
 * text has no NUL in it.
 */
#ifndef QBD_STATE_FIELD_H
#define QBD_STATE_FIELD_H

#include "env.h"

/**
 * enum state_field_type - what a field is
 * @STATE_END: none: the end of a table
 * @STATE_U8: a number
 * @STATE_U16: a number
 * @STATE_U32: a number
 * @STATE_U64: a number
 * @STATE_RAW: bytes, always as many
 * @STATE_TEXT: text, ended by NUL in memory
 * @STATE_LIST: an array, and a u16 that says how much of it is used
 * @STATE_REST: all bytes that follow: struct state_rest; the last field
 */
enum state_field_type {
	STATE_END,
	STATE_U8,
	STATE_U16,
	STATE_U32,
	STATE_U64,
	STATE_RAW,
	STATE_TEXT,
	STATE_LIST,
	STATE_REST,
};

/**
 * struct state_field - a field
 * @type: enum state_field_type
 * @at: where it is in its struct
 * @size: bytes in memory; LIST: of one element
 * @max: LIST: elements
 * @count_at: LIST: where the u16 is
 * @of: LIST: fields of an element
 */
struct state_field {
	u8 type;
	u16 at;
	u16 size;
	u16 max;
	u16 count_at;
	const struct state_field *of;
};

#define STATE_FIELD(kind, owner, field)                       \
	{                                                     \
		.type = (kind), .at = offsetof(owner, field), \
		.size = sizeof_field(owner, field)            \
	}
#define STATE_FIELD_LIST(owner, array, count, fields)              \
	{                                                          \
		.type = STATE_LIST, .at = offsetof(owner, array),  \
		.size = sizeof_field(owner, array[0]),             \
		.max = ARRAY_SIZE(((owner *)0)->array),            \
		.count_at = offsetof(owner, count), .of = (fields) \
	}

/**
 * struct state_rest - bytes that somebody else reads on
 * @data: where they are; not copied
 * @bytes: how many
 */
struct state_rest {
	const u8 *data;
	u32 bytes;
};

/**
 * struct state_in - bytes that are being read
 * @at: the next one
 * @left: how many there are
 * @bad: they ended too early, or made no sense; all that is read is 0 then
 */
struct state_in {
	const u8 *at;
	u32 left;
	bool bad;
};

/**
 * struct state_out - bytes that are being written
 * @at: where the next one goes
 * @left: how much room there is
 * @full: there was too little
 */
struct state_out {
	u8 *at;
	u32 left;
	bool full;
};

u64 state_get(struct state_in *in, u32 bytes);
void state_get_raw(struct state_in *in, void *to, u32 bytes);
void state_put(struct state_out *out, u64 value, u32 bytes);
void state_put_raw(struct state_out *out, const void *from, u32 bytes);
void state_fields_get(struct state_in *in, const struct state_field *field,
		      void *to);
void state_fields_put(struct state_out *out, const struct state_field *field,
		      const void *from);
bool state_text_good(const char *text);
bool state_name_good(const char *name);

#endif /* QBD_STATE_FIELD_H */
