/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One direction of the stream: octets that arrive later, in order, in pieces
 * of any size, or never.
 */
#include "sim.h"

#include <stdlib.h>
#include <string.h>

#define ROOM_MIN ((size_t)4096)

void pipe_init(struct sim *s, struct sim_pipe *p)
{
    pipe_dispose(p);
    p->room = ROOM_MIN << sim_below(s, 8);
}

void pipe_dispose(struct sim_pipe *p)
{
    free(p->data);
    memset(p, 0, sizeof(*p));
}

static void reserve(struct sim_pipe *p, size_t n)
{
    if (p->start + p->size + n <= p->cap)
        return;
    if (p->size)
        memmove(p->data, p->data + p->start, p->size);
    p->start = 0;
    if (p->size + n <= p->cap)
        return;
    p->cap = 2 * (p->size + n);
    p->data = realloc(p->data, p->cap);
    if (!p->data)
        abort();
}

/* How long a piece of @n octets is under way. */
static uint64_t delay(struct sim *s, const struct sim_pipe *p, size_t n)
{
    uint64_t ns = 50000 + sim_below(s, 500000) + n;    /* 1 GB/s and a bit */

    if (s->slow_until > s->now)    /* 10 MB/s */
        ns += 20 * SIM_MS + 100 * n;
    if (p->silent_until > s->now)
        ns += p->silent_until - s->now;
    return ns;
}

size_t pipe_put(struct sim *s, struct sim_pipe *p, const struct iovec *iov,
                int n)
{
    uint64_t due, last = 0;
    size_t put = 0;

    for (int i = 0; i < n; i++) {
        size_t part = iov[i].iov_len, room = p->room - p->size;

        if (part > room)
            part = room;
        if (part > 1 && sim_chance(s, 20))
            part = 1 + (size_t)sim_below(s, part);
        reserve(p, part);
        memcpy(p->data + p->start + p->size, iov[i].iov_base, part);
        p->size += part;
        put += part;
        if (part < iov[i].iov_len)
            break;
    }
    if (put == 0)
        return 0;
    due = s->now + delay(s, p, put);
    if (p->segments)
        last = p->segment[(p->first + p->segments - 1) % SEGMENTS_MAX].due;
    due = due > last ? due : last;
    if (p->segments == SEGMENTS_MAX) {
        p->segment[(p->first + SEGMENTS_MAX - 1) % SEGMENTS_MAX].n += put;
    } else {
        unsigned int at = (p->first + p->segments++) % SEGMENTS_MAX;

        p->segment[at].n = put;
        p->segment[at].due = due;
    }
    return put;
}

size_t pipe_here(const struct sim *s, const struct sim_pipe *p,
                 const uint8_t **data_r, uint64_t *due_r)
{
    size_t n = 0;

    *data_r = p->data ? p->data + p->start : NULL;
    *due_r = p->closed && !p->told && !p->segments ? s->now : SIM_NEVER;
    for (unsigned int i = 0; i < p->segments; i++) {
        unsigned int at = (p->first + i) % SEGMENTS_MAX;

        if (p->segment[at].due > s->now || p->silent_until > s->now) {
            *due_r = p->segment[at].due;
            if (*due_r < p->silent_until)
                *due_r = p->silent_until;
            break;
        }
        n += p->segment[at].n;
    }
    return n;
}

void pipe_take(struct sim_pipe *p, size_t n)
{
    p->start += n;
    p->size -= n;
    while (n) {
        size_t *have = &p->segment[p->first].n;
        size_t part = n < *have ? n : *have;

        n -= part;
        *have -= part;
        if (*have)
            return;
        p->first = (p->first + 1) % SEGMENTS_MAX;
        p->segments--;
    }
}

void pipe_truncate(struct sim_pipe *p, size_t n)
{
    size_t seen = 0;

    for (unsigned int i = 0; i < p->segments; i++) {
        size_t *have = &p->segment[(p->first + i) % SEGMENTS_MAX].n;

        if (seen + *have > n) {
            *have = n - seen;
            p->segments = *have ? i + 1 : i;
            break;
        }
        seen += *have;
    }
    if (n < p->size)
        p->size = n;
}
