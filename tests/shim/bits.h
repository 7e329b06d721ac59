/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bits, powers of two and bitmaps for the core in userspace, with the kernel's
 * names and meaning. Only the non-atomic operations: the core runs under its
 * caller's lock. Included by env.h, not by anybody else.
 */
#ifndef QBD_SHIM_BITS_H
#define QBD_SHIM_BITS_H

#define BITS_PER_BYTE 8
#define BITS_PER_LONG 64
#define BIT(nr) (1UL << (nr))
#define BIT_ULL(nr) (1ULL << (nr))
#define GENMASK_ULL(hi, lo) ((~0ULL << (lo)) & (~0ULL >> (63 - (hi))))
#define GENMASK(hi, lo) ((unsigned long)GENMASK_ULL(hi, lo))

/* Macros, not functions, where a constant has to stay one. */
#define fls64(x) ((x) ? 64 - __builtin_clzll(x) : 0)
#define fls(x) ((x) ? 32 - __builtin_clz(x) : 0)
#define ffs64(x) __builtin_ffsll((long long)(x))
#define __ffs(x) ((unsigned long)__builtin_ctzl(x))
#define ilog2(n) (63 - __builtin_clzll(n))
#define is_power_of_2(n) ((n) != 0 && ((n) & ((n)-1)) == 0)
#define roundup_pow_of_two(n) ((n) < 2 ? 1UL : 1UL << fls64((u64)(n)-1))
#define rounddown_pow_of_two(n) (1UL << ilog2(n))
#define hweight32(w) ((unsigned int)__builtin_popcount(w))
#define hweight64(w) ((unsigned long)__builtin_popcountll(w))

#define BITS_TO_LONGS(nr) (((nr) + BITS_PER_LONG - 1) / BITS_PER_LONG)
#define DECLARE_BITMAP(name, nr) unsigned long name[BITS_TO_LONGS(nr)]
#define BIT_WORD(nr) ((nr) / BITS_PER_LONG)
#define BIT_MASK(nr) (1UL << ((nr) % BITS_PER_LONG))

static inline bool test_bit(unsigned long nr, const unsigned long *map)
{
	return map[BIT_WORD(nr)] & BIT_MASK(nr);
}

static inline void __set_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] |= BIT_MASK(nr);
}

static inline void __clear_bit(unsigned long nr, unsigned long *map)
{
	map[BIT_WORD(nr)] &= ~BIT_MASK(nr);
}

static inline bool __test_and_set_bit(unsigned long nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__set_bit(nr, map);
	return was;
}

static inline bool __test_and_clear_bit(unsigned long nr, unsigned long *map)
{
	bool was = test_bit(nr, map);

	__clear_bit(nr, map);
	return was;
}

/* First bit >= @from that is @set, @size if there is none; word by word. */
static inline unsigned long qbd_shim_bit_find(const unsigned long *map,
					      unsigned long size,
					      unsigned long from, bool set)
{
	while (from < size) {
		unsigned long word = map[BIT_WORD(from)];
		unsigned long found;

		word = (set ? word : ~word) & (~0UL << (from % BITS_PER_LONG));
		if (word) {
			found = round_down(from, (unsigned long)BITS_PER_LONG) +
				__ffs(word);
			return min(found, size);
		}
		from = round_down(from, (unsigned long)BITS_PER_LONG) +
		       BITS_PER_LONG;
	}
	return size;
}

#define find_next_bit(map, size, from) qbd_shim_bit_find(map, size, from, true)
#define find_next_zero_bit(map, size, from) \
	qbd_shim_bit_find(map, size, from, false)
#define find_first_bit(map, size) find_next_bit(map, size, 0)
#define find_first_zero_bit(map, size) find_next_zero_bit(map, size, 0)
#define for_each_set_bit(bit, map, size)                        \
	for ((bit) = find_first_bit(map, size); (bit) < (size); \
	     (bit) = find_next_bit(map, size, (bit) + 1))

#endif /* QBD_SHIM_BITS_H */
