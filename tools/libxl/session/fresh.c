/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * When the newest octet was sent that is known as read.
 */
#include "fresh.h"

#include <string.h>

void fresh_init(struct fresh *f, uint64_t limit_ns)
{
    memset(f, 0, sizeof(*f));
    f->limit_ns = limit_ns;
}

void fresh_sent(struct fresh *f, uint64_t octets, uint64_t now_ns)
{
    /* Marks lie so far apart that all of them reach back far enough. */
    uint64_t apart_ns = 2 * f->limit_ns / FRESH_MARKS;
    unsigned int last = (f->first + f->count - 1) % FRESH_MARKS;

    if (octets == f->sent)
        return;    /* they were sent earlier than now */
    f->sent = octets;
    if (f->count && now_ns - f->mark[last].ns < apart_ns)
        return;
    if (f->count == FRESH_MARKS) {
        f->first = (f->first + 1) % FRESH_MARKS;
        f->count--;
    }
    last = (f->first + f->count++) % FRESH_MARKS;
    f->mark[last].octets = octets;
    f->mark[last].ns = now_ns;
}

void fresh_received(struct fresh *f, uint64_t octets)
{
    while (f->count && f->mark[f->first].octets <= octets) {
        if (f->mark[f->first].ns > f->ns)
            f->ns = f->mark[f->first].ns;
        f->first = (f->first + 1) % FRESH_MARKS;
        f->count--;
    }
}

bool fresh_at(const struct fresh *f, uint64_t now_ns)
{
    return now_ns - f->ns < f->limit_ns;
}
