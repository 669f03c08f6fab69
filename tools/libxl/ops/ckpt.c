/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The staging area of one epoch. Address space is reserved once, memory is
 * taken by use. Does no I/O.
 */
#include "ckpt.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "bytes.h"

static void *reserve(size_t bytes)
{
    void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return p == MAP_FAILED ? NULL : p;
}

int ckpt_init(struct ckpt *c, size_t pages_max, struct err *e)
{
    size_t bytes;

    memset(c, 0, sizeof(*c));
    buf_init(&c->tsc, CKPT_TSC_MAX);
    buf_init(&c->context, CKPT_CONTEXT_MAX);
    buf_init(&c->params, CKPT_PARAMS_MAX);
    buf_init(&c->device, CKPT_DEVICE_MAX);
    if (pages_max == 0 || !size_mul(pages_max, CKPT_PAGE_SIZE, &bytes))
        return err_set(e, ERR_LIMIT, "staging of %zu pages is impossible",
                       pages_max);
    c->pages = reserve(bytes);
    c->pfns = reserve(pages_max * sizeof(*c->pfns));
    c->pages_max = pages_max;
    if (!c->pages || !c->pfns) {
        ckpt_dispose(c);
        return err_set(e, ERR_NOMEM, "no address space for %zu MiB of "
                       "staging", bytes >> 20);
    }
    return 0;
}

void ckpt_dispose(struct ckpt *c)
{
    if (c->pages)
        munmap(c->pages, c->pages_max * CKPT_PAGE_SIZE);
    if (c->pfns)
        munmap(c->pfns, c->pages_max * sizeof(*c->pfns));
    c->pages = NULL;
    c->pfns = NULL;
    c->pages_nr = 0;
    buf_dispose(&c->tsc);
    buf_dispose(&c->context);
    buf_dispose(&c->params);
    buf_dispose(&c->device);
}

void ckpt_reset(struct ckpt *c, uint64_t epoch)
{
    c->epoch = epoch;
    c->pages_nr = 0;
    buf_clear(&c->tsc);
    buf_clear(&c->context);
    buf_clear(&c->params);
    buf_clear(&c->device);
}

int ckpt_add(struct ckpt *c, size_t n, uint64_t **pfns_r, uint8_t **pages_r,
             struct err *e)
{
    if (n > c->pages_max - c->pages_nr)
        return err_set(e, ERR_LIMIT, "an epoch of %zu pages or more needs "
                       "%zu MiB of staging, and %zu MiB are set aside",
                       c->pages_nr + n,
                       ((c->pages_nr + n) * CKPT_PAGE_SIZE + 0xfffff) >> 20,
                       (c->pages_max * CKPT_PAGE_SIZE) >> 20);
    *pfns_r = c->pfns + c->pages_nr;
    *pages_r = c->pages + c->pages_nr * CKPT_PAGE_SIZE;
    c->pages_nr += n;
    return 0;
}

bool ckpt_is_zero(const struct ckpt *c, size_t i)
{
    const uint8_t *page = ckpt_page(c, i);

    /* Mostly its first octets tell; else it is as its own end, shifted. */
    return get_le64(page) == 0 &&
        memcmp(page, page + 8, CKPT_PAGE_SIZE - 8) == 0;
}
