/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The policy of sweep.h. Never touches a log.
 */
#include "sweep.h"

#include <string.h>

void sweep_init(struct sweep *s)
{
    memset(s, 0, sizeof(*s));
    s->due = true;
}

static void cleaned(struct sweep *s)
{
    s->looks = 0;
    s->extra = 0;
    if (s->rush > 0)
        s->rush--;
    s->due = s->rush > 0;
}

void sweep_saw(struct sweep *s, size_t pages)
{
    size_t grown = pages > s->last ? pages - s->last : 0;

    if (s->due) {
        cleaned(s);
        return;
    }
    s->last = pages;
    s->looks++;
    if (s->looks == 1)
        s->first = pages;
    if (s->looks < SWEEP_LOOKS_MIN)
        return;
    s->extra += (s->looks - 1) * grown;
    if (grown > s->first / 2 + SWEEP_FREE_PAGES)
        s->rush = SWEEP_RUSH_LOOKS;
    s->due = s->rush > 0 || s->looks >= SWEEP_LOOKS_MAX ||
             s->extra >= 2 * s->first + SWEEP_FREE_PAGES;
}
