/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The output queue: a list of chunks, each either owned or referred to.
 */
#include "outq.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct outq_chunk {
    struct outq_chunk *next;
    const uint8_t *data;
    size_t size;
    uint8_t *owned;       /* == data when it has to be freed */
    bool boundary;        /* a record starts here */
    bool urgent;          /* and is all of it */
};

void outq_init(struct outq *q)
{
    memset(q, 0, sizeof(*q));
}

static void drop_head(struct outq *q)
{
    struct outq_chunk *c = q->head;

    q->head = c->next;
    if (!q->head)
        q->tail = NULL;
    free(c->owned);
    free(c);
    q->done = 0;
}

void outq_dispose(struct outq *q)
{
    while (q->head)
        drop_head(q);
    q->queued = 0;
}

static struct outq_chunk *chunk_new(const void *data, size_t n, bool owned,
                                    struct err *e)
{
    struct outq_chunk *c = calloc(1, sizeof(*c));

    if (!c) {
        err_set(e, ERR_NOMEM, "no memory for an output record");
        return NULL;
    }
    c->data = data;
    c->size = n;
    c->owned = owned ? (uint8_t *)data : NULL;
    c->boundary = owned;
    return c;
}

static void append(struct outq *q, struct outq_chunk *c)
{
    if (q->tail)
        q->tail->next = c;
    else
        q->head = c;
    q->tail = c;
    q->queued += c->size;
}

/* The buffer's memory, no longer the buffer's. */
static struct outq_chunk *chunk_take(struct buf *b, struct err *e)
{
    struct outq_chunk *c = chunk_new(b->data, b->size, true, e);

    if (c) {
        b->data = NULL;
        b->size = b->cap = 0;
    }
    return c;
}

int outq_put(struct outq *q, struct buf *b, struct err *e)
{
    struct outq_chunk *c;

    if (b->size == 0)
        return 0;
    c = chunk_take(b, e);
    if (!c)
        return ERR_NOMEM;
    append(q, c);
    return 0;
}

int outq_refer(struct outq *q, const void *data, size_t n, struct err *e)
{
    struct outq_chunk *c;

    if (n == 0)
        return 0;
    c = chunk_new(data, n, false, e);
    if (!c)
        return ERR_NOMEM;
    append(q, c);
    return 0;
}

int outq_put_urgent(struct outq *q, struct buf *b, struct err *e)
{
    struct outq_chunk **at = &q->head, *c;

    if (b->size == 0)
        return 0;
    if (*at && (q->done || !(*at)->boundary))
        at = &(*at)->next;
    while (*at && (!(*at)->boundary || (*at)->urgent))
        at = &(*at)->next;
    c = chunk_take(b, e);
    if (!c)
        return ERR_NOMEM;
    c->urgent = true;
    c->next = *at;
    *at = c;
    if (!c->next)
        q->tail = c;
    q->queued += c->size;
    return 0;
}

int outq_peek(const struct outq *q, struct iovec *iov, int max)
{
    size_t skip = q->done;
    int n = 0;

    for (struct outq_chunk *c = q->head; c && n < max; c = c->next) {
        iov[n].iov_base = (void *)(c->data + skip);
        iov[n].iov_len = c->size - skip;
        skip = 0;
        n++;
    }
    return n;
}

void outq_advance(struct outq *q, size_t n)
{
    assert(n <= q->queued);
    q->queued -= n;
    q->sent += n;
    while (n) {
        size_t left = q->head->size - q->done;

        if (n < left) {
            q->done += n;
            return;
        }
        n -= left;
        drop_head(q);
    }
}
