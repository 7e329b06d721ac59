// SPDX-License-Identifier: GPL-2.0-only
/*
 * Why a request of an administrator was refused; see refusal.h.
 */
#include <linux/kernel.h>

#include "refusal.h"

/**
 * qbd_refuse() - note why a request is refused
 * @why: where to note it; the first reason stays
 * @error: negative errno
 * @attr: attribute that is wrong, 0 = none in particular
 * @fmt: the reason
 *
 * Return: @error.
 */
int qbd_refuse(struct qbd_refusal *why, int error, u32 attr, const char *fmt,
	       ...)
{
	va_list args;

	if (why->text[0])
		return error;
	why->attr = attr;
	va_start(args, fmt);
	vscnprintf(why->text, sizeof(why->text), fmt, args);
	va_end(args);
	return error;
}
