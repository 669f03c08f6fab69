/* SPDX-License-Identifier: LGPL-2.1-only */
/*
 * The sink's later epochs: memory is written at once, the rest is kept for
 * the takeover, which then takes milliseconds.
 *
 * HVM parameters aren't set again: writing NR_IOREQ_SERVER_PAGES, even the
 * same value, marks frames in use as free. The rings of xenstore and console
 * belong to this host's daemons and are left alone.
 */
#include <errno.h>
#include <string.h>

#include "bytes.h"
#include "xen_priv.h"

#define TSC_SIZE    24u
#define PREPARE_MS  50u    /* the session's loop waits for it */

int xen_apply_prepare(struct dom *d, struct err *e)
{
    uint64_t t0 = clock_ns();
    uint32_t domid = d->info.domid;
    char *json;
    int rc;

    if (xc_hvm_param_get(d->xch, domid, HVM_PARAM_STORE_PFN,
                         &d->skip_pfn[0]) ||
        xc_hvm_param_get(d->xch, domid, HVM_PARAM_CONSOLE_PFN,
                         &d->skip_pfn[1]))
        return err_sys(e, ERR_IO, errno, "reading parameters of the copy");
    json = strdup(d->child_json);
    rc = json ? xen_info_fill(d, json, e) :
         err_set(e, ERR_NOMEM, "no memory for a configuration");
    if (!rc)
        rc = xen_mem_init(&d->mem, d->xch, d->fmem, domid,
                          d->info.ram_pages, true, e);
    d->copy = page_copy_best();
    /* What isn't mapped by then is mapped when an epoch has it. */
    if (!rc)
        rc = xen_mem_step(&d->mem, PREPARE_MS, e);
    if (!rc && xen_is_dm_guest(d))
        rc = xen_dm_open(&d->dm, domid, d->state_dir, e);
    if (!rc && xen_is_dm_guest(d))
        rc = xen_dm_adopt(&d->dm, d->state_dir, e);
    if (rc)
        return err_wrap(e, "preparing the copy");
    log_info(d->log, "event=copy-created domid=%u pages-mapped=%zu "
             "prepare-ms=%llu", domid, d->mem.pages,
             (unsigned long long)(clock_ns() - t0) / 1000000u);
    return 0;
}

/* Have all of the epoch's pages mapped. One that the copy lacks is given to
   it, as in a restore: a guest's pages needn't stay where they were. */
static int add_pages(struct dom *d, const struct ckpt *c, struct err *e)
{
    xen_pfn_t pfn;
    size_t i;

    if (xen_mem_need(&d->mem, c->pfns, c->pages_nr) == c->pages_nr)
        return 0;
    for (i = 0; i < c->pages_nr; i++) {
        pfn = c->pfns[i];
        if (xen_mem_page(&d->mem, pfn))
            continue;
        xen_log_clear(&d->xlog);
        if (pfn >= d->mem.pfns ||
            xc_domain_populate_physmap_exact(d->xch, d->info.domid, 1, 0, 0,
                                             &pfn) ||
            !xen_mem_need(&d->mem, &c->pfns[i], 1))
            return xen_log_err(&d->xlog, e, ERR_DOMAIN, "epoch %llu has "
                               "page 0x%llx, which the copy lacks and can't "
                               "be given", (unsigned long long)c->epoch,
                               (unsigned long long)c->pfns[i]);
    }
    return 0;
}

/* Everything that can be refused is, before the first page. */
static int check(struct dom *d, const struct ckpt *c, struct err *e)
{
    if (!d->created || d->activated || d->state == XEN_GONE)
        return err_set(e, ERR_BUG, "there is no copy to apply to");
    if (d->broken)
        return err_set(e, ERR_DOMAIN, "an earlier epoch failed");
    if (c->tsc.size != TSC_SIZE || !c->context.size)
        return err_set(e, ERR_FORMAT, "epoch %llu lacks the state of TSC "
                       "or vCPUs", (unsigned long long)c->epoch);
    if (xen_is_dm_guest(d) && !c->device.size)
        return err_set(e, ERR_FORMAT, "epoch %llu lacks the device model's "
                       "state", (unsigned long long)c->epoch);
    return add_pages(d, c, e);
}

static void write_pages(struct dom *d, const struct ckpt *c)
{
    size_t i;

    for (i = 0; i < c->pages_nr; i++) {
        if (c->pfns[i] != d->skip_pfn[0] && c->pfns[i] != d->skip_pfn[1])
            d->copy->copy(xen_mem_page(&d->mem, c->pfns[i]),
                          ckpt_page(c, i));
    }
}

static int keep(struct buf *to, const struct buf *from, struct err *e)
{
    buf_clear(to);
    return buf_append(to, from->data, from->size, e);
}

int xen_apply(struct dom *d, const struct ckpt *c, struct err *e)
{
    uint64_t t0 = clock_ns(), t1, t2;
    int rc = check(d, c, e);

    if (rc)
        return rc;
    write_pages(d, c);
    t1 = clock_ns();
    rc = keep(&d->tsc, &c->tsc, e);
    if (!rc)
        rc = keep(&d->context, &c->context, e);
    t2 = clock_ns();
    if (!rc && xen_is_dm_guest(d))
        rc = xen_dm_state(&d->dm, &c->device, e);
    d->times.copy_ns += t1 - t0;
    d->times.context_ns += t2 - t1;
    d->times.device_ns += clock_ns() - t2;
    d->applied = true;
    d->broken = rc != 0;
    return rc ? err_wrap(e, "applying epoch %llu",
                         (unsigned long long)c->epoch) : 0;
}

static int set_vcpus(struct dom *d, struct err *e)
{
    const uint8_t *t = d->tsc.data;

    if (xc_domain_set_tsc_info(d->xch, d->info.domid, get_le32(t),
                               get_le64(t + 8), get_le32(t + 4),
                               get_le32(t + 16)))
        return err_sys(e, ERR_IO, errno, "setting the TSC of %s",
                       d->info.name);
    if (xc_domain_hvm_setcontext(d->xch, d->info.domid, d->context.data,
                                 (uint32_t)d->context.size))
        return err_sys(e, ERR_IO, errno, "setting the vCPUs' state of %s",
                       d->info.name);
    return 0;
}

/* A guest under its old name beats one that doesn't run: no error. Done
   before it runs, since it then takes the CPU that xenstored needs. */
static void rename_final(struct dom *d)
{
    xen_log_clear(&d->xlog);
    if (libxl_domain_rename(d->ctx, d->info.domid, d->info.name,
                            d->final_name)) {
        log_warn(d->log, "event=rename-failed domid=%u name=%s why=\"%s\"",
                 d->info.domid, d->info.name, d->xlog.first);
        return;
    }
    memcpy(d->info.name, d->final_name, sizeof(d->info.name));
}

int xen_activate(struct dom *d, bool run, struct err *e)
{
    uint64_t t0 = clock_ns(), t1, t2, t3;
    int rc = 0;

    if (!d->created || d->activated || d->state == XEN_GONE)
        return err_set(e, ERR_BUG, "there is no copy to activate");
    if (d->broken)
        return err_set(e, ERR_DOMAIN, "the copy of %s is unusable: its "
                       "newest epoch could be applied in part only",
                       d->final_name);
    if (d->applied)
        rc = set_vcpus(d, e);
    t1 = clock_ns();
    if (!rc && xen_is_dm_guest(d) && d->applied)
        rc = xen_dm_load(&d->dm, e);
    if (!rc && xen_is_dm_guest(d))
        rc = xen_dm_run(&d->dm, e);
    t2 = clock_ns();
    if (rc)
        return rc;
    rename_final(d);
    t3 = clock_ns();
    if (run && xc_domain_unpause(d->xch, d->info.domid))
        return err_sys(e, ERR_IO, errno, "starting %s", d->info.name);
    d->activated = true;
    d->times.context_ns += t1 - t0;
    d->times.device_ns += t2 - t1;
    d->times.resume_ns += clock_ns() - t3;
    /* The mapping goes with close(): the guest needs the CPU now. */
    xen_dm_forget(&d->dm);
    log_info(d->log, "event=activated domid=%u rename-ms=%llu",
             d->info.domid, (unsigned long long)(t3 - t2) / 1000000u);
    return 0;
}
