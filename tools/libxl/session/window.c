/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The bound of what is under way, from the peer's reports.
 */
#include "window.h"

#include <inttypes.h>
#include <string.h>

/* Parts of the silence limit. */
#define GROW_PART   256u
#define SHRINK_PART 4u
#define IDLE_PART   16u
/* Of the way itself: that much more or less says nothing about a queue. */
#define JITTER_PART 8u

void window_init(struct window *w, uint64_t silence_ns)
{
    memset(w, 0, sizeof(*w));
    w->size = WINDOW_START;
    w->least_ns = UINT64_MAX;
    w->silence_ns = silence_ns;
}

uint64_t window_room(struct window *w, uint64_t sent, uint64_t now_ns)
{
    uint64_t under_way = sent - w->received;

    if (!w->reports)
        return UINT64_MAX;
    if (w->size > WINDOW_START &&
        now_ns - w->full_ns > w->silence_ns / IDLE_PART)
        w->size = WINDOW_START;
    if (under_way < w->size)
        return w->size - under_way;
    w->full_ns = now_ns;
    return 0;
}

uint64_t window_way_ns(const struct window *w)
{
    return w->least_ns == UINT64_MAX ? 0 : w->least_ns;
}

void window_sent(struct window *w, uint64_t sent, uint64_t now_ns)
{
    if (sent == w->sent)
        return;    /* they were sent earlier than now */
    w->sent = sent;
    if (w->mark)
        return;
    w->mark = sent;
    w->mark_ns = now_ns;
    w->ahead = sent - w->received;
}

/* The marked octet took @way_ns, and so did what was ahead of it: to what the
   path takes in its own way and the time that an octet may wait. */
static void grow(struct window *w, uint64_t way_ns)
{
    uint64_t soon = w->silence_ns / GROW_PART;
    double rate = (double)w->ahead / (double)(way_ns + 1), size;

    if (soon < w->least_ns / JITTER_PART)
        soon = w->least_ns / JITTER_PART;
    size = rate * (double)(w->least_ns + soon);
    if (size > 2.0 * (double)w->size)
        size = 2.0 * (double)w->size;
    if (size > WINDOW_MAX)
        size = WINDOW_MAX;
    if (size > (double)w->size)
        w->size = (uint64_t)size;
}

static void shrink(struct window *w)
{
    w->size = w->size / 2 > WINDOW_MIN ? w->size / 2 : WINDOW_MIN;
}

/* The marked octet took @way_ns. */
static void adapt(struct window *w, uint64_t way_ns)
{
    if (way_ns < w->least_ns)
        w->least_ns = way_ns;
    if (way_ns - w->least_ns > w->silence_ns / SHRINK_PART)
        shrink(w);
    else if (w->full_ns >= w->mark_ns)
        grow(w, way_ns);
}

int window_received(struct window *w, uint64_t octets, uint64_t sent,
                    uint64_t now_ns, struct err *e)
{
    if (octets > sent || octets < w->received)
        return err_set(e, ERR_PEER, "it reports %" PRIu64 " octets received, "
                       "of %" PRIu64 " sent and %" PRIu64 " reported before",
                       octets, sent, w->received);
    w->received = octets;
    w->reports = true;
    if (w->mark && octets >= w->mark) {
        adapt(w, now_ns - w->mark_ns);
        w->mark = 0;
    }
    return 0;
}
