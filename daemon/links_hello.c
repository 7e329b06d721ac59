// SPDX-License-Identifier: GPL-2.0-only
/*
 * The HELLO of a stranger, decoded by the same code that the kernel has.
 */
#include "links_hello.h"

#include "wire.h"

static const char *links_hello_error(int err)
{
	switch (err) {
	case -EPROTONOSUPPORT:
		return "unknown version or type of message";
	case -ERANGE:
		return "a value out of range";
	case -EILSEQ:
		return "wrong checksum";
	default:
		return "not a message of qbd";
	}
}

static enum links_hello_look links_hello_bad(const char **why, const char *text)
{
	*why = text;
	return LINKS_HELLO_BAD;
}

static void links_hello_take(struct links_hello *hello,
			     const struct qbd_msg_hello *from)
{
	memcpy(hello->cluster, from->cluster, sizeof(hello->cluster));
	hello->lineage = from->lineage;
	hello->node = from->node;
	hello->peer = from->peer;
	hello->link = from->link;
	hello->links = from->links;
}

/**
 * links_hello_look() - is this a HELLO?
 * @buf: the first bytes of a connection
 * @len: how many there are so far
 * @hello: who speaks to whom, if it is one
 * @why: what is wrong, if it is not
 *
 * Says so as soon as the bytes that are there prove that they can't become a
 * HELLO: nobody waits for the rest of a web browser's question.
 *
 * Return: see enum links_hello_look.
 */
enum links_hello_look links_hello_look(const void *buf, size_t len,
				       struct links_hello *hello,
				       const char **why)
{
	const __le32 magic = cpu_to_le32(QBD_WIRE_MAGIC);
	u8 copy[LINKS_HELLO_MAX] __aligned(8);
	struct qbd_wire_head head;
	struct qbd_msg msg;
	int err;

	if (memcmp(buf, &magic, min(len, sizeof(magic))))
		return links_hello_bad(why, links_hello_error(-EBADMSG));
	if (len < sizeof(head))
		return LINKS_HELLO_SHORT;
	memcpy(&head, buf, sizeof(head));
	err = qbd_wire_head_check(&head);
	if (err < 0)
		return links_hello_bad(why, links_hello_error(err));
	if (le16_to_cpu(head.type) != QBD_MSG_HELLO)
		return links_hello_bad(why, "does not say HELLO first");
	if (len < (size_t)err)
		return LINKS_HELLO_SHORT;
	memcpy(copy, buf, (size_t)err);
	err = qbd_wire_decode(copy, (u32)err, &msg);
	if (err)
		return links_hello_bad(why, links_hello_error(err));
	links_hello_take(hello, &msg.hello);
	return LINKS_HELLO_WHOLE;
}
