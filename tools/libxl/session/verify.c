/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Digests of pages by their number: a tree of two levels, as most numbers
 * aren't pages.
 */
#include "verify.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "ckpt.h"

#define LEAF_PAGES 512u

struct verify_leaf {
    uint64_t digest[LEAF_PAGES];
    uint64_t epoch[LEAF_PAGES];    /* 0: it was never sent */
};

uint64_t verify_digest(const uint8_t *page)
{
    return XXH3_64bits(page, CKPT_PAGE_SIZE);
}

static const struct verify_leaf *leaf_of(const struct verify *v, uint64_t pfn)
{
    return pfn / LEAF_PAGES < v->leaves_nr ? v->leaves[pfn / LEAF_PAGES]
                                           : NULL;
}

static int make_leaf(struct verify *v, uint64_t pfn, struct err *e)
{
    size_t need = (size_t)(pfn / LEAF_PAGES) + 1;
    struct verify_leaf **more;

    if (pfn >= VERIFY_PFN_END)
        return err_set(e, ERR_LIMIT, "page %#llx is too high to be verified",
                       (unsigned long long)pfn);
    if (need > v->leaves_nr) {
        more = realloc(v->leaves, need * sizeof(struct verify_leaf *));
        if (!more)
            return err_set(e, ERR_NOMEM, "no memory for pages' digests");
        memset(more + v->leaves_nr, 0,
               (need - v->leaves_nr) * sizeof(struct verify_leaf *));
        v->leaves = more;
        v->leaves_nr = need;
    }
    if (!v->leaves[need - 1])
        v->leaves[need - 1] = calloc(1, sizeof(struct verify_leaf));
    return v->leaves[need - 1] ? 0 :
           err_set(e, ERR_NOMEM, "no memory for pages' digests");
}

int verify_sent(struct verify *v, uint64_t pfn, const uint8_t *page,
                uint64_t epoch, struct err *e)
{
    struct verify_leaf *leaf;
    int rc = leaf_of(v, pfn) ? 0 : make_leaf(v, pfn, e);

    if (rc)
        return rc;
    leaf = v->leaves[pfn / LEAF_PAGES];
    if (!leaf->epoch[pfn % LEAF_PAGES])
        v->pages++;
    leaf->epoch[pfn % LEAF_PAGES] = epoch;
    leaf->digest[pfn % LEAF_PAGES] = verify_digest(page);
    return 0;
}

uint64_t verify_epoch(const struct verify *v, uint64_t pfn)
{
    const struct verify_leaf *leaf = leaf_of(v, pfn);

    return leaf ? leaf->epoch[pfn % LEAF_PAGES] : 0;
}

uint64_t verify_known(const struct verify *v, uint64_t pfn)
{
    const struct verify_leaf *leaf = leaf_of(v, pfn);

    return leaf ? leaf->digest[pfn % LEAF_PAGES] : 0;
}

bool verify_next(struct verify *v, uint64_t *pfns_r, size_t max, size_t *n_r)
{
    uint64_t end = (uint64_t)v->leaves_nr * LEAF_PAGES;
    size_t n = 0;

    while (n < max && v->next < end) {
        if (!leaf_of(v, v->next)) {
            v->next += LEAF_PAGES - v->next % LEAF_PAGES;
            continue;
        }
        if (verify_epoch(v, v->next))
            pfns_r[n++] = v->next;
        v->next++;
    }
    *n_r = n;
    if (v->next < end)
        return false;
    v->next = 0;
    return true;
}

void verify_dispose(struct verify *v)
{
    for (size_t i = 0; i < v->leaves_nr; i++)
        free(v->leaves[i]);
    free(v->leaves);
    memset(v, 0, sizeof(*v));
}
