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
        offsetof(struct colo_epoch, run_ns),
        offsetof(struct colo_epoch, hold_ns),
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

/* ---- how long output waited ----------------------------------------- */

#define MOMENTS 8u    /* of each epoch at which something may be said */
#define PARTS 4u      /* that a wait is made of */

struct wait {
    uint64_t ns, weight;
};

static int by_ns(const void *a, const void *b)
{
    const struct wait *x = a, *y = b;

    return (x->ns > y->ns) - (x->ns < y->ns);
}

/* The wait that @percent of all that was said didn't exceed. */
static uint64_t quantile(const struct wait *w, size_t n, unsigned int percent)
{
    uint64_t all = 0, below = 0;
    size_t i;

    for (i = 0; i < n; i++)
        all += w[i].weight;
    for (i = 0; i + 1 < n; i++) {
        below += w[i].weight;
        if (below * 100 >= all * percent)
            break;
    }
    return w[i].ns;
}

/* A domain says as much in each moment: of the longer runs there is more. */
static size_t add_waits(struct wait *w, const struct colo_epoch *ep)
{
    for (unsigned int m = 0; m < MOMENTS; m++)
        w[m] = (struct wait) {
            .ns = ep->hold_ns + ep->run_ns * (2 * m + 1) / (2 * MOMENTS),
            .weight = ep->run_ns / 1000 + 1,
        };
    return MOMENTS;
}

static const char *longest(const uint64_t parts[PARTS])
{
    static const char *const names[PARTS] = {
        "interval", "pause", "sending", "acknowledgement",
    };
    size_t best = 0;

    for (size_t i = 1; i < PARTS; i++)
        if (parts[i] > parts[best])
            best = i;
    return names[best];
}

struct colo_delay stats_delay(const struct epoch_stats *s)
{
    size_t epochs = s->used < STATS_DELAY_EPOCHS ? s->used
                                                 : STATS_DELAY_EPOCHS;
    CLEANUP_FREE struct wait *w = calloc(epochs * MOMENTS + 1, sizeof(*w));
    struct colo_delay d = { .set_by = "" };
    uint64_t parts[PARTS] = { 0 };
    size_t n = 0;

    for (size_t i = 1; w && i <= epochs; i++) {
        const struct colo_epoch *ep =
            &s->ring[(s->next + STATS_SAMPLES_MAX - i) % STATS_SAMPLES_MAX];

        if (!ep->hold_ns || !ep->run_ns)
            continue;
        n += add_waits(w + n, ep);
        parts[0] += ep->run_ns / 2;
        parts[1] += ep->pause_ns;
        parts[2] += ep->send_ns;
        parts[3] += ep->ready_ns;
    }
    if (n == 0)
        return d;
    qsort(w, n, sizeof(*w), by_ns);
    d.median_ns = quantile(w, n, 50);
    d.p99_ns = quantile(w, n, 99);
    d.set_by = longest(parts);
    return d;
}
