// SPDX-License-Identifier: GPL-2.0-only
/*
 * The first bytes of a stranger: what the program takes for a HELLO the kernel
 * does, too, and says the same of it. Its CRC is made right first. What is cut
 * off is the begin of a HELLO, and nothing that is bad gets better by more.
 */
#include "wire.h"

#include "../../daemon/links_hello.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

/* Exactly so many bytes exist: reading on is seen by ASan. */
static enum links_hello_look look(const u8 *bytes, size_t len,
				  struct links_hello *hello)
{
	const char *why = NULL;
	u8 *copy = malloc(len ? len : 1);
	enum links_hello_look seen;
	bool bad;

	memcpy(copy, bytes, len);
	seen = links_hello_look(copy, len, hello, &why);
	free(copy);
	bad = seen == LINKS_HELLO_BAD;
	if (bad != !!why)
		abort();
	return seen;
}

static void fuzz_whole(const u8 *buf, const struct links_hello *hello)
{
	struct qbd_msg msg;
	int len = qbd_wire_head_check(buf);

	if (len < 0 || qbd_wire_decode(buf, (u32)len, &msg) ||
	    msg.type != QBD_MSG_HELLO)
		abort();
	if (msg.hello.node != hello->node || msg.hello.link != hello->link)
		abort();
}

static void fuzz_look(const u8 *buf, size_t size)
{
	enum links_hello_look seen, before = LINKS_HELLO_SHORT;
	struct links_hello hello;
	size_t len;

	for (len = 0; len <= size; len++) {
		seen = look(buf, len, &hello);
		if (before != LINKS_HELLO_SHORT && seen != before)
			abort();
		before = seen;
	}
	if (before == LINKS_HELLO_WHOLE)
		fuzz_whole(buf, &hello);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8) = { 0 };
	struct qbd_wire_head *head = (void *)buf;
	int len;

	if (size > sizeof(buf))
		return 0;
	memcpy(buf, data, size);
	fuzz_look(buf, size);
	len = size < QBD_WIRE_HEAD ? -1 : qbd_wire_head_check(buf);
	if (len < 0 || len > (int)size)
		return 0;
	head->crc = 0;
	head->crc = cpu_to_le32(crc32c(~0U, buf, len));
	fuzz_look(buf, size);
	return 0;
}
