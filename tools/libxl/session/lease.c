/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How fresh a lease is, and how long it holds.
 */
#include "lease.h"

/* Marks lie so far apart that all of them reach back far enough. */
#define APART_NS (2 * LEASE_FRESH_NS / LEASE_MARKS)

void lease_sent(struct lease *l, uint64_t octets, uint64_t now_ns)
{
    unsigned int last = (l->first + l->count - 1) % LEASE_MARKS;

    if (octets == l->sent)
        return;    /* they were sent earlier than now */
    l->sent = octets;
    if (l->count && now_ns - l->mark[last].ns < APART_NS)
        return;
    if (l->count == LEASE_MARKS) {
        l->first = (l->first + 1) % LEASE_MARKS;
        l->count--;
    }
    last = (l->first + l->count++) % LEASE_MARKS;
    l->mark[last].octets = octets;
    l->mark[last].ns = now_ns;
}

void lease_received(struct lease *l, uint64_t octets)
{
    while (l->count && l->mark[l->first].octets <= octets) {
        if (l->mark[l->first].ns > l->fresh_ns)
            l->fresh_ns = l->mark[l->first].ns;
        l->first = (l->first + 1) % LEASE_MARKS;
        l->count--;
    }
}

bool lease_is_fresh(const struct lease *l, uint64_t now_ns)
{
    return now_ns - l->fresh_ns <= LEASE_FRESH_NS;
}

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
