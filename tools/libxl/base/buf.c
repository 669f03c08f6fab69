/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The bounded byte buffer and the cleanup functions.
 */
#include "buf.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bytes.h"

void buf_init(struct buf *b, size_t limit)
{
    memset(b, 0, sizeof(*b));
    b->limit = limit ? limit : BUF_DEFAULT_LIMIT;
}

void buf_dispose(struct buf *b)
{
    free(b->data);
    b->data = NULL;
    b->size = b->cap = 0;
}

int buf_reserve(struct buf *b, size_t n, uint8_t **at_r, struct err *e)
{
    size_t limit = b->limit ? b->limit : BUF_DEFAULT_LIMIT;
    size_t need, cap;
    uint8_t *p;

    if (!size_add(b->size, n, &need) || need > limit)
        return err_set(e, ERR_LIMIT, "buffer limit of %zu octets passed",
                       limit);
    if (need > b->cap) {
        cap = b->cap ? b->cap : 256;
        while (cap < need)
            cap = cap > limit / 2 ? limit : cap * 2;
        p = realloc(b->data, cap);
        if (!p)
            return err_set(e, ERR_NOMEM, "no memory for %zu octets", cap);
        b->data = p;
        b->cap = cap;
    }
    *at_r = b->data + b->size;
    return 0;
}

int buf_append(struct buf *b, const void *data, size_t n, struct err *e)
{
    uint8_t *at;
    int rc;

    if (n == 0)
        return 0;
    rc = buf_reserve(b, n, &at, e);
    if (rc)
        return rc;
    memcpy(at, data, n);
    b->size += n;
    return 0;
}

void buf_consume(struct buf *b, size_t n)
{
    assert(n <= b->size);
    if (n == 0)
        return;
    b->size -= n;
    memmove(b->data, b->data + n, b->size);
}

void cleanup_free(void *p)
{
    free(*(void **)p);
}

void cleanup_close(int *fd)
{
    int saved = errno;

    if (*fd >= 0)
        close(*fd);
    *fd = -1;
    errno = saved;
}
