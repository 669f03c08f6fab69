/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The dirty log: which pages are to be sent. All memory is mapped once at
 * the start. What was taken from Xen's log and couldn't be used is kept and
 * listed again, since Xen forgets it with the reading.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "xen_priv.h"

#define PAGES_MORE  65536u

/* Finding out which pages exist goes on while the first copy is made. */
#define START_MS    200u
#define STEP_MS     40u

#define UNDO_LIMIT_MS 2000u

/* A migration that took the logs from us needs them to its end. */
static bool theirs(struct dom *d)
{
    return d->dirty.rival.seen && xen_rival_look(d, NULL);
}

void xen_dirty_dispose(struct dom *d)
{
    struct xen_dirty *w = &d->dirty;

    if (w->on && d->xch && !theirs(d))
        xc_shadow_control(d->xch, d->info.domid, XEN_DOMCTL_SHADOW_OP_OFF,
                          NULL, 0);
    if (w->hbuf_pages)
        xc__hypercall_buffer_free_pages(d->xch, &w->hbuf,
                                        (int)w->hbuf_pages);
    free(w->keep);
    free(w->list);
    xen_rival_dispose(&w->rival);
    memset(w, 0, sizeof(*w));
}

static int alloc(struct dom *d, uint64_t pages, struct err *e)
{
    struct xen_dirty *w = &d->dirty;
    size_t bytes;

    w->words = d->mem.pfns / XEN_WORD_BITS + 1;
    bytes = w->words * sizeof(uint64_t);
    w->hbuf = (xc_hypercall_buffer_t){ HYPERCALL_BUFFER_INIT_NO_BOUNCE };
    w->hbuf_pages = (bytes + XC_PAGE_SIZE - 1) / XC_PAGE_SIZE;
    if (!xc__hypercall_buffer_alloc_pages(d->xch, &w->hbuf,
                                          (int)w->hbuf_pages)) {
        w->hbuf_pages = 0;
        return err_set(e, ERR_NOMEM, "no memory for a dirty bitmap of %zu "
                       "KiB", bytes >> 10);
    }
    w->keep = calloc(w->words, sizeof(*w->keep));
    /* What a guest's memory isn't: shared with Xen, tables, device RAM. */
    w->list_max = pages + PAGES_MORE;
    w->list = malloc(w->list_max * sizeof(*w->list));
    if (!w->keep || !w->list)
        return err_set(e, ERR_NOMEM, "no memory for a list of %zu pages",
                       w->list_max);
    return 0;
}

/* EINVAL: it is on already. A migration that broke leaves it so: libxl's
   helper dies of the pipe. */
static int enable(struct dom *d, struct err *e)
{
    uint32_t domid = d->info.domid;
    int rc, r = xc_shadow_control(d->xch, domid,
                                  XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL,
                                  0);

    if (r < 0 && errno == EINVAL) {
        rc = xen_rival_look(d, e);
        if (rc)
            return rc;
        xc_shadow_control(d->xch, domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0);
        r = xc_shadow_control(d->xch, domid,
                              XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0);
    }
    if (r < 0)
        return err_sys(e, ERR_IO, errno, "switching the dirty log of %s on",
                       d->info.name);
    d->dirty.on = true;
    sweep_init(&d->dirty.sweep);
    return 0;
}

/* Every page that is found is to be sent once. */
static void found(void *ctx, uint64_t pfn)
{
    struct dom *d = ctx;

    xen_set_bit(d->dirty.keep, pfn);
}

static int map_some(struct dom *d, unsigned int budget_ms, struct err *e)
{
    int rc;

    if (xen_mem_complete(&d->mem))
        return 0;
    rc = xen_mem_step(&d->mem, budget_ms, e);
    if (!rc && xen_mem_complete(&d->mem))
        log_info(d->log, "event=memory-mapped domid=%u pages=%zu pfns=%llu "
                 "copied-by=%s",
                 d->info.domid, d->mem.pages,
                 (unsigned long long)d->mem.pfns, d->copy->name);
    return rc;
}

int xen_dirty_complete(struct dom *d, struct err *e)
{
    return d->dirty.on ? map_some(d, UINT_MAX, e) : 0;
}

static uint64_t read_target(struct dom *d)
{
    char *s = xs_read(d->xs, XBT_NULL, d->target_path, NULL);
    uint64_t kib = s ? strtoull(s, NULL, 10) : 0;

    free(s);
    return kib;
}

void xen_dirty_on_target(struct dom *d)
{
    if (d->dirty.on)
        d->target = read_target(d);
}

static int start(struct dom *d, struct err *e)
{
    xc_domaininfo_t now;
    int rc = xen_info_now(d, &now, e);

    if (!rc)
        rc = xen_mem_init(&d->mem, d->xch, d->fmem, d->info.domid,
                          now.tot_pages, false, e);
    if (!rc)
        rc = alloc(d, now.tot_pages, e);
    if (!rc)
        rc = xen_mark(d, e);
    if (!rc)
        rc = enable(d, e);
    if (!rc && xen_is_dm_guest(d))
        rc = xen_dm_open(&d->dm, d->info.domid, d->state_dir, e);
    /* Else what the device model writes by DMA is missed, silently. */
    if (!rc && xen_is_dm_guest(d))
        rc = xen_dm_log(&d->dm, true, e);
    if (rc)
        return rc;
    d->start_pages = now.tot_pages;
    d->start_target = d->target = read_target(d);
    d->info.ram_pages = now.tot_pages;
    if (xen_is_dm_guest(d))
        xen_dm_prepare(&d->dm);
    d->copy = page_copy_best();
    d->mem.found = found;
    d->mem.found_ctx = d;
    return map_some(d, START_MS, e);
}

int xen_log_start(struct dom *d, struct err *e)
{
    int rc;

    if (d->dirty.on)
        return err_set(e, ERR_BUG, "the dirty log is on already");
    rc = start(d, e);
    if (rc) {
        xen_log_stop(d);
        return err_wrap(e, "starting to watch the memory of %s",
                        d->info.name);
    }
    return 0;
}

void xen_log_stop(struct dom *d)
{
    struct err e;

    if (d->state != XEN_GONE && xen_suspend_undo(d, UNDO_LIMIT_MS, &e))
        log_error(d->log, "event=resume-failed domid=%u why=\"%s\"",
                  d->info.domid, e.msg);
    if (d->dm.logging && d->state != XEN_GONE && !theirs(d) &&
        xen_dm_log(&d->dm, false, &e))
        log_warn(d->log, "event=device-model-log-stays-on domid=%u "
                 "why=\"%s\"", d->info.domid, e.msg);
    xen_dm_dispose(&d->dm);
    xen_dirty_dispose(d);
    xen_mem_dispose(&d->mem);
    xen_unmark(d);
}

static void list_one(struct dom *d, uint64_t pfn)
{
    struct xen_dirty *w = &d->dirty;

    if (!xen_mem_page(&d->mem, pfn)) {
        if (!xen_mem_find(&d->mem, pfn))
            return;
        log_info(d->log, "event=page-appeared domid=%u pfn=0x%llx",
                 d->info.domid, (unsigned long long)pfn);
    }
    if (w->list_nr < w->list_max)
        w->list[w->list_nr++] = pfn;
    else
        xen_set_bit(w->keep, pfn);
}

static int take(struct dom *d, bool clean, unsigned int mode, struct err *e)
{
    struct xen_dirty *w = &d->dirty;
    uint64_t *bits = w->hbuf.hbuf;
    uint64_t word;
    long long r;
    size_t i;

    w->list_nr = 0;
    if (clean)
        xen_rival_before(d);
    r = xc_logdirty_control(d->xch, d->info.domid,
                            clean ? XEN_DOMCTL_SHADOW_OP_CLEAN
                                  : XEN_DOMCTL_SHADOW_OP_PEEK, &w->hbuf,
                            (unsigned long)d->mem.pfns, mode, NULL);
    if (r < 0)
        return err_sys(e, ERR_IO, errno, "reading the dirty log of %s",
                       d->info.name);
    if ((uint64_t)r != d->mem.pfns)
        return err_set(e, ERR_IO, "the dirty log of %s covers %lld pages, "
                       "not %llu", d->info.name, r,
                       (unsigned long long)d->mem.pfns);
    if (xen_rival_after(d, bits, clean, e))
        return e->code;
    for (i = 0; i < w->words; i++) {
        word = bits[i] | w->keep[i];
        w->keep[i] = 0;
        for (; word; word &= word - 1)
            list_one(d,
                     i * XEN_WORD_BITS + (unsigned int)__builtin_ctzll(word));
    }
    return 0;
}

int xen_dirty(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
              struct err *e)
{
    uint64_t t0 = clock_ns();
    int rc;

    if (!d->dirty.on)
        return err_set(e, ERR_BUG, "the dirty log isn't on");
    rc = map_some(d, STEP_MS, e);
    if (!rc)
        rc = take(d, true, 0, e);
    d->times.bitmap_ns += clock_ns() - t0;
    *pfns_r = d->dirty.list;
    *n_r = rc ? 0 : d->dirty.list_nr;
    return rc;
}

/*
 * Xen counts what is in its log. In one that wasn't cleaned a page that is
 * written again doesn't count again: from now on each look cleans.
 */
int xen_dirty_count(struct dom *d, uint64_t *pages_r, struct err *e)
{
    xc_shadow_op_stats_t stats;

    *pages_r = 0;
    d->dirty.counted = true;
    if (!d->dirty.cleaned)
        return 0;
    if (xc_logdirty_control(d->xch, d->info.domid,
                            XEN_DOMCTL_SHADOW_OP_PEEK, NULL, 0, 0,
                            &stats) < 0)
        return err_sys(e, ERR_IO, errno, "counting the dirty pages of %s",
                       d->info.name);
    *pages_r = stats.dirty_count;
    return 0;
}

int xen_copy(struct dom *d, const uint64_t *pfns, size_t n, uint8_t *to,
             struct err *e)
{
    uint64_t t0 = clock_ns();
    const uint8_t *page;
    size_t i;
    int rc = 0;

    if (d->created)    /* a sink, which looks for nothing by itself */
        xen_mem_need(&d->mem, pfns, n);
    else if (d->dirty.on)
        rc = map_some(d, STEP_MS, e);
    else
        rc = err_set(e, ERR_BUG, "the dirty log isn't on");
    if (rc)
        return rc;
    for (i = 0; i < n; i++, to += CKPT_PAGE_SIZE) {
        page = xen_mem_page(&d->mem, pfns[i]);
        if (page) {
            d->copy->copy(to, page);
            continue;
        }
        memset(to, 0, CKPT_PAGE_SIZE);
        if (d->dirty.on && pfns[i] < d->mem.pfns)
            xen_set_bit(d->dirty.keep, pfns[i]);
    }
    d->times.copy_ns += clock_ns() - t0;
    return 0;
}

static int changed(struct err *e, uint64_t from, uint64_t to)
{
    if (from >> 8 == to >> 8)
        return err_set(e, ERR_DOMAIN, "guest memory changed from %llu to "
                       "%llu pages while protected",
                       (unsigned long long)from, (unsigned long long)to);
    return err_set(e, ERR_DOMAIN, "guest memory changed from %llu to %llu "
                   "MiB while protected", (unsigned long long)from >> 8,
                   (unsigned long long)to >> 8);
}

/*
 * The mapping has to show the guest's memory. Pages that the guest gives
 * back stay allocated while they are mapped, so the count doesn't fall: what
 * it was asked for tells. Pages that it takes, also in the place of others,
 * raise the count.
 */
static int check_layout(struct dom *d, struct err *e)
{
    xc_domaininfo_t now;
    int rc = xen_info_now(d, &now, e);

    if (rc)
        return rc;
    if (now.tot_pages != d->start_pages)
        return changed(e, d->start_pages, now.tot_pages);
    if (d->target != d->start_target)
        return changed(e, d->start_target / 4, d->target / 4);
    return 0;
}

int xen_dirty_final(struct dom *d, struct err *e)
{
    uint64_t t0 = clock_ns();
    int rc;

    d->dirty.list_nr = 0;
    rc = check_layout(d, e);
    d->dirty.cleaned = d->dirty.sweep.due || d->dirty.counted;
    d->dirty.sweep.due = d->dirty.cleaned;
    if (!rc)
        rc = take(d, d->dirty.cleaned, XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL, e);
    if (!rc)
        sweep_saw(&d->dirty.sweep, d->dirty.list_nr);
    d->times.bitmap_ns += clock_ns() - t0;
    return rc;
}

void xen_dirty_put_back(struct dom *d)
{
    size_t i;

    for (i = 0; i < d->dirty.list_nr; i++)
        xen_set_bit(d->dirty.keep, d->dirty.list[i]);
    d->dirty.list_nr = 0;
}
