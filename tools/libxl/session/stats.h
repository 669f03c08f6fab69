/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * What the epochs cost: the newest samples of each figure and their medians.
 * Bounded; no I/O. Called by the primary's loop.
 */
#ifndef XC_SESSION_STATS_H
#define XC_SESSION_STATS_H

#include <stddef.h>

#include "session.h"

#define STATS_SAMPLES_MAX 4096
#define STATS_DELAY_EPOCHS 512u

struct epoch_stats {
    struct colo_epoch *ring;    /* [STATS_SAMPLES_MAX] */
    size_t used, next;
};

int stats_init(struct epoch_stats *s, struct err *e);
void stats_dispose(struct epoch_stats *s);
/* The oldest sample goes when the ring is full. */
void stats_add(struct epoch_stats *s, const struct colo_epoch *ep);
/* Of output, over the newest STATS_DELAY_EPOCHS samples that held any. */
struct colo_delay stats_delay(const struct epoch_stats *s);
/* Median of each member by itself; epoch is the number of samples. */
void stats_median(const struct epoch_stats *s, struct colo_epoch *m_r);

#endif
