// SPDX-License-Identifier: GPL-2.0-only
/*
 * Attributes of an object: what is missing, or too short, is 0 or "".
 */
#include "knl.h"

#include <string.h>

uint64_t knl_u64(struct nlattr **attrs, int attr)
{
	if (!attrs[attr] || nla_len(attrs[attr]) < (int)sizeof(uint64_t))
		return 0;
	return nla_get_u64(attrs[attr]);
}

uint32_t knl_u32(struct nlattr **attrs, int attr)
{
	if (!attrs[attr] || nla_len(attrs[attr]) < (int)sizeof(uint32_t))
		return 0;
	return nla_get_u32(attrs[attr]);
}

const char *knl_str(struct nlattr **attrs, int attr)
{
	if (!attrs[attr] ||
	    !memchr(nla_data(attrs[attr]), 0, (size_t)nla_len(attrs[attr])))
		return "";
	return nla_get_string(attrs[attr]);
}

const uint8_t *knl_uuid(struct nlattr **attrs, int attr)
{
	static const uint8_t none[QBD_UUID_LEN];

	if (!attrs[attr] || nla_len(attrs[attr]) != QBD_UUID_LEN)
		return none;
	return nla_data(attrs[attr]);
}
