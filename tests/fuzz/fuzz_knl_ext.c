// SPDX-License-Identifier: GPL-2.0-only
/*
 * An error message of a kernel that may be another one: what qbdctl finds in it
 * lies within it and ends there.
 */
#include <stdlib.h>
#include <string.h>

#include "../../daemon/knl_ext.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct knl_ext ext = { 0 };
	struct nlmsghdr *hdr;
	char *copy;

	if (size < sizeof(*hdr) + sizeof(struct nlmsgerr))
		return 0;
	/* exactly so many bytes exist: reading on is seen by ASan */
	copy = malloc(size);
	memcpy(copy, data, size);
	hdr = (struct nlmsghdr *)copy;
	knl_ext_take(hdr, size, &ext);
	if (ext.text &&
	    (ext.text < copy || ext.text >= copy + size ||
	     !memchr(ext.text, 0, (size_t)(copy + size - ext.text))))
		abort();
	if (ext.word && !strlen(ext.word))
		abort();
	free(copy);
	return 0;
}
