/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * A growable byte buffer with a hard limit, and the cleanup attributes that
 * the other modules use. Not for page data: see ops/ckpt.h.
 */
#ifndef XC_BASE_BUF_H
#define XC_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct buf {
    uint8_t *data;
    size_t size;     /* octets in use */
    size_t cap;      /* octets allocated */
    size_t limit;    /* never grows beyond; 0 means BUF_DEFAULT_LIMIT */
};

#define BUF_DEFAULT_LIMIT ((size_t)64 << 20)

void buf_init(struct buf *b, size_t limit);
/* Idempotent; the buffer may be used again afterwards. */
void buf_dispose(struct buf *b);
/* Append @n octets; ERR_LIMIT or ERR_NOMEM leave the content as it was. */
int buf_append(struct buf *b, const void *data, size_t n, struct err *e);
/* Make room for @n more octets and return where they go; size unchanged. */
int buf_reserve(struct buf *b, size_t n, uint8_t **at_r, struct err *e);
/* Remove @n octets (at most size) from the front. */
void buf_consume(struct buf *b, size_t n);
static inline void buf_clear(struct buf *b) { b->size = 0; }

void cleanup_free(void *p);      /* for __attribute__((cleanup)) */
void cleanup_close(int *fd);     /* closes when >= 0, keeps errno */
#define CLEANUP_FREE  __attribute__((cleanup(cleanup_free)))
#define CLEANUP_CLOSE __attribute__((cleanup(cleanup_close)))
#define CLEANUP_BUF   __attribute__((cleanup(buf_dispose)))

#endif
