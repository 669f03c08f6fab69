/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * When to clean a dirty log, instead of only reading it. Cleaning takes the
 * write permission of every page away: each page that the guest touches next
 * costs it a fault, in the moment in which it thaws. A log that isn't cleaned
 * lists pages that were written before and not since: they are sent for
 * nothing. Arithmetic only. Called by xen_dirty.c.
 *
 * How many pages are sent for nothing isn't known. A log that still grows at
 * its k-th look by g pages has about (k - 1) * g of them. Its growth at the
 * first looks tells nothing: the faults after the cleaning may have kept the
 * guest from its pages. A guest whose pages are others each time has its log
 * cleaned at each look for a while: a third more than it writes is sent then.
 */
#ifndef XC_DOMAIN_SWEEP_H
#define XC_DOMAIN_SWEEP_H

#include <stdbool.h>
#include <stddef.h>

#define SWEEP_LOOKS_MAX   16u     /* never more looks between two cleanings */
#define SWEEP_LOOKS_MIN   6u      /* the first whose growth counts */
#define SWEEP_RUSH_LOOKS  64u     /* cleaned each time, for a while */
#define SWEEP_FREE_PAGES  256u    /* so few for nothing don't matter */

struct sweep {
    bool due;               /* the next look is to clean the log */
    size_t first;           /* pages of the first look after a cleaning */
    size_t last;            /* of the last look */
    size_t extra;           /* sent for nothing since, at most */
    unsigned int looks;     /* since the cleaning */
    unsigned int rush;      /* cleanings to come without a condition */
};

/* The first look cleans. */
void sweep_init(struct sweep *s);
/* A look, which cleaned if @s->due said so, listed @pages. */
void sweep_saw(struct sweep *s, size_t pages);

#endif
