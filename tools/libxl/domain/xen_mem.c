/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * Finding and mapping a domain's pages.
 */
#include "xen_mem.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "clock.h"

#define PFN_DEVICES ((uint64_t)0xf0000)
#define PFN_4G      ((uint64_t)0x100000)

/*
 * Which of 1024 pages exist, and of which type. Trying to map holes instead
 * takes a hypercall for each.
 */
static int probe_run(struct xen_call *c, uint32_t domid, uint64_t first,
                     size_t n, struct err *e)
{
    struct xen_domctl *op = xen_call_begin(c, domid,
                                           XEN_DOMCTL_getpageframeinfo3);
    xen_pfn_t *types = c->data;    /* in: numbers; out: types */
    size_t i;

    for (i = 0; i < n; i++)
        types[i] = first + i;
    op->u.getpageframeinfo3.num = n;
    set_xen_guest_handle_raw(op->u.getpageframeinfo3.array, types);
    if (xen_call_run(c) < 0)
        return err_sys(e, ERR_IO, errno, "asking for the guest's pages "
                       "from 0x%llx on", (unsigned long long)first);
    return 0;
}

/* A page with content: neither a hole nor broken. */
static bool probe_valid(xen_pfn_t type)
{
    type &= XEN_DOMCTL_PFINFO_LTAB_MASK;
    return type != XEN_DOMCTL_PFINFO_XTAB &&
           type != XEN_DOMCTL_PFINFO_XALLOC &&
           type != XEN_DOMCTL_PFINFO_BROKEN;
}

static int add_chunk(struct xen_mem *m, void *base, size_t n, struct err *e)
{
    struct xen_mem_chunk *p;
    size_t max;

    if (m->chunks_nr == m->chunks_max) {
        max = m->chunks_max ? 2 * m->chunks_max : 64;
        p = realloc(m->chunks, max * sizeof(*p));
        if (!p)
            return err_set(e, ERR_NOMEM, "no memory for the memory map");
        m->chunks = p;
        m->chunks_max = max;
    }
    m->chunks[m->chunks_nr++] = (struct xen_mem_chunk){ base, n };
    return 0;
}

static int enter(struct xen_mem *m, uint64_t pfn, uint8_t *page,
                 struct err *e)
{
    struct xen_mem_leaf **leaf = &m->leaves[pfn / XEN_MEM_LEAF];

    if (!*leaf)
        *leaf = calloc(1, sizeof(**leaf));
    if (!*leaf)
        return err_set(e, ERR_NOMEM, "no memory for the memory map");
    (*leaf)->page[pfn % XEN_MEM_LEAF] = page;
    m->pages++;
    if (m->found)
        m->found(m->found_ctx, pfn);
    return 0;
}

/* Map @n pages; those that can't be mapped stay holes, as for libxc. */
static int map_batch(struct xen_mem *m, const xen_pfn_t *pfns, size_t n,
                     struct err *e)
{
    int errs[XEN_MEM_LEAF];
    uint8_t *base;
    size_t i;
    int rc = 0;

    assert(n <= XEN_MEM_LEAF);
    if (n == 0)
        return 0;
    base = xenforeignmemory_map(m->fmem, m->domid, m->prot, n, pfns, errs);
    if (!base)
        return err_sys(e, ERR_IO, errno, "mapping the guest's memory");
    for (i = 0; i < n && errs[i]; i++)
        continue;
    if (i < n)
        rc = add_chunk(m, base, n, e);
    if (i == n || rc)
        xenforeignmemory_unmap(m->fmem, base, n);
    for (; i < n && !rc; i++) {
        if (!errs[i])
            rc = enter(m, pfns[i], base + i * XC_PAGE_SIZE, e);
    }
    return rc;
}

/* Look at one leaf's worth of a range. */
static int scan_some(struct xen_mem *m, struct xen_mem_range *r,
                     struct err *e)
{
    xen_pfn_t found[XEN_MEM_LEAF];
    const xen_pfn_t *types = m->probe.data;
    uint64_t left = r->end - r->next;
    size_t n = left < XEN_MEM_LEAF ? left : XEN_MEM_LEAF;
    size_t i, found_nr = 0;
    int rc;

    rc = probe_run(&m->probe, m->domid, r->next, n, e);
    if (rc)
        return rc;
    for (i = 0; i < n; i++) {
        if (probe_valid(types[i]) &&
            !xen_mem_page(m, r->next + i))
            found[found_nr++] = r->next + i;
    }
    r->next += n;
    return map_batch(m, found, found_nr, e);
}

int xen_mem_step(struct xen_mem *m, unsigned int budget_ms, struct err *e)
{
    uint64_t until = clock_ns() + (uint64_t)budget_ms * 1000000u;
    unsigned int i;
    int rc;

    if (xen_mem_complete(m))
        return 0;
    for (i = 0; i < m->ranges_nr; i++) {
        while (m->ranges[i].next < m->ranges[i].end) {
            if (clock_ns() >= until)
                return 0;
            rc = scan_some(m, &m->ranges[i], e);
            if (rc)
                return rc;
        }
    }
    m->complete = true;
    return 0;
}

static void add_range(struct xen_mem *m, uint64_t from, uint64_t to)
{
    if (to > m->pfns)
        to = m->pfns;
    if (from >= to)
        return;
    assert(m->ranges_nr < XEN_MEM_RANGES_MAX);
    m->ranges[m->ranges_nr++] = (struct xen_mem_range){ from, to };
}

/*
 * In the order of likelihood: memory from 0 on, memory from 4 GiB on, the
 * special pages and the usual places of PCI devices below 4 GiB, the rest.
 */
static void plan(struct xen_mem *m, uint64_t pages)
{
    uint64_t low = pages + 1024 < PFN_DEVICES ? pages + 1024 : PFN_DEVICES;

    m->ranges_nr = 0;
    add_range(m, 0, low);
    add_range(m, PFN_4G, PFN_4G + pages);
    add_range(m, PFN_DEVICES, PFN_4G);
    add_range(m, low, PFN_DEVICES);
    add_range(m, PFN_4G + pages, m->pfns);
}

int xen_mem_init(struct xen_mem *m, xc_interface *xch,
                 xenforeignmemory_handle *fmem, uint32_t domid,
                 uint64_t pages, bool writable, struct err *e)
{
    xen_pfn_t nr;
    int rc;

    assert(!m->leaves);
    memset(m, 0, sizeof(*m));
    m->fmem = fmem;
    m->domid = domid;
    m->prot = writable ? PROT_READ | PROT_WRITE : PROT_READ;
    if (xc_domain_nr_gpfns(xch, domid, &nr))
        return err_sys(e, ERR_IO, errno, "asking for the size of the "
                       "guest's address space");
    if (nr > XEN_MEM_PFNS_MAX)
        return err_set(e, ERR_LIMIT, "the guest's address space of %llu GiB "
                       "is beyond the limit of %llu GiB",
                       (unsigned long long)nr >> 18,
                       (unsigned long long)XEN_MEM_PFNS_MAX >> 18);
    m->pfns = nr;
    plan(m, pages);
    m->leaves = calloc(nr / XEN_MEM_LEAF + 1, sizeof(struct xen_mem_leaf *));
    rc = m->leaves ? xen_call_open(&m->probe,
                                   XEN_MEM_LEAF * sizeof(xen_pfn_t), e) :
         err_set(e, ERR_NOMEM, "no memory for the memory map");
    if (rc)
        xen_mem_dispose(m);
    return rc;
}

size_t xen_mem_need(struct xen_mem *m, const uint64_t *pfns, size_t n)
{
    xen_pfn_t missing[XEN_MEM_LEAF];
    size_t i, nr = 0, there = 0;

    for (i = 0; i < n; i++) {
        if (pfns[i] >= m->pfns || xen_mem_page(m, pfns[i]))
            continue;
        missing[nr++] = pfns[i];
        if (nr == XEN_MEM_LEAF) {
            map_batch(m, missing, nr, NULL);
            nr = 0;
        }
    }
    if (nr)
        map_batch(m, missing, nr, NULL);
    for (i = 0; i < n; i++)
        there += xen_mem_page(m, pfns[i]) != NULL;
    return there;
}

bool xen_mem_find(struct xen_mem *m, uint64_t pfn)
{
    const xen_pfn_t *type = m->probe.data;

    return pfn < m->pfns &&
           !probe_run(&m->probe, m->domid, pfn, 1, NULL) &&
           probe_valid(*type) && xen_mem_need(m, &pfn, 1) == 1;
}

void xen_mem_dispose(struct xen_mem *m)
{
    size_t i;

    for (i = 0; i < m->chunks_nr; i++)
        xenforeignmemory_unmap(m->fmem, m->chunks[i].base,
                               m->chunks[i].pages);
    for (i = 0; m->leaves && i <= m->pfns / XEN_MEM_LEAF; i++)
        free(m->leaves[i]);
    xen_call_close(&m->probe);
    free(m->chunks);
    free(m->leaves);
    memset(m, 0, sizeof(*m));
}
