/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The queue of octets on their way out: small records that it owns, and
 * page data that it only refers to. Knows record boundaries, so that a
 * heartbeat can overtake bulk data between two records. Does no I/O.
 */
#ifndef XC_SESSION_OUTQ_H
#define XC_SESSION_OUTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "buf.h"
#include "err.h"

struct outq_chunk;

struct outq {
    struct outq_chunk *head, *tail;
    size_t done;            /* octets of head that are out */
    uint64_t queued;        /* octets not yet out */
    uint64_t sent;          /* octets out since outq_init() */
};

void outq_init(struct outq *q);
void outq_dispose(struct outq *q);

/* The content of @b moves to the queue, @b becomes empty. It starts at a
   record boundary; a body left out at its end follows by outq_refer(). */
int outq_put(struct outq *q, struct buf *b, struct err *e);
/* Octets that belong to the record put last; @data has to stay as it is
   until they are out. */
int outq_refer(struct outq *q, const void *data, size_t n, struct err *e);
/* @b, whole records, at the first record boundary that isn't out yet, behind
   what was put so before. */
int outq_put_urgent(struct outq *q, struct buf *b, struct err *e);

/* Up to @max spans from the front; returns how many. */
int outq_peek(const struct outq *q, struct iovec *iov, int max);
/* @n octets from the front are out. */
void outq_advance(struct outq *q, size_t n);
static inline bool outq_empty(const struct outq *q) { return !q->head; }

#endif
