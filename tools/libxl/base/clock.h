/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The monotonic clock: the one way to read it.
 */
#ifndef XC_BASE_CLOCK_H
#define XC_BASE_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint64_t clock_ms(void)
{
    return clock_ns() / 1000000;
}

#endif
