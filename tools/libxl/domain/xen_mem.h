/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * All of a domain's memory, mapped once and for good, and looked up by page
 * number. Which pages exist has to be asked for over the whole address
 * space, though nearly all of it is holes; that takes seconds, so it is done
 * in steps, where pages are likely first.
 */
#ifndef XC_DOMAIN_XEN_MEM_H
#define XC_DOMAIN_XEN_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <xenctrl.h>
#include <xenforeignmemory.h>

#include "err.h"
#include "xen_call.h"

#define XEN_MEM_LEAF 1024u                      /* pages in a leaf, a call */
#define XEN_MEM_PFNS_MAX ((uint64_t)1 << 28)    /* 1 TiB of addresses */
#define XEN_MEM_RANGES_MAX 6u

struct xen_mem_leaf {
    uint8_t *page[XEN_MEM_LEAF];    /* NULL: a hole */
};

struct xen_mem_chunk {
    void *base;
    size_t pages;
};

struct xen_mem_range {
    uint64_t next, end;             /* still to be looked at */
};

struct xen_mem {
    xenforeignmemory_handle *fmem;
    struct xen_call probe;
    uint32_t domid;
    int prot;
    uint64_t pfns;                  /* numbers 0 to pfns - 1 are possible */
    struct xen_mem_leaf **leaves;
    struct xen_mem_chunk *chunks;
    size_t chunks_nr, chunks_max;
    size_t pages;                   /* mapped */
    struct xen_mem_range ranges[XEN_MEM_RANGES_MAX];
    unsigned int ranges_nr;
    bool complete;                  /* the scan */
    /* Called for each page that is mapped by a step; may be NULL. */
    void (*found)(void *ctx, uint64_t pfn);
    void *found_ctx;
};

/* Nothing is mapped yet. *@m has to be zeroed or disposed. */
int xen_mem_init(struct xen_mem *m, xc_interface *xch,
                 xenforeignmemory_handle *fmem, uint32_t domid,
                 uint64_t pages, bool writable, struct err *e);
/* Idempotent. */
void xen_mem_dispose(struct xen_mem *m);
/* Find and map pages for about @budget_ms; complete when xen_mem_complete()
   says so. UINT_MAX: until then. */
int xen_mem_step(struct xen_mem *m, unsigned int budget_ms, struct err *e);
static inline bool xen_mem_complete(const struct xen_mem *m)
{
    return m->complete;
}
/* Map the pages @pfns as far as they exist and aren't mapped. Returns how
   many of them are mapped now. */
size_t xen_mem_need(struct xen_mem *m, const uint64_t *pfns, size_t n);
/* The same for a page that the scan didn't find, if it is memory. Those that
   are shared with Xen, as the frames of a grant table, aren't: no stream
   carries them. */
bool xen_mem_find(struct xen_mem *m, uint64_t pfn);

static inline uint8_t *xen_mem_page(const struct xen_mem *m, uint64_t pfn)
{
    const struct xen_mem_leaf *leaf;

    if (pfn >= m->pfns)
        return NULL;
    leaf = m->leaves[pfn / XEN_MEM_LEAF];
    return leaf ? leaf->page[pfn % XEN_MEM_LEAF] : NULL;
}

#endif
