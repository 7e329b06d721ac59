// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bytes from a peer: a message, or refused; and what was decoded encodes to
 * the same bytes. The CRC is made right first, or nothing would ever get past
 * it.
 */
#include "wire.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void fuzz_decode(const u8 *buf, u32 len)
{
	u8 again[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_msg msg;
	int err;

	err = qbd_wire_decode(buf, len, &msg);
	if (err) {
		if (err != -EBADMSG && err != -EPROTONOSUPPORT &&
		    err != -ERANGE && err != -EILSEQ)
			abort();
		return;
	}
	if (qbd_wire_encode(&msg, again, sizeof(again)) != (int)len ||
	    memcmp(again, buf, len))
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 buf[QBD_WIRE_LEN_MAX] __aligned(8);
	struct qbd_wire_head *head = (void *)buf;
	int len;

	if (size < QBD_WIRE_HEAD || size > sizeof(buf))
		return 0;
	memcpy(buf, data, size);
	fuzz_decode(buf, size);
	len = qbd_wire_head_check(buf);
	if (len < 0 || len > (int)size)
		return 0;
	head->crc = 0;
	head->crc = cpu_to_le32(crc32c(~0U, buf, len));
	fuzz_decode(buf, len);
	return 0;
}
