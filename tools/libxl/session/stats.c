/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Samples of epochs and their medians.
 */
#include "stats.h"

#include <stdlib.h>
#include <string.h>

int stats_init(struct epoch_stats *s, struct err *e)
{
    memset(s, 0, sizeof(*s));
    s->ring = calloc(STATS_SAMPLES_MAX, sizeof(*s->ring));
    if (!s->ring)
        return err_set(e, ERR_NOMEM, "no memory for statistics");
    return 0;
}

void stats_dispose(struct epoch_stats *s)
{
    free(s->ring);
    s->ring = NULL;
    s->used = 0;
}

void stats_add(struct epoch_stats *s, const struct colo_epoch *ep)
{
    s->ring[s->next] = *ep;
    s->next = (s->next + 1) % STATS_SAMPLES_MAX;
    if (s->used < STATS_SAMPLES_MAX)
        s->used++;
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

/* Of the member that lies @offset octets into each sample. */
static uint64_t median_at(const struct epoch_stats *s, uint64_t *room,
                          size_t offset)
{
    for (size_t i = 0; i < s->used; i++)
        memcpy(&room[i], (const char *)&s->ring[i] + offset,
               sizeof(room[i]));
    qsort(room, s->used, sizeof(*room), by_value);
    return room[s->used / 2];
}

void stats_median(const struct epoch_stats *s, struct colo_epoch *m_r)
{
    static const size_t members[] = {
        offsetof(struct colo_epoch, pages),
        offsetof(struct colo_epoch, bytes),
        offsetof(struct colo_epoch, pause_ns),
        offsetof(struct colo_epoch, times.ack_ns),
        offsetof(struct colo_epoch, times.suspend_ns),
        offsetof(struct colo_epoch, times.bitmap_ns),
        offsetof(struct colo_epoch, times.copy_ns),
        offsetof(struct colo_epoch, times.context_ns),
        offsetof(struct colo_epoch, times.device_ns),
        offsetof(struct colo_epoch, times.resume_ns),
        offsetof(struct colo_epoch, send_ns),
        offsetof(struct colo_epoch, ready_ns),
    };
    CLEANUP_FREE uint64_t *room = calloc(s->used + 1, sizeof(*room));

    memset(m_r, 0, sizeof(*m_r));
    if (!room || s->used == 0)
        return;
    m_r->epoch = s->used;
    for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
        uint64_t v = median_at(s, room, members[i]);

        memcpy((char *)m_r + members[i], &v, sizeof(v));
    }
}
