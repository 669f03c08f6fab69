/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Endian-explicit access to bytes, and checked arithmetic. No struct is ever
 * laid over bytes from outside.
 */
#ifndef XC_BASE_BYTES_H
#define XC_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t get_le16(const void *p)
{
    const uint8_t *b = p;

    return (uint16_t)(b[0] | b[1] << 8);
}

static inline uint16_t get_be16(const void *p)
{
    const uint8_t *b = p;

    return (uint16_t)(b[0] << 8 | b[1]);
}

static inline uint32_t get_le32(const void *p)
{
    return get_le16(p) | (uint32_t)get_le16((const uint8_t *)p + 2) << 16;
}

static inline uint32_t get_be32(const void *p)
{
    return (uint32_t)get_be16(p) << 16 | get_be16((const uint8_t *)p + 2);
}

static inline uint64_t get_le64(const void *p)
{
    return get_le32(p) | (uint64_t)get_le32((const uint8_t *)p + 4) << 32;
}

static inline uint64_t get_be64(const void *p)
{
    return (uint64_t)get_be32(p) << 32 | get_be32((const uint8_t *)p + 4);
}

static inline void put_le16(void *p, uint16_t v)
{
    uint8_t *b = p;

    b[0] = (uint8_t)v;
    b[1] = (uint8_t)(v >> 8);
}

static inline void put_be16(void *p, uint16_t v)
{
    uint8_t *b = p;

    b[0] = (uint8_t)(v >> 8);
    b[1] = (uint8_t)v;
}

static inline void put_le32(void *p, uint32_t v)
{
    put_le16(p, (uint16_t)v);
    put_le16((uint8_t *)p + 2, (uint16_t)(v >> 16));
}

static inline void put_be32(void *p, uint32_t v)
{
    put_be16(p, (uint16_t)(v >> 16));
    put_be16((uint8_t *)p + 2, (uint16_t)v);
}

static inline void put_le64(void *p, uint64_t v)
{
    put_le32(p, (uint32_t)v);
    put_le32((uint8_t *)p + 4, (uint32_t)(v >> 32));
}

static inline void put_be64(void *p, uint64_t v)
{
    put_be32(p, (uint32_t)(v >> 32));
    put_be32((uint8_t *)p + 4, (uint32_t)v);
}

/* True, with *@r set, when the result fits; false when it would wrap. */
static inline bool size_add(size_t a, size_t b, size_t *r)
{
    return !__builtin_add_overflow(a, b, r);
}

static inline bool size_mul(size_t a, size_t b, size_t *r)
{
    return !__builtin_mul_overflow(a, b, r);
}

#endif
