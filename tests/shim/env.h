/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The one include seam of the core, userspace side.
 *
 * Twin of kmod/core/env.h with the same include guard: forced in with
 * `gcc -include`, it precludes the kernel's. It offers the few kernel names
 * that the core uses, with the kernel's meaning, for gcc and clang on 64 bits.
 * It is not a kernel emulation: no locks, no clocks, no allocation, and a name
 * that core does not need is not here. Lists, bits and CRC are in files of
 * their own beside it.
 */
#ifndef QBD_CORE_ENV_H
#define QBD_CORE_ENV_H

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/types.h>

/* Types. As in the kernel u64 is unsigned long long: %llu prints it. */
typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s8 s8;
typedef __s16 s16;
typedef __s32 s32;
typedef __s64 s64;

#define U8_MAX ((u8)~0U)
#define U16_MAX ((u16)~0U)
#define U32_MAX ((u32)~0U)
#define S32_MAX ((s32)(U32_MAX >> 1))
#define U64_MAX ((u64)~0ULL)
#define S64_MAX ((s64)(U64_MAX >> 1))

/* Compiler. */
#ifdef __CHECKER__
#define __force __attribute__((force))
#else
#define __force
#endif
#undef __must_check
#define __must_check __attribute__((__warn_unused_result__))
#undef __packed
#define __packed __attribute__((__packed__))
#undef __aligned
#define __aligned(n) __attribute__((__aligned__(n)))
#define __maybe_unused __attribute__((__unused__))
#define __printf(fmt, args) __attribute__((__format__(printf, fmt, args)))
#ifndef __counted_by
#define __counted_by(member)
#endif
#define fallthrough __attribute__((__fallthrough__))
#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define READ_ONCE(x) (*(const volatile typeof(x) *)&(x))
#define WRITE_ONCE(x, val) (*(volatile typeof(x) *)&(x) = (val))
#undef static_assert
#define static_assert(expr, ...) __static_assert(expr, ##__VA_ARGS__, #expr)
#define __static_assert(expr, msg, ...) _Static_assert(expr, msg)
#define BUILD_BUG_ON(cond) static_assert(!(cond), #cond)

#define sizeof_field(type, member) sizeof(((type *)0)->member)
#define offsetofend(type, member) \
	(offsetof(type, member) + sizeof_field(type, member))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr)-offsetof(type, member)))

/*
 * A name of its own for each use, so that min(min(a, b), c) shadows nothing.
 */
#define __QBD_PASTE2(a, b) a##b
#define __QBD_PASTE(a, b) __QBD_PASTE2(a, b)
#define __QBD_UNIQUE(name) __QBD_PASTE(name, __COUNTER__)

#define __qbd_pick(a, b, op, ua, ub)  \
	({                            \
		__auto_type ua = (a); \
		__auto_type ub = (b); \
		ua op ub ? ua : ub;   \
	})
#define min(a, b) __qbd_pick(a, b, <, __QBD_UNIQUE(__a), __QBD_UNIQUE(__b))
#define max(a, b) __qbd_pick(a, b, >, __QBD_UNIQUE(__a), __QBD_UNIQUE(__b))
#ifndef MIN /* the constant ones, for sizes of arrays */
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define min3(a, b, c) min(min(a, b), c)
#define max3(a, b, c) max(max(a, b), c)
#define min_t(type, a, b) min((type)(a), (type)(b))
#define max_t(type, a, b) max((type)(a), (type)(b))
#define clamp(val, lo, hi) min(max(val, lo), hi)
#define clamp_t(type, val, lo, hi) min_t(type, max_t(type, val, lo), hi)
#define __qbd_swap(a, b, tmp)        \
	do {                         \
		typeof(a) tmp = (a); \
		(a) = (b);           \
		(b) = tmp;           \
	} while (0)
#define swap(a, b) __qbd_swap(a, b, __QBD_UNIQUE(__tmp))

/* Rounding; round_up() and ALIGN() want a power of two. */
#define __qbd_mask(x, n) ((typeof(x))((n)-1))
#define round_up(x, n) ((((x)-1) | __qbd_mask(x, n)) + 1)
#define round_down(x, n) ((x) & ~__qbd_mask(x, n))
#define ALIGN(x, n) (((x) + __qbd_mask(x, n)) & ~__qbd_mask(x, n))
#define ALIGN_DOWN(x, n) round_down(x, n)
#define IS_ALIGNED(x, n) (((x)&__qbd_mask(x, n)) == 0)
#define DIV_ROUND_UP(n, d) (((n) + (d)-1) / (d))
#define DIV_ROUND_UP_ULL(n, d) DIV_ROUND_UP((u64)(n), (u64)(d))
#define roundup(x, n) (((x) + (n)-1) / (n) * (n))
#define rounddown(x, n) ((x) - (x) % (n))
#define upper_32_bits(n) ((u32)((u64)(n) >> 32))
#define lower_32_bits(n) ((u32)(n))

static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline u64 div_u64_rem(u64 dividend, u32 divisor, u32 *rem)
{
	*rem = (u32)(dividend % divisor);
	return dividend / divisor;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64_rem(u64 dividend, u64 divisor, u64 *rem)
{
	*rem = dividend % divisor;
	return dividend / divisor;
}

/* Sums that may not wrap. */
#define check_add_overflow(a, b, d) unlikely(__builtin_add_overflow(a, b, d))
#define check_sub_overflow(a, b, d) unlikely(__builtin_sub_overflow(a, b, d))
#define check_mul_overflow(a, b, d) unlikely(__builtin_mul_overflow(a, b, d))

static inline size_t size_mul(size_t a, size_t b)
{
	size_t bytes;

	return check_mul_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

static inline size_t size_add(size_t a, size_t b)
{
	size_t bytes;

	return check_add_overflow(a, b, &bytes) ? SIZE_MAX : bytes;
}

#define array_size(a, b) size_mul(a, b)
#define flex_array_size(p, member, n) size_mul(n, sizeof(*(p)->member))
#define struct_size(p, member, n) \
	size_add(sizeof(*(p)), flex_array_size(p, member, n))

/* Byte order; macros, because golden vectors are constants. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define __qbd_le16(x) (x)
#define __qbd_le32(x) (x)
#define __qbd_le64(x) (x)
#else
#define __qbd_le16(x) __builtin_bswap16(x)
#define __qbd_le32(x) __builtin_bswap32(x)
#define __qbd_le64(x) __builtin_bswap64(x)
#endif
#define cpu_to_le16(x) ((__force __le16)__qbd_le16((u16)(x)))
#define cpu_to_le32(x) ((__force __le32)__qbd_le32((u32)(x)))
#define cpu_to_le64(x) ((__force __le64)__qbd_le64((u64)(x)))
#define le16_to_cpu(x) __qbd_le16((__force u16)(x))
#define le32_to_cpu(x) __qbd_le32((__force u32)(x))
#define le64_to_cpu(x) __qbd_le64((__force u64)(x))

static inline void le16_add_cpu(__le16 *var, u16 val)
{
	*var = cpu_to_le16((u16)(le16_to_cpu(*var) + val));
}

static inline void le32_add_cpu(__le32 *var, u32 val)
{
	*var = cpu_to_le32(le32_to_cpu(*var) + val);
}

static inline void le64_add_cpu(__le64 *var, u64 val)
{
	*var = cpu_to_le64(le64_to_cpu(*var) + val);
}

/* Sizes and times, numbers only. */
#define SZ_512 0x200
#define SZ_4K 0x1000
#define SZ_64K 0x10000
#define SZ_128K 0x20000
#define SZ_256K 0x40000
#define SZ_1M 0x100000
#define SZ_4M 0x400000
#define SZ_16M 0x1000000
#define SZ_64M 0x4000000
#define SZ_1G 0x40000000
#define SZ_4G 0x100000000ULL
#define NSEC_PER_USEC 1000L
#define NSEC_PER_MSEC 1000000L
#define NSEC_PER_SEC 1000000000L

/* Memory. */
static inline void *memchr_inv(const void *start, int c, size_t len_bytes)
{
	const u8 *p = start;
	size_t i;

	for (i = 0; i < len_bytes; i++)
		if (p[i] != (u8)c)
			return (void *)(uintptr_t)(p + i);
	return NULL;
}

static inline bool mem_is_zero(const void *start, size_t len_bytes)
{
	return !memchr_inv(start, 0, len_bytes);
}

/*
 * The kernel's sort() is a heap sort, this one is stable: compare functions
 * of the core order totally, or the two sides would differ.
 */
static inline void sort(void *base, size_t num, size_t size,
			int (*cmp)(const void *a, const void *b),
			void (*swap_func)(void *a, void *b, int size))
{
	(void)swap_func;
	if (num > 1)
		qsort(base, num, size, cmp);
}

/*
 * Broken invariants end the process, unless the program has set a hook: the
 * simulator has one, which knows the seed. WARN_ON_ONCE() is the same thing
 * without a rule to name.
 */
void qbd_core_bug(const char *file, int line, const char *cond);

__attribute__((__weak__)) void (*qbd_core_bug_hook)(const char *file, int line,
						    const char *cond);

__attribute__((__weak__)) void qbd_core_bug(const char *file, int line,
					    const char *cond)
{
	if (qbd_core_bug_hook) {
		qbd_core_bug_hook(file, line, cond);
		return;
	}
	fprintf(stderr, "%s:%d: broken invariant: %s\n", file, line, cond);
	abort();
}

#define QBD_CORE_BUG(cond)                                                  \
	(unlikely(cond) ? (qbd_core_bug(__FILE__, __LINE__, #cond), true) : \
			  false)
#define WARN_ON_ONCE(cond) QBD_CORE_BUG(cond)

/*
 * Bugs planted on purpose, see the kernel's side; the program that is built
 * with QBD_MUTANTS defines the variable.
 */
#ifdef QBD_MUTANTS
extern const char *qbd_mutant;
#define QBD_MUTANT(name) (qbd_mutant && strcmp(qbd_mutant, #name) == 0)
#else
#define QBD_MUTANT(name) 0
#endif

#include "bits.h"
#include "crc32c.h"
#include "list.h"

#endif /* QBD_CORE_ENV_H */
