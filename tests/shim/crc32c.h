/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * CRC32C (Castagnoli, reflected polynomial 0x82f63b78) as the kernel's
 * crc32c() computes it: the seed goes in and the state comes out as they are,
 * inverting is the caller's. With SSE4.2 where the CPU has it, because the
 * simulator spends much of its time here; otherwise four bits at a time.
 * Included by env.h, not by anybody else.
 */
#ifndef QBD_SHIM_CRC32C_H
#define QBD_SHIM_CRC32C_H

static inline u32 qbd_shim_crc32c_table(u32 crc, const void *data,
					size_t len_bytes)
{
	static const u32 nibble[16] = {
		0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
		0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
		0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
		0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
	};
	const u8 *p = data;

	while (len_bytes--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ nibble[crc & 15];
		crc = (crc >> 4) ^ nibble[crc & 15];
	}
	return crc;
}

#ifdef __x86_64__
__attribute__((__target__("sse4.2"))) static inline u32
qbd_shim_crc32c_sse(u32 crc, const void *data, size_t len_bytes)
{
	const u8 *p = data;
	u64 state = crc;
	u64 word;

	for (; len_bytes >= sizeof(word); len_bytes -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		state = __builtin_ia32_crc32di(state, word);
		p += sizeof(word);
	}
	crc = (u32)state;
	while (len_bytes--)
		crc = __builtin_ia32_crc32qi(crc, *p++);
	return crc;
}
#endif

static inline u32 crc32c(u32 crc, const void *data, size_t len_bytes)
{
#ifdef __x86_64__
	if (__builtin_cpu_supports("sse4.2"))
		return qbd_shim_crc32c_sse(crc, data, len_bytes);
#endif
	return qbd_shim_crc32c_table(crc, data, len_bytes);
}

#endif /* QBD_SHIM_CRC32C_H */
