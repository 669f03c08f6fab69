/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * One epoch's state of a domain that stands still, into staging, as bodies
 * of the stream's records (docs/specs).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xenctrl.h>    /* before xenguest.h, which lacks it */
#include <xenguest.h>

#include "bytes.h"
#include "xen_priv.h"

#define TSC_SIZE    24u
#define PARAM_SIZE  16u

/* What libxc saves, where it isn't zero. */
static const unsigned int params[] = {
    HVM_PARAM_STORE_PFN, HVM_PARAM_IOREQ_PFN, HVM_PARAM_BUFIOREQ_PFN,
    HVM_PARAM_PAGING_RING_PFN, HVM_PARAM_MONITOR_RING_PFN,
    HVM_PARAM_SHARING_RING_PFN, HVM_PARAM_VM86_TSS_SIZED,
    HVM_PARAM_CONSOLE_PFN, HVM_PARAM_ACPI_IOPORTS_LOCATION,
    HVM_PARAM_VIRIDIAN, HVM_PARAM_IDENT_PT, HVM_PARAM_VM_GENERATION_ID_ADDR,
    HVM_PARAM_IOREQ_SERVER_PFN, HVM_PARAM_NR_IOREQ_SERVER_PAGES,
    HVM_PARAM_X87_FIP_WIDTH, HVM_PARAM_MCA_CAP,
};
#define PARAMS_NR (sizeof(params) / sizeof(params[0]))

static int put_tsc(struct dom *d, struct buf *to, struct err *e)
{
    struct xen_domctl *op = xen_call_begin(&d->call, d->info.domid,
                                           XEN_DOMCTL_gettscinfo);
    const struct xen_domctl_tsc_info *tsc = &op->u.tsc_info;
    uint8_t *p;
    int rc;

    if (xen_call_run(&d->call) < 0)
        return err_sys(e, ERR_IO, errno, "reading the TSC of %s",
                       d->info.name);
    rc = buf_reserve(to, TSC_SIZE, &p, e);
    if (rc)
        return rc;
    put_le32(p, tsc->tsc_mode);
    put_le32(p + 4, tsc->gtsc_khz);
    put_le64(p + 8, tsc->elapsed_nsec);
    put_le32(p + 16, tsc->incarnation);
    put_le32(p + 20, 0);
    to->size += TSC_SIZE;
    return 0;
}

/* They don't change under a running guest: asked for once. */
static int read_params(struct dom *d, struct err *e)
{
    uint32_t nr = 0;
    uint64_t value;
    uint8_t *p;
    size_t i;
    int rc;

    rc = buf_reserve(&d->params, 8 + PARAMS_NR * PARAM_SIZE, &p, e);
    if (rc)
        return rc;
    for (i = 0; i < PARAMS_NR; i++) {
        if (xc_hvm_param_get(d->xch, d->info.domid, params[i], &value))
            return err_sys(e, ERR_IO, errno, "reading parameter %u of %s",
                           params[i], d->info.name);
        if (!value)
            continue;
        put_le64(p + 8 + nr * PARAM_SIZE, params[i]);
        put_le64(p + 16 + nr * PARAM_SIZE, value);
        nr++;
    }
    put_le32(p, nr);
    put_le32(p + 4, 0);
    d->params.size = 8 + nr * PARAM_SIZE;
    return 0;
}

static int put_params(struct dom *d, struct buf *to, struct err *e)
{
    int rc = d->params.size ? 0 : read_params(d, e);

    return rc ? rc : buf_append(to, d->params.data, d->params.size, e);
}

static int put_context(struct dom *d, struct buf *to, struct err *e)
{
    struct xen_domctl *op;
    int r, rc;

    if (!d->context_size) {
        r = xc_domain_hvm_getcontext(d->xch, d->info.domid, NULL, 0);
        if (r <= 0)
            return err_sys(e, ERR_IO, errno, "asking for the size of the "
                           "vCPUs' state of %s", d->info.name);
        rc = xen_call_room(&d->call, (size_t)r, e);
        if (rc)
            return rc;
        d->context_size = (uint32_t)r;
    }
    op = xen_call_begin(&d->call, d->info.domid, XEN_DOMCTL_gethvmcontext);
    op->u.hvmcontext.size = d->context_size;
    set_xen_guest_handle_raw(op->u.hvmcontext.buffer, d->call.data);
    if (xen_call_run(&d->call) < 0)
        return err_sys(e, ERR_IO, errno, "reading the vCPUs' state of %s",
                       d->info.name);
    return buf_append(to, d->call.data, op->u.hvmcontext.size, e);
}

static int put_pages(struct dom *d, struct ckpt *c, struct err *e)
{
    size_t n = d->dirty.list_nr;
    uint64_t *pfns;
    uint8_t *pages;
    int rc;

    rc = ckpt_add(c, n, &pfns, &pages, e);
    if (rc)
        return rc;
    memcpy(pfns, d->dirty.list, n * sizeof(*pfns));
    return xen_copy(d, pfns, n, pages, e);
}

static int put_state(struct dom *d, struct ckpt *c, struct err *e)
{
    uint64_t t0 = clock_ns(), t1;
    int rc = put_tsc(d, &c->tsc, e);

    if (!rc)
        rc = put_params(d, &c->params, e);
    if (!rc)
        rc = put_context(d, &c->context, e);
    t1 = clock_ns();
    d->times.context_ns += t1 - t0;
    if (!rc && xen_is_dm_guest(d)) {
        rc = xen_dm_saved(&d->dm, &c->device, e);
        d->times.device_ns += clock_ns() - t1;
    }
    return rc;
}

int xen_capture(struct dom *d, struct ckpt *c, uint64_t epoch,
                struct err *e)
{
    uint64_t t0 = clock_ns();
    int rc = 0;

    ckpt_reset(c, epoch);
    if (d->state == XEN_GONE || d->state == XEN_ENDED)
        return err_set(e, ERR_DOMAIN, "%s doesn't run any more",
                       d->info.name);
    if (d->state != XEN_SUSPENDED || !d->dirty.on)
        return err_set(e, ERR_BUG, "capture of a domain that runs");
    d->dirty.list_nr = 0;
    /* Its last writes to memory are to be in the bitmap. */
    if (xen_is_dm_guest(d)) {
        rc = xen_dm_stopped(&d->dm, e);
        d->times.device_ns += clock_ns() - t0;
    }
    if (!rc)
        rc = xen_dirty_final(d, e);
    if (!rc)
        rc = put_pages(d, c, e);
    if (!rc)
        rc = put_state(d, c, e);
    if (rc)
        xen_dirty_put_back(d);
    return rc;
}
