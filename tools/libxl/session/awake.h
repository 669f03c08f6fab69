/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * How long a guest is to run before it is asked to stand still again. A guest
 * that agrees to each suspend works that off after it runs again, too; asked
 * too soon, its queue grows from epoch to epoch, and its copy has to empty it
 * before it answers anybody after a take-over. Arithmetic only. Called by
 * primary_actions.c.
 */
#ifndef XC_SESSION_AWAKE_H
#define XC_SESSION_AWAKE_H

#include <stdint.h>

/* A guest runs at least so many times as long as it takes to stop, but never
   longer than so many intervals for that. */
#define AWAKE_TIMES     3u
#define AWAKE_INTERVALS 4u

struct awake {
    uint64_t stopping_ns;    /* how long the guest takes to stop, smoothed */
};

/* Nanoseconds that the guest is to run now, at least @interval_ns; it took
   @stopping_ns to stop for the last epoch. */
uint64_t awake_after(struct awake *a, uint64_t interval_ns,
                     uint64_t stopping_ns);
/* The least that it is to run, however short the interval. */
uint64_t awake_least(const struct awake *a);

#endif
