/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How long a lease holds.
 */
#include "lease.h"

uint32_t lease_bound(unsigned int seconds)
{
    uint64_t ns = LEASE_FRESH_NS + 2 * seconds * LEASE_NS_PER_S +
                  LEASE_END_NS;

    return (uint32_t)((ns + LEASE_UNIT_NS - 1) / LEASE_UNIT_NS);
}

uint64_t lease_wait_ns(uint32_t bound)
{
    uint64_t ns = bound * LEASE_UNIT_NS;

    return ns + ns / LEASE_DRIFT;
}
