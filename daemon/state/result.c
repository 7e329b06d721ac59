// SPDX-License-Identifier: GPL-2.0-only
/*
 * Results as errnos, keys and sentences (result.h).
 */
#include "inner.h"

struct state_why_row {
	const char *key;
	int err;
	const char *text;
};

#define STATE_WHY_ROW(name, errno_, words) \
	{ .key = #name, .err = (errno_), .text = (words) },

static const struct state_why_row state_why_row[STATE_WHYS_NR] = { STATE_WHYS(
	STATE_WHY_ROW) };

/**
 * state_result_errno() - a result as a number
 * @res: the result
 *
 * Return: 0 or a negative errno.
 */
int state_result_errno(const struct state_result *res)
{
	return res->why < STATE_WHYS_NR ? -state_why_row[res->why].err :
					  -EINVAL;
}

/**
 * state_result_key() - a result as a word, for programs
 * @res: the result
 *
 * Return: the word.
 */
const char *state_result_key(const struct state_result *res)
{
	return res->why < STATE_WHYS_NR ? state_why_row[res->why].key : "?";
}

/* What an argument names; what is gone by then is its number. */
static void state_arg_text(const struct state *s, char kind, u64 arg,
			   char *text, u32 size)
{
	u32 slot = STATE_NONE, i;

	snprintf(text, size, "%llu", arg);
	if (arg > U32_MAX)
		return;
	if (kind == 'v')
		slot = state_find(s, STATE_BY_VOLUME_ID, arg);
	else if (kind == 'n')
		slot = state_find(s, STATE_BY_NODE_ID, arg);
	else if (kind == 's')
		slot = state_find(s, STATE_BY_STORE_ID, arg);
	if (slot == STATE_NONE)
		return;
	if (kind == 'v')
		snprintf(text, size, "%s", state_volume_at(s, slot)->name);
	else if (kind == 'n')
		snprintf(text, size, "%s", state_node_at(s, slot)->name);
	else
		for (i = 0; i < 16 && 2 * i + 2 < size; i++)
			snprintf(text + 2 * i, 3, "%02x",
				 state_store_at(s, slot)->uuid[i]);
}

/**
 * state_result_text() - a result as a sentence
 * @s: the state, for names
 * @res: the result
 * @text: for it
 * @size: of @text, at least 1; what does not fit is cut off
 */
void state_result_text(const struct state *s, const struct state_result *res,
		       char *text, u32 size)
{
	const char *from =
		res->why < STATE_WHYS_NR ? state_why_row[res->why].text : "?";
	char arg[STATE_NAME_MAX + 1];
	u32 used = 0, nr = 0;

	text[0] = 0;
	for (; *from && used + 1 < size; from++) {
		if (*from != '%' || nr == ARRAY_SIZE(res->arg)) {
			text[used++] = *from;
			text[used] = 0;
			continue;
		}
		from++;
		state_arg_text(s, *from, res->arg[nr++], arg, sizeof(arg));
		snprintf(text + used, size - used, "%s", arg);
		used += strlen(text + used);
	}
}
