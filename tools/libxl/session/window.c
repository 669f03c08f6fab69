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

static uint64_t at_most(uint64_t size, uint64_t most)
{
    return size < most ? size : most;
}

/* What may be under way for an octet to wait for @soon_ns: of a path that took
   what was ahead of the marked one in @way_ns. */
static uint64_t worth(const struct window *w, uint64_t way_ns,
                      uint64_t soon_ns)
{
    double part = (double)(w->least_ns + soon_ns) / (double)(way_ns + 1);

    return (uint64_t)(part * (double)w->ahead);
}

/* The marked octet took @way_ns. */
static void adapt(struct window *w, uint64_t way_ns)
{
    uint64_t soon = w->silence_ns / GROW_PART, waited, size;

    if (way_ns < w->least_ns)
        w->least_ns = way_ns;
    if (soon < w->least_ns / JITTER_PART)
        soon = w->least_ns / JITTER_PART;
    waited = way_ns - w->least_ns;
    size = worth(w, way_ns, soon);
    if (waited > w->silence_ns / SHRINK_PART)
        w->size = w->size / 2 > WINDOW_MIN ? w->size / 2 : WINDOW_MIN;
    else if (w->full_ns >= w->mark_ns && size > w->size)
        w->size = at_most(size, at_most(2 * w->size, WINDOW_MAX));
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
