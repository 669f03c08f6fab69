/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * --debug-verify on the primary: with each epoch some pages are looked at
 * again, whether the dirty log lists them or not. One that isn't what was sent
 * last goes out with this epoch; the digests let the secondary compare.
 */
#include "primary_int.h"

#include <inttypes.h>
#include <string.h>

/* Copied at a time. */
#define COPY_PAGES 16u

/* xenstore's and the console's: each host has its own. */
struct rings {
    uint64_t store, console;    /* VERIFY_PFN_END: there is none */
};

static uint64_t find(const struct colo_primary *p, uint64_t param)
{
    const struct buf *b = &p->stage.params;
    uint64_t pfn;

    return sr_find_hvm_param(b->data, b->size, param, &pfn, NULL)
               ? VERIFY_PFN_END : pfn;
}

int primary_verify_staged(struct colo_primary *p, uint64_t epoch,
                          struct err *e)
{
    int rc = 0;

    for (size_t i = 0; p->params.verify && !rc && i < p->stage.pages_nr; i++)
        rc = verify_sent(&p->verify, p->stage.pfns[i],
                         ckpt_page(&p->stage, i), epoch, e);
    return rc;
}

/* It changed, and the epoch doesn't have it. */
static int add(struct colo_primary *p, uint64_t pfn, const uint8_t *page,
               struct err *e)
{
    uint64_t *pfns;
    uint8_t *pages;
    int rc = ckpt_add(&p->stage, 1, &pfns, &pages, e);

    if (rc)
        return rc;
    *pfns = pfn;
    memcpy(pages, page, CKPT_PAGE_SIZE);
    p->verify.unlogged++;
    log_info(p->conf->log, "event=page-unlogged pfn=0x%" PRIx64
             " epoch=%" PRIu64, pfn, p->epoch);
    return verify_sent(&p->verify, pfn, page, p->epoch, e);
}

/* Staging is full: it is the next epoch's. */
static int put_off(struct colo_primary *p, uint64_t pfn)
{
    p->verify.next = pfn;
    p->verify.ends_with = 0;
    return 0;
}

/* Who is in the epoch is sent as it was staged, whatever it is by now. */
static int look(struct colo_primary *p, const struct rings *rings,
                uint64_t pfn, const uint8_t *page, struct err *e)
{
    struct verify *v = &p->verify;
    int rc = 0;

    if (pfn == rings->store || pfn == rings->console)
        return 0;
    if (verify_epoch(v, pfn) != p->epoch &&
        verify_digest(page) != verify_known(v, pfn))
        rc = add(p, pfn, page, e);
    if (rc)
        return rc;
    v->list[v->list_nr++] =
        (struct sr_digest){ pfn, verify_known(v, pfn) };
    return 0;
}

static int look_at_some(struct colo_primary *p, struct err *e)
{
    uint8_t pages[COPY_PAGES * CKPT_PAGE_SIZE];
    uint64_t pfns[VERIFY_PAGES];
    struct rings rings;
    size_t n, some;
    int rc = 0;

    p->verify.list_nr = 0;
    if (p->epoch < 2)    /* there is nobody yet to compare */
        return 0;
    rings.store = find(p, WIRE_HVM_PARAM_STORE_PFN);
    rings.console = find(p, WIRE_HVM_PARAM_CONSOLE_PFN);
    if (verify_next(&p->verify, pfns, VERIFY_PAGES, &n))
        p->verify.ends_with = p->epoch;
    for (size_t i = 0; !rc && i < n; i += some) {
        some = n - i < COPY_PAGES ? n - i : COPY_PAGES;
        rc = p->dom->copy(p->conf->dom, pfns + i, some, pages, e);
        for (size_t j = 0; !rc && j < some; j++) {
            rc = look(p, &rings, pfns[i + j], pages + j * CKPT_PAGE_SIZE,
                      e);
            if (rc == ERR_LIMIT)
                return put_off(p, pfns[i + j]);
        }
    }
    return rc;
}

bool primary_verify(struct colo_primary *p)
{
    struct err e = { 0 };

    if (!p->params.verify)
        return true;
    if (!primary_verify_staged(p, p->epoch, &e) && !look_at_some(p, &e))
        return true;
    primary_verdict(p, COLO_END_FAILED, e.code, "verifying: %s", e.msg);
    primary_post(p, PT_CAPTURE_FAILED);
    return false;
}

int primary_verify_put(struct colo_primary *p, struct buf *b, struct err *e)
{
    return p->verify.list_nr ? sr_put_page_digests(b, p->verify.list,
                                                   p->verify.list_nr, e) : 0;
}

void primary_verify_safe(struct colo_primary *p)
{
    struct verify *v = &p->verify;

    if (v->ends_with != p->epoch)
        return;
    if (v->passes++ == 0)
        primary_say(p, LOG_NOTE, "all %" PRIu64 " pages are the same on both "
                    "hosts; of %" PRIu64 " the dirty log hadn't said that "
                    "they changed", v->pages, v->unlogged);
    log_info(p->conf->log, "event=verified passes=%" PRIu64 " pages=%" PRIu64
             " unlogged=%" PRIu64, v->passes, v->pages, v->unlogged);
}
