/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * --debug-verify on the secondary, which is told nothing of it: whenever the
 * primary sends digests of pages, the copy has to have the same.
 */
#include "secondary_int.h"

#include <inttypes.h>
#include <string.h>

#include "verify.h"

#define COPY_PAGES 16u

int secondary_on_digests(struct colo_secondary *s, struct err *e)
{
    struct sr_digest some[WIRE_DIGESTS_MAX];
    size_t n;
    int rc = sr_get_page_digests(s->link.body.data, s->link.body.size, some,
                                 &n, e);

    if (!rc && s->route != ROUTE_STAGE)
        rc = err_set(e, ERR_PEER, "PAGE_DIGESTS before the last epoch was "
                     "answered");
    return rc ? rc : buf_append(&s->digests, some, n * sizeof(some[0]), e);
}

/* The page of @d[@n] that differs first; @n: none does. */
static int compare(struct colo_secondary *s, const struct sr_digest *d,
                   size_t n, size_t *first_r, struct err *e)
{
    uint8_t pages[COPY_PAGES * CKPT_PAGE_SIZE];
    uint64_t pfns[COPY_PAGES];
    size_t i;
    int rc;

    for (i = 0; i < n; i++)
        pfns[i] = d[i].pfn;
    rc = s->dom_ops->copy(s->dom, pfns, n, pages, e);
    for (i = 0; !rc && i < n; i++)
        if (verify_digest(pages + i * CKPT_PAGE_SIZE) != d[i].digest)
            break;
    *first_r = i;
    return rc;
}

int secondary_verify(struct colo_secondary *s, struct err *e)
{
    size_t all = s->digests.size / sizeof(struct sr_digest), n, first;

    for (size_t i = 0; i < all; i += n) {
        struct sr_digest some[COPY_PAGES];
        int rc;

        n = all - i < COPY_PAGES ? all - i : COPY_PAGES;
        memcpy(some, s->digests.data + i * sizeof(some[0]),
               n * sizeof(some[0]));
        rc = compare(s, some, n, &first, e);
        if (rc)
            return rc;
        if (first < n)
            return err_set(e, ERR_DOMAIN, "page 0x%" PRIx64 " of the copy "
                           "isn't what it is on %s, in epoch %" PRIu64
                           " (--debug-verify there)", some[first].pfn,
                           secondary_peer(s), s->epochs);
    }
    if (all)
        log_info(s->conf->log, "event=compared epoch=%" PRIu64 " pages=%zu",
                 s->epochs, all);
    return 0;
}
