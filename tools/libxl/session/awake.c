/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The arithmetic of awake.h. Never reads a clock.
 */
#include "awake.h"

uint64_t awake_least(const struct awake *a)
{
    return AWAKE_TIMES * a->stopping_ns;
}

uint64_t awake_after(struct awake *a, uint64_t interval_ns,
                     uint64_t stopping_ns)
{
    uint64_t least;

    a->stopping_ns = a->stopping_ns ? (3 * a->stopping_ns + stopping_ns) / 4
                                    : stopping_ns;
    least = awake_least(a);
    if (least > AWAKE_INTERVALS * interval_ns)
        least = AWAKE_INTERVALS * interval_ns;
    return least > interval_ns ? least : interval_ns;
}
