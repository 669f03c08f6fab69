/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The embedded domain without the world around it: memory, dirty log, epochs
 * out of it and into it. No descriptors, no sockets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "embedded_int.h"
#include "format.h"

int emb_fill(struct dom *d, const char *json, size_t n, const char *suffix,
             struct err *e)
{
    struct emb_config *c = &d->config;
    int rc = emb_config_parse(json, n, c, e);

    if (!rc)
        rc = guest_init(&d->guest, c->pages, e);
    if (rc)
        return rc;
    d->pfns = calloc(c->pages, sizeof(*d->pfns));
    d->info.config_json = strndup(json, n);
    if (!d->pfns || !d->info.config_json)
        return err_set(e, ERR_NOMEM, "no memory");
    snprintf(d->info.name, sizeof(d->info.name), "%s%s", c->name, suffix);
    memcpy(d->info.uuid, c->uuid, sizeof(c->uuid));
    d->info.domid = 1;
    d->info.type = DOM_PVH;
    d->info.ram_pages = c->pages;
    d->info.xen_major = 4;
    d->info.xen_minor = 17;
    return 0;
}

int emb_log_start(struct dom *d, struct err *e)
{
    (void)e;
    if (d->copy)
        memset(d->guest.dirty, 0, (d->guest.pages + 63) / 64 *
               sizeof(*d->guest.dirty));
    else
        guest_mark_all(&d->guest);
    d->logging = true;
    return 0;
}

void emb_log_stop(struct dom *d)
{
    d->logging = false;
}

int emb_dirty(struct dom *d, const uint64_t **pfns_r, size_t *n_r,
              struct err *e)
{
    size_t n = 0;

    (void)e;
    for (size_t w = 0; w < (d->guest.pages + 63) / 64; w++) {
        uint64_t bits = d->guest.dirty[w];

        for (; bits; bits &= bits - 1)
            d->pfns[n++] = w * 64 + (size_t)__builtin_ctzll(bits);
        d->guest.dirty[w] = 0;
    }
    *pfns_r = d->pfns;
    *n_r = n;
    return 0;
}

static size_t count_dirty(const struct guest *g)
{
    size_t n = 0;

    for (size_t i = 0; i < (g->pages + 63) / 64; i++)
        n += (size_t)__builtin_popcountll(g->dirty[i]);
    return n;
}

int emb_dirty_count(struct dom *d, uint64_t *pages_r, struct err *e)
{
    (void)e;
    *pages_r = count_dirty(&d->guest);
    return 0;
}

int emb_copy(struct dom *d, const uint64_t *pfns, size_t n,
             uint8_t *to, struct err *e)
{
    (void)e;
    for (size_t i = 0; i < n; i++) {
        if (pfns[i] >= d->guest.pages)
            memset(to + i * CKPT_PAGE_SIZE, 0, CKPT_PAGE_SIZE);
        else
            memcpy(to + i * CKPT_PAGE_SIZE,
                   d->guest.ram + pfns[i] * GUEST_PAGE, GUEST_PAGE);
    }
    return 0;
}

int emb_capture(struct dom *d, struct ckpt *c, uint64_t epoch,
                struct err *e)
{
    static const uint8_t zero[24];
    /* A PVH guest has a page for xenstore, pfn 0xfefff; this one has no use
       for it. */
    static const uint8_t params[24] = {
        1, [8] = WIRE_HVM_PARAM_STORE_PFN, [16] = 0xff, 0xef, 0x0f,
    };
    uint64_t *pfns, t0 = clock_ns();
    const uint64_t *list;
    uint8_t *pages;
    size_t n;
    int rc;

    ckpt_reset(c, epoch);
    rc = ckpt_add(c, count_dirty(&d->guest), &pfns, &pages, e);
    if (!rc)
        rc = emb_dirty(d, &list, &n, e);
    if (rc)
        return rc;
    d->times.bitmap_ns = clock_ns() - t0;
    memcpy(pfns, list, n * sizeof(*pfns));
    t0 = clock_ns();
    rc = emb_copy(d, pfns, n, pages, e);
    d->times.copy_ns = clock_ns() - t0;
    t0 = clock_ns();
    if (!rc)
        rc = buf_append(&c->tsc, zero, sizeof(zero), e);
    if (!rc)
        rc = buf_append(&c->params, params, sizeof(params), e);
    if (!rc)
        rc = guest_save(&d->guest, &c->context, e);
    d->times.context_ns = clock_ns() - t0;
    return rc;
}

int emb_apply(struct dom *d, const struct ckpt *c, struct err *e)
{
    uint64_t t0 = clock_ns();

    for (size_t i = 0; i < c->pages_nr; i++)
        if (c->pfns[i] >= d->guest.pages)
            return err_set(e, ERR_FORMAT, "page %#llx of a guest of %zu "
                           "pages", (unsigned long long)c->pfns[i],
                           d->guest.pages);
    for (size_t i = 0; i < c->pages_nr; i++)
        memcpy(d->guest.ram + c->pfns[i] * GUEST_PAGE, ckpt_page(c, i),
               GUEST_PAGE);
    d->times.copy_ns = clock_ns() - t0;
    emb_queue_clear(&d->waiting);
    d->own_state = false;
    buf_clear(&d->context);
    return buf_append(&d->context, c->context.data, c->context.size, e);
}

int emb_load_context(struct dom *d, struct err *e)
{
    if (d->own_state)
        return 0;
    return guest_load(&d->guest, d->context.data, d->context.size, e);
}

int emb_load(struct dom *d, struct err *e)
{
    snprintf(d->info.name, sizeof(d->info.name), "%s", d->config.name);
    return emb_load_context(d, e);
}
